"""`from` and `until` in a query: half-open, each with a default, and never longer than 400 days where usage is summed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query

from tallystick.values.errors import InvalidInput
from tallystick.values.time import Period, instant

DAYS_MAX = 400
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)

From = Annotated[
    str | None, Query(alias="from", max_length=40, description="RFC 3339 with an offset.", examples=["2026-01-01T00:00:00Z"])
]
Until = Annotated[str | None, Query(max_length=40, description="RFC 3339 with an offset; this instant is not in it.")]


@dataclass(frozen=True, slots=True)
class Span:
    """From when until when, as far as that was said."""

    since: From = None
    until: Until = None

    def period(self) -> Period | None:
        """None: ever. An end that is not said is the first or the last instant that anything can have."""
        if self.since is None and self.until is None:
            return None
        start = _FIRST if self.since is None else instant(self.since, field="from")
        end = _LAST if self.until is None else instant(self.until, field="until")
        return _ordered(start, end)


AskedSpan = Annotated[Span, Depends()]


def summed_period(since: str, until: str | None, *, now: datetime) -> Period:
    """The period of a sum; it ends now unless told otherwise."""
    start = instant(since, field="from")
    end = now if until is None else instant(until, field="until")
    if end - start > timedelta(days=DAYS_MAX):
        raise InvalidInput(f"until: more than {DAYS_MAX} days after from; ask in parts", field="until")
    return _ordered(start, end)


def _ordered(start: datetime, end: datetime) -> Period:
    if end <= start:
        raise InvalidInput("until: must be after from", field="until")
    return Period(start, end)
