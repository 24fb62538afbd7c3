"""What recurs: a customer's fees for one month, how that changes, and what each month of the business gained and lost of it.

MRR is the list price of the recurring fees, less the discounts that recur, for a month (docs: Business figures).
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from tallystick.domain import discounts
from tallystick.domain.catalog import Price
from tallystick.domain.coupons import Discount
from tallystick.domain.periods import Cadence, Interval
from tallystick.domain.plans import BilledBy, ChargeKind, PlanVersion
from tallystick.domain.rating import rate
from tallystick.domain.subscriptions import PlanTerms, sold
from tallystick.values.decimals import from_steps, half_up
from tallystick.values.ids import CustomerId, SubscriptionId
from tallystick.values.money import Currency, Money, Unrounded
from tallystick.values.time import Period

# How many of each interval a month has. A year has twelve months and 365 days: so a month has 365 / 12 of them.
_PER_MONTH = {
    Interval.DAY: Fraction(365, 12),
    Interval.WEEK: Fraction(365, 12 * 7),
    Interval.MONTH: Fraction(1),
    Interval.YEAR: Fraction(1, 12),
}
_RECURS = frozenset({ChargeKind.RECURRING, ChargeKind.SEATS})
_RATE_PLACES = 4
_LONGER_THAN_A_MONTH, _MICROSECOND = timedelta(days=32), timedelta(microseconds=1)
Plans = Mapping[tuple[str, int], PlanVersion]


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `since` on, until its next one, a subscription is on `terms`; None: nothing of it recurs, as in a trial or a pause."""

    customer_id: CustomerId
    subscription_id: SubscriptionId
    since: datetime
    terms: PlanTerms | None


@dataclass(frozen=True, slots=True)
class Course:
    """What one customer brings in a month in one currency, and since when: a step for each change, the first one above zero."""

    since: tuple[datetime, ...]
    amounts: tuple[Money, ...]

    def at(self, instant: datetime) -> Money:
        place = bisect_right(self.since, instant)
        return self.amounts[place - 1] if place else Money(0, self.amounts[0].currency)

    def begun(self, instant: datetime) -> bool:
        """Whether it has brought in anything by then."""
        return self.since[0] <= instant


@dataclass(frozen=True, slots=True)
class Seen:
    """A calendar month in UTC: what stood just before it, and what stood at its end, or by now where that is still to come."""

    month: date
    before: datetime
    after: datetime


def first_of_months(count: int, *, now: datetime) -> datetime:
    """Where so many calendar months in UTC begin, of which this one is the last."""
    year, month = divmod(now.year * 12 + now.month - count, 12)
    return now.replace(year=year, month=month + 1, day=1, hour=0, minute=0, second=0, microsecond=0)


def seen_months(period: Period, *, now: datetime) -> list[Seen]:
    """Those that the period touches, as far as they have begun."""
    found = []
    start = period.start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while start < period.end and start <= now:
        following = (start + _LONGER_THAN_A_MONTH).replace(day=1)
        found.append(Seen(start.date(), start - _MICROSECOND, min(following - _MICROSECOND, now)))
        start = following
    return found


@dataclass(frozen=True, slots=True)
class RecurringMonth:
    """One month of one currency. What it began with and what it gained and lost add up to what it ended with.

    Each customer's month counts as one thing: what they brought in at its end beside what they did at its beginning.
    """

    month: date
    opening: Money
    new: Money
    expansion: Money
    contraction: Money
    churn: Money
    reactivation: Money
    closing: Money
    customers_before: int
    customers_new: int
    customers_lost: int
    customers_back: int

    @property
    def customers_after(self) -> int:
        return self.customers_before + self.customers_new + self.customers_back - self.customers_lost

    @property
    def customer_churn(self) -> Decimal | None:
        """Which part of the customers it began with was lost; None where it began with none."""
        return part(self.customers_lost, self.customers_before)

    @property
    def revenue_churn(self) -> Decimal | None:
        """Which part of the amount it began with was lost with customers, or by those that stayed."""
        return part(-(self.churn + self.contraction).minor, self.opening.minor)


def part(of: int, whole: int) -> Decimal | None:
    """The share, to four places, half up; None of nothing."""
    return None if whole <= 0 else from_steps(half_up(Fraction(of * 10**_RATE_PLACES, whole)), _RATE_PLACES)


def monthly(terms: PlanTerms, plans: Plans, reduced: Iterable[Discount] = ()) -> Money:
    """What the terms bring in a month, less these discounts: exact, and rounded once, here.

    Discounts are ours: they take nothing off what the provider bills.
    """
    left = {key: Fraction(rate(price, quantity).exact.amount) for key, price, quantity in _fees(terms, plans)}
    ours = plans[terms.plan_key, terms.plan_version].billed_by is BilledBy.TALLYSTICK
    for discount in sorted(reduced, key=discounts.order) if ours else ():
        _reduce(left, discount, terms.currency)
    return Unrounded(sum(left.values(), Fraction(0)) * per_month(terms.cadence), terms.currency).rounded()


def per_month(cadence: Cadence) -> Fraction:
    """How many such periods a month has."""
    return _PER_MONTH[cadence.interval] / cadence.count


