"""Whether answers given at once could have been given one by one: searched as Wing and Gong describe it, with a memory."""

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Call:
    """What was asked and what was answered, and when, by one clock for all."""

    kind: str
    arguments: tuple[Any, ...]
    answer: Any
    begun: int
    ended: int


@dataclass
class History:
    """Written down by the threads themselves, around each call."""

    calls: list[Call] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def record(self, kind: str, arguments: tuple[Any, ...], ask: Callable[[], Any]) -> Any:
        begun = time.monotonic_ns()
        answer = ask()
        ended = time.monotonic_ns()
        with self._lock:
            self.calls.append(Call(kind, arguments, answer, begun, ended))
        return answer


Model = Callable[[Any, Call], Any]  # the state after the call, or None where the model would have answered otherwise


def order(calls: Sequence[Call], start: Hashable, model: Model) -> list[Call] | None:
    """An order in which the model gives the same answers, and nobody is answered before they asked; None where there is none."""
    listed = sorted(calls, key=lambda call: call.begun)
    seen: set[tuple[frozenset[int], Hashable]] = set()

    def search(left: frozenset[int], state: Any) -> list[Call] | None:
        if not left:
            return []
        if (left, state) in seen:
            return None
        seen.add((left, state))
        first_end = min(listed[place].ended for place in left)
        for place in sorted(left):
            if listed[place].begun > first_end:
                break  # it began after somebody's end, who must come before
            after = model(state, listed[place])
            if after is not None:
                rest = search(left - {place}, after)
                if rest is not None:
                    return [listed[place], *rest]
        return None

    return search(frozenset(range(len(listed))), start)
