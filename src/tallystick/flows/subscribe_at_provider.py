"""Put a customer on a plan that the provider bills: written down with its job; the provider is asked after that."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.pages import Page
from tallystick.domain.periods import Cadence
from tallystick.domain.plans import PlanVersion
from tallystick.domain.provider_subscriptions import FINAL, End, FollowedSubscription
from tallystick.domain.subscriptions import PlanTerms
from tallystick.flows import _subscriptions
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName
from tallystick.values.errors import Conflict, InvalidInput, NotFound
from tallystick.values.ids import CustomerId, SubscriptionId, derived
from tallystick.values.money import Currency


@dataclass(frozen=True, slots=True)
class ProviderWish:
    """What somebody subscribes to. None is the plan's own. `op` is the caller's name for it: sent again, it is the same one.

    With a `page` the customer begins it there; while that is open, the same wish is the same subscription.
    """

    customer_id: CustomerId
    plan_key: str
    currency: Currency | None = None
    cadence: Cadence | None = None
    seats: int = 1
    trial: timedelta | None = None
    op: str | None = None
    page: Page | None = None


def subscribe_at_provider(ctx: Context, wish: ProviderWish, *, actor: str = "system") -> FollowedSubscription:
    """The subscription, requested. Raises InvalidInput for what is not offered so, Conflict for a second one of the plan."""
    return ctx.database.run("subscribe at provider", lambda conn: _requested(ctx, conn, wish, actor))


def end_at_provider(ctx: Context, subscription_id: SubscriptionId, end: End, *, actor: str = "system") -> FollowedSubscription:
    """What we want of its end, written down; the provider is told after that. Raises NotFound, Conflict where it has ended."""

    def ended(conn: Connection) -> FollowedSubscription:
        before = storage.provider_subscriptions.get(conn, subscription_id)
        if before is None:
            raise NotFound("subscription: there is no such subscription at the provider", field="subscription")
        after = domain.provider_subscriptions.wished(before, end)
        if after == before:
            return before
        kept = storage.provider_subscriptions.save(conn, before, after)
        said = storage.audit.Act(actor, f"provider_subscription.end_{end}", kept.id, after={"end": end.value})
        storage.jobs.enqueue(conn, JobName.PROVIDER_SUBSCRIPTION, kept.id, run_at=ctx.clock.now())
        storage.audit.append(conn, said, at=ctx.clock.now())
        return kept

    return ctx.database.run("end at provider", ended)


def _requested(ctx: Context, conn: Connection, wish: ProviderWish, actor: str) -> FollowedSubscription:
    now, customer_id = ctx.clock.now(), wish.customer_id
    storage.customers.ensure(conn, [customer_id], at=now)
    storage.customers.lock(conn, customer_id)
    all_of_them = storage.provider_subscriptions.of_customer(conn, customer_id)
    facts = (wish.op,) if wish.op is not None else (wish.plan_key, str(len(all_of_them)))
    subscription_id = SubscriptionId(derived("psub", customer_id, *facts))
    known = storage.provider_subscriptions.get(conn, subscription_id)
    if known is not None:
        return known
    if wish.page is not None:
        if (same := _waiting(conn, wish)) is not None:
            return same
        _check_alone(all_of_them)
    live = next((each for each in all_of_them if each.terms.plan_key == wish.plan_key and each.standing not in FINAL), None)
    if live is not None and wish.op is None:
        message = f"plan {wish.plan_key}: the customer is on it already, by {live.id}; end that, or name a second one by an op"
        raise Conflict(message, code="already_subscribed")
    plan = storage.plans.latest(conn).get(wish.plan_key)
    if plan is None:
        raise InvalidInput("plan: there is no such plan", field="plan", code="unknown_plan")
    terms = _terms(wish, plan)
    domain.provider_subscriptions.items(terms, plan)
    _subscriptions.check_meters_free(conn, customer_id, plan, since=now)
    wanted = domain.provider_subscriptions.requested(
        subscription_id, customer_id, terms, plan.trial if wish.trial is None else wish.trial, wish.page, now=now
    )
    added = storage.provider_subscriptions.add(conn, wanted)
    assert added, f"{subscription_id}: under the lock of its customer, what was not there is not there"
    storage.jobs.enqueue(conn, JobName.PROVIDER_SUBSCRIPTION, subscription_id, run_at=now)
    said = storage.audit.Act(actor, "provider_subscription.requested", subscription_id, after={"plan": plan.key})
    storage.audit.append(conn, said, at=now)
    return wanted


def waiting(ctx: Context, wish: ProviderWish) -> FollowedSubscription | None:
    """The one that was wished for just so before, and that its customer may still begin on its page."""
    with ctx.database.reading() as conn:
        return _waiting(conn, wish)


def _waiting(conn: Connection, wish: ProviderWish) -> FollowedSubscription | None:
    found = storage.provider_subscriptions.of_customer(conn, wish.customer_id)
    return next((each for each in found if each.is_on_page and _is_wished(conn, wish, each)), None)


def _check_alone(all_of_them: list[FollowedSubscription]) -> None:
    """Who comes by a page to choose another plan means to change, and not to pay for both."""
    live = next((each for each in all_of_them if each.standing not in FINAL), None)
    if live is not None:
        told = f"plan: the customer is on {live.terms.plan_key} already, by {live.id}, or about to; end that first"
        raise Conflict(told, field="plan", code="already_subscribed")


def _is_wished(conn: Connection, wish: ProviderWish, followed: FollowedSubscription) -> bool:
    """Whether it is just what is wished for again: by the same page, on the same terms, as the plan is sold now."""
    plan = storage.plans.latest(conn).get(wish.plan_key)
    if plan is None or followed.page != wish.page:
        return False
    trial = plan.trial if wish.trial is None else wish.trial
    return (followed.terms, followed.trial) == (_terms(wish, plan), trial)


def _terms(wish: ProviderWish, plan: PlanVersion) -> PlanTerms:
    cadence = wish.cadence or plan.cadences[0]
    offered = plan.currencies(cadence)
    if wish.currency is None and len(offered) != 1:
        codes = ", ".join(each.code for each in offered) or "none"
        raise InvalidInput(f"currency: choose one of {codes}", field="currency")
    return PlanTerms(plan.key, plan.version, wish.currency or offered[0], cadence, wish.seats)
