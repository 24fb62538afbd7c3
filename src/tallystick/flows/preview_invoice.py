"""The next invoice of a subscription as it stands now, by the same steps as the invoice itself."""

from tallystick import domain, storage
from tallystick.domain.invoices import Invoice
from tallystick.domain.subscriptions import RUNNING
from tallystick.flows import _subscriptions, _turn
from tallystick.flows.context import Context
from tallystick.values.ids import SubscriptionId


def preview_invoice(ctx: Context, subscription_id: SubscriptionId) -> Invoice | None:
    """What will be invoiced next if nothing more is used; None where nothing will be.

    That is a period which is over, and still waits for late usage; else the current one, with the fees of the one that
    follows. The usage is what is known so far. Nothing is kept. Raises NotFound.
    """
    with ctx.database.reading() as conn:
        subscription = _subscriptions.found(conn, subscription_id).subscription
        waiting = storage.subscriptions.to_invoice(conn, subscription)
        if waiting:
            then = _turn.following(subscription, waiting[0], waiting)
            return _subscriptions.drafted(ctx, conn, _turn.billed(conn, subscription, waiting[0], then))
        if subscription.status not in RUNNING:
            return None
        closed = domain.subscriptions.closed(subscription, grace=ctx.terms.grace)
        assert closed is not None, "a period that is served has a length"
        turned = domain.subscriptions.turned(subscription)
        billing = _turn.billed(conn, subscription, closed, turned if turned.status in RUNNING else None)
        return _subscriptions.drafted(ctx, conn, billing)
