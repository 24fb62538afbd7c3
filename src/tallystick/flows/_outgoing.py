"""News for those who asked to be told: one message, and for each of them a dispatch with its job, in the caller's transaction."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.invoices import Invoice
from tallystick.domain.messages import TO_CUSTOMER, Channel, Dispatch, Message
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName
from tallystick.values.ids import CustomerId, MessageId

_KEY = "webhook_key"
_JOBS = {Channel.WEBHOOK: JobName.SEND, Channel.MAIL: JobName.MAIL}


def publish(
    ctx: Context, conn: Connection, message_type: str, subject: str, body: Mapping[str, object], *,
    customer_id: CustomerId | None = None,
) -> Message | None:  # fmt: skip
    """Tells every endpoint that wants this type, and whom we write to about it; where there is none, nothing is stored, and None
    is returned.

    `subject` is the id of what it is about, and stands in the body as `id`. Call it where the state moves, in that transaction.
    """
    endpoints = storage.endpoints.wanting(conn, message_type, customer_id)
    targets = [*((endpoint.id, Channel.WEBHOOK) for endpoint in endpoints), *_letters(ctx, conn, message_type, customer_id)]
    if not targets:
        return None
    now = ctx.clock.now()
    document = domain.messages.body(message_type, {"id": subject, **body}, at=now)
    message = Message(MessageId(ctx.ids.new("msg")), message_type, customer_id, document, now)
    put(ctx, conn, message, targets)
    return message


def _letters(ctx: Context, conn: Connection, message_type: str, customer_id: CustomerId | None) -> list[tuple[str, Channel]]:
    """An invoice is sent to its customer, where the business wants that and there is an address."""
    if message_type != domain.invoice_letters.TYPE or not ctx.outgoing.mail_invoices or customer_id is None:
        return []
    customer = storage.customers.get(conn, customer_id)
    return [(TO_CUSTOMER, Channel.MAIL)] if customer is not None and customer.email else []


def publish_invoice(ctx: Context, conn: Connection, message_type: str, invoice: Invoice) -> None:
    """What has become of an invoice, in figures; its lines are asked for where they are wanted."""
    body = {
        "customer": invoice.customer_id,
        "number": invoice.number,
        "status": invoice.status.value,
        "total": invoice.total.minor,
        "currency": invoice.currency.code,
    }
    publish(ctx, conn, message_type, invoice.id, body, customer_id=invoice.customer_id)


def put(ctx: Context, conn: Connection, message: Message, targets: Sequence[tuple[str, Channel]]) -> bool:
    """The message, on its way to each target. False where it is known already, or nobody is to be told."""
    if not targets or not storage.messages.add(conn, message):
        return False
    now = ctx.clock.now()
    for target, channel in targets:
        dispatch = Dispatch(message.id, target, channel, now, next_at=now)
        storage.messages.dispatch(conn, dispatch)
        send(conn, dispatch)
    return True


def send(conn: Connection, dispatch: Dispatch) -> None:
    """Writes down that it is to be sent."""
    assert dispatch.next_at is not None, "what is to be sent has its time"
    storage.jobs.enqueue(conn, _JOBS[dispatch.channel], dispatch.job, run_at=dispatch.next_at)


def key(ctx: Context, conn: Connection) -> bytes:
    """What endpoints' secrets are made from: the key that was set, else the one that is kept in this database."""
    known = known_key(ctx, conn)
    assert known is not None, "made with the first endpoint, or the first letter with a link"
    return known


def known_key(ctx: Context, conn: Connection) -> bytes | None:
    """As `key`; None where nothing was ever signed with one."""
    if ctx.outgoing.key is not None:
        return ctx.outgoing.key
    kept = storage.settings.get(conn, _KEY)
    return None if kept is None else bytes.fromhex(kept)


def made_key(ctx: Context, conn: Connection) -> bytes:
    """As `key`, in a transaction; made for this database where there was none."""
    if ctx.outgoing.key is None:
        storage.settings.pin(conn, _KEY, ctx.ids.secret(32).hex())
    return key(ctx, conn)
