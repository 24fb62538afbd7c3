"""Instants, half-open periods, and the clock that is handed in. The only place that reads the wall."""

import re
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable

from tallystick.values.errors import InvalidInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class Clock(Protocol):
    """The only source of time: aware, UTC, whole microseconds."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...


class SystemClock:
    """The wall clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 the one place that reads the wall

    def monotonic(self) -> float:
        return time.monotonic()


@runtime_checkable
class MovableClock(Clock, Protocol):
    """One that is set forward by hand: in tests, and for a business that is only played."""

    def advance(self, by: timedelta) -> datetime: ...


class SimulatedClock:
    """As far ahead of another clock as it was moved; it never goes back."""

    def __init__(self, behind: Clock) -> None:
        self._behind, self._ahead, self._lock = behind, timedelta(0), threading.Lock()

    def now(self) -> datetime:
        return self._behind.now() + self._ahead

    def monotonic(self) -> float:
        return self._behind.monotonic() + self._ahead.total_seconds()

    def advance(self, by: timedelta) -> datetime:
        """The new time."""
        assert by >= timedelta(0), "time does not go back"
        with self._lock:
            self._ahead += by
        return self.now()

    @property
    def ahead(self) -> timedelta:
        return self._ahead


@dataclass(frozen=True, slots=True)
class Period:
    """[start, end): the start is in it, the end is not. Both aware, UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is not UTC or self.end.tzinfo is not UTC:
            raise ValueError("a period is of aware UTC instants")
        if self.end <= self.start:
            raise InvalidInput(f"period: ends at {rfc3339(self.end)}, not after its start {rfc3339(self.start)}", field="period")

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def __str__(self) -> str:
        return f"{rfc3339(self.start)}/{rfc3339(self.end)}"


def to_micros(at: datetime) -> int:
    """Whole microseconds since 1970-01-01T00:00Z, exact."""
    return (at - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def rfc3339(at: datetime) -> str:
    """UTC with Z; microseconds only where there are any."""
    text = at.astimezone(UTC).isoformat(timespec="microseconds" if at.microsecond else "seconds")
    return text.removesuffix("+00:00") + "Z"


def instant(text: str, *, field: str) -> datetime:
    """The instant that an RFC 3339 text with an offset says, in UTC. Raises InvalidInput for any other form.

    Digits beyond the microsecond are cut, never rounded, so that no instant moves into the next period.
    """
    match = _RFC3339.fullmatch(text) if len(text) <= 40 else None
    if match is None:
        raise InvalidInput(f'{field}: not an RFC 3339 time with an offset; write it as "2026-01-31T09:30:00Z"', field=field)
    day, clock, fraction, offset = match.groups()
    micros = (fraction or "").ljust(6, "0")[:6]
    try:
        at = datetime.fromisoformat(f"{day}T{clock}.{micros}{'+00:00' if offset in 'Zz' else offset}")
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(f"{field}: there is no such day, time or offset", field=field) from None
