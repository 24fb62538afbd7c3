"""Pause a subscription, and take it up again: while it is paused nothing is asked for, and nothing may be used."""

from sqlalchemy import Connection

from tallystick import domain
from tallystick.domain.invoices import Invoice
from tallystick.domain.subscriptions import Status, Subscription
from tallystick.flows import _change, _subscriptions, _turn
from tallystick.flows._change import Proposal
from tallystick.flows.context import Context
from tallystick.values.ids import SubscriptionId


def pause_subscription(
    ctx: Context, subscription_id: SubscriptionId, *, actor: str = "system"
) -> tuple[Subscription, Invoice | None]:
    """The subscription, paused: its usage so far is invoiced, and the unused rest of its fees given back.

    Paused twice is paused once. Raises NotFound; IllegalTransition for one that has ended.
    """
    _turn.bring_up(ctx, subscription_id, graceless=True, actor=actor)

    def paused(conn: Connection) -> tuple[Subscription, Invoice | None]:
        kept, now = _subscriptions.locked(conn, subscription_id), ctx.clock.now()
        before = kept.subscription
        if before.status is Status.PAUSED:
            return before, None
        after = domain.subscriptions.paused(before, at=now)
        proposal = _change.stopped(conn, before, after, at=now, credit_unused=True)
        return _change.made(ctx, conn, kept, proposal, act="subscription.paused", actor=actor)

    return ctx.database.run("pause", paused)


def resume_subscription(
    ctx: Context, subscription_id: SubscriptionId, *, actor: str = "system"
) -> tuple[Subscription, Invoice | None]:
    """The subscription, in service in a period that begins now, and the invoice of its fees.

    What was used in spite of the pause is on the invoice of that period. Resumed twice is resumed once.
    """

    def resumed(conn: Connection) -> tuple[Subscription, Invoice | None]:
        kept, now = _subscriptions.locked(conn, subscription_id), ctx.clock.now()
        before = kept.subscription
        if before.status is Status.ACTIVE:
            return before, None
        after = domain.subscriptions.resumed(before, at=now)
        billing = _subscriptions.in_advance(conn, after, _subscriptions.sold(conn, after.terms), once=False)
        return _change.made(ctx, conn, kept, Proposal(after, billing), act="subscription.resumed", actor=actor)

    return ctx.database.run("resume", resumed)
