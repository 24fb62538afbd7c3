"""Instants are aware, UTC and whole microseconds; periods are half-open."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.values.errors import InvalidInput
from tallystick.values.time import Period, SystemClock, from_micros, instant, rfc3339, to_micros

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def test_the_start_is_in_a_period_and_the_end_is_not() -> None:
    period = Period(START, END)
    assert START in period
    assert END - TICK in period
    assert END not in period
    assert START - TICK not in period
    assert (period.length, str(period)) == (timedelta(days=31), "2026-01-01T00:00:00Z/2026-02-01T00:00:00Z")


@pytest.mark.parametrize("end", [START, START - TICK])
def test_a_period_ends_after_it_starts(end: datetime) -> None:
    with pytest.raises(InvalidInput, match="period: ends at"):
        Period(START, end)


def test_a_period_is_of_utc_instants() -> None:
    for other in (datetime(2026, 3, 1), datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=9)))):  # noqa: DTZ001 what is refused
        with pytest.raises(ValueError, match="aware UTC"):
            Period(START, other)
        with pytest.raises(ValueError, match="aware UTC"):
            Period(other, END)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-31T09:30:00Z", "2026-01-31T09:30:00Z"),
        ("2026-01-31t09:30:00z", "2026-01-31T09:30:00Z"),
        ("2026-01-31 09:30:00+09:00", "2026-01-31T00:30:00Z"),
        ("2026-01-31T09:30:00-03:30", "2026-01-31T13:00:00Z"),
        ("2026-01-31T09:30:00.5Z", "2026-01-31T09:30:00.500000Z"),
        ("2026-01-31T23:59:59.999999999Z", "2026-01-31T23:59:59.999999Z"),
    ],
)
def test_a_time_with_an_offset_is_an_instant(text: str, utc: str) -> None:
    at = instant(text, field="at")
    assert rfc3339(at) == utc
    assert at.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-31",
        "2026-01-31T09:30:00",
        "2026-01-31T09:30Z",
        "2026-02-30T00:00:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T23:59:60Z",
        "2026-01-31T09:30:00+25:00",
        "0001-01-01T00:00:00+01:00",
        "2026-01-31T09:30:00.1234567890Z",
        "２０２６-01-31T09:30:00Z",
        "2026-01-31T09:30:00Z" + " " * 50,
    ],
)
def test_any_other_form_of_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^at: ") as refused:
        instant(text, field="at")
    assert refused.value.field == "at"


@given(st.datetimes(timezones=st.just(UTC)))
def test_instants_and_microseconds_are_one_to_one(at: datetime) -> None:
    assert from_micros(to_micros(at)) == at
    assert instant(rfc3339(at), field="at") == at


def test_the_system_clock_is_utc_and_goes_on() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()
