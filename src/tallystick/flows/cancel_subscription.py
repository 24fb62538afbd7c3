"""End a subscription: with its period, which can be taken back until then, or at once."""

from sqlalchemy import Connection

from tallystick import domain
from tallystick.domain.subscriptions import Act, Status, Subscription
from tallystick.flows import _preview, _subscriptions, _turn
from tallystick.flows._change import Changed
from tallystick.flows.context import Context
from tallystick.values.ids import SubscriptionId


def cancel_subscription(
    ctx: Context, subscription_id: SubscriptionId, act: Act = Act.CANCEL_AT_END, *, actor: str = "system"
) -> Changed:
    """The subscription, ended by that act, and its last invoice: the usage so far. Canceled twice is canceled once.

    Raises NotFound, and Conflict for one that is paused and shall end with its period.
    """
    with ctx.database.reading() as conn:
        subscription = _subscriptions.found(conn, subscription_id).subscription
    if subscription.status is Status.CANCELED:
        return Changed(subscription)
    return _preview.done(ctx, subscription_id, _preview.only(act), actor=actor)


def preview_cancel(ctx: Context, subscription_id: SubscriptionId, act: Act) -> Changed:
    """What ending it so would come to now, with a preview to accept it by."""
    return _preview.previewed(ctx, subscription_id, _preview.only(act))


def undo(ctx: Context, subscription_id: SubscriptionId, *, actor: str = "system") -> Subscription:
    """The subscription, which goes on as it is: whatever was agreed for the end of its period is off, unless that has come."""
    _turn.bring_up(ctx, subscription_id, actor=actor)

    def undone(conn: Connection) -> Subscription:
        kept = _subscriptions.locked(conn, subscription_id)
        after = domain.subscriptions.going_on(kept.subscription)
        if after == kept.subscription:
            return after
        return _subscriptions.save(ctx, conn, kept, after, act="subscription.change_undone", actor=actor)

    return ctx.database.run("undo", undone)
