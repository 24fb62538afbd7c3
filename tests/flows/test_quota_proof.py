"""The proof of quotas: 4 processes of 16 threads at one hard limit, out of leases and one by one; uses sent again, and kills.

How much is asked in the long run is said by TALLYSTICK_PROOF_CONSUMES.
"""

import json
import multiprocessing
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from tallystick.app import Leases, Tallystick
from tallystick.domain.entitlements import Quota, Reset
from tallystick.domain.usage import Meter
from tallystick.values.ids import MeterKey
from tests.flows.crowd import at_once, patiently
from tests.flows.test_quota_concurrency import engine

CONSUMES = int(os.environ.get("TALLYSTICK_PROOF_CONSUMES", "200000"))
PROCESSES, THREADS = 4, 16
CHUNK = 2_000  # a program notes after so many that they are on disk; killed, it sends those again that it had not noted
TTL = timedelta(seconds=5)
SIZE = 2_000
SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Plan:
    """`asked` uses in all, of which every fifth was sent before; `one_by_one` of them are durable before they are answered."""

    asked: int
    one_by_one: int
    kills: int

    @property
    def distinct(self) -> int:
        return self.asked * 4 // 5

    @property
    def limit(self) -> int:
        return self.distinct - self.distinct // 40

    def share(self, process: int) -> list[int]:
        """The numbers of the uses that one program sends, in its order: its own, some of them twice, and some of another's."""
        chance = random.Random(process)
        mine = list(range(process, self.distinct, PROCESSES))
        others = range((process + 1) % PROCESSES, self.distinct, PROCESSES)
        again = len(mine) // 8
        sent = mine + chance.sample(mine, again) + chance.sample(others, again)
        chance.shuffle(sent)
        return sent

    def is_one_by_one(self, number: int) -> bool:
        return number * self.one_by_one // self.distinct != (number + 1) * self.one_by_one // self.distinct


def program(url: str, note: Path, process: int, plan: Plan) -> None:
    """One process: sends its share in chunks, from where its note says that it was, and notes what was allowed."""
    billing = engine(url)
    sent, noted = plan.share(process), _read(note)
    with Leases(billing, size=SIZE, ttl=TTL) as leases:
        while noted["done"] < len(sent):
            chunk = sent[noted["done"] : noted["done"] + CHUNK]
            noted["allowed"] += _ask(billing, leases, chunk, plan)
            patiently(leases.flush)
            noted["done"] += len(chunk)
            noted["counts"].append(asdict(leases.counts))
            _write(note, noted)
    billing.close()


def _ask(billing: Tallystick, leases: Leases, numbers: list[int], plan: Plan) -> list[int]:
    """Those that are allowed, of numbers that all threads ask together."""

    def is_allowed(number: int) -> bool:
        by = billing.consume if plan.is_one_by_one(number) else leases.consume
        return patiently(lambda: by("ada", "calls", 1, op=f"op-{number}")).allowed

    def work(thread: int) -> list[int]:
        return [number for number in numbers[thread::THREADS] if is_allowed(number)]

    return [number for told in at_once(THREADS, work, patience_s=300) for number in told]


def _read(note: Path) -> dict:
    return json.loads(note.read_text()) if note.exists() else {"done": 0, "allowed": [], "counts": []}


def _write(note: Path, noted: dict) -> None:
    growing = note.with_suffix(".tmp")
    growing.write_text(json.dumps(noted))
    growing.replace(note)


def run(billing: Tallystick, url: str, folder: Path, plan: Plan) -> int:
    """Lets all programs come to their end, some of them killed on the way and begun anew; how often the books were read."""
    notes = [folder / f"{process}.json" for process in range(PROCESSES)]
    programs = [_started(url, notes[process], process, plan) for process in range(PROCESSES)]
    chance, looks, kills = random.Random(plan.asked), 0, 0
    while any(program.is_alive() for program in programs):
        stands = billing.check("ada", "calls")
        looks += 1
        assert stands.used + stands.reserved <= plan.limit, "never, at no instant"
        if kills < plan.kills and stands.used >= (kills + 1) * plan.limit // (plan.kills + 2):
            victim = chance.randrange(PROCESSES)
            programs[victim].kill()
            programs[victim].join()
            programs[victim] = _started(url, notes[victim], victim, plan)
            kills += 1
        time.sleep(0.02)
    assert [program.exitcode for program in programs] == [0] * PROCESSES
    assert kills == plan.kills
    return looks


def _started(url: str, note: Path, process: int, plan: Plan):
    made = SPAWN.Process(target=program, args=(url, note, process, plan))
    made.start()
    return made


def events(billing: Tallystick) -> Counter[str]:
    with billing.context.database.reading() as conn:
        return Counter(conn.execute(text("SELECT id FROM tallystick_events WHERE source = 'quota'")).scalars())


def taken(billing: Tallystick) -> set[str]:
    with billing.context.database.reading() as conn:
        return set(conn.execute(text("SELECT id FROM tallystick_quota_operations WHERE status = 'taken'")).scalars())


@pytest.fixture
def billing(database_url: str) -> Iterator[Tallystick]:
    made = engine(database_url)
    made.put_meter(Meter(MeterKey("calls"), decimals=0))
    yield made
    made.close()


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(Plan(2_000, 100, 1), id="small"),
        pytest.param(Plan(CONSUMES, max(10_000, CONSUMES // 20), 8), id="whole", marks=pytest.mark.slow),
    ],
)
def test_whoever_asks_however_often_and_whoever_dies_the_limit_is_met_exactly(
    billing: Tallystick, database_url: str, tmp_path: Path, plan: Plan, counted: Callable[[str], None]
) -> None:
    billing.grant("ada", "calls", Quota(Decimal(plan.limit), reset=Reset.NEVER))
    begun = time.monotonic()
    looks = run(billing, database_url, tmp_path, plan)
    took = time.monotonic() - begun

    notes = [_read(tmp_path / f"{process}.json") for process in range(PROCESSES)]
    allowed = {number for noted in notes for number in noted["allowed"]}
    kept = events(billing)
    assert {f"op-{number}" for number in allowed} <= kept.keys(), "what was allowed, and noted as written down, is on the bill"
    assert max(kept.values()) == 1

    time.sleep(TTL.total_seconds())  # the leases of those who died end by themselves
    stands = billing.check("ada", "calls")
    assert (stands.used, stands.reserved) == (sum(kept.values()), 0), "all that they had held has come back"
    rest = [number for number in range(plan.distinct) if f"op-{number}" not in kept]
    given = sum(billing.consume("ada", "calls", 1, op=f"op-{number}").allowed for number in rest)
    stands = billing.check("ada", "calls")
    assert (stands.used, stands.remaining) == (plan.limit, 0), "over-granted, or under-granted"
    assert given == plan.limit - sum(kept.values()), "whoever was told no, and asks again, gets what there is"
    kept = events(billing)
    assert kept.keys() == taken(billing)
    assert sum(kept.values()) == len(kept) == plan.limit
    assert billing.verify().clean
    lost = sum(noted["counts"][-1]["lost"] + noted["counts"][-1]["refused"] for noted in notes)
    assert lost == 0, "nobody was so slow that a lease ended under what it had spent"
    sent = sum(noted["done"] for noted in notes)
    assert sent >= plan.asked
    counted(
        f"{sent} uses sent by {PROCESSES} × {THREADS}, {sent - plan.distinct} of them again, {plan.one_by_one} one by one, "
        f"{plan.kills} kills, {looks} looks, {given} found room afterwards, {took:.0f} s"
    )
