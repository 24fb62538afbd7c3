"""News of subscriptions that the provider bills, and of its invoices: what our rows become by what it says when it is asked."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.payments import SubscriptionChanged, SubscriptionInvoiceChanged, SubscriptionPageChanged
from tallystick.domain.plans import PlanVersion
from tallystick.domain.provider_subscriptions import (
    ENTITLED,
    FollowedSubscription,
    InvoiceStanding,
    MirroredInvoice,
    ProviderInvoice,
    ProviderSubscription,
)
from tallystick.flows import _entitle, _news
from tallystick.flows._news import News, Result
from tallystick.flows.context import Context
from tallystick.providers.protocol import SubscriptionRequest
from tallystick.storage.jobs import JobName
from tallystick.storage.provider_events import Settlement
from tallystick.values.errors import IllegalTransition


def follow(ctx: Context, news: News, fact: SubscriptionChanged) -> Result:
    """The news is only a hint: asks how the subscription stands."""
    with ctx.database.reading() as conn:
        subscription = storage.provider_subscriptions.get(conn, fact.subscription_id)
    if subscription is None:
        return _news.mark(ctx, news, Settlement.IGNORED, f"{fact.ref} is for {fact.subscription_id}, which is none of ours")
    if subscription.ref not in {None, fact.ref}:
        return _news.mark(ctx, news, Settlement.PARKED, f"{subscription.id} is {subscription.ref} there, not {fact.ref}")
    told = ctx.provider.fetch_subscription(fact.ref)
    if not isinstance(told, ProviderSubscription):
        return _news.no_answer(ctx, news, told)
    try:
        with ctx.database.transaction("follow subscription") as conn:
            saved(ctx, conn, subscription, learned(conn, subscription, told))
            return _news.noted(ctx, conn, news, Settlement.SETTLED)
    except IllegalTransition as mismatch:
        return _news.mark(ctx, news, Settlement.PARKED, f"{mismatch.code}: {mismatch.message}")


def page(ctx: Context, news: News, fact: SubscriptionPageChanged) -> Result:
    """Writes down to ask how the page stands, and what was begun on it."""
    with ctx.database.transaction("news of page") as conn:
        subscription = storage.provider_subscriptions.get(conn, fact.subscription_id)
        if subscription is None or subscription.page is None:
            reason = f"{fact.ref} is for {fact.subscription_id}, which nobody begins on a page"
            return _news.noted(ctx, conn, news, Settlement.IGNORED, reason)
        if subscription.page_ref not in {None, fact.ref}:
            reason = f"{subscription.id} has the page {subscription.page_ref}, not {fact.ref}"
            return _news.noted(ctx, conn, news, Settlement.PARKED, reason)
        if subscription.page_ref is None:  # the answer that told of the page was lost
            ctx.faults.mark("settle.page_before_the_answer")
            storage.provider_subscriptions.save(conn, subscription, replace(subscription, page_ref=fact.ref))
        storage.jobs.enqueue(conn, JobName.PROVIDER_SUBSCRIPTION, subscription.id, run_at=ctx.clock.now())
        return _news.noted(ctx, conn, news, Settlement.SETTLED)


def request(ctx: Context, subscription: FollowedSubscription, customer_ref: str) -> SubscriptionRequest:
    """What the provider is asked for: the prices of the plan's version, by their lookup keys."""
    with ctx.database.reading() as conn:
        plan = _plan(conn, subscription)
    items = domain.provider_subscriptions.items(subscription.terms, plan)
    return SubscriptionRequest(
        subscription.id, subscription.customer_id, customer_ref, items, subscription.trial, page=subscription.page
    )


def mirror(ctx: Context, news: News, fact: SubscriptionInvoiceChanged) -> Result:
    """The provider's invoice, as it stands there; and a look at the subscription, which its payment may have moved."""
    now = ctx.clock.now()
    with ctx.database.reading() as conn:
        subscription = storage.provider_subscriptions.get(conn, fact.subscription_id)
    if subscription is None:
        return _news.mark(ctx, news, Settlement.IGNORED, f"{fact.ref} is of {fact.subscription_id}, which is none of ours")
    told = ctx.provider.fetch_subscription_invoice(fact.ref)
    if not isinstance(told, ProviderInvoice):
        return _news.no_answer(ctx, news, told)
    if told.reference != subscription.id or subscription.ref not in {None, told.subscription_ref}:
        return _news.mark(ctx, news, Settlement.PARKED, f"{fact.ref} is of {told.subscription_ref}, not of {subscription.ref}")
    with ctx.database.transaction("mirror invoice") as conn:
        storage.jobs.enqueue(conn, JobName.PROVIDER_SUBSCRIPTION, subscription.id, run_at=now)
        if told.standing is InvoiceStanding.UNKNOWN:
            reason = f"unknown_standing: {fact.ref} stands there in a way that is new to us; update Tallystick, and replay this"
            return _news.noted(ctx, conn, news, Settlement.PARKED, reason)
        mirrored = MirroredInvoice(subscription.customer_id, subscription.id, told, now)
        if not storage.provider_subscriptions.mirror(conn, mirrored):
            ctx.faults.mark("mirror.later_answer_stands")
        return _news.noted(ctx, conn, news, Settlement.SETTLED)


def seats(conn: Connection, subscription: FollowedSubscription, told: ProviderSubscription) -> int | None:
    """How many the provider bills; None: that is not told."""
    return domain.provider_subscriptions.seats_held(subscription.terms, _plan(conn, subscription), told)


def learned(conn: Connection, before: FollowedSubscription, told: ProviderSubscription) -> FollowedSubscription:
    """The subscription as the provider says that it stands. Raises IllegalTransition for another one's."""
    return domain.provider_subscriptions.learned(before, told, seats=seats(conn, before, told))


def _plan(conn: Connection, subscription: FollowedSubscription) -> PlanVersion:
    terms = subscription.terms
    return storage.plans.versions(conn, terms.plans)[terms.plan_key, terms.plan_version]


def saved(ctx: Context, conn: Connection, before: FollowedSubscription, after: FollowedSubscription) -> FollowedSubscription:
    """What has changed, kept: with what the customer may use from now on, and a line in the trail where it stands otherwise,
    or has other seats.
    """
    if before == after:
        return before
    kept = storage.provider_subscriptions.save(conn, before, after)
    if _entitles(before) != _entitles(after) or before.terms != after.terms:
        _entitle.entitle(ctx, conn, after.customer_id)
    was, said = _said(before, after), _said(after, after)
    if was != said:
        what = "seats" if before.standing is after.standing else after.standing.value
        act = storage.audit.Act(
            "provider", f"provider_subscription.{what}", after.id, before=was, after=said, reason=after.reason
        )
        storage.audit.append(conn, act, at=ctx.clock.now())
    return kept


def _said(subscription: FollowedSubscription, now: FollowedSubscription) -> dict[str, object]:
    """What the trail says of it: how it stands and for how many; `now` by which name."""
    named = {"plan": now.terms.plan_key, "ref": now.ref}
    return {**named, "standing": subscription.standing.value, "seats": subscription.terms.seats}


def _entitles(subscription: FollowedSubscription) -> datetime | None:
    """From where the quotas that it gives are counted; None where it gives none."""
    return domain.provider_subscriptions.anchor(subscription) if subscription.standing in ENTITLED else None
