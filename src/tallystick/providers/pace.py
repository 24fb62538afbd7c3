"""A pace that is kept: so many calls a second and no more, by the clock that was handed in."""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from tallystick.values.time import Clock

_MICROS = 1_000_000
_NOW = timedelta(0)
WAIT_MAX = timedelta(seconds=2)  # longer than that nobody is held up: it is asked later


def wait(length: timedelta) -> None:
    """Rests so long, of the time of this machine."""
    time.sleep(length.total_seconds())


class Pace:
    """Holds the calls of one second at most, and fills up as time goes by; safe to share between threads."""

    def __init__(self, clock: Clock, *, per_second: int) -> None:
        self._clock, self._per_second, self._lock = clock, per_second, threading.Lock()
        self._full = per_second * _MICROS
        self._left, self._seen_at = self._full, clock.now()

    def enter(self) -> timedelta | None:
        """None where one more call may be made now; else how long to wait."""
        turn = self.reserve(_NOW)
        return None if turn == _NOW else turn

    def reserve(self, longest: timedelta) -> timedelta:
        """How long until one more call may be made. Its turn is kept for whoever asked, unless that is longer than `longest`."""
        with self._lock:
            now = self._clock.now()
            passed = max((now - self._seen_at) // timedelta(microseconds=1), 0)
            self._left, self._seen_at = min(self._left + passed * self._per_second, self._full), now
            turn = timedelta(microseconds=max(-(-(_MICROS - self._left) // self._per_second), 0))
            if turn <= longest:
                self._left -= _MICROS
            return turn

    def give_back(self) -> None:
        """The turn that was kept is not taken."""
        with self._lock:
            self._left = min(self._left + _MICROS, self._full)


@dataclass(frozen=True, slots=True)
class Waited:
    """Of one kind of endpoint: how long calls have waited for their turn, and how many were put off, since the start."""

    for_turn: timedelta = _NOW
    put_off: int = 0


class Paces:
    """The pace of all calls together, and of each kind of endpoint; who comes too early waits a little for their turn."""

    def __init__(
        self,
        clock: Clock,
        *,
        all_per_second: int,
        kind_per_second: int,
        exempt: Collection[str] = (),
        rest: Callable[[timedelta], None] = wait,
    ) -> None:
        """`exempt` kinds have a pace of their own elsewhere. `rest` lets time pass."""
        self.all = Pace(clock, per_second=all_per_second)
        self._clock, self._kind_per_second, self._exempt, self._rest = clock, kind_per_second, frozenset(exempt), rest
        self._lock = threading.Lock()
        self._kinds: dict[str, Pace] = {}
        self._waited: dict[str, Waited] = {}

    def enter(self, kind: str) -> timedelta | None:
        """None once it is the turn of one more call of this kind; where that is too far away, how long to stay away."""
        if kind in self._exempt:
            return None
        with self._lock:
            of_kind = self._kinds.setdefault(kind, Pace(self._clock, per_second=self._kind_per_second))
        turn = of_kind.reserve(WAIT_MAX)
        if turn <= WAIT_MAX:
            turn = max(turn, of_all := self.all.reserve(WAIT_MAX))
            if of_all > WAIT_MAX:
                of_kind.give_back()
        self._note(kind, turn)
        if turn > WAIT_MAX:
            return turn
        if turn > _NOW:
            self._rest(turn)
        return None

    def waited(self) -> Mapping[str, Waited]:
        """By kind, of those that ever had to wait."""
        with self._lock:
            return dict(self._waited)

    def _note(self, kind: str, turn: timedelta) -> None:
        if turn == _NOW:
            return
        with self._lock:
            before = self._waited.get(kind, Waited())
            self._waited[kind] = (
                replace(before, put_off=before.put_off + 1)
                if turn > WAIT_MAX
                else replace(before, for_turn=before.for_turn + turn)
            )
