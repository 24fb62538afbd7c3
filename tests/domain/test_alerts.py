"""Alerts: a threshold is told when it is reached and not before, a spike when it is three times the usual and no trifle."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, sets

from tallystick.domain.alerts import (
    AlertKind,
    Filling,
    Spending,
    SpikeRule,
    checked_thresholds,
    crossed,
    is_spike,
    of_quota,
    of_spending,
    of_spike,
    percents_moved,
    usual,
    weeks_before,
)
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import CustomerId, MeterKey
from tallystick.values.money import JPY, USD, Money

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
ADA, CALLS = CustomerId("ada"), MeterKey("calls")


def filling(before: int | str, after: int | str, limit: int | str | None = 1000) -> Filling:
    return Filling(ADA, CALLS, None if limit is None else Decimal(limit), Decimal(before), Decimal(after), NOW)


def reached(fill: Filling, thresholds: tuple[int, ...] = (80, 100)) -> list[int]:
    moved = percents_moved(fill)
    return [] if moved is None else crossed(moved, thresholds)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [(0, 799, []), (799, 800, [80]), (800, 801, []), (799, "799.999", []), (0, 1000, [80, 100]), (999, 1000, [100]),
     (1000, 1001, []), (900, 5000, [100]), (0, 0, []), (800, 700, [])],
)  # fmt: skip
def test_a_threshold_is_told_by_the_use_that_reaches_it(before, after, told) -> None:
    assert reached(filling(before, after)) == told


def test_what_has_no_limit_or_a_limit_of_nothing_has_no_thresholds() -> None:
    assert reached(filling(0, 10**9, None)) == []
    assert reached(filling(0, 10, 0)) == []


@given(steps=lists(integers(1, 50), min_size=1), limit=integers(1, 500), thresholds=sets(integers(1, 200), max_size=5))
def test_however_a_quota_fills_each_threshold_is_told_once_and_none_is_missed(steps, limit, thresholds) -> None:
    told, used = [], 0
    for step in steps:
        told += reached(filling(used, used + step, limit), tuple(thresholds))
        used += step
    assert told == sorted(threshold for threshold in thresholds if used * 100 >= threshold * limit)


def test_an_alert_is_the_same_for_the_same_period_and_threshold() -> None:
    alert = of_quota(filling(799, 800), 80, at=NOW)
    assert alert.id == of_quota(filling(0, 900), 80, at=NOW + timedelta(days=1)).id
    assert alert.id != of_quota(filling(0, 900), 100, at=NOW).id
    assert alert.id != of_quota(replace(filling(0, 900), period_start=NOW + timedelta(days=17)), 80, at=NOW).id
    assert (alert.type, alert.facts["limit"], alert.facts["used"]) == ("alert.quota.threshold", "1000", "800")


def test_money_under_a_cap_is_told_at_80_percent_and_at_the_cap() -> None:
    spending = Spending(ADA, "monthly", Money(100_00, USD), Money(79_99, USD), Money(80_00, USD), NOW)
    (warned,) = of_spending(spending, (80, 100), at=NOW)
    assert (warned.kind, warned.threshold) == (AlertKind.SPEND_THRESHOLD, 80)
    both = of_spending(replace(spending, after=Money(120_00, USD)), (80, 100), at=NOW)
    assert [alert.kind for alert in both] == [AlertKind.SPEND_THRESHOLD, AlertKind.SPEND_CAP_REACHED]
    assert of_spending(replace(spending, before=Money(120_00, USD), after=Money(130_00, USD)), (80,), at=NOW) == []
    nothing = Money(0, JPY)
    assert of_spending(replace(spending, cap=nothing, before=nothing, after=nothing), (80,), at=NOW) == []


def test_usual_is_the_median_of_four_weeks_or_more() -> None:
    numbers = [Decimal(n) for n in (10, 1000, 20, 30)]
    assert usual(numbers[:3]) is None, "three weeks say nothing"
    assert usual(numbers) == 25
    assert usual([*numbers, Decimal(0)]) == 20, "one wild week does not make it usual"


def test_a_spike_is_more_than_three_times_the_usual_and_no_trifle() -> None:
    rule = SpikeRule(Decimal(3), Decimal(1000))
    assert is_spike(rule, Decimal(3001), Decimal(1000))
    assert not is_spike(rule, Decimal(3000), Decimal(1000))
    assert is_spike(rule, Decimal(1000), Decimal(0))
    assert not is_spike(rule, Decimal(999), Decimal(0)), "three times nothing much is nothing much"


def test_a_day_has_one_spike() -> None:
    hour = NOW.replace(minute=0)
    first, second, other = (of_spike(ADA, CALLS, hour + timedelta(hours=h), {}, at=NOW) for h in (0, 1, 24))
    assert first.id == second.id != other.id
    assert weeks_before(hour) == [hour - timedelta(weeks=w) for w in range(1, 9)]


@pytest.mark.parametrize("wrong", [[0], [1001], [-80], list(range(1, 22))])
def test_thresholds_are_whole_percents(wrong: list[int]) -> None:
    with pytest.raises(InvalidInput, match="thresholds"):
        checked_thresholds(wrong)
    assert checked_thresholds([100, 50, 100]) == (50, 100)
    assert checked_thresholds([]) == ()
