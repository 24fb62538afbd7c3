"""What a change of a subscription comes to: proposed the same way for its preview and for itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.invoices import Invoice
from tallystick.domain.periods import Cadence
from tallystick.domain.plan_changes import When
from tallystick.domain.plans import ChargeKind
from tallystick.domain.subscriptions import Act, ClosedPeriod, PlanTerms, Sold, Status, Subscription
from tallystick.flows import _begin, _subscriptions
from tallystick.flows._subscriptions import Billing
from tallystick.flows.context import Context
from tallystick.storage.previews import Preview
from tallystick.storage.subscriptions import Kept
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import derived
from tallystick.values.time import Period

# How the trail and the news say it.
_TOLD = {
    Act.CHANGE: "subscription.changed",
    Act.CHANGE_AT_END: "subscription.change_scheduled",
    Act.CANCEL: "subscription.canceled",
    Act.CANCEL_AND_CREDIT: "subscription.canceled",
    Act.CANCEL_AT_END: "subscription.cancel_scheduled",
    Act.PAUSE: "subscription.paused",
    Act.RESUME: "subscription.resumed",
}


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be otherwise; None stays as it is. Naming the plan moves the subscription to its newest version."""

    plan_key: str | None = None
    cadence: Cadence | None = None
    seats: int | None = None
    add_ons: Mapping[str, int] | None = None
    when: When = When.AUTO


@dataclass(frozen=True, slots=True)
class Changed:
    """The subscription as it is now, or would be; the invoice of the act, and the preview that it can be accepted by."""

    subscription: Subscription
    invoice: Invoice | None = None
    preview: Preview | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """The subscription as it would be, and what would be asked for at once; `closed` is the period that is cut."""

    after: Subscription
    billing: Billing
    closed: ClosedPeriod | None = None


def wanted_terms(conn: Connection, subscription: Subscription, change: Change) -> PlanTerms:
    """The terms that the change asks for. Raises InvalidInput for what is not offered."""
    terms, plans = subscription.terms, storage.plans.latest(conn)
    if change.plan_key is not None:
        if change.plan_key not in plans:
            known = ", ".join(sorted(plans)) or "none yet"
            raise InvalidInput(f"plan: there is no such plan; known: {known}", field="plan", code="unknown_plan")
        terms = replace(terms, plan_key=change.plan_key, plan_version=plans[change.plan_key].version)
    if change.add_ons is not None:
        terms = replace(terms, add_ons=_begin.added_on(plans, change.add_ons))
    going_on = domain.subscriptions.kept_overrides(subscription.terms, terms, storage.plans.versions(conn, terms.plans))
    return replace(
        terms,
        overrides=going_on,
        cadence=terms.cadence if change.cadence is None else change.cadence,
        seats=terms.seats if change.seats is None else change.seats,
    )


def proposed(conn: Connection, subscription: Subscription, terms: PlanTerms, *, at: datetime) -> Proposal:
    """The change at that instant. Raises Conflict where it is not in the current period, or before an earlier change."""
    domain.subscriptions.check_instant(subscription, at)
    after = domain.subscriptions.changed(subscription, terms, at=at)
    old, new = _subscriptions.sold(conn, subscription.terms), _subscriptions.sold(conn, terms)
    domain.plan_changes.check_meters(old, new)
    if subscription.status is Status.TRIALING:
        return Proposal(after, Billing(after, at=at))
    if terms.cadence != subscription.terms.cadence:
        return _anew(conn, subscription, after, (old, new), at)
    ending, beginning = domain.plan_changes.differing(old, new)
    billing = _subscriptions.credits(conn, subscription, at, of=[each for each in ending if each.in_advance])
    gone = [each for each in ending if each.kind is ChargeKind.USAGE and each.key not in new.by_key]
    cut = domain.subscriptions.closed(subscription, at=at)
    if cut is not None:
        after_the_fact = [each for each in old.charges if each.kind is not ChargeKind.USAGE and not each.in_advance]
        billing = billing.plus(_subscriptions.in_arrears(conn, subscription, cut, [*gone, *after_the_fact]))
    fees = [each for each in beginning if each.in_advance]
    billing = billing.plus(_subscriptions.fees(conn, after, fees, Period(at, after.period.end)))
    return Proposal(after, replace(billing, at=at))


def _anew(conn: Connection, subscription: Subscription, after: Subscription, sold: tuple[Sold, Sold], at: datetime) -> Proposal:
    """Another interval: the period is cut here, and a new one begins."""
    old, new = sold
    cut = domain.subscriptions.closed(subscription, at=at)
    billing = _subscriptions.credits(conn, subscription, at)
    if cut is not None:
        billing = billing.plus(_subscriptions.in_arrears(conn, subscription, cut, old.charges))
    billing = billing.plus(_subscriptions.in_advance(conn, after, new, once=True))
    return Proposal(after, replace(billing, at=at), cut)


