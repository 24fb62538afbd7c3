"""When a subscription's periods begin and end: whole intervals from an anchor, in UTC, with short months cut where they end."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import NamedTuple

from tallystick.sandbox.state import Doc

_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}
_DAY = 86400


class Cycle(NamedTuple):
    """From `start` until before `end`; `share` is how much of a whole interval that is."""

    start: int
    end: int
    share: Fraction


def boundary(anchor: int, recurring: Doc, number: int) -> int:
    """So many intervals from the anchor. The 31st is the last day of a shorter month, and the 31st again after."""
    count: int = recurring["interval_count"] * number
    if recurring["interval"] in _DAYS:
        return anchor + count * _DAYS[recurring["interval"]] * _DAY
    at = datetime.fromtimestamp(anchor, UTC)
    months = at.year * 12 + at.month - 1 + count * _MONTHS[recurring["interval"]]
    year, month = months // 12, months % 12 + 1
    return int(at.replace(year=year, month=month, day=min(at.day, monthrange(year, month)[1])).timestamp())


def cycle(anchor: int, recurring: Doc, at: int) -> Cycle:
    """From `at` to the next boundary: a whole interval where `at` is one itself."""
    number = (at - anchor) // longest(recurring)
    while boundary(anchor, recurring, number + 1) <= at:
        number += 1
    while boundary(anchor, recurring, number) > at:
        number -= 1
    start, end = boundary(anchor, recurring, number), boundary(anchor, recurring, number + 1)
    return Cycle(at, end, Fraction(end - at, end - start))


def longest(recurring: Doc) -> int:
    """At most so many seconds does one interval take."""
    days = {"day": 1, "week": 7, "month": 31, "year": 366}[recurring["interval"]]
    return int(recurring["interval_count"]) * days * _DAY


def is_same(one: Doc, other: Doc) -> bool:
    return (one["interval"], one["interval_count"]) == (other["interval"], other["interval_count"])


def months_later(at: int, months: int) -> int:
    return boundary(at, {"interval": "month", "interval_count": 1}, months)


def configured(config: Doc, now: int) -> int:
    """The first instant from now on that has the day, and as far as they are said the month and the time, of the config."""
    today = datetime.fromtimestamp(now, UTC)
    time = {name: config.get(name, getattr(today, name)) for name in ("hour", "minute", "second")}
    for later in range(14):
        year, month = (today.year * 12 + today.month - 1 + later) // 12, (today.month - 1 + later) % 12 + 1
        if config.get("month", month) != month:
            continue
        day = min(config["day_of_month"], monthrange(year, month)[1])
        found = datetime(year, month, day, tzinfo=UTC) + timedelta(
            hours=time["hour"], minutes=time["minute"], seconds=time["second"]
        )
        if found.timestamp() >= now:
            return int(found.timestamp())
    raise AssertionError("every day of a month comes within fourteen months")
