"""End a subscription: with its period, which can be taken back until then, or at once."""

from sqlalchemy import Connection

from tallystick import domain
from tallystick.domain.invoices import Invoice
from tallystick.domain.subscriptions import Status, Subscription
from tallystick.flows import _change, _subscriptions, _turn
from tallystick.flows.context import Context
from tallystick.values.ids import SubscriptionId


def cancel_at_period_end(ctx: Context, subscription_id: SubscriptionId, *, actor: str = "system") -> Subscription:
    """The subscription, which ends with its period; canceled twice is canceled once. Raises NotFound, Conflict."""
    _turn.bring_up(ctx, subscription_id, graceless=True, actor=actor)

    def canceled(conn: Connection) -> Subscription:
        kept = _subscriptions.locked(conn, subscription_id)
        if kept.subscription.cancel_at_period_end or kept.subscription.status is Status.CANCELED:
            return kept.subscription
        after = domain.subscriptions.canceling(kept.subscription)
        return _subscriptions.save(ctx, conn, kept, after, act="subscription.cancel_scheduled", actor=actor)

    return ctx.database.run("cancel at period end", canceled)


def undo(ctx: Context, subscription_id: SubscriptionId, *, actor: str = "system") -> Subscription:
    """The subscription, which goes on as it is: whatever was agreed for the end of its period is off."""

    def undone(conn: Connection) -> Subscription:
        kept = _subscriptions.locked(conn, subscription_id)
        after = domain.subscriptions.going_on(kept.subscription)
        if after == kept.subscription:
            return after
        return _subscriptions.save(ctx, conn, kept, after, act="subscription.change_undone", actor=actor)

    return ctx.database.run("undo", undone)


def cancel_now(
    ctx: Context, subscription_id: SubscriptionId, *, credit_unused: bool = False, actor: str = "system"
) -> tuple[Subscription, Invoice | None]:
    """The subscription, ended, and its last invoice: the usage so far; with `credit_unused`, less the unused rest of its fees.

    Canceled twice is canceled once.
    """
    _turn.bring_up(ctx, subscription_id, graceless=True, actor=actor)

    def canceled(conn: Connection) -> tuple[Subscription, Invoice | None]:
        kept, now = _subscriptions.locked(conn, subscription_id), ctx.clock.now()
        before = kept.subscription
        if before.status is Status.CANCELED:
            return before, None
        after = domain.subscriptions.ended(before, at=now)
        if before.status is Status.PAUSED:
            proposal = _change.used_in_spite(conn, before, after, at=now)
        else:
            proposal = _change.stopped(conn, before, after, at=now, credit_unused=credit_unused)
        return _change.made(ctx, conn, kept, proposal, act="subscription.canceled", actor=actor)

    return ctx.database.run("cancel now", canceled)
