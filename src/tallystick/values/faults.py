"""Named points in our code where a test may strike, and marks that tell it what was reached. Both do nothing in production."""

from typing import Protocol


class Faults(Protocol):
    def point(self, name: str) -> None:
        """A place where a crash must lose nothing; a test's Faults may raise here."""

    def mark(self, name: str) -> None:
        """Says that a rare branch was taken, so that a test can tell that it was."""


class NoFaults:
    """Production: nothing strikes, nothing is counted."""

    def point(self, name: str) -> None:
        pass

    def mark(self, name: str) -> None:
        pass