def outcome(conn: Connection, subscription: Subscription, act: Act, terms: PlanTerms, *, at: datetime) -> Proposal:
    """What the act comes to at that instant; the same for its preview and for itself. `terms` are those of a change.

    Raises IllegalTransition, or Conflict, where it cannot happen to this subscription.
    """
    match act:
        case Act.CHANGE:
            return proposed(conn, subscription, terms, at=at)
        case Act.CHANGE_AT_END:
            old, new = _subscriptions.sold(conn, subscription.terms), _subscriptions.sold(conn, terms)
            domain.plan_changes.check_meters(old, new)
            _subscriptions.check_counted_once(conn, subscription, new.charges, since=subscription.period.end)
            return Proposal(domain.subscriptions.scheduled(subscription, terms), Billing(subscription))
        case Act.CANCEL_AT_END:
            return Proposal(domain.subscriptions.canceling(subscription), Billing(subscription))
        case Act.CANCEL | Act.CANCEL_AND_CREDIT if subscription.status is Status.PAUSED:
            return _used_in_spite(conn, subscription, domain.subscriptions.ended(subscription, at=at), at=at)
        case Act.CANCEL | Act.CANCEL_AND_CREDIT:
            after = domain.subscriptions.ended(subscription, at=at)
            return _stopped(conn, subscription, after, at=at, credit_unused=act is Act.CANCEL_AND_CREDIT)
        case Act.PAUSE:
            return _stopped(conn, subscription, domain.subscriptions.paused(subscription, at=at), at=at, credit_unused=True)
        case Act.RESUME:
            after = domain.subscriptions.resumed(subscription, at=at)
            offered = _subscriptions.sold(conn, after.terms)
            return Proposal(after, _subscriptions.in_advance(conn, after, offered, once=True))
        case _:
            assert_never(act)


def _stopped(conn: Connection, subscription: Subscription, after: Subscription, *, at: datetime, credit_unused: bool) -> Proposal:
    """The subscription, cut at that instant: all of its usage so far, and, where that is wanted, the unused rest of its fees."""
    cut = domain.subscriptions.closed(subscription, at=at)
    billing = Billing(after, at=at)
    if cut is not None:
        billing = billing.plus(
            _subscriptions.in_arrears(conn, subscription, cut, _subscriptions.sold(conn, subscription.terms).charges)
        )
    if credit_unused:
        billing = billing.plus(_subscriptions.credits(conn, subscription, at))
    return Proposal(after, billing, cut)


def _used_in_spite(conn: Connection, subscription: Subscription, after: Subscription, *, at: datetime) -> Proposal:
    """A paused subscription at its end: what was used in spite of the pause, without any minimum."""
    charges = _subscriptions.sold(conn, subscription.terms).charges
    billing = _subscriptions.usage(conn, subscription, charges, until=at)
    return Proposal(after, replace(billing, at=at))


def made(ctx: Context, conn: Connection, kept: Kept, act: Act, proposal: Proposal, *, actor: str) -> Changed:
    """The proposal, carried out: what is asked for at once is invoiced, and the subscription is kept as it is now."""
    before, after, at = kept.subscription, proposal.after, proposal.billing.at
    if proposal.closed is not None:
        storage.subscriptions.close(conn, before, proposal.closed, invoiced=True)
    invoice = None
    if at is not None:
        invoice = _subscriptions.invoiced(ctx, conn, proposal.billing, kept.collection, actor)
        _meter(conn, before, after, at=at)
    saved = _subscriptions.save(ctx, conn, kept, after, act=_TOLD[act], actor=actor)
    ctx.faults.mark(_TOLD[act])
    return Changed(saved, invoice)


def _meter(conn: Connection, before: Subscription, after: Subscription, *, at: datetime) -> None:
    """Usage charges that are no longer count up to the change, those that are new from there; in a trial, from its end on."""
    old = _subscriptions.sold(conn, before.terms)
    if after.status is Status.CANCELED:
        _subscriptions.stop(conn, before, old.charges, until=_counted_from(before) or at)
        return
    if after.terms == before.terms:
        return
    since = _counted_from(before) or at
    new = _subscriptions.sold(conn, after.terms)
    _subscriptions.stop(conn, before, [each for each in old.charges if each.key not in new.by_key], until=since)
    _subscriptions.count(conn, after, [each for each in new.charges if each.key not in old.by_key], since=since)


def _counted_from(subscription: Subscription) -> datetime | None:
    """In a trial nothing is counted before its end."""
    return subscription.trial_end if subscription.status is Status.TRIALING else None


def fingerprint(subscription: Subscription, invoice: Invoice | None) -> str:
    """What a preview has shown, in one word: whatever differs from it is another preview."""
    shown = [] if invoice is None else [f"{line.id} {line.amount.minor}" for line in invoice.lines]
    total = "nothing" if invoice is None else f"{invoice.total.minor} {invoice.discount.minor} {invoice.credits_applied.minor}"
    return derived("shown", subscription.id, str(subscription.version), total, *shown)
