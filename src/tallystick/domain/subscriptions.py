"""A customer on a plan: its states, its periods, what it is charged for, and what becomes of that when it changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from tallystick.domain.catalog import FlatPrice, Price, UnitPrice
from tallystick.domain.entitlements import Quota, Reset
from tallystick.domain.lines import Fee, LineKind, share_of
from tallystick.domain.periods import Cadence, Interval, period_at, time_zone
from tallystick.domain.plans import BilledBy, ChargeKind, PlanCharge, PlanVersion
from tallystick.values.decimals import EXACT
from tallystick.values.errors import Conflict, IllegalTransition, InvalidInput
from tallystick.values.exact import Exact
from tallystick.values.ids import CustomerId, MeterKey, SubscriptionId
from tallystick.values.money import Currency
from tallystick.values.time import Period, rfc3339

SEATS_MAX = 1_000_000
PREVIEW_LIFE = timedelta(minutes=30)
BACKDATED_MAX = timedelta(days=731)  # each period since then is an invoice of its own


class Status(StrEnum):
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"  # an invoice is unpaid, and still being asked for
    UNPAID = "unpaid"  # an invoice is unpaid, and was given up on: nothing more is granted
    PAUSED = "paused"
    CANCELED = "canceled"


TRANSITIONS: dict[Status, set[Status]] = {
    Status.TRIALING: {Status.ACTIVE, Status.PAUSED, Status.CANCELED},
    Status.ACTIVE: {Status.PAST_DUE, Status.UNPAID, Status.PAUSED, Status.CANCELED},
    Status.PAST_DUE: {Status.ACTIVE, Status.UNPAID, Status.PAUSED, Status.CANCELED},
    Status.UNPAID: {Status.ACTIVE, Status.PAST_DUE, Status.PAUSED, Status.CANCELED},
    Status.PAUSED: {Status.TRIALING, Status.ACTIVE, Status.CANCELED},
    Status.CANCELED: set(),
}
ENTITLED = frozenset({Status.TRIALING, Status.ACTIVE, Status.PAST_DUE})
RUNNING = ENTITLED | {Status.UNPAID}  # its periods go on


class Act(StrEnum):
    """What can become of a subscription; each has a preview."""

    CHANGE = "change"
    CHANGE_AT_END = "change_at_period_end"
    CANCEL = "cancel"
    CANCEL_AND_CREDIT = "cancel_and_credit"
    CANCEL_AT_END = "cancel_at_period_end"
    PAUSE = "pause"
    RESUME = "resume"


AT_PERIOD_END = frozenset({Act.CHANGE_AT_END, Act.CANCEL_AT_END})


class Anchoring(StrEnum):
    """From where its periods are counted: from its own beginning, or from the first of the month."""

    ANNIVERSARY = "anniversary"
    CALENDAR = "calendar"


class PeriodKind(StrEnum):
    TRIAL = "trial"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class AddOn:
    """A plan that is sold beside another one, `quantity` times."""

    plan_key: str
    plan_version: int
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """What was agreed. `overrides` are prices of this customer's own, by the key of the charge."""

    plan_key: str
    plan_version: int
    currency: Currency
    cadence: Cadence
    seats: int = 1
    add_ons: tuple[AddOn, ...] = ()
    overrides: Mapping[str, Price] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if type(self.seats) is not int or not 0 <= self.seats <= SEATS_MAX:
            raise InvalidInput(f"seats: from 0 to {SEATS_MAX}", field="seats")
        if len({add_on.plan_key for add_on in self.add_ons}) < len(self.add_ons):
            raise InvalidInput("add_ons: one is there twice; say its quantity instead", field="add_ons")
        if any(type(each.quantity) is not int or not 1 <= each.quantity <= SEATS_MAX for each in self.add_ons):
            raise InvalidInput(f"add_ons: a quantity from 1 to {SEATS_MAX}", field="add_ons")

    @property
    def interval(self) -> str:
        return str(self.cadence)

    @property
    def plans(self) -> list[tuple[str, int]]:
        """Every plan and version that is part of it."""
        return [(self.plan_key, self.plan_version), *((each.plan_key, each.plan_version) for each in self.add_ons)]


