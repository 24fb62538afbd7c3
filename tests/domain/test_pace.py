"""What a period comes to if usage goes on as it has so far: for what grows with time, and not too early."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tallystick.domain.catalog import Charge, PercentagePrice, UnitPrice
from tallystick.domain.lines import Billable
from tallystick.domain.pace import at_pace, pace
from tallystick.domain.usage import Aggregation, Meter, Usage
from tallystick.values.ids import MeterKey
from tallystick.values.money import USD
from tallystick.values.time import Period

JUNE = Period(datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))
CALLS = Meter(MeterKey("calls"), decimals=0)


def june(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 6, day, hour, tzinfo=UTC)


def billable(used: int, price: UnitPrice | PercentagePrice) -> Billable:
    return Billable(Charge("calls", CALLS.key, price, ""), JUNE, Usage(CALLS.key, Decimal(used), 1))


def test_a_third_of_the_month_says_what_the_whole_of_it_comes_to() -> None:
    found = pace(CALLS, Decimal(100), JUNE, now=june(11))
    assert found is not None
    assert (found.total, found.per_day, found.since) == (300, 10, date(2026, 6, 12))


def test_what_is_shown_has_as_many_places_as_the_meter() -> None:
    found = pace(CALLS, Decimal(100), JUNE, now=june(10, 8))
    assert found is not None
    assert (found.total, found.per_day) == (321, 11), "321.43 and 10.71"
    finer = pace(Meter(CALLS.key, decimals=2), Decimal(100), JUNE, now=june(10, 8))
    assert finer is not None
    assert (finer.total, finer.per_day) == (Decimal("321.43"), Decimal("10.71"))


@pytest.mark.parametrize("aggregation", [Aggregation.MAX, Aggregation.LATEST, Aggregation.UNIQUE, Aggregation.TIME_WEIGHTED])
def test_what_does_not_grow_with_time_stands_where_it_stands(aggregation: Aggregation) -> None:
    counted = "host" if aggregation is Aggregation.UNIQUE else None
    meter = Meter(CALLS.key, aggregation, decimals=0, unique_property=counted)
    assert pace(meter, Decimal(100), JUNE, now=june(11)) is None


@pytest.mark.parametrize("now", [june(1), june(2), june(30, 12), datetime(2026, 7, 1, tzinfo=UTC)])
def test_nothing_is_said_too_early_on_the_last_day_and_afterwards(now: datetime) -> None:
    assert pace(CALLS, Decimal(100), JUNE, now=now) is None


def test_nothing_used_says_nothing() -> None:
    assert pace(CALLS, Decimal(0), JUNE, now=june(11)) is None


def test_a_price_that_needs_each_amount_is_left_as_it_is() -> None:
    by_unit = billable(100, UnitPrice(Decimal("0.01"), currency=USD))
    assert at_pace(by_unit, CALLS, now=june(11)).usage.quantity == 300
    assert at_pace(by_unit, CALLS, now=datetime(2026, 7, 2, tzinfo=UTC)) == by_unit, "it is over"
    share = billable(100, PercentagePrice(Decimal(2), currency=USD))
    assert at_pace(share, CALLS, now=june(11)) == share
