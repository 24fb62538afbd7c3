"""For tests of programs that use Tallystick: a clock to set, ids to foresee, and an engine in memory."""

import threading
from datetime import UTC, datetime, timedelta

from tallystick.app import Tallystick
from tallystick.values.ids import SeededIds

__all__ = ["FakeClock", "SeededIds", "in_memory"]


class FakeClock:
    """Stands still until it is told to move."""

    def __init__(self, at: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._at, self._lock = at.astimezone(UTC), threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._at

    def monotonic(self) -> float:
        return self.now().timestamp()

    def set(self, at: datetime) -> None:
        with self._lock:
            self._at = at.astimezone(UTC)

    def advance(self, by: timedelta) -> datetime:
        """The new time."""
        with self._lock:
            self._at += by
            return self._at


def in_memory(clock: FakeClock | None = None) -> Tallystick:
    """A whole engine with its sandbox, in memory, on a clock that stands still; nothing is left behind."""
    return Tallystick.from_url("sqlite://", clock=clock or FakeClock(), ids=SeededIds())
