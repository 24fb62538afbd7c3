"""A subscription that the provider bills: asked for by us, decided by it, and followed; and its invoices, which we mirror."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from tallystick.domain.checkouts import CheckoutStatus
from tallystick.domain.pages import Page
from tallystick.domain.plans import BilledBy, ChargeKind, PlanVersion
from tallystick.domain.subscriptions import SEATS_MAX, PlanTerms
from tallystick.values.errors import Conflict, IllegalTransition, InvalidInput
from tallystick.values.ids import CustomerId, SubscriptionId
from tallystick.values.money import Money
from tallystick.values.time import Period


class Standing(StrEnum):
    """How it stands, by the last that we heard of the provider."""

    REQUESTED = "requested"  # written down; whether the provider has it is not known yet
    REFUSED = "refused"  # the provider will not have it; nothing was begun
    INCOMPLETE = "incomplete"  # begun, and the first payment is outstanding
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    PAUSED = "paused"
    CANCELED = "canceled"


FINAL = frozenset({Standing.REFUSED, Standing.CANCELED})
ENTITLED = frozenset({Standing.TRIALING, Standing.ACTIVE, Standing.PAST_DUE})
EXPIRED = "incomplete_expired"  # with which the reason of one begins that was over before its first payment came
_BEGUN = frozenset(Standing) - {Standing.REQUESTED, Standing.REFUSED}
# The provider decides, and its news may skip steps: from what is not final, any step that it can tell of.
TRANSITIONS: dict[Standing, frozenset[Standing]] = {
    standing: frozenset() if standing in FINAL else _BEGUN - {standing} for standing in Standing
} | {Standing.REQUESTED: _BEGUN | {Standing.REFUSED}}


class End(StrEnum):
    """What we want of its end, and tell the provider."""

    GO_ON = "go_on"
    PERIOD_END = "period_end"
    NOW = "now"


class InvoiceStanding(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    UNCOLLECTIBLE = "uncollectible"
    VOID = "void"
    UNKNOWN = "unknown"  # the provider has a word for it that we do not know: left as it was, for people to look at


MIRRORED = frozenset(InvoiceStanding) - {InvoiceStanding.UNKNOWN}


@dataclass(frozen=True, slots=True)
class ItemWanted:
    """What the subscription consists of at the provider: a price by its lookup key, so many times; None: by what is metered."""

    lookup_key: str
    quantity: int | None


@dataclass(frozen=True, slots=True)
class ItemHeld:
    """What it consists of there, now. A lookup key may have moved to a newer price since: then the older one has none."""

    lookup_key: str | None
    quantity: int | None


@dataclass(frozen=True, slots=True)
class ProviderSubscription:
    """What the provider holds for one subscription, now. `reference` is the one of ours that it says it is for."""

    ref: str
    standing: Standing
    reference: SubscriptionId | None
    period: Period | None
    ends_with_period: bool = False
    ended_at: datetime | None = None
    expired: bool = False  # over, since its first payment never came
    items: tuple[ItemHeld, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderPage:
    """The page on which a customer begins one, as it stands there now. `reference` is the subscription of ours that it is for."""

    ref: str
    status: CheckoutStatus
    reference: SubscriptionId | None
    url: str | None
    subscription_ref: str | None


@dataclass(frozen=True, slots=True)
class FollowedSubscription:
    """Ours: what we asked for, and how it stands there. `asked_at`: when the provider was asked for it first.

    With a `page` the customer begins it, on a page of the provider's that is `page_ref` there and has the address `page_url`.
    `end` is what we want, `wishes` how often that has changed, and `told` how many of these the provider has carried out.
    """

    id: SubscriptionId
    customer_id: CustomerId
    terms: PlanTerms
    trial: timedelta
    standing: Standing
    created_at: datetime
    asked_at: datetime | None = None
    ref: str | None = None
    period: Period | None = None
    ends_with_period: bool = False
    ended_at: datetime | None = None
    end: End = End.GO_ON
    wishes: int = 0
    told: int = 0
    reason: str | None = None
    page: Page | None = None
    page_ref: str | None = None
    page_url: str | None = None
    version: int = 0

    @property
    def is_on_page(self) -> bool:
        """Whether its customer may still begin it on its page."""
        return self.page is not None and self.standing in {Standing.REQUESTED, Standing.INCOMPLETE}

    @property
    def expired(self) -> bool:
        """Whether its first payment never came: it was over before anything was billed."""
        return self.standing is Standing.CANCELED and (self.reason or "").startswith(EXPIRED)

    @property
    def key(self) -> str:
        """The idempotency key under which it is asked for, however often."""
        return f"{self.id}:subscribe"

    @property
    def end_key(self) -> str:
        """Of this wish, and of no other one."""
        return f"{self.id}:end:{self.wishes}"


@dataclass(frozen=True, slots=True)
class MirroredLine:
    description: str
    amount: Money
    quantity: Decimal
    period: Period | None


@dataclass(frozen=True, slots=True)
class ProviderInvoice:
    """An invoice of the provider's own, as it shows it. We neither number nor book it."""

    ref: str
    subscription_ref: str
    reference: SubscriptionId | None
    standing: InvoiceStanding
    number: str | None
    total: Money
    amount_due: Money
    amount_paid: Money
    created_at: datetime
    url: str | None
    lines: tuple[MirroredLine, ...]


