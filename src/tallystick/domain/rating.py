"""From a price and a quantity to money: convert, subtract included, rate, discount, maximum, minimum; then round, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, assert_never

from tallystick.domain.catalog import (
    DynamicPrice,
    FlatPrice,
    GraduatedPercentagePrice,
    GraduatedPrice,
    PackagePrice,
    PercentagePrice,
    Price,
    StairstepPrice,
    TieredPrice,
    UnitPrice,
    VolumePrice,
)
from tallystick.domain.tiers import AnyTier
from tallystick.values.errors import InvalidInput
from tallystick.values.exact import ONE, ZERO, Exact, divided, minus, percent, plus, times
from tallystick.values.money import Money, Unrounded


class DetailKind(StrEnum):
    """What a detail stands for. The first three are the price's own sum; the others are the steps around it, in their order."""

    USAGE = "usage"
    FIXED = "fixed"  # the fixed amounts per event of a percentage
    PER_EVENT = "per_event"  # what the minimum and maximum per event changed
    DISCOUNT = "discount"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"
    PRORATION = "proration"  # what a part of a period is less than the whole of it
    UNUSED = "unused"  # of what was paid in advance, what is given back


@dataclass(frozen=True, slots=True)
class Detail:
    """One row of a sum, exact, in major units: `quantity` × `unit_amount` + `flat_amount` is `amount`, unless a cap cut it.

    `tier` counts from 1. `quantity` is what was billed in that row: units, packages, or an amount of money.
    """

    kind: DetailKind
    tier: int | None
    quantity: Exact
    unit_amount: Exact
    flat_amount: Exact
    amount: Exact


class Basis(NamedTuple):
    """What was rated: enough to lay a rating open in details."""

    price: Price
    units: Exact  # after conversion, without the included ones
    subtotal: Exact
    paid_events: int = 0
    per_event: Exact = ZERO


class Rating(NamedTuple):
    """What a price makes of a quantity. `total` is `exact` rounded once; `true_up` is what the minimum added, within `exact`.

    `rows` are the details, or the basis that they are made from when somebody asks: few do, and all would pay. Two ratings are
    equal if their figures and details are. (A named tuple, because it is made twice as fast as a frozen dataclass.)
    """

    total: Money
    exact: Unrounded
    true_up: Exact
    rows: Basis | tuple[Detail, ...]

    @property
    def details(self) -> tuple[Detail, ...]:
        """The rows of the sum, discount, maximum and minimum among them; they add up to `exact`, without any rounding."""
        return _details(self.rows, self.true_up) if isinstance(self.rows, Basis) else self.rows

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rating) and (self[:3], self.details) == (other[:3], other.details)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self[:3])


def needs_events(price: Price) -> bool:
    """Whether the price works on single amounts (`rate_events`), not on a quantity (`rate`) (docs/reference/prices.md)."""
    return isinstance(price, PercentagePrice | DynamicPrice)


def rate(price: Price, quantity: Decimal, *, minimum_share: Exact = ONE) -> Rating:
    """The rating of the whole quantity of a period so far.

    A quantity below zero, which only a meter that allows negatives can have, is rated as zero: it earns the customer nothing.
    `minimum_share` is how much of the minimum is due, 0 to 1: none before the period's end, and at the end of a period that was
    cut short, the fraction of it that was served (docs: Money and time, Prices; `proration.prorate` says how much that is).
    Raises InvalidInput for a price that needs the single amounts.
    """
    units: Exact = quantity if price.convert is None else price.convert.apply(quantity)
    if price.included:
        units = minus(units, price.included)
    if units <= 0:
        units = ZERO
    return _finished(Basis(price, units, _subtotal(price, units)), minimum_share)


