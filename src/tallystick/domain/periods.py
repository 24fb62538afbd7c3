"""Where periods begin and end: boundary k is counted from the anchor, in the zone of the customer, never from another one."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import assert_never
from zoneinfo import ZoneInfo

from tallystick.values.errors import InvalidInput
from tallystick.values.time import EPOCH, Period

BOUNDARIES_MAX = 10_000
COUNT_MAX = 1_000
_SECOND = timedelta(seconds=1)
_EPOCH_SHOWN = datetime(1970, 1, 1)  # noqa: DTZ001 what clocks in UTC show at the epoch


class Interval(StrEnum):
    """What a period is counted in: calendar units of the customer's zone."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


# The longest that one of them can be, in days: so that no boundary is skipped when looking for the first one.
_DAYS_MAX = {Interval.DAY: 1, Interval.WEEK: 7, Interval.MONTH: 31, Interval.YEAR: 366}


@lru_cache(maxsize=1024)
def time_zone(name: str) -> ZoneInfo:
    """The zone of that IANA name. Raises InvalidInput for others."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidInput('zone: not a known IANA time zone; write it as "Asia/Tokyo"', field="zone") from None


def instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which clocks in the zone show `wall` (which carries no zone).

    A time that does not exist moves forward to the first instant that does; one that exists twice is its first
    (docs: Money and time, Time).
    """
    if wall.fold:
        wall = wall.replace(fold=0)
    before = zone.utcoffset(wall)
    assert before is not None, "zones have offsets"
    at = _in_utc(wall - before)
    if at.astimezone(zone).utcoffset() == before:  # nearly always, so it is asked first: `replace` alone costs half of this
        return at
    after = zone.utcoffset(wall.replace(fold=1))
    assert after is not None, "zones have offsets"
    return at if before >= after else _end_of_gap(_in_utc(wall - after), at, zone)


def boundary(anchor: datetime, k: int, interval: Interval, count: int, zone: ZoneInfo) -> datetime:
    """The anchor (UTC) plus k × count intervals of local calendar time, in UTC; boundary 0 is the anchor itself.

    Short months clamp, without drift: 31 Jan, 29 Feb, 31 Mar. Period k is [boundary k, boundary k + 1).
    Raises InvalidInput beyond the years 1 to 9999.
    """
    if k == 0:
        return anchor
    try:
        return instant_of(_moved(_shown(anchor, zone), k * count, interval), zone)
    except (OverflowError, ValueError):
        raise InvalidInput("boundary: outside the years 1 to 9999", field="until") from None


@dataclass(frozen=True, slots=True)
class Cadence:
    """How long a period is: `count` intervals. Written as "month", or "3 months"."""

    interval: Interval
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.count <= COUNT_MAX:
            raise InvalidInput(f"interval: from 1 to {COUNT_MAX} of them", field="interval")

    def __str__(self) -> str:
        return self.interval.value if self.count == 1 else f"{self.count} {self.interval.value}s"


def read_cadence(text: str) -> Cadence:
    """The cadence that is written so. Raises InvalidInput."""
    count, _, name = text.strip().rpartition(" ")
    word = name.removesuffix("s")
    if word not in set(Interval) or not text.isascii() or not (count or "1").isdecimal() or len(count) > 4:
        raise InvalidInput('interval: write it as "month", "year", or "3 months"', field="interval")
    return Cadence(Interval(word), int(count or "1"))


def period_at(anchor: datetime, cadence: Cadence, zone: ZoneInfo, at: datetime) -> Period:
    """The period that `at` lies in, of those counted from the anchor, forwards and backwards."""
    interval, count = cadence.interval, cadence.count
    k = (at - anchor).days // (_DAYS_MAX[interval] * count)
    while boundary(anchor, k, interval, count, zone) > at:
        k -= 1
    while boundary(anchor, k + 1, interval, count, zone) <= at:
        k += 1
    return Period(boundary(anchor, k, interval, count, zone), boundary(anchor, k + 1, interval, count, zone))


def boundaries(
    anchor: datetime, interval: Interval, count: int, zone: ZoneInfo, *, start: datetime, until: datetime
) -> list[datetime]:
    """All boundaries from the anchor on that lie in [start, until), in order, each once; at most 10,000.

    Raises InvalidInput for more of them, or a `count` that is not from 1 to 1,000. A day that a zone left out altogether
    (Samoa's 30 Dec 2011) has no boundary of its own: it falls together with the next one.
    """
    if not 1 <= count <= COUNT_MAX:
        raise InvalidInput(f"count: must be from 1 to {COUNT_MAX}", field="count")
    # A day of slack on either side, for offsets that change.
    k = max(0, ((start - anchor).days - 1) // (_DAYS_MAX[interval] * count) - 1)
    found: list[datetime] = []
    while (at := boundary(anchor, k, interval, count, zone)) < until:
        if at >= start and (not found or at > found[-1]):
            found.append(at)
        if len(found) > BOUNDARIES_MAX:
            raise InvalidInput(f"until: more than {BOUNDARIES_MAX} boundaries; ask for a shorter time", field="until")
        k += 1
    return found


def _shown(at: datetime, zone: ZoneInfo) -> datetime:
    """What clocks in the zone show at that instant."""
    local = at.astimezone(zone)
    return datetime.combine(local.date(), local.time())


def _in_utc(wall: datetime) -> datetime:
    """The instant at which clocks in UTC show `wall`."""
    return EPOCH + (wall - _EPOCH_SHOWN)


def _moved(wall: datetime, steps: int, interval: Interval) -> datetime:
    match interval:
        case Interval.DAY:
            return wall + timedelta(days=steps)
        case Interval.WEEK:
            return wall + timedelta(weeks=steps)
        case Interval.MONTH:
            return _months_later(wall, steps)
        case Interval.YEAR:
            return _months_later(wall, 12 * steps)
        case _:
            assert_never(interval)


def _months_later(wall: datetime, months: int) -> datetime:
    year, month0 = divmod(wall.year * 12 + wall.month - 1 + months, 12)
    day = wall.day if wall.day <= 28 else min(wall.day, monthrange(year, month0 + 1)[1])
    return datetime.combine(date(year, month0 + 1, day), wall.time())


def _end_of_gap(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The instant between the two at which the zone's clocks jump."""
    old = low.astimezone(zone).utcoffset()
    low, high = low.replace(microsecond=0), high.replace(microsecond=0)  # clocks jump at whole seconds
    while high - low > _SECOND:
        middle = (low + (high - low) // 2).replace(microsecond=0)
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == old else (low, middle)
    return high