@dataclass(frozen=True, slots=True)
class MirroredInvoice:
    """The provider's invoice in our books' shadow: whose it is, and when it was asked for."""

    customer_id: CustomerId
    subscription_id: SubscriptionId
    invoice: ProviderInvoice
    asked_at: datetime


def requested(
    subscription_id: SubscriptionId, customer_id: CustomerId, terms: PlanTerms, trial: timedelta, page: Page | None = None,
    *, now: datetime,
) -> FollowedSubscription:  # fmt: skip
    """What is written down before anybody is asked."""
    return FollowedSubscription(subscription_id, customer_id, terms, trial, Standing.REQUESTED, now, page=page)


def items(terms: PlanTerms, plan: PlanVersion) -> tuple[ItemWanted, ...]:
    """What the plan's charges are at the provider, in the currency and by the interval of the terms. Raises InvalidInput."""
    if plan.billed_by is not BilledBy.PROVIDER:
        raise InvalidInput(
            f"plan {plan.key}: is billed by Tallystick; use subscribe", field="plan", code="not_billed_by_provider"
        )
    if terms.cadence not in plan.cadences:
        offered = ", ".join(str(cadence) for cadence in plan.cadences)
        raise InvalidInput(f"plan {plan.key}: is not sold by the {terms.cadence}; by the {offered}", field="interval")
    found = []
    for charge in plan.charges:
        priced = charge.priced(terms.currency, terms.cadence)
        if priced is None:
            message = f"currency: charge {charge.key} has no price in {terms.currency.code} by the {terms.cadence}"
            raise InvalidInput(message, field="currency")
        assert priced.lookup_key is not None, f"{charge.key}: a plan that the provider bills names its prices there"
        seats = terms.seats if charge.kind is ChargeKind.SEATS else 1
        found.append(ItemWanted(priced.lookup_key, None if charge.kind is ChargeKind.USAGE else seats))
    return tuple(found)


def seats_held(terms: PlanTerms, plan: PlanVersion, told: ProviderSubscription) -> int | None:
    """How many the provider bills: the quantity of what the plan sells by seats. None: it sells nothing so, or nobody can tell.

    A price whose lookup key has moved on is what no other charge of the plan is.
    """
    seated, other = set[str | None](), set[str | None]()
    for charge in plan.charges:
        priced = charge.priced(terms.currency, terms.cadence)
        if priced is not None:
            (seated if charge.kind is ChargeKind.SEATS else other).add(priced.lookup_key)
    counted = [item for item in told.items if item.quantity is not None and item.lookup_key not in other]
    found = {item.quantity for item in [item for item in counted if item.lookup_key in seated] or counted}
    quantity = found.pop() if seated and len(found) == 1 else None
    return quantity if quantity is not None and quantity <= SEATS_MAX else None


