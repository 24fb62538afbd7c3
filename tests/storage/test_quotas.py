"""Counters and operations: what the statements guard by themselves, what the schema refuses, and what the invariants see."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tallystick.domain.entitlements import Entitlement, Operation, OperationStatus, Policy, Quota, Reset
from tallystick.storage import catalog, customers, entitlements, invariants, quotas, usage
from tallystick.storage.database import Database
from tallystick.values.errors import Conflict
from tallystick.values.ids import OperationId
from tests.flows.crowd import at_once, patiently
from tests.storage.worlds import ADA, BEN, JANUARY, NOW, TOKENS

TEN = Decimal(10)
TAKEN, RESERVED, RELEASED = OperationStatus.TAKEN, OperationStatus.RESERVED, OperationStatus.RELEASED


def an_operation(name: str, quantity: int = 1, *, held: bool = False) -> Operation:
    amount = Decimal(quantity)
    operation = Operation(ADA, OperationId(name), TOKENS.key, amount, NOW, JANUARY.start, TAKEN, amount)
    if held:
        operation = replace(operation, status=RESERVED, taken=Decimal(0), expires_at=NOW + timedelta(minutes=15))
    return operation


@pytest.fixture
def granted(database: Database) -> Database:
    with database.transaction("grant") as conn:
        catalog.put_meter(conn, TOKENS, at=NOW)
        customers.ensure(conn, [ADA, BEN], at=NOW)
        entitlements.put(conn, Entitlement(ADA, TOKENS.key, Quota(TEN), NOW), TOKENS)
    return database


def take(database: Database, operation: Operation, *, limit: Decimal | None = TEN, event: bool = True) -> bool:
    with database.transaction("take") as conn:
        took = quotas.take(conn, operation, TOKENS, hard_limit=limit)
        if took and event and operation.taken:
            usage.append(conn, [(operation.event, TOKENS)], at=NOW)
        return took


def stands(database: Database, *, later: timedelta = timedelta(0)) -> tuple[int, int]:
    with database.reading() as conn:
        used, reserved = quotas.counted(conn, ADA, TOKENS, JANUARY.start, now=NOW + later)
        return int(used), int(reserved)


def violations(database: Database) -> set[str]:
    with database.snapshot() as conn:
        return {found.invariant for invariant in invariants.INVARIANTS for found in invariant.check(conn).violations}


def test_an_entitlement_comes_back_as_it_was_put(granted: Database) -> None:
    for quota in (Quota(None), Quota(Decimal(0), Policy.SOFT, Reset.NEVER, "Asia/Tokyo"), Quota(TEN)):
        put = Entitlement(ADA, TOKENS.key, quota, NOW)
        with granted.transaction("put") as conn:
            entitlements.put(conn, put, TOKENS)
            assert entitlements.get(conn, ADA, TOKENS) == put == entitlements.locked(conn, ADA, TOKENS)
            assert entitlements.get(conn, BEN, TOKENS) is None
            assert entitlements.locked(conn, BEN, TOKENS) is None


def test_an_operation_comes_back_as_it_was_kept(granted: Database) -> None:
    for kept in (an_operation("a"), an_operation("b", 2, held=True)):
        assert take(granted, kept)
        with granted.reading() as conn:
            assert quotas.operation(conn, ADA, kept.id) == kept
            assert quotas.operation(conn, BEN, kept.id) is None
            assert quotas.reservation(conn, kept.reservation_id) == (kept if kept.expires_at else None)
    assert stands(granted) == (1, 2)
    assert stands(granted, later=timedelta(minutes=15)) == (1, 0)
    assert violations(granted) == set()


def test_the_statement_itself_keeps_the_hard_limit_although_nobody_locked(granted: Database) -> None:
    """Eight that looked at nothing and locked nothing: all that stands between them is the guard in the statement."""
    told = at_once(8, lambda n: [patiently(lambda m=m: take(granted, an_operation(f"{n}-{m}"))) for m in range(4)])
    assert sum(taken for each in told for taken in each) == 10
    assert stands(granted) == (10, 0)
    assert violations(granted) == set()


def test_what_does_not_fit_changes_nothing(granted: Database) -> None:
    assert take(granted, an_operation("a", 4))
    assert take(granted, an_operation("b", 6, held=True))
    assert not take(granted, an_operation("c"))
    assert take(granted, an_operation("d"), limit=None)
    with pytest.raises(Conflict, match="another operation"):
        take(granted, an_operation("a", 1), limit=None)
    assert stands(granted) == (5, 6)


def test_the_end_of_a_reservation_is_written_once(granted: Database) -> None:
    held = an_operation("a", 4, held=True)
    take(granted, held)
    too_much = replace(held, status=TAKEN, taken=Decimal(11))
    released = replace(held, status=RELEASED)
    with granted.transaction("end") as conn:
        assert not quotas.end(conn, held, too_much, TOKENS, hard_limit=TEN)
        assert quotas.end(conn, held, released, TOKENS, hard_limit=None)
    assert stands(granted) == (0, 0)
    take(granted, an_operation("b", 9, held=True))
    with pytest.raises(Conflict, match="somebody else"), granted.transaction("again") as conn:
        quotas.end(conn, held, released, TOKENS, hard_limit=None)
    assert stands(granted) == (0, 9), "nothing of another's is freed"


def test_what_has_expired_is_given_back_once(granted: Database) -> None:
    for name in ("a", "b"):
        take(granted, an_operation(name, 2, held=True))
    ends = NOW + timedelta(minutes=15)
    with granted.transaction("expire") as conn:
        early = ends - timedelta(microseconds=1)
        assert quotas.expired(conn, now=early, limit=10) == []
        assert quotas.release_expired(conn, ADA, TOKENS.key, now=early) == 0
        assert quotas.expired(conn, now=ends, limit=10) == [(ADA, TOKENS.key)]
        assert quotas.release_expired(conn, ADA, TOKENS.key, now=ends) == 2
        assert quotas.release_expired(conn, ADA, TOKENS.key, now=ends) == 0
    assert stands(granted) == (0, 0)
    assert violations(granted) == set()


PLANTS = {
    "used more than was taken": ("UPDATE tallystick_quota_counters SET used = used + 1", "quota"),
    "held more than is reserved": ("UPDATE tallystick_quota_counters SET reserved = reserved + 1", "quota"),
    "taken beyond the limit": ("UPDATE tallystick_quota_operations SET hard_limit = 3, filled = 3", "quota"),
    "taken, and not recorded": ("UPDATE tallystick_quota_operations SET taken = taken + 1 WHERE id = 'a'", "quota is billed"),
    "recorded at another time": ("UPDATE tallystick_quota_operations SET at = at - 1 WHERE id = 'a'", "quota is billed"),
    "held for ever": ("UPDATE tallystick_quota_operations SET expires_at = at + 86400000001 WHERE id = 'b'", "reservations end"),
    "under a foreign id": ("UPDATE tallystick_quota_operations SET reservation_id = 'rsv_x' WHERE id = 'b'", "reservations end"),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_violation_is_seen(granted: Database, plant: str) -> None:
    take(granted, an_operation("a", 2))
    take(granted, an_operation("b", 2, held=True))
    assert violations(granted) == set()
    statement, seen_by = PLANTS[plant]
    with granted.transaction("plant") as conn:
        conn.execute(text(statement))
    assert seen_by in violations(granted)


def test_a_use_without_its_event_is_seen(granted: Database) -> None:
    take(granted, an_operation("a", 2), event=False)
    assert violations(granted) == {"quota is billed"}


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE tallystick_quota_operations SET filled = 11",
        "UPDATE tallystick_quota_operations SET quantity = 0",
        "UPDATE tallystick_quota_operations SET status = 'reserved'",
        "UPDATE tallystick_quota_operations SET status = 'released', expires_at = at",
        "UPDATE tallystick_quota_counters SET used = -1",
        "UPDATE tallystick_quota_counters SET reserved = -1",
        "UPDATE tallystick_entitlements SET quota_limit = -1",
        "UPDATE tallystick_entitlements SET policy = 'maybe'",
        "UPDATE tallystick_entitlements SET reset = 'daily'",
        "DELETE FROM tallystick_entitlements",
    ],
)
def test_the_schema_refuses_what_cannot_be(granted: Database, wrong: str) -> None:
    take(granted, an_operation("a", 2))
    with pytest.raises(DBAPIError, match=r"(?i)constraint"), granted.transaction("wrong") as conn:
        conn.execute(text(wrong))