@dataclass(frozen=True, slots=True)
class Subscription:
    """`period` is the one that is being served, within `full`, the one that its fees are for; they differ where it was cut.

    `terms_since`: from when on the terms have been in force within the period. Times are UTC.
    """

    id: SubscriptionId
    customer_id: CustomerId
    status: Status
    terms: PlanTerms
    zone: str
    anchoring: Anchoring
    anchor: datetime
    started_at: datetime
    period: Period
    full: Period
    terms_since: datetime
    trial_end: datetime | None = None
    next_terms: PlanTerms | None = None
    cancel_at_period_end: bool = False
    paused_at: datetime | None = None
    ended_at: datetime | None = None
    version: int = 0

    @property
    def ending(self) -> str | None:
        """What will happen at the end of the period; None: it goes on."""
        if self.cancel_at_period_end:
            return "cancel"
        return None if self.next_terms is None else "change"

    @property
    def kind(self) -> PeriodKind:
        return PeriodKind.TRIAL if self.status is Status.TRIALING else PeriodKind.SERVICE


@dataclass(frozen=True, slots=True)
class ClosedPeriod:
    """A period that is over: what was in force at its end, and when it is to be invoiced."""

    period: Period
    full: Period
    terms_since: datetime
    kind: PeriodKind
    terms: PlanTerms
    invoice_at: datetime


@dataclass(frozen=True, slots=True)
class SoldCharge:
    """A charge as this subscription pays it: at one price, `quantity` times where it is a fee."""

    key: str
    kind: ChargeKind
    in_advance: bool
    price: Price
    quantity: Decimal
    description: str
    meter_key: MeterKey | None = None


@dataclass(frozen=True, slots=True)
class Sold:
    """Everything that the terms come to."""

    charges: tuple[SoldCharge, ...]
    quotas: Mapping[MeterKey, Quota]
    features: frozenset[str]

    @property
    def by_key(self) -> dict[str, SoldCharge]:
        return {charge.key: charge for charge in self.charges}


def charge_key(subscription_id: SubscriptionId, key: str) -> str:
    """How a plan's charge is named on lines and positions: of one subscription."""
    return f"{subscription_id}:{key}"


def check_billed_by_us(plan: PlanVersion) -> None:
    """Raises InvalidInput for a plan whose subscriptions are the provider's own."""
    if plan.billed_by is not BilledBy.TALLYSTICK:
        message = f"plan {plan.key}: is billed by the provider; use subscribe_at_provider"
        raise InvalidInput(message, field="plan", code="billed_by_provider")


def sold(terms: PlanTerms, plans: Mapping[tuple[str, int], PlanVersion]) -> Sold:
    """What is charged and granted under the terms. Raises InvalidInput for what the plans do not offer."""
    plan = plans[terms.plan_key, terms.plan_version]
    if plan.add_on:
        raise InvalidInput(f"plan {plan.key}: is an add-on, sold beside another plan only", field="plan")
    check_billed_by_us(plan)
    if terms.cadence not in plan.cadences:
        offered = ", ".join(str(cadence) for cadence in plan.cadences)
        raise InvalidInput(f"plan {plan.key}: is not sold by the {terms.cadence}; by the {offered}", field="interval")
    charges = [_sold_charge(charge, terms, prefix="", quantity=1) for charge in plan.charges]
    quotas, features = dict(plan.quotas), set(plan.features)
    for each in terms.add_ons:
        add_on = plans[each.plan_key, each.plan_version]
        if not add_on.add_on:
            raise InvalidInput(f"add_ons: {add_on.key} is a plan of its own; subscribe to it", field="add_ons")
        charges += [_sold_charge(charge, terms, prefix=f"{add_on.key}.", quantity=each.quantity) for charge in add_on.charges]
        for meter_key, quota in add_on.quotas.items():
            quotas[meter_key] = added(quotas.get(meter_key), quota, times=each.quantity)
        features |= add_on.features
    keys = [charge.key for charge in charges]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise InvalidInput(f"add_ons: two charges would be called {twice[0]}; name one of them otherwise", field="add_ons")
    unknown = set(terms.overrides) - set(keys)
    if unknown:
        raise InvalidInput(f"overrides: there is no charge {', '.join(sorted(unknown))}", field="overrides")
    return Sold(tuple(charges), quotas, frozenset(features))


