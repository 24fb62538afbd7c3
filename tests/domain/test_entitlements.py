"""What a quota allows, when it resets, and what a reservation may become."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.entitlements import (
    TRANSITIONS,
    Operation,
    OperationStatus,
    Policy,
    Quota,
    Reason,
    Reset,
    after,
    check_held,
    check_room,
    checked_operation_id,
    checked_quantity,
    checked_quota,
    checked_ttl,
    counts_from,
    decide,
    granted,
    same_asked,
    settled,
)
from tallystick.domain.usage import Aggregation, Meter
from tallystick.values.errors import Conflict, IllegalTransition, InvalidInput
from tallystick.values.ids import CustomerId, MeterKey, OperationId
from tallystick.values.time import EPOCH

NOW = datetime(2026, 1, 31, 20, tzinfo=UTC)
CALLS = Meter(MeterKey("calls"), decimals=2)
HELD = Operation(
    CustomerId("ada"), OperationId("op"), CALLS.key, Decimal(5), NOW, NOW, OperationStatus.RESERVED,
    expires_at=NOW + timedelta(minutes=15),
)  # fmt: skip


@pytest.mark.parametrize(
    ("limit", "policy", "used", "reserved", "requested", "allowed", "reason", "remaining"),
    [
        ("10", "hard", 0, 0, 10, True, None, "10"),
        ("10", "hard", 0, 0, 11, False, Reason.QUOTA_EXCEEDED, "10"),
        ("10", "hard", 9, 0, 1, True, None, "1"),
        ("10", "hard", 9, 0, 2, False, Reason.QUOTA_EXCEEDED, "1"),
        ("10", "hard", 4, 5, 1, True, None, "1"),
        ("10", "hard", 4, 6, 1, False, Reason.QUOTA_EXCEEDED, "0"),
        ("0", "hard", 0, 0, 1, False, Reason.QUOTA_EXCEEDED, "0"),
        ("5", "hard", 9, 0, 1, False, Reason.QUOTA_EXCEEDED, "0"),
        ("10", "soft", 9, 0, 2, True, Reason.OVERAGE, "1"),
        ("10", "soft", 9, 0, 1, True, None, "1"),
        ("0", "soft", 0, 0, 1, True, Reason.OVERAGE, "0"),
        (None, "hard", 10**18, 0, 10**18, True, None, None),
        (None, "soft", 10**18, 0, 1, True, None, None),
        ("0.3", "hard", "0.1", "0.1", "0.1", True, None, "0.1"),
    ],
)
def test_what_a_quota_allows(limit, policy, used, reserved, requested, allowed, reason, remaining) -> None:
    quota = Quota(None if limit is None else Decimal(limit), Policy(policy))
    said = decide(quota, used=Decimal(used), reserved=Decimal(reserved), requested=Decimal(requested), resets_at=NOW)
    assert (said.allowed, said.reason, said.resets_at) == (allowed, reason, NOW)
    assert said.remaining == (None if remaining is None else Decimal(remaining))
    assert (said.limit, said.used, said.reserved) == (quota.limit, Decimal(used), Decimal(reserved))


quantities = st.decimals(0, 10**9, places=6)


@given(limit=quantities, used=quantities, reserved=quantities, requested=quantities)
def test_a_hard_quota_allows_exactly_what_fits(limit, used, reserved, requested) -> None:
    said = decide(Quota(limit), used=used, reserved=reserved, requested=requested)
    assert said.allowed == (used + reserved + requested <= limit)
    assert said.remaining == max(Decimal(0), limit - used - reserved)
    assert decide(Quota(limit, Policy.SOFT), used=used, reserved=reserved, requested=requested).allowed


def test_the_figures_follow_what_was_taken_and_reserved() -> None:
    said = decide(Quota(Decimal(10)), used=Decimal(2), requested=Decimal(3))
    taken = after(said, taken=Decimal(3))
    assert (taken.used, taken.reserved, taken.remaining) == (5, 0, 5)
    held = after(said, reserved=Decimal(8))
    assert (held.used, held.reserved, held.remaining) == (2, 8, 0)
    assert after(decide(Quota(None), requested=Decimal(1)), taken=Decimal(1)).remaining is None


def test_what_was_granted_once_is_a_yes_although_nothing_is_left() -> None:
    no = decide(Quota(Decimal(1)), used=Decimal(1), requested=Decimal(1))
    assert (granted(no).allowed, granted(no).reason) == (True, None)
    over = decide(Quota(Decimal(1), Policy.SOFT), used=Decimal(1), requested=Decimal(1))
    assert (granted(over).allowed, granted(over).reason) == (True, Reason.OVERAGE)


def test_a_month_begins_at_midnight_in_its_zone() -> None:
    period = Quota(Decimal(1), zone="Asia/Tokyo").period(NOW)
    assert period is not None
    assert (period.start, period.end) == (datetime(2026, 1, 31, 15, tzinfo=UTC), datetime(2026, 2, 28, 15, tzinfo=UTC))
    utc = Quota(Decimal(1)).period(NOW)
    assert utc is not None
    assert (utc.start, utc.end) == (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    assert NOW not in Quota(Decimal(1)).period(datetime(2026, 2, 1, tzinfo=UTC))
    assert Quota(Decimal(1), reset=Reset.NEVER).period(NOW) is None
    assert (counts_from(None), counts_from(utc)) == (EPOCH, utc.start)


def test_where_clocks_go_back_over_midnight_the_new_month_has_begun_already() -> None:
    quota = Quota(Decimal(1), zone="America/Goose_Bay")
    november = datetime(2009, 11, 1, 3, tzinfo=UTC)  # at 00:01 they went back to 23:01 of 31 October
    again_october = november + timedelta(minutes=30)
    assert again_october.astimezone(ZoneInfo(quota.zone)).month == 10
    assert quota.period(again_october).start == november == quota.period(november - timedelta(seconds=1)).end


@given(seconds=st.integers(366 * 86_400, 130 * 366 * 86_400), zone=st.sampled_from(sorted(available_timezones())))
def test_every_instant_is_in_its_month_and_the_months_meet(seconds: int, zone: str) -> None:
    at = EPOCH + timedelta(seconds=seconds)
    quota = Quota(Decimal(1), zone=zone)
    period = quota.period(at)
    assert at in period
    assert quota.period(period.start) == period
    following = quota.period(period.end)
    assert following.start == period.end
    assert timedelta(days=27) < period.length < timedelta(days=33)


@pytest.mark.parametrize("wrong", [{"limit": Decimal(-1)}, {"limit": Decimal("NaN")}, {"limit": Decimal(1), "zone": "Mars"}])
def test_what_is_no_quota_is_refused(wrong: dict) -> None:
    with pytest.raises(InvalidInput):
        Quota(**wrong)


@pytest.mark.parametrize("kind", [Aggregation.COUNT, Aggregation.MAX, Aggregation.LATEST])
def test_only_a_meter_that_sums_can_have_a_quota(kind: Aggregation) -> None:
    with pytest.raises(InvalidInput, match="sums"):
        checked_quota(Quota(None), replace(CALLS, aggregation=kind))


def test_a_limit_has_the_places_of_its_meter_and_fits_into_it() -> None:
    assert checked_quota(Quota(None), CALLS).limit is None
    assert checked_quota(Quota(Decimal("1.25")), CALLS).limit == Decimal("1.25")
    for limit in ("1.234", "1e18"):
        with pytest.raises(InvalidInput, match="limit"):
            checked_quota(Quota(Decimal(limit)), CALLS)


def test_what_has_no_limit_ends_where_it_can_be_counted_no_more() -> None:
    full = decide(Quota(None), used=CALLS.quantity_max, requested=Decimal("0.01"))
    check_room(CALLS, full, Decimal(0))
    with pytest.raises(InvalidInput, match="most this meter can hold"):
        check_room(CALLS, full, Decimal("0.01"))


def test_a_reservation_ends_once() -> None:
    taken = settled(HELD, OperationStatus.TAKEN, taken=Decimal(3))
    assert (taken.status, taken.taken, taken.event.quantity, taken.event.id) == ("taken", 3, 3, "op")
    released = settled(HELD, OperationStatus.RELEASED)
    for ended in (taken, released):
        assert TRANSITIONS[ended.status] == set()
        with pytest.raises(IllegalTransition):
            settled(ended, OperationStatus.RELEASED)
    check_held(taken)
    check_held(HELD)
    with pytest.raises(Conflict, match="reserve again"):
        check_held(released)


def test_the_same_operation_is_the_same_meter_quantity_and_kind() -> None:
    assert same_asked(HELD, replace(HELD, at=EPOCH, expires_at=EPOCH, quantity=Decimal("5.0")))
    for change in ({"quantity": Decimal(4)}, {"meter_key": MeterKey("other")}, {"expires_at": None}):
        assert not same_asked(HELD, replace(HELD, **change))
    assert HELD.reservation_id != replace(HELD, id=OperationId("other")).reservation_id


@pytest.mark.parametrize("wrong", [0, -1, "x", "NaN"])
def test_a_quantity_is_more_than_zero(wrong) -> None:
    with pytest.raises(InvalidInput, match="quantity"):
        checked_quantity(wrong)


def test_zero_may_be_what_was_really_used() -> None:
    assert checked_quantity(0, zero=True) == 0
    assert checked_quantity("1.50") == Decimal("1.5")
    with pytest.raises(InvalidInput, match="zero or more"):
        checked_quantity(-1, field="actual", zero=True)


def test_a_reservation_lasts_at_most_a_day_and_an_operation_has_a_name() -> None:
    assert checked_ttl(timedelta(days=1)) == timedelta(days=1)
    for ttl in (timedelta(0), timedelta(days=1, microseconds=1), timedelta(seconds=-1)):
        with pytest.raises(InvalidInput, match="ttl"):
            checked_ttl(ttl)
    assert checked_operation_id("a b") == "a b"
    with pytest.raises(InvalidInput, match="op"):
        checked_operation_id("")
