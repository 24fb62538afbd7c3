"""Every zone × an anchor on each day of a month × every cadence × twenty years: boundaries tile time, where an oracle says."""

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import available_timezones

import pytest

from tests.domain.period_sweep import CADENCES, YEARS, Clocks, sweep, tiles

NAMES = sorted(available_timezones())
CHUNKS = 8
# One of each kind: none, north, south, half an hour, at midnight, over the edge of a day, a day left out, decided anew each year.
SAMPLE = [
    "UTC",
    "Europe/Berlin",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Asia/Beirut",
    "America/Nuuk",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Antarctica/Troll",
]


def test_boundaries_tile_twenty_years_in_zones_of_every_kind(counted: Callable[[str], None]) -> None:
    checked = sweep(SAMPLE, days=(1, 15, 29, 31))
    counted(f"{len(SAMPLE)} zones × 4 anchors × {', '.join(CADENCES)} × {YEARS} years: {checked} boundaries")


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_boundaries_tile_twenty_years_in_every_zone_from_every_day_of_a_month(chunk: int, counted: Callable[[str], None]) -> None:
    names = NAMES[chunk::CHUNKS]
    checked = sweep(names)
    counted(f"{len(names)} of {len(NAMES)} zones × 31 anchors × {', '.join(CADENCES)} × {YEARS} years: {checked} boundaries")


def test_no_zone_is_missing() -> None:
    assert len(NAMES) > 590
    assert sorted(name for chunk in range(CHUNKS) for name in NAMES[chunk::CHUNKS]) == NAMES


@pytest.mark.parametrize("name", ["Pacific/Apia", "America/Havana", "Asia/Beirut", "Africa/Cairo"])
def test_days_tile_where_midnights_are_missing_or_come_twice(name: str) -> None:
    clocks = Clocks(name)
    for start in (datetime(1998, 3, 1, tzinfo=UTC), datetime(2010, 10, 31, 0, 30, tzinfo=UTC)):
        assert tiles(clocks, clocks.first([start])[0], "day") > 7300
