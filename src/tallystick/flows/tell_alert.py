"""Tell those whom an alert concerns: the endpoints that want it, and by mail the customer, the operator, or both."""

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.alerts import TELLS_CUSTOMER, TELLS_OPERATOR, Alert
from tallystick.domain.messages import TO_CUSTOMER, TO_OPERATOR, Channel, Endpoint, Message
from tallystick.flows import _outgoing
from tallystick.flows.context import Context
from tallystick.values.errors import Conflict, NotFound
from tallystick.values.ids import AlertId, EndpointId, MessageId, derived


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


def try_alert(ctx: Context, endpoint_id: EndpointId | None = None, *, mail: bool = False, actor: str = "system") -> Message:
    """A test, marked as one: to this endpoint, to the operator by mail, or both; else to whoever is told of alerts.

    Raises NotFound, and Conflict where nobody is to be told.
    """
    alert = domain.alerts.of_test(at=ctx.clock.now())
    with ctx.database.transaction("test alert") as conn:
        one = None if endpoint_id is None else _enabled(conn, endpoint_id)
        everybody = one is None and not mail
        endpoints = storage.endpoints.wanting(conn, alert.type, None) if everybody else [] if one is None else [one]
        targets = [(str(endpoint.id), Channel.WEBHOOK) for endpoint in endpoints]
        if ctx.outgoing.operator and (mail or everybody):
            targets.append((TO_OPERATOR, Channel.MAIL))
        _check_somebody(ctx, mail=mail, nobody=not targets)
        document = domain.messages.body(alert.type, {**alert.document, "test": True}, at=alert.at)
        only_for = None if one is None else one.only_for
        message = Message(MessageId(ctx.ids.new("msg")), alert.type, only_for, document, alert.at)
        _outgoing.put(ctx, conn, message, targets)
        told = {"targets": [target for target, _ in targets]}
        storage.audit.append(conn, storage.audit.Act(actor, "alert.tested", message.id, after=told), at=alert.at)
    return message


def _check_somebody(ctx: Context, *, mail: bool, nobody: bool) -> None:
    if mail and not ctx.outgoing.operator:
        raise Conflict("mail: there is nobody to write to; set TALLYSTICK_MAIL_OPERATOR", code="nobody_to_tell")
    if nobody:
        wanted = "add an endpoint that wants `alert.*`, or set TALLYSTICK_MAIL_OPERATOR"
        raise Conflict(f"alerts: nobody would be told; {wanted}", code="nobody_to_tell")


def _enabled(conn: Connection, endpoint_id: EndpointId) -> Endpoint:
    endpoint = storage.endpoints.get(conn, endpoint_id)
    if endpoint is None:
        raise NotFound("endpoint: there is no such endpoint", field="endpoint")
    if not endpoint.enabled:
        raise Conflict(f"endpoint {endpoint_id}: is disabled; enable it first", code="endpoint_disabled")
    return endpoint


def _letters(ctx: Context, conn: Connection, alert: Alert) -> list[tuple[str, Channel]]:
    letters = []
    if alert.kind in TELLS_CUSTOMER:
        customer = storage.customers.get(conn, alert.customer_id)
        if customer is not None and customer.email:
            letters.append((TO_CUSTOMER, Channel.MAIL))
    if alert.kind in TELLS_OPERATOR and ctx.outgoing.operator:
        letters.append((TO_OPERATOR, Channel.MAIL))
    return letters
