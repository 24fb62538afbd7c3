"""A part of a period is worth its share of the amount, by the convention agreed; parts add up to the whole."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.periods import time_zone
from tallystick.domain.proration import Convention, local_midnight, prorate, shares
from tallystick.values.errors import InvalidInput
from tallystick.values.money import JPY, USD, Money, Unrounded
from tallystick.values.time import Period, instant

JANUARY = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))


def at(text: str) -> datetime:
    return instant(text if "T" in text else f"{text}T00:00:00Z", field="at")


def part(start: str, end: str) -> Period:
    return Period(at(start), at(end))


@pytest.mark.parametrize(
    ("convention", "start", "end", "fraction"),
    [
        ("second", "2026-01-01", "2026-02-01", Fraction(1)),
        ("second", "2026-01-15", "2026-02-01", Fraction(17, 31)),
        ("second", "2026-01-15T12:00:00Z", "2026-02-01", Fraction(33, 62)),
        ("second", "2026-01-31T23:59:59Z", "2026-02-01", Fraction(1, 31 * 86400)),
        ("day", "2026-01-15", "2026-02-01", Fraction(17, 31)),
        ("day", "2026-01-15T23:59:59Z", "2026-02-01", Fraction(17, 31)),
        ("day", "2026-01-01", "2026-01-15T23:59:59Z", Fraction(14, 31)),
        ("day_inclusive", "2026-01-15T23:59:59Z", "2026-02-01", Fraction(17, 31)),
        ("day_inclusive", "2026-01-01", "2026-01-15T00:00:01Z", Fraction(15, 31)),
        ("day_inclusive", "2026-01-01", "2026-02-01", Fraction(1)),
        ("month_30", "2026-01-15", "2026-02-01", Fraction(16, 30)),
        ("month_30", "2026-01-30", "2026-01-31", Fraction(0)),
        ("month_30", "2026-01-01", "2026-02-01", Fraction(1)),
    ],
)
def test_each_convention_measures_in_its_own_way(convention: str, start: str, end: str, fraction: Fraction) -> None:
    result = prorate(Money(31_00, USD), JANUARY, part(start, end), Convention(convention))
    assert result.fraction == fraction
    assert result.exact.amount == 31 * fraction
    assert result.rounded == result.exact.rounded()


def test_all_months_are_alike_by_the_thirty() -> None:
    february = part("2026-02-01", "2026-03-01")
    assert prorate(Money(30_00, USD), february, part("2026-02-01", "2026-02-11"), Convention.MONTH_30).rounded == Money(
        10_00, USD
    )
    year = part("2026-01-01", "2027-01-01")
    assert prorate(Money(360, JPY), year, JANUARY, Convention.MONTH_30).rounded == Money(30, JPY)


def test_half_a_cent_goes_away_from_zero_both_ways() -> None:
    halves = part("2026-01-01", "2026-01-16T12:00:00Z")
    assert prorate(Money(1, USD), JANUARY, halves).rounded == Money(1, USD)
    assert prorate(Unrounded(Decimal("-0.01"), USD), JANUARY, halves).rounded == Money(-1, USD)


def test_days_begin_at_the_midnights_of_the_zone() -> None:
    tokyo = time_zone("Asia/Tokyo")
    full = Period(local_midnight(date(2026, 1, 1), tokyo), local_midnight(date(2026, 2, 1), tokyo))
    night = part("2026-01-14T16:00:00Z", "2026-01-15T14:00:00Z")
    assert prorate(Money(31, JPY), full, night, Convention.DAY, tokyo).fraction == 0, "from one to eleven on the 15th"
    assert prorate(Money(31, JPY), full, night, Convention.DAY).fraction == Fraction(1, 31), "from the 14th to the 15th"


def test_a_day_of_23_hours_is_a_day() -> None:
    berlin = time_zone("Europe/Berlin")
    march = Period(local_midnight(date(2026, 3, 1), berlin), local_midnight(date(2026, 4, 1), berlin))
    short = Period(local_midnight(date(2026, 3, 29), berlin), local_midnight(date(2026, 3, 30), berlin))
    assert prorate(Money(31, JPY), march, short, Convention.DAY, berlin).fraction == Fraction(1, 31)
    assert prorate(Money(31, JPY), march, short, Convention.SECOND, berlin).fraction == Fraction(23, 31 * 24 - 1)


@pytest.mark.parametrize(("start", "end"), [("2025-12-31", "2026-01-15"), ("2026-01-15", "2026-02-02")])
def test_a_part_outside_the_period_is_refused(start: str, end: str) -> None:
    with pytest.raises(InvalidInput, match="service_period: must lie within full_period"):
        prorate(Money(1, USD), JANUARY, part(start, end))


def test_a_period_too_short_for_its_convention_is_refused() -> None:
    hour = part("2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z")
    for convention in (Convention.DAY, Convention.MONTH_30):
        with pytest.raises(InvalidInput, match="holds no whole day to count by; use the convention second"):
            prorate(Money(1, USD), hour, hour, convention)
    assert prorate(Money(1, USD), hour, hour, Convention.DAY_INCLUSIVE).fraction == 1


def test_a_period_is_shared_without_losing_a_unit() -> None:
    thirds = [at("2026-01-11T08:00:00Z"), at("2026-01-21T16:00:00Z")]
    assert [share.minor for share in shares(Money(100, JPY), JANUARY, thirds)] == [34, 33, 33]
    assert shares(Money(100, JPY), JANUARY, []) == [Money(100, JPY)]
    with pytest.raises(InvalidInput, match="not after its start"):
        shares(Money(100, JPY), JANUARY, list(reversed(thirds)))
    with pytest.raises(InvalidInput, match="not after its start"):
        shares(Money(100, JPY), JANUARY, [JANUARY.end])


CUTS = st.lists(st.integers(1, 31 * 86400 - 1), unique=True, max_size=6).map(sorted)


@given(st.integers(-(10**9), 10**9), CUTS, st.sampled_from(list(Convention)))
def test_the_shares_of_a_period_add_up_to_the_whole(minor: int, cuts: list[int], convention: Convention) -> None:
    instants = [JANUARY.start + timedelta(seconds=cut) for cut in cuts]
    found = shares(Money(minor, USD), JANUARY, instants, convention)
    assert len(found) == len(cuts) + 1
    assert sum(share.minor for share in found) == minor


@given(CUTS, st.sampled_from([Convention.SECOND, Convention.DAY, Convention.MONTH_30]))
def test_the_fractions_of_a_period_add_up_to_one(cuts: list[int], convention: Convention) -> None:
    edges = [JANUARY.start, *(JANUARY.start + timedelta(seconds=cut) for cut in cuts), JANUARY.end]
    parts = [Period(start, end) for start, end in pairwise(edges)]
    assert sum(prorate(Money(100, USD), JANUARY, one, convention).fraction for one in parts) == 1
