"""W4: `check` and `consume` out of a lease, in process, 16 threads at one quota; beside a lock, a comparison and a sum."""

import tempfile
import threading
from collections.abc import Callable
from decimal import Decimal
from statistics import median
from time import perf_counter_ns

from bench.floors import LockedSum
from bench.measure import Effort, Row, rates
from tallystick.app import Leases, Tallystick
from tallystick.domain.entitlements import Quota, Reset
from tallystick.domain.usage import Meter
from tallystick.values.ids import MeterKey

THREADS = 16
USES = 4_000  # of each thread, in each round
DENIED = 100  # of all: the limit is reached at the very end, where everybody stands at it at once
LEASE = 10_000_000

Use = Callable[[str], object]
Delays = tuple[float, float]  # the median, and the 99th of a hundred, in microseconds


def run(effort: Effort) -> list[Row]:
    uses = effort.amount(USES)
    asked = THREADS * uses * effort.rounds
    with tempfile.TemporaryDirectory() as folder:
        billing = Tallystick.from_url(f"sqlite:///{folder}/bench.db")
        billing.put_meter(Meter(MeterKey("calls"), decimals=0))
        billing.grant("ada", "calls", Quota(Decimal(asked - DENIED), reset=Reset.NEVER))
        leases, floor = Leases(billing, size=LEASE), LockedSum()
        sides: list[Use] = [
            lambda _: floor.take(1),
            lambda _: leases.check("ada", "calls", 1),
            lambda op: leases.consume("ada", "calls", 1, op=op),
        ]
        found = [[_delays(side, uses, turn) for side in sides] for turn in range(effort.rounds)]
        leases.close()
        _check_books(billing, expected=asked - DENIED)
        billing.close()
    return [row for place, name in ((1, "check"), (2, "consume")) for row in _rows(name, found, place)]


def _delays(use: Use, uses: int, turn: int) -> Delays:
    delays: list[list[int]] = [[] for _ in range(THREADS)]
    start = threading.Barrier(THREADS)

    def work(thread: int) -> None:
        mine, ops = delays[thread], [f"request-{turn}-{thread}-{number}" for number in range(uses)]
        start.wait()
        for op in ops:
            begun = perf_counter_ns()
            use(op)
            mine.append(perf_counter_ns() - begun)

    crowd = [threading.Thread(target=work, args=(thread,)) for thread in range(THREADS)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    ordered = sorted(delay for mine in delays for delay in mine)
    return ordered[len(ordered) // 2] / 1e3, ordered[len(ordered) * 99 // 100] / 1e3


def _rows(name: str, found: list[list[Delays]], place: int) -> list[Row]:
    # Of two delays, the ratio of their inverses: like every other ratio here, the higher, the better.
    pairs = [(1e6 / sides[place][0], 1e6 / sides[0][0]) for sides in found]
    rows = [rates(f"W4 {name} out of a lease, 16 threads, median", pairs, bar=0.10, unit="uses/s")]
    for which, bar in ((0, 5.0), (1, 50.0)):
        delays = [sides[place][which] for sides in found]
        floor = median(sides[0][which] for sides in found)
        middle, title = median(delays), f"W4 {name}, p{(50, 99)[which]}"
        rows.append(Row(title, middle, floor, middle, min(delays), max(delays), bar, "µs", difference=True))
    return rows


def _check_books(billing: Tallystick, *, expected: int) -> None:
    stands = billing.check("ada", "calls")
    if (stands.used, stands.reserved) != (expected, 0):
        raise AssertionError(f"W4: {stands.used} used and {stands.reserved} reserved, where {expected} could be granted")
    if not billing.verify().clean:
        raise AssertionError("W4: the books are not whole")