def rate_events(price: Price, amounts: Sequence[Decimal], *, minimum_share: Exact = ONE) -> Rating:
    """The rating of the single amounts of a period so far, in the order of the events, for prices that need them.

    `convert` applies to each amount. `included` is taken from the first ones, and an event wholly within it costs nothing.
    An amount below zero pays no percentage and no fixed amount; in a dynamic price it counts, but never below zero in all.
    `minimum_share` is as in `rate`.
    Raises InvalidInput for a price that works on a quantity.
    """
    converted = list(amounts) if price.convert is None else [price.convert.apply(amount) for amount in amounts]
    match price:
        case DynamicPrice():
            units = max(minus(_sum(converted), price.included), ZERO)
            return _finished(Basis(price, units, times(units, price.multiplier)), minimum_share)
        case PercentagePrice():
            return _finished(_percentage(price, _paid_parts(price, converted)), minimum_share)
        case _:
            raise InvalidInput("events: this price works on a quantity; send quantity in their place", field="events")


def prorated(whole: Rating, share: Exact) -> Rating:
    """What a part of the period is worth of a rating of the whole: `share` of it, 0 to 1, rounded once."""
    if share == ONE:
        return whole
    exact = Unrounded(times(whole.exact.amount, share), whole.exact.currency)
    rows = (*whole.details, _step(DetailKind.PRORATION, minus(exact.amount, whole.exact.amount)))
    return Rating(exact.rounded(), exact, times(whole.true_up, share), rows)


def unused(exact: Unrounded) -> Rating:
    """What is given back of an amount that was paid in advance: the amount, below zero."""
    back = Unrounded(minus(ZERO, exact.amount), exact.currency)
    return Rating(back.rounded(), back, ZERO, (_step(DetailKind.UNUSED, back.amount),))


def difference(now: Rating, before: Rating) -> Money:
    """What is still to be billed: rounded now − rounded before, so that any number of parts adds up to the cent of the whole."""
    return now.total - before.total


def _sum(amounts: Sequence[Exact]) -> Exact:
    total: Exact = ZERO
    for amount in amounts:
        total = plus(total, amount)
    return total


def _subtotal(price: Price, units: Exact) -> Exact:
    match price:
        case GraduatedPrice() | GraduatedPercentagePrice():
            return price.ladder.graduated(units)
        case UnitPrice():
            return times(units, price.unit_amount)
        case VolumePrice():
            return price.ladder.volume(units)
        case PackagePrice():
            return times(_packages(price, units), price.package_amount)
        case StairstepPrice():
            return price.ladder.step(units)
        case FlatPrice():
            return price.amount
        case PercentagePrice() | DynamicPrice():
            raise InvalidInput("quantity: this price needs the single amounts; send events in its place", field="quantity")
        case _:
            assert_never(price)


def _packages(price: PackagePrice, units: Exact) -> Exact:
    return price.round.whole(divided(units, price.package_size))


def _paid_parts(price: PercentagePrice, amounts: Sequence[Exact]) -> list[Exact]:
    """What of each event is paid for, after the included units and the free part; events that cost nothing are left out."""
    parts: list[Exact] = []
    included: Exact = price.included
    free_events, free_amount = _free_part(price)
    for amount in amounts:
        if amount < 0:
            continue
        if included and amount <= included:
            included = minus(included, amount)
            continue
        part, included = minus(amount, included), ZERO
        if free_events == 0 or free_amount == 0:
            parts.append(part)
            continue
        free_events = None if free_events is None else free_events - 1
        if free_amount is not None and part > free_amount:
            parts.append(minus(part, free_amount))
            free_amount = ZERO
        elif free_amount is not None:
            free_amount = minus(free_amount, part)
    return parts


def _free_part(price: PercentagePrice) -> tuple[int | None, Exact | None]:
    """How many events and what amount are free; None: no such bound. Without either there is no free part: none, of nothing."""
    if price.free_events is None and price.free_amount is None:
        return 0, ZERO
    return price.free_events, price.free_amount


def _percentage(price: PercentagePrice, parts: Sequence[Exact]) -> Basis:
    least, most = price.minimum, price.maximum
    amount = _sum(parts)
    bounded: Exact = ZERO
    own = plus(percent(amount, price.rate_percent), times(Decimal(len(parts)), price.fixed_amount_per_event))
    if least is None and most is None:
        return Basis(price, amount, own, len(parts))
    for part in parts:
        cost = plus(percent(part, price.rate_percent), price.fixed_amount_per_event)
        cost = cost if most is None else min(cost, most)
        bounded = plus(bounded, cost if least is None else max(cost, least))
    return Basis(price, amount, bounded, len(parts), minus(bounded, own))


