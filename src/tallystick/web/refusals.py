"""The events that were not recorded lately: kept in memory, for people who look for theirs."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from tallystick.domain.usage import Answer, Event, Verdict

REFUSALS_MAX = 500


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was sent and not recorded, and why. `event` is None where it was none that could be read."""

    at: datetime
    answer: Answer
    event: Event | None = None


@dataclass(slots=True)
class Refusals:
    """Of this process, since it began; the newest five hundred."""

    _kept: deque[Refusal] = field(default_factory=lambda: deque(maxlen=REFUSALS_MAX))

    def note(self, answered: Iterable[tuple[Answer, Event | None]], *, at: datetime) -> None:
        for answer, event in answered:
            if answer.verdict is not Verdict.RECORDED:
                self._kept.append(Refusal(at, answer, event))

    def newest(self, *, event_id: str | None = None, limit: int = 50) -> list[Refusal]:
        """The newest first; of one event where its id is given."""
        found = [kept for kept in reversed(tuple(self._kept)) if event_id is None or kept.answer.event_id == event_id]
        return found[:limit]