def kept_overrides(before: PlanTerms, after: PlanTerms, plans: Mapping[tuple[str, int], PlanVersion]) -> Mapping[str, Price]:
    """The prices of the customer's own that go on: with their charge; those of a plan's own charges end with that plan."""
    own = {charge.key for charge in plans[after.plan_key, after.plan_version].charges}
    beside = {f"{key}.{charge.key}" for key, number in after.plans[1:] for charge in plans[key, number].charges}
    going_on = beside | own if before.plan_key == after.plan_key else beside - own
    return {key: price for key, price in before.overrides.items() if key in going_on}


def _sold_charge(charge: PlanCharge, terms: PlanTerms, *, prefix: str, quantity: int) -> SoldCharge:
    key = prefix + charge.key
    price = terms.overrides.get(key) or charge.price(terms.currency, terms.cadence)
    if price is None:
        raise InvalidInput(
            f"currency: charge {key} has no price in {terms.currency.code} by the {terms.cadence}", field="currency"
        )
    if price.currency != terms.currency:
        raise InvalidInput(f"overrides: {key} is in {price.currency.code}, not {terms.currency.code}", field="overrides")
    by_seats = charge.kind is ChargeKind.SEATS
    if prefix and isinstance(price, FlatPrice) and charge.kind is not ChargeKind.USAGE:
        price, by_seats = _for_each(price), False  # flat: the same for any number of seats, and for any usage
    times = Decimal(terms.seats if by_seats else 1)
    return SoldCharge(
        key=key,
        kind=charge.kind,
        in_advance=charge.in_advance,
        price=price,
        quantity=EXACT.multiply(times, Decimal(quantity)),
        description=charge.display_name or key,
        meter_key=charge.meter_key,
    )


def _for_each(price: FlatPrice) -> UnitPrice:
    """What is flat for one add-on is so much for each of several."""
    return UnitPrice(
        price.amount,
        currency=price.currency,
        discount_percent=price.discount_percent,
        maximum_amount=price.maximum_amount,
        minimum_amount=price.minimum_amount,
    )


def added(quota: Quota | None, more: Quota, *, times: int = 1) -> Quota:
    """Two quotas of one meter together: their limits add up, and unlimited stays unlimited."""
    if more.limit is None or (quota is not None and quota.limit is None):
        return replace(quota or more, limit=None)
    limit = EXACT.multiply(more.limit, Decimal(times))
    if quota is None:
        return replace(more, limit=limit)
    assert quota.limit is not None, "unlimited has been answered"
    return replace(quota, limit=EXACT.add(quota.limit, limit))


def fee(subscription_id: SubscriptionId, charge: SoldCharge, period: Period, *, share: Exact, part: int = 0) -> Fee:
    """What a fee of the terms comes to for a period that is so much of a full one; one-time fees are whole."""
    once = charge.kind is ChargeKind.ONE_TIME
    return Fee(
        charge_key=charge_key(subscription_id, charge.key),
        description=charge.description,
        price=charge.price,
        quantity=charge.quantity,
        period=period,
        share=Decimal(1) if once else share,
        part=part,
        kind=LineKind.ONE_TIME if once else LineKind.RECURRING,
    )


