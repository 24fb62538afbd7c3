"""Change what a subscription is for: at once, with what that costs on one invoice, or from the end of its period on."""

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.subscriptions import Act, PlanTerms, Subscription
from tallystick.flows import _change, _preview, _subscriptions
from tallystick.flows._change import Change, Changed
from tallystick.flows._preview import Asked
from tallystick.flows.context import Context
from tallystick.values.errors import Conflict, NotFound
from tallystick.values.ids import SubscriptionId
from tallystick.values.time import rfc3339


def preview_change(ctx: Context, subscription_id: SubscriptionId, change: Change) -> Changed:
    """What the change would come to now, with a preview to accept it by."""
    return _preview.previewed(ctx, subscription_id, _asked(change))


def change_subscription(ctx: Context, subscription_id: SubscriptionId, change: Change, *, actor: str = "system") -> Changed:
    """The subscription under its new terms, and the invoice of the change; or with them agreed for the end of its period.

    Raises InvalidInput for what is not offered, Conflict where it is canceled or paused.
    """
    return _preview.done(ctx, subscription_id, _asked(change), actor=actor)


def accept_preview(ctx: Context, preview_id: str, *, actor: str = "system") -> Changed:
    """What the preview has shown: a change, a pause, an end. Accepted twice is accepted once.

    Raises NotFound; Conflict where it has expired, or something has changed since.
    """
    with ctx.database.reading() as conn:
        preview = storage.previews.get(conn, preview_id)
    if preview is None:
        raise NotFound("preview: there is no such preview; ask for one", field="preview")
    if ctx.clock.now() >= preview.expires_at and not preview.accepted:
        raise Conflict(
            f"preview {preview.id}: was good until {rfc3339(preview.expires_at)}; ask for another", code="preview_expired"
        )
    return _preview.accepted(ctx, preview, actor=actor)


def _asked(change: Change) -> Asked:
    def act(conn: Connection, subscription: Subscription) -> tuple[Act, PlanTerms]:
        terms = _change.wanted_terms(conn, subscription, change)
        old, new = _subscriptions.sold(conn, subscription.terms), _subscriptions.sold(conn, terms)
        at_once = domain.plan_changes.is_at_once(subscription, terms, change.when, old=old, new=new)
        if terms == subscription.terms:  # nothing is changed but what was agreed for later
            at_once = False
        return (Act.CHANGE if at_once else Act.CHANGE_AT_END), terms

    return act
