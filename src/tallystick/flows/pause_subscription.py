"""Pause a subscription, and take it up again: while it is paused nothing is asked for, and nothing may be used."""

from tallystick.domain.subscriptions import Act, Status
from tallystick.flows import _preview, _subscriptions
from tallystick.flows._change import Changed
from tallystick.flows.context import Context
from tallystick.values.ids import SubscriptionId

_LEADS_TO = {Act.PAUSE: {Status.PAUSED}, Act.RESUME: {Status.ACTIVE, Status.TRIALING}}


def pause_subscription(ctx: Context, subscription_id: SubscriptionId, *, actor: str = "system") -> Changed:
    """The subscription, paused: its usage so far is invoiced, and the unused rest of its fees given back.

    Paused twice is paused once. Raises NotFound; IllegalTransition for one that has ended.
    """
    return _once(ctx, subscription_id, Act.PAUSE, actor=actor)


def resume_subscription(ctx: Context, subscription_id: SubscriptionId, *, actor: str = "system") -> Changed:
    """The subscription, in service in a period that begins now, and the invoice of its fees; or in what is left of its trial.

    What was used in spite of the pause is on the invoice of that period. Resumed twice is resumed once.
    """
    return _once(ctx, subscription_id, Act.RESUME, actor=actor)


def preview_pause(ctx: Context, subscription_id: SubscriptionId, act: Act) -> Changed:
    """What a pause, or its end, would come to now, with a preview to accept it by."""
    return _preview.previewed(ctx, subscription_id, _preview.only(act))


def _once(ctx: Context, subscription_id: SubscriptionId, act: Act, *, actor: str) -> Changed:
    with ctx.database.reading() as conn:
        subscription = _subscriptions.found(conn, subscription_id).subscription
    if subscription.status in _LEADS_TO[act]:
        return Changed(subscription)
    return _preview.done(ctx, subscription_id, _preview.only(act), actor=actor)
