"""Boundaries: counted from the anchor in the customer's zone, without drift, tiling time through every clock change."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo, available_timezones

import pytest
from dateutil.relativedelta import relativedelta

from tallystick.domain.periods import Interval, boundaries, boundary, instant_of, time_zone
from tallystick.values.errors import InvalidInput
from tallystick.values.time import instant, rfc3339

INTERVALS = {
    Interval.DAY: lambda n: relativedelta(days=n),
    Interval.WEEK: lambda n: relativedelta(weeks=n),
    Interval.MONTH: lambda n: relativedelta(months=n),
    Interval.YEAR: lambda n: relativedelta(years=n),
}


def at(text: str) -> datetime:
    return instant(text, field="at")


def wall(text: str) -> datetime:
    """What a clock shows somewhere: a time without a zone."""
    return datetime.fromisoformat(text)


def walls(anchor: str, interval: Interval, zone: str, ks: range, count: int = 1) -> list[str]:
    """The local wall times of some boundaries, to the minute."""
    place = time_zone(zone)
    start = instant_of(wall(anchor), place)
    return [f"{boundary(start, k, interval, count, place).astimezone(place):%Y-%m-%d %H:%M}" for k in ks]


def test_short_months_clamp_without_drift() -> None:
    found = walls("2024-01-31", Interval.MONTH, "Asia/Tokyo", range(5))
    assert found == ["2024-01-31 00:00", "2024-02-29 00:00", "2024-03-31 00:00", "2024-04-30 00:00", "2024-05-31 00:00"]


def test_a_leap_day_returns_in_leap_years() -> None:
    found = walls("2024-02-29", Interval.YEAR, "UTC", range(5))
    assert [day[:10] for day in found] == ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]


def test_the_count_multiplies_the_interval() -> None:
    assert walls("2024-11-30 09:30", Interval.MONTH, "UTC", range(3), count=3) == [
        "2024-11-30 09:30",
        "2025-02-28 09:30",
        "2025-05-30 09:30",
    ]
    assert walls("2024-01-01", Interval.WEEK, "UTC", range(-1, 2), count=2) == [
        "2023-12-18 00:00",
        "2024-01-01 00:00",
        "2024-01-15 00:00",
    ]


def test_a_midnight_that_does_not_exist_moves_to_the_first_instant_that_does() -> None:
    beirut = time_zone("Asia/Beirut")
    assert rfc3339(instant_of(wall("2024-03-31"), beirut)) == "2024-03-30T22:00:00Z"
    assert instant_of(wall("2024-03-31"), beirut).astimezone(beirut).hour == 1
    assert walls("2024-03-30", Interval.DAY, "Asia/Beirut", range(3)) == [
        "2024-03-30 00:00",
        "2024-03-31 01:00",
        "2024-04-01 00:00",
    ]


def test_a_time_within_a_gap_moves_to_its_end_and_no_further() -> None:
    berlin = time_zone("Europe/Berlin")
    for minute in (0, 1, 30, 59):
        assert rfc3339(instant_of(wall(f"2026-03-29T02:{minute:02}"), berlin)) == "2026-03-29T01:00:00Z"
    assert rfc3339(instant_of(wall("2026-03-29T02:59:59.999999"), berlin)) == "2026-03-29T01:00:00Z"
    assert rfc3339(instant_of(wall("2026-03-29T03:00"), berlin)) == "2026-03-29T01:00:00Z"
    assert rfc3339(instant_of(wall("2026-03-29T01:59:59.999999"), berlin)) == "2026-03-29T00:59:59.999999Z"


def test_a_midnight_that_exists_twice_is_its_first() -> None:
    havana = time_zone("America/Havana")
    first = instant_of(wall("2024-11-03"), havana)
    assert rfc3339(first) == "2024-11-03T04:00:00Z"
    assert (first + timedelta(hours=1)).astimezone(havana).hour == 0, "it exists twice"


def test_a_gap_of_half_an_hour_ends_where_it_ends() -> None:
    howe = time_zone("Australia/Lord_Howe")
    assert rfc3339(instant_of(wall("2026-10-04T02:15"), howe)) == "2026-10-03T15:30:00Z"


def test_winter_and_summer_customers_share_their_boundaries() -> None:
    winter = walls("2024-01-15", Interval.MONTH, "Europe/Berlin", range(6, 18))
    assert winter == walls("2024-07-15", Interval.MONTH, "Europe/Berlin", range(12))


def test_a_day_that_a_zone_left_out_has_no_boundary_of_its_own() -> None:
    apia = time_zone("Pacific/Apia")
    start = instant_of(wall("2011-12-28"), apia)
    found = boundaries(start, Interval.DAY, 1, apia, start=start, until=start + timedelta(days=4))
    assert [moment.astimezone(apia).day for moment in found] == [28, 29, 31, 1]


def test_the_anchor_is_boundary_nought_even_in_the_second_of_two_hours() -> None:
    berlin, second = time_zone("Europe/Berlin"), at("2026-10-25T01:30:00Z")
    assert boundary(second, 0, Interval.MONTH, 1, berlin) == second
    assert rfc3339(boundary(second, 1, Interval.DAY, 1, berlin)) == "2026-10-26T01:30:00Z"


def test_boundaries_are_those_from_the_anchor_on_and_before_the_end() -> None:
    anchor, utc = at("2026-01-31T00:00:00Z"), time_zone("UTC")

    def listed(start: str, until: str) -> list[str]:
        found = boundaries(anchor, Interval.MONTH, 1, utc, start=at(f"{start}T00:00:00Z"), until=at(f"{until}T00:00:00Z"))
        return [rfc3339(moment)[:10] for moment in found]

    assert listed("2026-01-31", "2026-03-31") == ["2026-01-31", "2026-02-28"], "half-open"
    assert listed("2020-01-01", "2026-03-01") == ["2026-01-31", "2026-02-28"], "none before the anchor"
    assert listed("2126-02-01", "2126-03-01") == ["2126-02-28"]
    assert listed("2026-02-01", "2026-02-02") == []
    assert listed("2026-05-01", "2026-02-02") == []


def test_what_cannot_be_counted_is_refused() -> None:
    anchor, utc = at("2026-01-31T00:00:00Z"), time_zone("UTC")
    for count in (0, -1, 1001):
        with pytest.raises(InvalidInput, match="count: must be from 1 to 1000"):
            boundaries(anchor, Interval.DAY, count, utc, start=anchor, until=anchor)
    with pytest.raises(InvalidInput, match="more than 10000 boundaries"):
        boundaries(anchor, Interval.DAY, 1, utc, start=anchor, until=anchor + timedelta(days=10_001))
    assert len(boundaries(anchor, Interval.DAY, 1, utc, start=anchor, until=anchor + timedelta(days=10_000))) == 10_000
    for k, interval in ((10**6, Interval.YEAR), (10**9, Interval.DAY), (-30_000, Interval.MONTH)):
        with pytest.raises(InvalidInput, match="outside the years 1 to 9999"):
            boundary(anchor, k, interval, 1, utc)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "America", "/etc/localtime", "A" * 5000, "a\0b"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="zone: not a known IANA time zone"):
        time_zone(name)


def naive_first(shown: datetime, zone: ZoneInfo) -> datetime:
    """The rule once more, slowly: the first instant, in steps of a quarter of an hour, whose clocks show it or later."""
    guess = shown.replace(tzinfo=UTC) - timedelta(hours=26)
    while guess.astimezone(zone).replace(tzinfo=None) < shown:
        guess += timedelta(minutes=15)
    return guess


def test_periods_tile_time_in_every_zone() -> None:
    """Strictly ascending (a day left out aside), and where dateutil and a slow search say; over zones × anchors × intervals."""
    rng, checked = Random(20261121), 0
    for name in sorted(available_timezones()):
        zone = time_zone(name)
        interval = rng.choice(list(Interval))
        count = rng.choice((1, 1, 2, 3))
        begin = wall("1990-01-01") + timedelta(days=rng.randrange(14_000), hours=rng.choice((0, 0, 2, 23)))
        anchor = instant_of(begin, zone)
        local = anchor.astimezone(zone).replace(tzinfo=None)
        found = [boundary(anchor, k, interval, count, zone) for k in range(40)]
        assert all(earlier < later or interval is Interval.DAY for earlier, later in pairwise(found)), name
        for k in rng.sample(range(1, 40), 4):
            assert found[k] == naive_first(local + INTERVALS[interval](k * count), zone), (name, interval, count, begin, k)
            checked += 1
    assert checked > 2000


@pytest.mark.parametrize(
    "zone", ["Africa/Cairo", "America/Santiago", "Asia/Beirut", "Atlantic/Azores", "America/Havana", "Asia/Gaza"]
)
def test_every_local_midnight_of_twenty_years_is_the_first_instant_of_its_day(zone: str) -> None:
    place, day = time_zone(zone), wall("2024-01-01")
    while day.year < 2032:
        midnight = instant_of(day, place)
        assert midnight.astimezone(place).date() == day.date()
        assert (midnight - timedelta(microseconds=1)).astimezone(place).date() < day.date()
        day += timedelta(days=1)