def learned(subscription: FollowedSubscription, told: ProviderSubscription, *, seats: int | None = None) -> FollowedSubscription:
    """The subscription as the provider says that it stands, with so many seats, if it says. What is final stays.

    Raises IllegalTransition for another one's, and for one that bills there although it was refused here.
    """
    if told.reference != subscription.id or subscription.ref not in {None, told.ref}:
        message = f"{subscription.id}: {told.ref} is not this subscription at the provider, it belongs to {told.reference}"
        raise IllegalTransition(message, code="subscription_mismatch")
    if subscription.standing is Standing.REFUSED and told.standing is not Standing.CANCELED:
        message = f"{subscription.id}: was refused here, and {told.ref} is {told.standing} at the provider; end it there"
        raise IllegalTransition(message, code="refused_here")
    if subscription.standing in FINAL:
        return subscription
    assert told.standing in TRANSITIONS[subscription.standing] | {subscription.standing}, (
        "the provider tells of what it has begun"
    )
    return replace(
        subscription, ref=told.ref, standing=told.standing,
        terms=subscription.terms if seats is None else replace(subscription.terms, seats=seats),
        period=told.period or subscription.period,
        ends_with_period=told.ends_with_period, ended_at=told.ended_at,
        reason=f"{EXPIRED}: the first invoice was not paid in time" if told.expired else subscription.reason,
    )  # fmt: skip


def on_page(subscription: FollowedSubscription, told: ProviderPage) -> FollowedSubscription:
    """The subscription as its page stands: of one that is over nothing has been begun. Raises IllegalTransition for another's."""
    if told.reference != subscription.id or subscription.page_ref not in {None, told.ref}:
        message = f"{subscription.id}: {told.ref} is not its page at the provider, it belongs to {told.reference}"
        raise IllegalTransition(message, code="subscription_mismatch")
    noted = replace(subscription, page_ref=told.ref, page_url=told.url or subscription.page_url)
    is_over = told.status is CheckoutStatus.EXPIRED and subscription.standing is Standing.REQUESTED
    return refused(noted, "page_closed: nobody has subscribed on the page") if is_over else noted


def known(subscription: FollowedSubscription) -> tuple[object, ...]:
    """What of it the provider has told: an answer that comes late must not stand over what was learned meanwhile."""
    seats, ended_at = subscription.terms.seats, subscription.ended_at
    return subscription.ref, subscription.standing, seats, subscription.period, subscription.ends_with_period, ended_at


def anchor(subscription: FollowedSubscription) -> datetime:
    """The instant that the provider's periods are counted from, as far as can be told by one of them.

    Those of a trial begin with its end; else it is that bound of the period which no short month has clamped.
    """
    period = subscription.period
    if period is None:
        return subscription.created_at
    if subscription.standing is Standing.TRIALING:
        return period.end
    return period.end if period.end.day > period.start.day else period.start


def counts(subscription: FollowedSubscription) -> bool:
    """Whether the provider bills usage by it: as soon as it may have it, and up to its end; of one that expired, nothing."""
    return subscription.standing is not Standing.REFUSED and not subscription.expired


def refused(subscription: FollowedSubscription, reason: str) -> FollowedSubscription:
    assert Standing.REFUSED in TRANSITIONS[subscription.standing], f"{subscription.id}: was begun, and cannot be refused any more"
    return replace(subscription, standing=Standing.REFUSED, reason=reason)


def wished(subscription: FollowedSubscription, end: End) -> FollowedSubscription:
    """The subscription with another wish for its end. Raises Conflict where it has ended, or was never begun."""
    if subscription.standing in FINAL:
        raise Conflict(f"subscription {subscription.id}: is {subscription.standing}; subscribe anew", code="not_running")
    if subscription.end is end:
        return subscription
    if subscription.end is End.NOW:
        raise Conflict(f"subscription {subscription.id}: is being ended now, which cannot be taken back", code="not_running")
    return replace(subscription, end=end, wishes=subscription.wishes + 1)
