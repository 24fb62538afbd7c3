"""Prove our own books: every invariant, over everything that is stored."""

from dataclasses import dataclass

from tallystick import storage
from tallystick.flows.context import Context
from tallystick.storage.invariants import Violation


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked, how much of it, and what is wrong. An empty `violations` is the proof."""

    checked: dict[str, int]
    violations: tuple[Violation, ...]

    @property
    def clean(self) -> bool:
        return not self.violations


def verify(ctx: Context, *, each_max: int = 20) -> Report:
    """Reads in one snapshot and changes nothing; of each invariant at most `each_max` violations are named."""
    checked: dict[str, int] = {}
    violations: list[Violation] = []
    with ctx.database.snapshot() as conn:
        for invariant in storage.invariants.INVARIANTS:
            finding = invariant.check(conn, each_max)
            checked[invariant.name] = finding.checked
            violations += finding.violations
    return Report(checked, tuple(violations))
