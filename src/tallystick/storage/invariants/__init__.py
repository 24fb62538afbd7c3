"""What must hold over everything that is stored: each invariant written once, for `verify`, the tests and the simulator."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where an invariant does not hold."""

    invariant: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Finding:
    """How much one invariant looked at, and what it found wrong."""

    checked: int
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class Invariant:
    """A promise, by its number in the list of invariants, and the check of it: of a connection and the most to name."""

    number: int
    name: str
    promise: str
    check: Callable[[Connection, int], Finding]


INVARIANTS: tuple[Invariant, ...] = ()
