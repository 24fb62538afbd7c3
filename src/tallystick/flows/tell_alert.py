"""Tell those whom an alert concerns: the endpoints that want it, and by mail the customer, the operator, or both."""

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.alerts import TELLS_CUSTOMER, TELLS_OPERATOR, Alert
from tallystick.domain.messages import TO_CUSTOMER, TO_OPERATOR, Channel, Message
from tallystick.flows import _outgoing
from tallystick.flows.context import Context
from tallystick.values.errors import NotFound
from tallystick.values.ids import AlertId, MessageId, derived


def tell_alert(ctx: Context, alert_id: AlertId) -> None:
    """One message per alert, however often this is run. Where nobody is to be told, the alert is in the list all the same."""
    with ctx.database.transaction("tell alert") as conn:
        alert = storage.alerts.get(conn, alert_id)
        if alert is None:
            raise NotFound(f"{alert_id}: there is no such alert")
        customer_id = alert.customer_id or None
        endpoints = storage.endpoints.wanting(conn, alert.type, customer_id)
        targets = [*((endpoint.id, Channel.WEBHOOK) for endpoint in endpoints), *_letters(ctx, conn, alert)]
        document = domain.messages.body(alert.type, alert.document, at=alert.at)
        message = Message(MessageId(derived("msg", alert.id)), alert.type, customer_id, document, ctx.clock.now())
        if not _outgoing.put(ctx, conn, message, targets):
            ctx.faults.mark("alert.told_before" if targets else "alert.nobody_to_tell")


def _letters(ctx: Context, conn: Connection, alert: Alert) -> list[tuple[str, Channel]]:
    letters = []
    if alert.kind in TELLS_CUSTOMER:
        customer = storage.customers.get(conn, alert.customer_id)
        if customer is not None and customer.email:
            letters.append((TO_CUSTOMER, Channel.MAIL))
    if alert.kind in TELLS_OPERATOR and ctx.outgoing.operator:
        letters.append((TO_OPERATOR, Channel.MAIL))
    return letters
