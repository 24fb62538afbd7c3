"""A pace that is kept: so many calls a second and no more, by the clock that was handed in."""

import threading
from datetime import timedelta

from tallystick.values.time import Clock

_MICROS = 1_000_000


class Pace:
    """Holds the calls of one second at most, and fills up as time goes by; safe to share between threads."""

    def __init__(self, clock: Clock, *, per_second: int) -> None:
        self._clock, self._per_second, self._lock = clock, per_second, threading.Lock()
        self._full = per_second * _MICROS
        self._left, self._seen_at = self._full, clock.now()

    def enter(self) -> timedelta | None:
        """None where one more call may be made now; else how long to wait."""
        with self._lock:
            now = self._clock.now()
            passed = max((now - self._seen_at) // timedelta(microseconds=1), 0)
            self._left, self._seen_at = min(self._left + passed * self._per_second, self._full), now
            if self._left < _MICROS:
                return timedelta(microseconds=-(-(_MICROS - self._left) // self._per_second))
            self._left -= _MICROS
            return None
