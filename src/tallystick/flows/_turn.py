"""A subscription brought up to an instant: one period after the other is closed, and invoiced when its grace is over."""

from dataclasses import replace

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.invoices import Invoice
from tallystick.domain.subscriptions import RUNNING, ClosedPeriod, PeriodKind, Status, Subscription
from tallystick.flows import _billables, _subscriptions
from tallystick.flows._subscriptions import Billing
from tallystick.flows.context import Context
from tallystick.storage.subscriptions import Kept
from tallystick.values.ids import SubscriptionId

_STEPS_MAX = 10_000


def bring_up(ctx: Context, subscription_id: SubscriptionId, *, graceless: bool = False, actor: str = "system") -> list[Invoice]:
    """The invoices opened now, in the order of their periods; each step is a transaction of its own.

    `graceless` invoices also what is over and would still wait for late usage: before something changes.
    """
    invoices = []
    for _ in range(_STEPS_MAX):
        done, invoice = ctx.database.run(
            "bill period", lambda conn: _step(ctx, conn, subscription_id, graceless=graceless, actor=actor)
        )
        if invoice is not None:
            invoices.append(invoice)
        if done:
            break
    return invoices


def _step(
    ctx: Context, conn: Connection, subscription_id: SubscriptionId, *, graceless: bool, actor: str
) -> tuple[bool, Invoice | None]:
    """Whether nothing is left to be done now, and the invoice that this step has opened."""
    kept, now = _subscriptions.locked(conn, subscription_id), ctx.clock.now()
    waiting = storage.subscriptions.to_invoice(conn, kept.subscription)
    if waiting and (graceless or waiting[0].invoice_at <= now):
        return False, _invoice(ctx, conn, kept, waiting, actor)
    if kept.subscription.status in RUNNING and kept.subscription.period.end <= now:
        _turn(ctx, conn, kept)
        return False, None
    if kept.due_at is not None and kept.due_at <= now:
        return False, _last_look(ctx, conn, kept, actor)
    return True, None


def _turn(ctx: Context, conn: Connection, kept: Kept) -> None:
    """Closes the period that is over, and begins the next one under the terms that are agreed for it."""
    before = kept.subscription
    closed = domain.subscriptions.closed(before, grace=ctx.terms.grace)
    assert closed is not None, "a period that is over has a length"
    storage.subscriptions.close(conn, before, closed, invoiced=False)
    after = domain.subscriptions.turned(before)
    _meter_anew(conn, before, after)
    act = "subscription.canceled" if after.status is Status.CANCELED else "subscription.renewed"
    _subscriptions.save(ctx, conn, kept, after, act=act, actor="system")
    ctx.faults.mark(f"{act}.at_period_end")


def _meter_anew(conn: Connection, before: Subscription, after: Subscription) -> None:
    """Charges that are in force no more count up to the boundary, those that are new from there on."""
    old, at = _subscriptions.sold(conn, before.terms), before.period.end
    if after.status is Status.CANCELED:
        _subscriptions.stop(conn, before, old.charges, until=at)
        return
    if after.terms == before.terms:
        return
    new = _subscriptions.sold(conn, after.terms)
    _subscriptions.stop(conn, before, [each for each in old.charges if each.key not in new.by_key], until=at)
    # What was billed by others meanwhile stays theirs: nobody is there to ask, and a period that is over must turn.
    _subscriptions.count(conn, after, [each for each in new.charges if each.key not in old.by_key], since=at, waits=True)


def _invoice(ctx: Context, conn: Connection, kept: Kept, waiting: list[ClosedPeriod], actor: str) -> Invoice | None:
    """The oldest period that is over, invoiced."""
    subscription, closed = kept.subscription, waiting[0]
    billing = billed(conn, subscription, closed, following(subscription, closed, waiting))
    invoice = _subscriptions.invoiced(ctx, conn, billing, kept.collection, actor)
    _forget_late(conn, subscription)
    storage.subscriptions.note_invoiced(conn, subscription, closed)
    next_at = _subscriptions.due_at(subscription, waiting[1:])
    if next_at is None and subscription.status is Status.CANCELED:
        next_at = _subscriptions.last_look_at(subscription)
    storage.subscriptions.save(conn, subscription, Kept(subscription, kept.collection, next_at))
    return invoice


def billed(conn: Connection, subscription: Subscription, closed: ClosedPeriod, then: Subscription | None) -> Billing:
    """What stands on one invoice: what came late, the usage of a period that is over, and the fees of the one that follows."""
    late = _subscriptions.late(conn, subscription)
    billing = _subscriptions.in_arrears(conn, subscription, closed, _subscriptions.sold(conn, closed.terms).charges)
    if then is not None:
        once = closed.kind is PeriodKind.TRIAL or then.terms.plans != closed.terms.plans
        ahead = _subscriptions.in_advance(conn, then, _subscriptions.sold(conn, then.terms), once=once)
        billing = replace(billing.plus(ahead), at=ahead.at)
    return replace(late.plus(billing), at=billing.at)


def following(subscription: Subscription, closed: ClosedPeriod, waiting: list[ClosedPeriod]) -> Subscription | None:
    """The subscription as it was in the period that follows: over already, or being served; None where it was not."""
    if len(waiting) > 1 and waiting[1].period.start == closed.period.end:
        later = waiting[1]
        status = Status.ACTIVE if later.kind is PeriodKind.SERVICE else Status.TRIALING
        return replace(
            subscription, status=status, terms=later.terms, period=later.period, full=later.full, terms_since=later.terms_since
        )
    if subscription.status in RUNNING and subscription.period.start == closed.period.end:
        return subscription
    return None


def _last_look(ctx: Context, conn: Connection, kept: Kept, actor: str) -> Invoice | None:
    """Of one that has ended: what came late; and never again."""
    late = _subscriptions.late(conn, kept.subscription)
    invoice = _subscriptions.invoiced(ctx, conn, late, kept.collection, actor)
    _forget_late(conn, kept.subscription)
    storage.subscriptions.save(conn, kept.subscription, Kept(kept.subscription, kept.collection, None))
    ctx.faults.mark("subscription.last_look")
    return invoice


def _forget_late(conn: Connection, subscription: Subscription) -> None:
    keys = {counting.charge_key for counting in storage.subscriptions.counted(conn, subscription)}
    _billables.clear_late(conn, subscription.customer_id, only=sorted(keys))
