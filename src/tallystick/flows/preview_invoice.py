"""The next invoice of a subscription as it stands now, by the same steps as the invoice itself."""

from dataclasses import replace

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.invoices import Invoice
from tallystick.domain.subscriptions import RUNNING
from tallystick.flows import _subscriptions, _turn
from tallystick.flows._subscriptions import Billing
from tallystick.flows.context import Context
from tallystick.values.ids import SubscriptionId


def preview_invoice(ctx: Context, subscription_id: SubscriptionId, *, at_pace: bool = False) -> Invoice | None:
    """What will be invoiced next if nothing more is used; None where nothing will be.

    That is a period which is over, and still waits for late usage; else the current one, with the fees of the one that
    follows. The usage is what is known so far; `at_pace`, what it comes to if it goes on so. Nothing is kept.
    Raises NotFound.
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
        return _subscriptions.drafted(ctx, conn, _at_pace(ctx, conn, billing) if at_pace else billing)


def _at_pace(ctx: Context, conn: Connection, billing: Billing) -> Billing:
    meters, now, customer_id = storage.catalog.meters(conn), ctx.clock.now(), billing.subscription.customer_id
    metered = tuple(domain.pace.at_pace(each, meters[each.charge.meter_key], now=now) for each in billing.metered)
    lines = {line.id: line for line in billing.lines}
    lines |= {line.id: line for line in (domain.lines.usage_line(customer_id, each) for each in metered)}
    return replace(billing, lines=tuple(lines.values()), metered=metered)
