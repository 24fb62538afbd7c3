"""A level that is held for a time: what it comes to over a period, and over the parts of one."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.usage import Aggregation, Event, Meter, held, level_of, measure
from tallystick.values.decimals import half_up, to_steps
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.time import Period, to_micros

SEATS = Meter(MeterKey("seats"), Aggregation.TIME_WEIGHTED, decimals=2, allow_negative=True)
START = datetime(2026, 4, 1, tzinfo=UTC)
APRIL = Period(START, datetime(2026, 5, 1, tzinfo=UTC))
SECOND = timedelta(seconds=1)


def set_to(level: int | str, at: datetime, name: str = "e") -> Event:
    return Event(CustomerId("ada"), EventId(name), SEATS.key, Decimal(level), at)


def april(*events: Event) -> Decimal:
    return measure(SEATS, events, APRIL).quantity


def test_five_seats_all_month_are_five() -> None:
    assert april(set_to(5, START)) == 5


def test_five_seats_for_a_third_of_the_month_and_eight_for_the_rest_are_seven() -> None:
    assert april(set_to(5, START), set_to(8, START + timedelta(days=10), "f")) == 7


def test_before_the_first_event_the_level_is_zero() -> None:
    assert april(set_to(6, START + timedelta(days=20))) == 2


def test_a_level_holds_into_the_next_period_until_it_is_set_anew() -> None:
    assert april(set_to(9, START - timedelta(days=400))) == 9
    assert april(set_to(9, START - timedelta(days=400)), set_to(0, START + timedelta(days=10), "f")) == 3


def test_of_two_at_one_instant_the_later_name_holds() -> None:
    assert april(set_to(1, START, "a"), set_to(4, START, "b")) == 4
    assert april(set_to(4, START, "a"), set_to(1, START, "b")) == 1


def test_it_is_divided_once_and_rounded_half_up_to_the_meters_decimals() -> None:
    third = Period(START, START + 3 * SECOND)
    assert measure(SEATS, [set_to(1, START), set_to(0, START + SECOND, "f")], third).quantity == Decimal("0.33")
    assert measure(SEATS, [set_to(2, START), set_to(0, START + SECOND, "f")], third).quantity == Decimal("0.67")
    two = Period(START, START + 200 * SECOND)
    assert measure(SEATS, [set_to(1, START), set_to(0, START + SECOND, "f")], two).quantity == Decimal("0.01"), "half goes up"
    assert measure(SEATS, [set_to(-1, START), set_to(0, START + SECOND, "f")], two).quantity == Decimal("-0.01"), "away from zero"


def test_nothing_was_used_where_no_level_was_ever_set_or_it_went_to_zero_before() -> None:
    before = START - SECOND
    assert measure(SEATS, [], APRIL).count == 0
    assert measure(SEATS, [set_to(0, before)], APRIL).count == 0
    assert measure(SEATS, [set_to(3, before)], APRIL).count == 1
    assert measure(SEATS, [set_to(3, before), set_to(4, START, "f")], APRIL).count == 2


def test_whoever_asks_for_a_level_says_for_which_time() -> None:
    with pytest.raises(AssertionError):
        measure(SEATS, [set_to(1, START)])


steps = st.integers(-(10**6), 10**6) | st.sampled_from([0, 10**17, -(10**17)])
moments = st.integers(-90, 200)
levels = st.lists(st.tuples(moments, steps), max_size=12)


def _events(facts) -> list[Event]:
    return [set_to(Decimal(level).scaleb(-2), START + at * SECOND, f"e{number:02}") for number, (at, level) in enumerate(facts)]


def _second_by_second(facts, period: Period) -> Fraction:
    """By definition, and by walking: of each second the level that stands in it."""
    total, at = 0, period.start
    while at < period.end:
        before = [(START + second * SECOND, number, level) for number, (second, level) in enumerate(facts)]
        total += max((fact for fact in before if fact[0] <= at), default=(at, 0, 0))[2]
        at += SECOND
    return Fraction(total)


@given(facts=levels, start=st.integers(0, 60), length=st.integers(1, 120))
def test_it_is_what_walking_through_the_seconds_comes_to(facts, start: int, length: int) -> None:
    period = Period(START + start * SECOND, START + (start + length) * SECOND)
    events = [event for event in _events(facts) if event.at < period.end]
    expected = half_up(_second_by_second(facts, period) / length)
    assert measure(SEATS, events, period).quantity == Decimal(expected).scaleb(-2)
    assert measure(SEATS, events[::-1], period) == measure(SEATS, events, period)


@given(facts=levels, cuts=st.lists(st.integers(1, 99_000_000), max_size=6))
def test_the_parts_of_a_period_add_up_to_the_whole(facts, cuts: list[int]) -> None:
    """Level × time of each part, exact, whatever the cuts; and so do the quantities, but for the rounding of each."""
    whole = Period(START, START + 99 * SECOND)
    bounds = [whole.start, *(START + timedelta(microseconds=cut) for cut in sorted(set(cuts)) if cut < 99_000_000), whole.end]
    parts = [Period(a, b) for a, b in itertools.pairwise(bounds)]
    listed = sorted((to_micros(event.at), event.id, to_steps(event.quantity, 2)) for event in _events(facts))

    def within(period: Period) -> int:
        return held([(at, level) for at, _, level in listed if at < to_micros(period.end)], period)

    assert sum(within(part) for part in parts) == within(whole)
    off = [abs(Fraction(level_of(within(part), part, SEATS)) * 100 - Fraction(within(part), _micros(part))) for part in parts]
    assert all(each <= Fraction(1, 2) for each in off)


def _micros(period: Period) -> int:
    return period.length // timedelta(microseconds=1)
