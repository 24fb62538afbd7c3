"""One hard quota, and threads of several processes that take from it, retry and are killed: never too much, never too little.

How much is taken is said by TALLYSTICK_QUOTA_CONSUMES, by TALLYSTICK_QUOTA_PROCESSES processes of TALLYSTICK_QUOTA_THREADS.
"""

import json
import multiprocessing
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from tallystick.app import Tallystick
from tallystick.domain.entitlements import Quota, Reset
from tallystick.domain.usage import Meter
from tallystick.flows.context import Context
from tallystick.storage.database import Database
from tallystick.values.errors import Conflict
from tallystick.values.ids import MeterKey, SystemIds
from tallystick.values.time import SystemClock
from tests.flows.crowd import at_once, patiently, recorded

CONSUMES = int(os.environ.get("TALLYSTICK_QUOTA_CONSUMES", "120"))
PROCESSES = int(os.environ.get("TALLYSTICK_QUOTA_PROCESSES", "3"))
THREADS = int(os.environ.get("TALLYSTICK_QUOTA_THREADS", "6"))
KILLS = 2
SPAWN = multiprocessing.get_context("spawn")


def engine(url: str) -> Tallystick:
    """As another program has it: its own connections, the clock of the wall."""
    clock = SystemClock()
    return Tallystick(Context(Database.from_url(url, clock=clock), clock, SystemIds(clock), provider=None))


@pytest.fixture
def billing(database_url: str) -> Iterator[Tallystick]:
    made = engine(database_url)
    made.put_meter(Meter(MeterKey("calls"), decimals=0))
    yield made
    made.close()


def ask(billing: Tallystick, number: int, *, mixed: bool) -> bool:
    """Whether the operation of that number was allowed. Mixed, some reserve first, and use less, or nothing."""
    op = f"op-{number}"
    if not mixed or number % 3:
        return patiently(lambda: billing.consume("ada", "calls", 1, op=op)).allowed
    try:
        held = patiently(lambda: billing.reserve("ada", "calls", 2, op=op, ttl=timedelta(minutes=5)))
        if held.decision.allowed:
            patiently(lambda: held.commit(1) if number % 2 else held.release())
    except Conflict as ended:
        if ended.code != "reservation_ended":
            raise
    return False


def program(url: str, note: str, seed: int, mixed: bool) -> None:
    """One process: every operation, in an order of its own, spread over its threads. Notes which were allowed."""
    billing = engine(url)
    order = list(range(CONSUMES))
    random.Random(seed).shuffle(order)

    def work(thread: int) -> list[int]:
        return [number for number in order[thread::THREADS] if ask(billing, number, mixed=mixed)]

    allowed = [number for told in at_once(THREADS, work, patience_s=60 + CONSUMES) for number in told]
    Path(note).write_text(json.dumps(allowed))
    billing.close()


def run(billing: Tallystick, url: str, folder: Path, *, limit: int, mixed: bool) -> list[Counter[int]]:
    """What the programs that lived said was allowed. Some are killed while they take; others do all of their work again."""
    programs = []

    def start() -> None:
        seed = len(programs)
        process = SPAWN.Process(target=program, args=(url, str(folder / f"{seed}.json"), seed, mixed))
        process.start()
        programs.append(process)

    for _ in range(PROCESSES):
        start()
    for kill in range(KILLS):
        _until(billing, used=(kill + 1) * limit // (KILLS + 2), programs=programs)
        programs[kill].kill()
        start()
    for process in programs:
        process.join(120 + 2 * CONSUMES)
    assert [process.exitcode for process in programs[KILLS:]] == [0] * PROCESSES, "those that were not killed end well"
    return [Counter(json.loads(note.read_text())) for note in sorted(folder.glob("*.json"))]


def _until(billing: Tallystick, *, used: int, programs) -> None:
    while True:
        stands = billing.check("ada", "calls")
        assert stands.used + stands.reserved <= (stands.limit or 0), "never, at no instant"
        if stands.used >= used or not any(process.is_alive() for process in programs):
            return
        time.sleep(0.002)


def operations(billing: Tallystick) -> dict[str, int]:
    with billing.context.database.reading() as conn:
        asked = "SELECT status, COUNT(*) FROM tallystick_quota_operations GROUP BY status"
        return dict(tuple(row) for row in conn.execute(text(asked)))


def test_of_all_who_take_exactly_as_many_are_allowed_as_there_is_room(
    billing: Tallystick, database_url: str, tmp_path: Path
) -> None:
    limit = CONSUMES * 2 // 3
    billing.grant("ada", "calls", Quota(Decimal(limit), reset=Reset.NEVER))
    told = run(billing, database_url, tmp_path, limit=limit, mixed=False)
    allowed = {number for said in told for number in said}
    assert len(allowed) == limit, "over-granted, or under-granted"
    assert all(set(said) == allowed for said in told), "the same operation is answered the same way, whoever asks again"
    stands = billing.check("ada", "calls")
    assert (stands.used, stands.reserved, stands.remaining) == (limit, 0, 0)
    assert recorded(billing, "ada", "calls") == limit, "what the quota counts is on the bill"
    assert billing.verify().clean


def test_with_reservations_between_them_nothing_is_exceeded_lost_or_left_held(
    billing: Tallystick, database_url: str, tmp_path: Path
) -> None:
    limit = CONSUMES * 2 // 3
    billing.grant("ada", "calls", Quota(Decimal(limit), reset=Reset.NEVER))
    run(billing, database_url, tmp_path, limit=limit, mixed=True)
    for number in range(CONSUMES):
        ask(billing, number, mixed=True)
    stands = billing.check("ada", "calls")
    assert (stands.used, stands.reserved, stands.remaining) == (limit, 0, 0), "room that is left is given to whoever asks again"
    assert recorded(billing, "ada", "calls") == limit
    found = operations(billing)
    assert found.get("reserved", 0) == 0
    assert found["taken"] == limit
    assert billing.verify().clean


def test_the_first_use_of_a_quota_by_many_at_once_is_counted_once_each(billing: Tallystick) -> None:
    for turn in range(5):
        customer = f"customer-{turn}"
        billing.grant(customer, "calls", Quota(Decimal(3)))
        told = at_once(16, lambda n, who=customer: patiently(lambda: billing.consume(who, "calls", 1, op=f"op-{n % 8}")))
        assert sum(answer.allowed for answer in told) == 6, "three operations, each sent twice"
        assert billing.check(customer, "calls").used == 3
    assert billing.verify().clean


def test_one_operation_asked_for_two_meters_at_once_takes_from_one_of_them(billing: Tallystick) -> None:
    billing.put_meter(Meter(MeterKey("pages"), decimals=0))
    for meter in ("calls", "pages"):
        billing.grant("ada", meter, Quota(Decimal(100)))

    def work(number: int) -> bool:
        try:
            return patiently(lambda: billing.consume("ada", ("calls", "pages")[number % 2], 1, op="same")).allowed
        except Conflict:
            return False

    assert sum(at_once(8, work)) == 4
    assert billing.check("ada", "calls").used + billing.check("ada", "pages").used == 1
    assert billing.verify().clean
