"""The beginning of a subscription, in the caller's transaction: for those who subscribe, and at the end of a checkout."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.catalog import Price
from tallystick.domain.invoices import Invoice
from tallystick.domain.payments import Collection
from tallystick.domain.periods import Cadence
from tallystick.domain.plans import PlanVersion
from tallystick.domain.subscriptions import AddOn, Anchoring, PlanTerms, Start, Status, Subscription
from tallystick.flows import _entitle, _redemption, _subscriptions
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName
from tallystick.storage.subscriptions import Kept
from tallystick.values.errors import Conflict, InvalidInput
from tallystick.values.ids import CustomerId, SubscriptionId, derived
from tallystick.values.money import Currency


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody subscribes to. None is the plan's own: its newest version, its only currency, its first interval, its trial.

    `start` may lie in the past: the periods since then are invoiced one by one. `op` is the caller's name for it: sent again,
    it is the same subscription.
    """

    customer_id: CustomerId
    plan_key: str
    currency: Currency | None = None
    cadence: Cadence | None = None
    seats: int = 1
    add_ons: Mapping[str, int] = field(default_factory=dict)
    overrides: Mapping[str, Price] = field(default_factory=dict)
    coupon: str | None = None
    trial: timedelta | None = None
    start: datetime | None = None
    zone: str = "UTC"
    anchoring: Anchoring = Anchoring.ANNIVERSARY
    collection: Collection = field(default_factory=Collection)
    op: str | None = None
    plan_version: int | None = None  # the one that was shown, where a newer one may have come since


@dataclass(frozen=True, slots=True)
class Begun:
    """The subscription, and its first invoice, where it has one."""

    subscription: Subscription
    invoice: Invoice | None = None


def begin(ctx: Context, conn: Connection, wanted: Wanted, *, actor: str) -> Begun:
    """The subscription, begun: its first fees are asked for, and what it grants may be used.

    Raises InvalidInput for what is not offered; Conflict where the customer has subscribed to this plan already.
    """
    now, customer_id = ctx.clock.now(), wanted.customer_id
    storage.customers.ensure(conn, [customer_id], at=now)
    storage.customers.lock(conn, customer_id)
    subscription_id, known = _named(conn, wanted)
    if known is not None:
        return Begun(known.subscription)
    subscription = _new(conn, wanted, subscription_id, now=now)
    offered = _subscriptions.sold(conn, subscription.terms)
    kept = Kept(subscription, wanted.collection, _subscriptions.due_at(subscription, []))
    added = storage.subscriptions.add(conn, kept)
    assert added, f"{subscription_id}: under the lock of its customer, what was not there is not there"
    _subscriptions.count(conn, subscription, offered.charges, since=subscription.trial_end or subscription.started_at)
    if wanted.coupon is not None:
        _redemption.redeem(ctx, conn, customer_id, wanted.coupon, subscription_id=subscription_id, actor=actor)
    billing = _subscriptions.in_advance(conn, subscription, offered, once=True)
    invoice = _subscriptions.invoiced(ctx, conn, billing, wanted.collection, actor)
    _entitle.entitle(ctx, conn, customer_id)
    _subscriptions.note(ctx, conn, None, subscription, act="subscription.created", actor=actor)
    if subscription.period.end <= now:
        storage.jobs.enqueue(conn, JobName.BILL_PERIOD, subscription_id, run_at=now)
        ctx.faults.mark("subscription.backdated")
    return Begun(subscription, invoice)


def _named(conn: Connection, wanted: Wanted) -> tuple[SubscriptionId, Kept | None]:
    """The id, from the caller's op, or else the how manieth of the customer's it is; and what stands under it already."""
    if wanted.op is not None:
        named = SubscriptionId(derived("sub", wanted.customer_id, wanted.op))
        return named, storage.subscriptions.get(conn, named)
    all_of_them = [kept.subscription for kept in storage.subscriptions.of_customer(conn, wanted.customer_id)]
    of_plan = (each for each in all_of_them if each.terms.plan_key == wanted.plan_key)
    live = next((each for each in of_plan if each.status is not Status.CANCELED), None)
    if live is not None:
        raise Conflict(
            f"plan {wanted.plan_key}: the customer is on it already, by {live.id}; change that, or name a second one by an op",
            code="already_subscribed",
        )
    return SubscriptionId(derived("sub", wanted.customer_id, wanted.plan_key, str(len(all_of_them)))), None


def _new(conn: Connection, wanted: Wanted, subscription_id: SubscriptionId, *, now: datetime) -> Subscription:
    plans = storage.plans.latest(conn)
    plan = _plan(plans, wanted.plan_key, field="plan")
    if wanted.plan_version is not None:
        plan = _version(conn, plan.key, wanted.plan_version)
    if wanted.start is not None:
        domain.subscriptions.check_start(wanted.start, now=now)
    terms = PlanTerms(
        plan_key=plan.key,
        plan_version=plan.version,
        currency=wanted.currency or _only_currency(plan, wanted.cadence or plan.cadences[0]),
        cadence=wanted.cadence or plan.cadences[0],
        seats=wanted.seats,
        add_ons=added_on(plans, wanted.add_ons),
        overrides=wanted.overrides,
    )
    trial = plan.trial if wanted.trial is None else wanted.trial
    start = Start(wanted.start or now, wanted.zone, wanted.anchoring, trial)
    return domain.subscriptions.begun(subscription_id, wanted.customer_id, terms, start)


def added_on(plans: Mapping[str, PlanVersion], wanted: Mapping[str, int]) -> tuple[AddOn, ...]:
    """Add-ons in their newest versions, by key."""
    return tuple(AddOn(key, _plan(plans, key, field="add_ons").version, wanted[key]) for key in sorted(wanted))


def _plan(plans: Mapping[str, PlanVersion], key: str, *, field: str) -> PlanVersion:
    if key not in plans:
        known = ", ".join(sorted(plans)) or "none yet"
        raise InvalidInput(f"{field}: there is no such plan; known: {known}", field=field, code="unknown_plan")
    return plans[key]


def _version(conn: Connection, key: str, version: int) -> PlanVersion:
    found = storage.plans.versions(conn, [(key, version)]).get((key, version))
    if found is None:
        raise InvalidInput(f"plan_version: {key} has no version {version}", field="plan_version", code="unknown_plan")
    return found


def _only_currency(plan: PlanVersion, cadence: Cadence) -> Currency:
    found = plan.currencies(cadence)
    if len(found) == 1:
        return found[0]
    if not plan.charges:
        raise InvalidInput(f'currency: plan {plan.key} asks for nothing; name one, such as "usd"', field="currency")
    codes = ", ".join(each.code for each in found) or "none"
    raise InvalidInput(f"currency: choose one of {codes}", field="currency")
