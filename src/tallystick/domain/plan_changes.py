"""From one plan to another: what goes on, what ends and begins, and when."""

from collections.abc import Sequence
from enum import StrEnum

from tallystick.domain.plans import ChargeKind
from tallystick.domain.rating import rate
from tallystick.domain.subscriptions import PlanTerms, Sold, SoldCharge, Status, Subscription
from tallystick.values.errors import InvalidInput
from tallystick.values.money import Currency, Money


class When(StrEnum):
    """When a change takes effect. `auto`: upwards at once, downwards at the end of the period."""

    NOW = "now"
    PERIOD_END = "period_end"
    AUTO = "auto"


def is_at_once(subscription: Subscription, terms: PlanTerms, when: When, *, old: Sold, new: Sold) -> bool:
    """Whether the change takes effect now (docs: Money and time, Time). Upwards is what costs no less for a full period."""
    if when is not When.AUTO:
        return when is When.NOW
    if subscription.status is Status.TRIALING or terms.cadence != subscription.terms.cadence:
        return True
    return recurring_amount(new, terms.currency) >= recurring_amount(old, terms.currency)


def recurring_amount(sold: Sold, currency: Currency) -> Money:
    """What its fees come to for one full period."""
    fees = (charge for charge in sold.charges if charge.kind in (ChargeKind.RECURRING, ChargeKind.SEATS))
    return Money(sum(rate(charge.price, charge.quantity).total.minor for charge in fees), currency)


def differing(old: Sold, new: Sold) -> tuple[Sequence[SoldCharge], Sequence[SoldCharge]]:
    """The charges that end, and those that begin, where the terms change; what stays the same goes on untouched."""
    before, after = old.by_key, new.by_key
    ending = [charge for key, charge in before.items() if after.get(key) != charge]
    beginning = [charge for key, charge in after.items() if before.get(key) != charge]
    return ending, beginning


def check_meters(old: Sold, new: Sold) -> None:
    """A charge keeps its meter through every change, since it counts on. Raises InvalidInput."""
    before = old.by_key
    moved = [key for key, charge in new.by_key.items() if key in before and before[key].meter_key != charge.meter_key]
    if moved:
        raise InvalidInput(
            f"plan: its charge {moved[0]} is on another meter than that of the plan before; name one of them otherwise",
            field="plan",
        )
