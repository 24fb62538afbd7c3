"""An invariant, what checking it found, and the small words that the checks are written in."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, TextClause, text

HOUR = 3_600_000_000  # microseconds
LOW_BITS = 0xFFFF_FFFF
_COUNTS = """NOT EXISTS (
    SELECT 1 FROM tallystick_event_amendments a WHERE a.customer_id = e.customer_id AND a.source = e.source AND a.id = e.id)"""


@dataclass(frozen=True, slots=True)
class Violation:
    """One row, or one sum, that is not as the invariant of that name promises."""

    invariant: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Finding:
    """How much was looked at, and what of it is wrong: the first few, where there is more."""

    checked: int
    violations: list[Violation]


class Wrongs:
    """Collects what a check finds; beyond `most` nothing is kept."""

    def __init__(self, invariant: str, most: int) -> None:
        self._invariant, self._most = invariant, most
        self.found: list[Violation] = []

    def __call__(self, subject: str, detail: str) -> None:
        if len(self.found) < self._most:
            self.found.append(Violation(self._invariant, subject, detail))


Check = Callable[[Connection, Wrongs], int]


@dataclass(frozen=True, slots=True)
class Invariant:
    """A promise about everything that is stored, and the check that proves it. `number` is the one of the reliability paper."""

    number: int
    name: str
    promise: str
    proof: Check

    def check(self, conn: Connection, each_max: int = 20) -> Finding:
        """Reads, and changes nothing; at most `each_max` violations are named."""
        wrongs = Wrongs(self.name, each_max)
        return Finding(self.proof(conn, wrongs), wrongs.found)


def rows(conn: Connection, statement: str, **values: object) -> Iterator[Row[Any]]:
    """The rows of a statement in the words of both engines, a few at a time.

    "{C}" compares texts by their bytes; "{COUNTS}" says of an event `e` that it was not amended.
    """
    with conn.execute(_said(conn.dialect.name, statement), values, execution_options={"yield_per": 1000}) as found:
        yield from found


@cache
def _said(dialect: str, statement: str) -> TextClause:
    statement = statement.replace("{COUNTS}", _COUNTS)
    return text(statement.replace("{C}", 'COLLATE "C"' if dialect == "postgresql" else "COLLATE BINARY"))


def count(conn: Connection, table: str) -> int:
    found: int = conn.execute(_said(conn.dialect.name, f"SELECT COUNT(*) FROM {table}")).scalar_one()  # noqa: S608 no input in it
    return found


def joined(high: Any, low: Any) -> int:
    """A sum of 64-bit numbers, whose halves were summed apart so that no sum could leave 64 bits."""
    return (int(high or 0) << 32) + int(low or 0)


def differ(wrong: Wrongs, subject: str, expected: Mapping[str, object], found: Mapping[str, object]) -> None:
    """A violation that names every field of the two that is not the same."""
    parts = [f"{name} is {found.get(name)}, not {value}" for name, value in expected.items() if found.get(name) != value]
    if parts:
        wrong(subject, "; ".join(parts))
