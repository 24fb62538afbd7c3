"""The next invoice of a subscription as it stands now, by the same steps as the invoice itself."""

from dataclasses import replace

from tallystick import domain
from tallystick.domain.invoices import Invoice
from tallystick.domain.subscriptions import RUNNING, PeriodKind
from tallystick.flows import _subscriptions
from tallystick.flows.context import Context
from tallystick.values.ids import SubscriptionId


def preview_invoice(ctx: Context, subscription_id: SubscriptionId) -> Invoice | None:
    """What will be invoiced at the end of the current period if nothing more is used; None where nothing will be.

    The usage is what is known so far; fees are those of the period that follows. Nothing is kept. Raises NotFound.
    """
    with ctx.database.reading() as conn:
        subscription = _subscriptions.found(conn, subscription_id).subscription
        if subscription.status not in RUNNING:
            return None
        closed = domain.subscriptions.closed(subscription, grace=ctx.terms.grace)
        assert closed is not None, "a period that is served has a length"
        offered = _subscriptions.sold(conn, subscription.terms)
        billing = _subscriptions.late(conn, subscription).plus(
            _subscriptions.in_arrears(conn, subscription, closed, offered.charges)
        )
        following = domain.subscriptions.turned(subscription)
        if following.status in RUNNING:
            once = closed.kind is PeriodKind.TRIAL or following.terms.plans != closed.terms.plans
            ahead = _subscriptions.in_advance(conn, following, _subscriptions.sold(conn, following.terms), once=once)
            billing = replace(billing.plus(ahead), at=ahead.at)
        return _subscriptions.drafted(ctx, conn, billing)