@dataclass(frozen=True, slots=True)
class Start:
    """When it begins, how its periods are counted, and for how long it costs nothing."""

    at: datetime
    zone: str = "UTC"
    anchoring: Anchoring = Anchoring.ANNIVERSARY
    trial: timedelta = timedelta(0)


def check_start(at: datetime, *, now: datetime) -> None:
    """Whether it can begin then: by now, and not too long ago. Raises InvalidInput."""
    if at > now:
        raise InvalidInput("start: is after now; subscribe then, or give a trial until then", field="start")
    if at < now - BACKDATED_MAX:
        raise InvalidInput(
            f"start: is more than {BACKDATED_MAX.days} days ago; begin later, and bill what was before yourself", field="start"
        )


def begun(subscription_id: SubscriptionId, customer_id: CustomerId, terms: PlanTerms, start: Start) -> Subscription:
    """The subscription in its first period: its trial, where it has one, else its first period of service."""
    at, zone = start.at, start.zone
    if start.anchoring is Anchoring.CALENDAR and terms.cadence.interval is not Interval.MONTH:
        raise InvalidInput("anchoring: calendar periods are months; choose anniversary for others", field="anchoring")
    trial_end = at + start.trial if start.trial else None
    anchor = _anchor(start.anchoring, trial_end or at, zone)
    full = period_at(anchor, terms.cadence, time_zone(zone), at)
    period = Period(at, full.end)
    if trial_end is not None:
        period = full = Period(at, trial_end)
    status = Status.ACTIVE if trial_end is None else Status.TRIALING
    return Subscription(
        subscription_id, customer_id, status, terms, zone, start.anchoring, anchor, at, period, full, at, trial_end
    )


def _anchor(anchoring: Anchoring, at: datetime, zone: str) -> datetime:
    if anchoring is Anchoring.ANNIVERSARY:
        return at
    return Quota(None, reset=Reset.CALENDAR_MONTH, zone=zone).period(at).start  # type: ignore[union-attr]


def turned(subscription: Subscription) -> Subscription:
    """At the end of its period: in the next one, under the terms that were agreed for it, or ended.

    Boundaries are counted from the anchor; another cadence begins anew (docs: Money and time, Time).
    """
    at = subscription.period.end
    if subscription.cancel_at_period_end:
        return ended(subscription, at=at)
    terms = subscription.next_terms or subscription.terms
    anchor = subscription.anchor
    if terms.cadence != subscription.terms.cadence:
        anchor = _anchor(subscription.anchoring, at, subscription.zone)
    full = period_at(anchor, terms.cadence, time_zone(subscription.zone), at)
    status = Status.ACTIVE if subscription.status is Status.TRIALING else subscription.status
    return replace(
        subscription, status=status, terms=terms, next_terms=None, anchor=anchor, period=Period(at, full.end), full=full,
        terms_since=at,
    )  # fmt: skip


def closed(subscription: Subscription, *, grace: timedelta = timedelta(0), at: datetime | None = None) -> ClosedPeriod | None:
    """Its period, over at its end or cut at `at`; None where it was cut as it began. A trial has nothing to wait for."""
    end = at or subscription.period.end
    if end <= subscription.period.start:
        return None
    trial = subscription.kind is PeriodKind.TRIAL
    return ClosedPeriod(
        Period(subscription.period.start, end), subscription.full, subscription.terms_since, subscription.kind,
        subscription.terms, end if trial or at is not None else end + grace,
    )  # fmt: skip


def changed(subscription: Subscription, terms: PlanTerms, *, at: datetime) -> Subscription:
    """The subscription under other terms from `at` on. Another cadence begins its periods anew; a trial goes on."""
    _check_running(subscription)
    if terms.currency != subscription.terms.currency:
        raise InvalidInput("currency: a subscription keeps its currency; cancel it, and subscribe anew", field="currency")
    now = replace(subscription, terms=terms, next_terms=None)
    if subscription.status is Status.TRIALING:
        return now
    if terms.cadence == subscription.terms.cadence:
        return replace(now, terms_since=at)
    anchor = _anchor(subscription.anchoring, at, subscription.zone)
    full = period_at(anchor, terms.cadence, time_zone(subscription.zone), at)
    return replace(now, anchor=anchor, period=Period(at, full.end), full=full, terms_since=at)


