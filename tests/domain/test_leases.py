"""How much a process may hold of a quota, what fits of what it has spent, and when a lease ends."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis.strategies import integers

from tallystick.domain.entitlements import Operation, OperationStatus, Policy, Quota
from tallystick.domain.leases import Room, expiry, fitting, lives_on, room
from tallystick.domain.usage import Meter
from tallystick.values.ids import CustomerId, MeterKey, OperationId
from tallystick.values.time import EPOCH

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CALLS = Meter(MeterKey("calls"), decimals=0)
TEN, ZERO = Decimal(10), Decimal(0)
HARD, SOFT, UNLIMITED = Quota(TEN), Quota(TEN, Policy.SOFT), Quota(None)
LEASE = Operation(
    CustomerId("ada"), OperationId("lease"), CALLS.key, TEN, NOW, EPOCH, OperationStatus.RESERVED,
    expires_at=NOW + timedelta(seconds=30),
)  # fmt: skip


def holds(quota: Quota, *, free: int | None, size: int = 4, at_least: int = 0) -> Room:
    left = None if free is None else Decimal(free)
    return room(quota, CALLS, free=left, size=Decimal(size), at_least=Decimal(at_least))


def test_a_process_holds_half_of_what_is_left_and_at_least_what_it_needs_now() -> None:
    assert holds(HARD, free=100) == Room(Decimal(4))
    assert holds(HARD, free=7) == Room(Decimal(3))
    assert holds(HARD, free=7, at_least=7) == Room(Decimal(7))
    assert holds(HARD, free=1, at_least=1) == Room(Decimal(1))
    assert holds(HARD, free=7, at_least=8) == Room(ZERO), "what is not there is asked of the database"
    assert holds(HARD, free=-3, at_least=1) == Room(ZERO)


def test_a_soft_quota_is_held_beyond_its_limit_and_an_unlimited_one_as_far_as_one_likes() -> None:
    assert holds(SOFT, free=7) == Room(Decimal(3))
    assert holds(SOFT, free=2, at_least=3) == Room(Decimal(4), is_overage=True)
    assert holds(SOFT, free=-5, at_least=9) == Room(Decimal(9), is_overage=True)
    assert holds(UNLIMITED, free=None, at_least=9) == Room(Decimal(9))


@given(free=integers(-50, 50), size=integers(1, 50), at_least=integers(0, 60))
def test_of_a_hard_quota_nobody_holds_what_is_not_there(free: int, size: int, at_least: int) -> None:
    held = holds(HARD, free=free, size=size, at_least=at_least).held
    assert 0 <= held <= max(free, 0)
    assert held >= at_least or free < at_least


def test_what_was_spent_fits_in_its_order_as_far_as_there_is_room() -> None:
    spent = [replace(LEASE, id=OperationId(str(n)), quantity=Decimal(n)) for n in (5, 6, 4)]
    fit, lost = fitting(spent, TEN)
    assert ([o.quantity for o in fit], [o.quantity for o in lost]) == ([5, 4], [6])
    assert fitting(spent, None) == (spent, [])


def test_a_lease_is_moved_on_once_half_of_its_time_is_over_and_lives_for_a_day() -> None:
    ttl = timedelta(seconds=30)
    assert expiry(None, now=NOW, ttl=ttl) == NOW + ttl
    assert expiry(LEASE, now=NOW + ttl / 2, ttl=ttl) == LEASE.expires_at
    later = NOW + timedelta(seconds=16)
    assert expiry(LEASE, now=later, ttl=ttl) == later + ttl
    assert lives_on(LEASE, until=NOW + timedelta(days=1))
    assert not lives_on(LEASE, until=NOW + timedelta(days=1, microseconds=1))
