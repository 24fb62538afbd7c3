"""Tiers: what a part of a quantity costs in one of them, and the ladder that they make together."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Self

from tallystick.values.decimals import EXACT
from tallystick.values.exact import ONE, ZERO, Exact, divided, minus, percent, plus, times, whole_up


@dataclass(frozen=True, slots=True)
class Tier:
    """One step of a ladder: above the step before, up to and with `up_to` (None: without end).

    `unit_amount` is per unit, or per package begun where there is a `package_size` (counted within the tier, as Flexprice
    does); `flat_amount` is due once a unit falls in the tier; `maximum_amount` caps both together (as Meteroid's `flat_cap`).
    Amounts in major units.
    """

    up_to: Decimal | None
    unit_amount: Decimal = ZERO
    flat_amount: Decimal = ZERO
    package_size: Decimal | None = None
    maximum_amount: Decimal | None = None

    def billed(self, units: Exact) -> Exact:
        """What `unit_amount` is multiplied with: the units, or the packages begun among those in this tier."""
        return units if self.package_size is None else whole_up(divided(units, self.package_size))

    @property
    def rate(self) -> Decimal:
        """Money per unit billed."""
        return self.unit_amount

    def cost(self, units: Exact) -> Exact:
        """What `units` in this tier cost, its flat fee with them."""
        return _capped(plus(times(self.billed(units), self.unit_amount), self.flat_amount), self.maximum_amount)


@dataclass(frozen=True, slots=True)
class PercentTier:
    """One step of a ladder of amounts: `rate_percent` of what falls in it, and `flat_amount` once something does. Major units."""

    up_to: Decimal | None
    rate_percent: Decimal
    flat_amount: Decimal = ZERO
    maximum_amount: Decimal | None = None

    package_size = None

    def billed(self, units: Exact) -> Exact:
        """All of the amount that falls in the tier."""
        return units

    @property
    def rate(self) -> Exact:
        """Money per unit of money."""
        return percent(ONE, self.rate_percent)

    def cost(self, units: Exact) -> Exact:
        """What the part of the amount in this tier costs, its flat fee with it."""
        return _capped(plus(times(units, self.rate), self.flat_amount), self.maximum_amount)


AnyTier = Tier | PercentTier


@dataclass(frozen=True, slots=True)
class Ladder:
    """Tiers in a row, with what is constant about them worked out once: so that rating looks at one tier only.

    `ends`: the `up_to` of each tier but the last. `below`: what all the tiers before each one cost when they are full.
    `lines`: for tiers without packages and cap, the slope and the offset of the line that the graduated total runs along.
    `at_zero`: what is due without usage.
    """

    tiers: tuple[AnyTier, ...]
    ends: tuple[Decimal, ...]
    below: tuple[Exact, ...]
    lines: tuple[tuple[Decimal, Decimal] | None, ...]
    at_zero: Exact

    @classmethod
    def of(cls, tiers: Sequence[AnyTier], *, zero_usage_flat: bool) -> Self:
        """The ladder of tiers that ascend, the last of them without end; at zero the first flat fee is due, or nothing."""
        ends = tuple(tier.up_to for tier in tiers if tier.up_to is not None)
        below: list[Exact] = [ZERO]
        for tier, (start, end) in zip(tiers, pairwise((ZERO, *ends)), strict=False):
            below.append(plus(below[-1], tier.cost(minus(end, start))))
        lines = tuple(_line(tier, start, so_far) for tier, start, so_far in zip(tiers, (ZERO, *ends), below, strict=True))
        return cls(tuple(tiers), ends, tuple(below), lines, tiers[0].cost(ZERO) if zero_usage_flat else ZERO)

    def at(self, units: Exact) -> int:
        """The index of the tier that the last of the units falls into; `up_to` is inclusive."""
        return bisect_left(self.ends, units)

    def within(self, at: int, units: Exact) -> Exact:
        """How many of the units lie in that tier, which they reach."""
        return minus(units, self.ends[at - 1]) if at else units

    def graduated(self, units: Exact) -> Exact:
        """What the units cost, each slice by its own tier."""
        if not units:
            return self.at_zero
        at = bisect_left(self.ends, units)
        line = self.lines[at]
        if line is not None and isinstance(units, Decimal):
            return EXACT.fma(units, *line)
        return plus(self.below[at], self.tiers[at].cost(self.within(at, units)))

    def volume(self, units: Exact) -> Exact:
        """What the units cost, all of them by the tier that they reach."""
        return self.tiers[self.at(units)].cost(units) if units else self.at_zero

    def step(self, units: Exact) -> Exact:
        """The flat amount of the tier that the units reach."""
        return self.tiers[self.at(units)].flat_amount if units else self.at_zero


def _line(tier: AnyTier, start: Decimal, below: Exact) -> tuple[Decimal, Decimal] | None:
    slope = tier.rate
    offset = minus(plus(below, tier.flat_amount), times(start, slope))
    if tier.package_size is not None or tier.maximum_amount is not None:
        return None
    return (slope, offset) if isinstance(slope, Decimal) and isinstance(offset, Decimal) else None


def _capped(amount: Exact, most: Decimal | None) -> Exact:
    return amount if most is None else min(amount, most)