def scheduled(subscription: Subscription, terms: PlanTerms) -> Subscription:
    """The subscription, which goes over to the terms at the end of its period."""
    _check_running(subscription)
    if terms.currency != subscription.terms.currency:
        raise InvalidInput("currency: a subscription keeps its currency; cancel it, and subscribe anew", field="currency")
    return replace(subscription, next_terms=None if terms == subscription.terms else terms, cancel_at_period_end=False)


def canceling(subscription: Subscription) -> Subscription:
    """The subscription, which ends with its period."""
    _check_running(subscription)
    return replace(subscription, cancel_at_period_end=True, next_terms=None)


def going_on(subscription: Subscription) -> Subscription:
    """The subscription as if nothing had been agreed for the end of its period."""
    _check_running(subscription)
    return replace(subscription, cancel_at_period_end=False, next_terms=None)


def ended(subscription: Subscription, *, at: datetime) -> Subscription:
    return replace(moved(subscription, Status.CANCELED), ended_at=at, paused_at=None, cancel_at_period_end=False, next_terms=None)


def paused(subscription: Subscription, *, at: datetime) -> Subscription:
    """The subscription, on hold; what was agreed for the end of its period is, for that of the one in which it returns."""
    return replace(moved(subscription, Status.PAUSED), paused_at=at)


def resumed(subscription: Subscription, *, at: datetime) -> Subscription:
    """In service again, in a period that begins now; or in its trial, as long as that would have lasted."""
    if subscription.status is not Status.PAUSED:
        raise IllegalTransition(f"subscription {subscription.id}: is {subscription.status}, so that there is nothing to resume")
    if subscription.trial_end is not None and at < subscription.trial_end:
        rest = Period(at, subscription.trial_end)
        again = moved(subscription, Status.TRIALING)
        return replace(again, period=rest, full=rest, terms_since=at, paused_at=None)
    anchor = _anchor(subscription.anchoring, at, subscription.zone)
    full = period_at(anchor, subscription.terms.cadence, time_zone(subscription.zone), at)
    return replace(
        moved(subscription, Status.ACTIVE), anchor=anchor, period=Period(at, full.end), full=full, terms_since=at, paused_at=None
    )


def moved(subscription: Subscription, status: Status) -> Subscription:
    """Raises IllegalTransition where TRANSITIONS does not list it."""
    if status not in TRANSITIONS[subscription.status]:
        raise IllegalTransition(f"subscription {subscription.id}: is {subscription.status}, and cannot become {status}")
    return replace(subscription, status=status)


def _check_running(subscription: Subscription) -> None:
    if subscription.status not in RUNNING:
        raise Conflict(
            f"subscription {subscription.id}: is {subscription.status}; resume it, or subscribe anew", code="not_running"
        )


def instant(subscription: Subscription, now: datetime) -> datetime:
    """When it is that something is done to it: now; after a clock was set back, not before what was done last."""
    last = max(subscription.period.start, subscription.terms_since)
    return max(now, last if subscription.paused_at is None else subscription.paused_at)


def check_instant(subscription: Subscription, at: datetime) -> None:
    """Whether a change can take effect then: within the period, and not before an earlier change. Raises Conflict."""
    if at not in subscription.period or at < subscription.terms_since:
        raise Conflict(
            f"subscription {subscription.id}: {rfc3339(at)} is not in its current period, or before its last change",
            code="not_in_period",
        )


def share(subscription: Subscription) -> Exact:
    """How much of a full period its current one is."""
    return share_of(subscription.period, subscription.full)