def _fees(terms: PlanTerms, plans: Plans) -> Iterator[tuple[str, Price, Decimal]]:
    """The fees of each period: the key of the charge, its price, and how many times it is paid."""
    plan = plans[terms.plan_key, terms.plan_version]
    if plan.billed_by is BilledBy.TALLYSTICK:
        yield from ((each.key, each.price, each.quantity) for each in sold(terms, plans).charges if each.kind in _RECURS)
        return
    for charge in plan.charges:
        price = charge.price(terms.currency, terms.cadence)
        if charge.kind in _RECURS and price is not None:
            yield charge.key, price, Decimal(terms.seats if charge.kind is ChargeKind.SEATS else 1)


def _reduce(left: dict[str, Fraction], discount: Discount, currency: Currency) -> None:
    """As on an invoice of a full period, but without rounding: no fee falls below zero."""
    coupon = discount.coupon
    own = [key for key, amount in left.items() if amount > 0 and (coupon.charges is None or key in coupon.charges)]
    whole = sum((left[key] for key in own), Fraction(0))
    if not whole:
        return
    if coupon.percent is not None:
        kept = 1 - Fraction(coupon.percent) / 100
    elif currency in coupon.amounts:
        kept = 1 - min(Fraction(coupon.amounts[currency].major) / whole, Fraction(1))
    else:
        return
    for key in own:
        left[key] *= kept


def courses(stretches: Sequence[Stretch], redeemed: Sequence[Discount], plans: Plans) -> dict[Currency, Course]:
    """What one customer brought in a month, step by step; a currency in which they never did is not among them."""
    recurring = [each for each in redeemed if not each.once]
    by_subscription: dict[SubscriptionId, list[Stretch]] = defaultdict(list)
    for stretch in stretches:
        by_subscription[stretch.subscription_id].append(stretch)
    changes = {stretch.since for stretch in stretches} | {each.redeemed_at for each in recurring}
    changes |= {each.ends_at for each in recurring if each.ends_at is not None}
    steps: dict[Currency, list[tuple[datetime, int]]] = defaultdict(list)
    for at in sorted(changes):
        sums = _sums(by_subscription, recurring, plans, at)
        for currency in sums.keys() | steps.keys():
            before = steps[currency][-1][1] if steps[currency] else 0
            if sums[currency] != before:
                steps[currency].append((at, sums[currency]))
    return {
        currency: Course(tuple(at for at, _ in found), tuple(Money(minor, currency) for _, minor in found))
        for currency, found in steps.items()
        if found
    }


def _sums(
    subscriptions: Mapping[SubscriptionId, Sequence[Stretch]], redeemed: Sequence[Discount], plans: Plans, at: datetime
) -> dict[Currency, int]:
    sums: dict[Currency, int] = defaultdict(int)
    for subscription_id, own in subscriptions.items():
        terms = next((stretch.terms for stretch in reversed(own) if stretch.since <= at), None)
        if terms is not None:
            live = [each for each in redeemed if each.subscription_id in {"", subscription_id} and _holds(each, at)]
            sums[terms.currency] += monthly(terms, plans, live).minor
    return sums


def _holds(discount: Discount, at: datetime) -> bool:
    return discount.redeemed_at <= at and (discount.ends_at is None or at < discount.ends_at)


class _Kind(StrEnum):
    NEW = "new"
    EXPANSION = "expansion"
    CONTRACTION = "contraction"
    CHURN = "churn"
    REACTIVATION = "reactivation"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class _Move:
    """One customer's month, in minor units."""

    kind: _Kind
    opening: int
    closing: int


def _move(course: Course, seen: Seen) -> _Move:
    opening, closing = course.at(seen.before).minor, course.at(seen.after).minor
    if opening == closing:
        kind = _Kind.SAME
    elif opening == 0:
        kind = _Kind.REACTIVATION if course.begun(seen.before) else _Kind.NEW
    elif closing == 0:
        kind = _Kind.CHURN
    else:
        kind = _Kind.EXPANSION if closing > opening else _Kind.CONTRACTION
    return _Move(kind, opening, closing)


def by_month(customers: Iterable[Mapping[Currency, Course]], months: Sequence[Seen]) -> list[RecurringMonth]:
    """The months in their order, and in each the currencies by code: those in which anything recurred by the last of them."""
    found: dict[Currency, list[Course]] = defaultdict(list)
    for customer in customers:
        for currency, course in customer.items():
            if months and course.begun(months[-1].after):
                found[currency].append(course)
    currencies = sorted(found, key=lambda each: each.code)
    return [
        _month(seen.month, currency, [_move(course, seen) for course in found[currency]])
        for seen in months
        for currency in currencies
    ]


def _month(month: date, currency: Currency, moves: Sequence[_Move]) -> RecurringMonth:
    def gained(kind: _Kind) -> Money:
        return Money(sum(each.closing - each.opening for each in moves if each.kind is kind), currency)

    def customers(kind: _Kind) -> int:
        return sum(each.kind is kind for each in moves)

    return RecurringMonth(
        month=month,
        opening=Money(sum(each.opening for each in moves), currency),
        new=gained(_Kind.NEW),
        expansion=gained(_Kind.EXPANSION),
        contraction=gained(_Kind.CONTRACTION),
        churn=gained(_Kind.CHURN),
        reactivation=gained(_Kind.REACTIVATION),
        closing=Money(sum(each.closing for each in moves), currency),
        customers_before=sum(each.opening > 0 for each in moves),
        customers_new=customers(_Kind.NEW),
        customers_lost=customers(_Kind.CHURN),
        customers_back=customers(_Kind.REACTIVATION),
    )
