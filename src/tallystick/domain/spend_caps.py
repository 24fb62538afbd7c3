"""Spend caps: how much money a customer's usage may come to in a calendar month, and the decision under one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from tallystick.domain.catalog import Price
from tallystick.domain.entitlements import Decision, Policy, Quota, Reason
from tallystick.domain.lines import rated
from tallystick.domain.rating import Rating, needs_events
from tallystick.domain.usage import Usage
from tallystick.values.decimals import EXACT
from tallystick.values.errors import InvalidInput
from tallystick.values.exact import ZERO, Exact, minus, plus
from tallystick.values.ids import CustomerId
from tallystick.values.money import Money
from tallystick.values.time import Period


@dataclass(frozen=True, slots=True)
class SpendCap:
    """The most that usage may come to in one month, in one currency. Months begin at midnight in `zone`."""

    customer_id: CustomerId
    limit: Money
    updated_at: datetime
    policy: Policy = Policy.HARD
    zone: str = "UTC"

    def __post_init__(self) -> None:
        if self.limit.minor < 0:
            raise InvalidInput("limit: is negative; nothing is 0, and no cap at all is null", field="limit")

    def period(self, at: datetime) -> Period:
        """The month that `at` counts in."""
        month = Quota(None, zone=self.zone).period(at)
        assert month is not None, "months come back"
        return month


@dataclass(frozen=True, slots=True)
class Spend:
    """How a cap stands. What is reserved counts as spent, for it was promised."""

    cap: SpendCap
    period: Period
    spent: Money

    @property
    def remaining(self) -> Money:
        return Money(max(self.cap.limit.minor - self.spent.minor, 0), self.cap.limit.currency)


@dataclass(frozen=True, slots=True)
class Part:
    """What one charge has to rate: the usage of a stretch of the month, and the single amounts where its price needs them."""

    price: Price
    usage: Usage
    amounts: tuple[Decimal, ...] = ()

    def plus(self, quantities: Sequence[Decimal]) -> "Part":
        """As if these had been used too, each at once."""
        total = self.usage.quantity
        for quantity in quantities:
            total = EXACT.add(total, quantity)
        usage = replace(self.usage, quantity=total, count=self.usage.count + len(quantities))
        return replace(self, usage=usage, amounts=self.amounts + (tuple(quantities) if needs_events(self.price) else ()))


@dataclass(frozen=True, slots=True)
class Cost:
    """What some usage comes to, as it would be billed; and exactly, so that no step is too small to be seen."""

    billed: Money
    exact: Exact


def cost(parts: Sequence[Part], nothing: Money) -> Cost:
    """The sum over all charges; one that was not used costs nothing."""
    billed = nothing
    exact: Exact = ZERO
    for part in parts:
        if part.usage.count:
            rating: Rating = rated(part.price, part.usage, part.amounts)
            billed, exact = billed + rating.total, plus(exact, rating.exact.amount)
    return Cost(billed, exact)


def decide(cap: SpendCap, decision: Decision, *, before: Cost, after: Cost) -> Decision:
    """The decision of the quota, under the cap: what costs nothing more is always within it."""
    if not decision.allowed or after.billed <= cap.limit or minus(after.exact, before.exact) <= 0:
        return decision
    if cap.policy is Policy.SOFT:
        return replace(decision, reason=decision.reason or Reason.SPEND_CAP)
    return replace(decision, allowed=False, reason=Reason.SPEND_CAP)
