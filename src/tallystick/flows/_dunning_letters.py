"""News of dunning: one message for each step, for the endpoints that want it, and by mail for the customer."""

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.dunning import Dunning, State
from tallystick.domain.dunning_letters import FAILED, GIVEN_UP
from tallystick.domain.invoices import Invoice
from tallystick.domain.messages import TO_CUSTOMER, Channel, Message
from tallystick.flows import _outgoing
from tallystick.flows.context import Context
from tallystick.values.ids import InvoiceId
from tallystick.values.time import rfc3339

PATH = "/mend/"


def tell_failed(ctx: Context, conn: Connection, invoice: Invoice, dunning: Dunning) -> None:
    """Once for each try that has failed."""
    _tell(ctx, conn, invoice, dunning, FAILED)


def tell_given_up(ctx: Context, conn: Connection, invoice: Invoice, dunning: Dunning) -> None:
    """Once for the invoice."""
    _tell(ctx, conn, invoice, dunning, GIVEN_UP)


def link(ctx: Context, conn: Connection, invoice_id: InvoiceId) -> str:
    """Where the customer mends it. It works for as long as the invoice is unpaid, and is kept nowhere: it is made anew."""
    return f"{ctx.outgoing.base_url}{PATH}{domain.dunning.link_token(_outgoing.key(ctx, conn), invoice_id)}"


def _tell(ctx: Context, conn: Connection, invoice: Invoice, dunning: Dunning, message_type: str) -> None:
    document = domain.messages.body(message_type, _document(ctx, conn, invoice, dunning), at=dunning.updated_at)
    message_id = domain.dunning_letters.letter_id(message_type, invoice.id, dunning.failures)
    message = Message(message_id, message_type, invoice.customer_id, document, ctx.clock.now())
    endpoints = storage.endpoints.wanting(conn, message_type, invoice.customer_id)
    targets: list[tuple[str, Channel]] = [(endpoint.id, Channel.WEBHOOK) for endpoint in endpoints]
    customer = storage.customers.get(conn, invoice.customer_id)
    if customer is not None and customer.email:
        _outgoing.made_key(ctx, conn)  # what the link in the letter is signed with
        targets.append((TO_CUSTOMER, Channel.MAIL))
    if not _outgoing.put(ctx, conn, message, targets):
        ctx.faults.mark("dunning.told_before" if targets else "dunning.nobody_to_tell")


def _document(ctx: Context, conn: Connection, invoice: Invoice, dunning: Dunning) -> dict[str, object]:
    payment = storage.payments.of_invoice(conn, invoice.id)
    amount = invoice.total if payment is None else payment.amount
    is_over = dunning.state is State.GIVEN_UP or dunning.next_at is None
    return {
        "id": invoice.id,
        "customer": invoice.customer_id,
        "number": invoice.number,
        "subscription": invoice.subscription_id,
        "amount": amount.minor,
        "currency": amount.currency.code,
        "code": dunning.code,
        "ask": ctx.terms.dunning.rule(dunning.code).ask.value,
        "state": dunning.state.value,
        "next_at": None if is_over or dunning.next_at is None else rfc3339(dunning.next_at),
        "end": ctx.terms.dunning_end.value,
    }
