"""A circuit leads to one kind of endpoint. It opens where nothing answers, so that an outage is not asked to death. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

FAILURES_MAX = 5  # in a row
PAUSE_FIRST, PAUSE_MAX = timedelta(seconds=30), timedelta(minutes=5)
PROBE_MAX = timedelta(minutes=1)  # whoever was let through and has said nothing since then is gone


class CircuitState(StrEnum):
    """CLOSED: everybody asks. OPEN: nobody does. HALF_OPEN: one does, and the others wait for what becomes of it."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Circuit:
    """`failures` are those in a row; `since` is when it came to be as it is, where it is not closed."""

    state: CircuitState = CircuitState.CLOSED
    failures: int = 0
    since: datetime | None = None
    pause: timedelta = PAUSE_FIRST


def entered(circuit: Circuit, *, now: datetime) -> Circuit | None:
    """The circuit with one more let through; None where nobody is, for as long as `held_for` says."""
    if held_for(circuit, now=now) > timedelta(0):
        return None
    if circuit.state is CircuitState.CLOSED:
        return circuit
    return replace(circuit, state=CircuitState.HALF_OPEN, since=now)


def held_for(circuit: Circuit, *, now: datetime) -> timedelta:
    """How long nobody is let through from now on."""
    if circuit.since is None or now < circuit.since:  # a clock that was set back holds nobody up
        return timedelta(0)
    length = circuit.pause if circuit.state is CircuitState.OPEN else PROBE_MAX
    return max(circuit.since + length - now, timedelta(0))


def failed(circuit: Circuit, *, now: datetime) -> Circuit:
    """The circuit after one more request that came to nothing."""
    failures = circuit.failures + 1
    match circuit.state:
        case CircuitState.OPEN:
            return circuit  # it was sent before the circuit opened
        case CircuitState.HALF_OPEN:
            return Circuit(CircuitState.OPEN, failures, now, min(circuit.pause * 2, PAUSE_MAX))
        case CircuitState.CLOSED if failures >= FAILURES_MAX:
            return Circuit(CircuitState.OPEN, failures, now)
        case CircuitState.CLOSED:
            return replace(circuit, failures=failures)
