"""The circuits of one process: who asks first passes by here, and tells afterwards what came of it."""

import threading
from datetime import datetime, timedelta

import structlog

from tallystick.domain import circuits
from tallystick.domain.circuits import Circuit, CircuitState
from tallystick.values.time import Clock

log = structlog.get_logger("tallystick.providers")


class Circuits:
    """One for each kind of endpoint that was asked; safe to share between threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._known: dict[str, Circuit] = {}
        self._heard_at: datetime | None = None

    def enter(self, kind: str) -> timedelta | None:
        """None where this kind may be asked now; else how long it is left alone."""
        now = self._clock.now()
        with self._lock:
            before = self._known.get(kind, Circuit())
            after = circuits.entered(before, now=now)
            if after is None:
                return circuits.held_for(before, now=now)
            self._known[kind] = after
        return None

    def answered(self, kind: str) -> None:
        """It answers; what it said is for others to judge. One answer is enough, whoever got it."""
        with self._lock:
            before, self._known[kind] = self._known.get(kind, Circuit()), Circuit()
            self._heard_at = self._clock.now()
        if before.state is not CircuitState.CLOSED:
            log.info("circuit.closed", kind=kind)

    def failed(self, kind: str) -> None:
        """No answer came, or none that is worth the name."""
        with self._lock:
            before = self._known.get(kind, Circuit())
            after = self._known[kind] = circuits.failed(before, now=self._clock.now())
        if after.state is not before.state:
            log.warning("circuit.opened", kind=kind, failures=after.failures, pause_seconds=int(after.pause.total_seconds()))

    def states(self) -> dict[str, CircuitState]:
        """How each kind that was asked stands now."""
        with self._lock:
            return {kind: circuit.state for kind, circuit in sorted(self._known.items())}

    @property
    def heard_at(self) -> datetime | None:
        """When an answer last came, of whichever kind."""
        with self._lock:
            return self._heard_at
