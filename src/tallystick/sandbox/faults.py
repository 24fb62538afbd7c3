"""What goes wrong on demand: by chance from a seed, or planted to happen exactly once."""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

NAMES = frozenset({
    "lost_request", "lost_reply", "timeout_after_success", "rate_limited", "lock_timeout", "idempotency_key_in_use", "stored_500",
    "webhook_duplicate", "webhook_reorder", "webhook_delay", "webhook_drop",
})  # fmt: skip
EFFECTS = ("done", "half", "none")


class Lost(Exception):
    """The caller gets no reply; whether the request was carried out is for the caller to find out."""

    def __init__(self, message: str, *, is_timeout: bool = False) -> None:
        super().__init__(message)
        self.is_timeout = is_timeout


@dataclass(frozen=True)
class Planted:
    name: str
    on: str
    detail: str


class Faults:
    """All off at first. `counts` tells how often each fired; `outage` as well."""

    def __init__(self, seed: int = 0, **probabilities: float) -> None:
        self.counts: Counter[str] = Counter()
        self._random = random.Random(seed)  # noqa: S311 chance from a seed, so that a run can be repeated
        self._probabilities: dict[str, float] = {}
        self._planted: list[Planted] = []
        self._outages: list[tuple[datetime, datetime]] = []
        for name, probability in probabilities.items():
            self.set(name, probability)

    def set(self, name: str, probability: float) -> None:
        """From here on it happens with this probability; 0 is off."""
        self._probabilities[_known(name)] = probability

    def off(self) -> None:
        """Nothing happens any more: no chance, nothing planted, no outage."""
        self._probabilities.clear()
        self._planted.clear()
        self._outages.clear()

    def next(self, name: str, on: str = "*", *, effect: str = "") -> None:
        """Plants exactly one, on the next call that matches "METHOD /path" ("{id}" for ids), or event type.

        `effect` is for stored_500: "done" (the default), "half" or "none".
        """
        if effect and effect not in EFFECTS:
            raise ValueError(f"effect {effect!r} is none of {', '.join(EFFECTS)}")
        self._planted.append(Planted(_known(name), on, effect))

    def outage(self, start: datetime, end: datetime) -> None:
        """No request gets through from `start` until `end`, and no webhook is sent."""
        self._outages.append((start, end))

    def is_out(self, now: datetime) -> bool:
        out = any(start <= now < end for start, end in self._outages)
        self.counts["outage"] += out
        return out

    def fires(self, name: str, *subjects: str) -> str | None:
        """Whether it happens now: its effect ("done" where that means nothing), else None."""
        for planted in self._planted:
            if planted.name == name and any(fnmatchcase(subject, planted.on) for subject in subjects):
                self._planted.remove(planted)
                self.counts[name] += 1
                return planted.detail or "done"
        probability = self._probabilities.get(name)
        if not probability or self._random.random() >= probability:
            return None
        self.counts[name] += 1
        return self._random.choice(EFFECTS) if name == "stored_500" else "done"

    def shuffle(self, items: list[Any]) -> None:
        self._random.shuffle(items)


def _known(name: str) -> str:
    if name not in NAMES:
        raise ValueError(f"no fault {name!r}; known: {', '.join(sorted(NAMES))}")
    return name
