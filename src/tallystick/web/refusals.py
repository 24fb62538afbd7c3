"""The events that were not recorded lately: kept in memory, for people who look for theirs."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from tallystick.domain.usage import Answer, Event, Verdict

REFUSALS_MAX = 500


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was sent and not recorded, and why. `event` is None where it was none that could be read. They are numbered from 1."""

    at: datetime
    answer: Answer
    event: Event | None = None
    number: int = 0


@dataclass(slots=True)
class Refusals:
    """Of this process, since it began; the newest five hundred."""

    _kept: deque[Refusal] = field(default_factory=lambda: deque(maxlen=REFUSALS_MAX))
    _count: int = 0

    def note(self, answered: Iterable[tuple[Answer, Event | None]], *, at: datetime) -> None:
        for answer, event in answered:
            if answer.verdict is not Verdict.RECORDED:
                self._count += 1
                self._kept.append(Refusal(at, answer, event, self._count))

    def newest(self, *, event_id: str | None = None, limit: int = 50) -> list[Refusal]:
        """The newest first; of one event where its id is given."""
        found = [kept for kept in reversed(tuple(self._kept)) if event_id is None or kept.answer.event_id == event_id]
        return found[:limit]

    def since(self, number: int) -> list[Refusal]:
        """Those behind that number, the oldest first."""
        return [kept for kept in tuple(self._kept) if kept.number > number]