def _discount(basis: Basis) -> Exact:
    return percent(basis.subtotal, basis.price.discount_percent)


def _finished(basis: Basis, minimum_share: Exact) -> Rating:
    """Percentage discount, then maximum, then minimum; then the one rounding."""
    price, amount = basis.price, basis.subtotal
    true_up: Exact = ZERO
    if price.discount_percent:
        amount = minus(amount, _discount(basis))
    if price.maximum_amount is not None and amount > price.maximum_amount:
        amount = price.maximum_amount
    if price.minimum_amount is not None and amount < (least := times(price.minimum_amount, minimum_share)):
        true_up, amount = minus(least, amount), least
    exact = Unrounded(amount, price.currency)
    return Rating(exact.rounded(), exact, true_up, basis)


def _details(basis: Basis, true_up: Exact) -> tuple[Detail, ...]:
    rows = _own_rows(basis)
    assert _sum([row.amount for row in rows]) == basis.subtotal, "the rows are the sum"
    amount = minus(basis.subtotal, _discount(basis))
    most = basis.price.maximum_amount
    steps = (
        (DetailKind.DISCOUNT, minus(ZERO, _discount(basis))),
        (DetailKind.MAXIMUM, ZERO if most is None or amount <= most else minus(most, amount)),
        (DetailKind.MINIMUM, true_up),
    )
    return (*rows, *(_step(kind, change) for kind, change in steps if change))


def _step(kind: DetailKind, change: Exact) -> Detail:
    return Detail(kind, None, ONE, ZERO, change, change)


def _own_rows(basis: Basis) -> list[Detail]:
    price, units = basis.price, basis.units
    match price:
        case GraduatedPrice() | VolumePrice() | StairstepPrice() | GraduatedPercentagePrice():
            return _tier_rows(price, units)
        case UnitPrice():
            return [_usage(units, price.unit_amount)]
        case PackagePrice():
            return [_usage(_packages(price, units), price.package_amount)]
        case FlatPrice():
            return [Detail(DetailKind.USAGE, None, ONE, ZERO, price.amount, price.amount)]
        case DynamicPrice():
            return [_usage(units, price.multiplier)]
        case PercentagePrice():
            return _percentage_rows(price, basis)
        case _:
            assert_never(price)


def _usage(quantity: Exact, unit_amount: Exact, kind: DetailKind = DetailKind.USAGE) -> Detail:
    return Detail(kind, None, quantity, unit_amount, ZERO, times(quantity, unit_amount))


def _percentage_rows(price: PercentagePrice, basis: Basis) -> list[Detail]:
    rows = [_usage(basis.units, percent(ONE, price.rate_percent))]
    if price.fixed_amount_per_event:
        rows.append(_usage(Decimal(basis.paid_events), price.fixed_amount_per_event, DetailKind.FIXED))
    return [*rows, _step(DetailKind.PER_EVENT, basis.per_event)] if basis.per_event else rows


def _tier_rows(price: TieredPrice, units: Exact) -> list[Detail]:
    if not units:
        return [_tier_row(price.tiers[0], 0, ZERO)] if price.zero_usage_flat else []
    ladder, reached = price.ladder, price.ladder.at(units)
    match price:
        case VolumePrice():
            return [_tier_row(price.tiers[reached], reached, units)]
        case StairstepPrice():
            flat = price.tiers[reached].flat_amount
            return [Detail(DetailKind.USAGE, reached + 1, units, ZERO, flat, flat)]
        case GraduatedPrice() | GraduatedPercentagePrice():
            ends = (*ladder.ends[:reached], units)
            return [_tier_row(price.tiers[at], at, ladder.within(at, end)) for at, end in enumerate(ends)]
        case _:
            assert_never(price)


def _tier_row(tier: AnyTier, at: int, units: Exact) -> Detail:
    return Detail(DetailKind.USAGE, at + 1, tier.billed(units), tier.rate, tier.flat_amount, tier.cost(units))
