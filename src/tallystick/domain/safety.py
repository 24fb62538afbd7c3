"""Safety bounds: a charge far from what is usual is held for a person to look at, and not begun by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from tallystick.values.decimals import EXACT
from tallystick.values.money import Money

PAID_MIN, PAID_MAX = 3, 12  # so many of the last invoices that were paid say what is usual


class Reason(StrEnum):
    """Which bound it is beyond, in the order in which they are looked at."""

    LINES = "lines"
    AMOUNT = "amount"
    CHARGES = "charges"


_PLACES = {reason: place for place, reason in enumerate(Reason)}


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most charges that are begun for a customer in a day (UTC), how many times the mean of what they last paid an
    invoice may be, and how many lines it may have.
    """

    charges_per_day: int = 20
    times_the_mean: Decimal = Decimal(20)
    lines_max: int = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """A charge that is about to be begun, beside what came before it. `begun` counts the others of the same day.

    `paid`: what the customer's last paid invoices in its currency came to.
    """

    amount: Money
    lines: int
    begun: int
    paid: Sequence[Money] = ()


@dataclass(frozen=True, slots=True)
class Excess:
    """Which bound, what was found, and how much it may be; amounts in major units."""

    reason: Reason
    found: Decimal
    bound: Decimal


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a payment is held, and how many charges of it had been begun by then. Once released it is charged as usual."""

    reason: Reason
    charges: int
    released_at: datetime | None = None


def anew(hold: Hold | None, *, for_less: bool = False) -> Hold | None:
    """As a payment was held, or released, so is one in its place that counts its charges from the beginning.

    `for_less`: what is held for its amount may be usual now, and is looked at again.
    """
    if hold is None or (for_less and hold.released_at is None and hold.reason is Reason.AMOUNT):
        return None
    return replace(hold, charges=0)


def excess(bounds: Bounds, asked: Asked, *, released: Reason | None = None) -> Excess | None:
    """Why the charge is to be held; None: it may be begun. A bound is no reason again once a person has released it.

    Nor are those that come before it: they were looked at, and found kept.
    """
    beyond = [each for each in _measured(bounds, asked) if each.found > each.bound]
    left = [each for each in beyond if released is None or _PLACES[each.reason] > _PLACES[released]]
    return left[0] if left else None


def _measured(bounds: Bounds, asked: Asked) -> list[Excess]:
    """Each bound that there is, in order."""
    lines = Excess(Reason.LINES, Decimal(asked.lines), Decimal(bounds.lines_max))
    charges = Excess(Reason.CHARGES, Decimal(asked.begun + 1), Decimal(bounds.charges_per_day))
    most = most_usual(bounds, asked.paid)
    return [lines, charges] if most is None else [lines, Excess(Reason.AMOUNT, asked.amount.major, most.major), charges]


def most_usual(bounds: Bounds, paid: Sequence[Money]) -> Money | None:
    """The most that an invoice may come to beside those that were paid; None where they are too few to say what is usual.

    Whole minor units, down: an amount is above this exactly where it is above so many times the mean.
    """
    if len(paid) < PAID_MIN:
        return None
    total = EXACT.multiply(bounds.times_the_mean, Decimal(sum(each.minor for each in paid)))
    return Money(int(EXACT.divide_int(total, Decimal(len(paid)))), paid[0].currency)
