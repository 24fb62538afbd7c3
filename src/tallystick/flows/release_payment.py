"""Release a payment that was held: somebody has looked at it, and it is charged as usual."""

from dataclasses import replace

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.payments import FINAL, Payment
from tallystick.flows import _dunning
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName
from tallystick.values.errors import Conflict, NotFound
from tallystick.values.ids import InvoiceId


def release_payment(ctx: Context, invoice_id: InvoiceId, *, reason: str, actor: str = "system") -> Payment:
    """The invoice's payment, held no longer, nor held again for what it was held for. Released twice is released once.

    Raises Conflict where nothing is held, and where the customer has paid meanwhile, or the invoice was taken back.
    """
    return ctx.database.run("release payment", lambda conn: _released(ctx, conn, invoice_id, reason, actor))


def _released(ctx: Context, conn: Connection, invoice_id: InvoiceId, reason: str, actor: str) -> Payment:
    payment = storage.payments.of_invoice(conn, invoice_id)
    if payment is None:
        _check_there(conn, invoice_id)
    if payment is None or payment.held is None:
        raise Conflict(f"{invoice_id}: its payment is not held", code="not_held")
    if not payment.is_held:
        return payment
    if payment.status in FINAL:
        raise Conflict(f"{invoice_id}: its payment is {payment.status}; nothing is left to be charged", code="not_open")
    now = ctx.clock.now()
    after = replace(domain.payments.released(payment, now=now), version=payment.version + 1)
    if not storage.payments.move(conn, payment, after):
        raise Conflict(f"{payment.id}: has moved meanwhile; release it again", code="changed_meanwhile")
    said = {"payment": payment.id, "held_for": payment.held.reason.value}
    storage.audit.append(conn, storage.audit.Act(actor, "payment.released", invoice_id, before=said, reason=reason), at=now)
    storage.jobs.enqueue(conn, JobName.COLLECT, payment.id, run_at=now)
    _dunning.look(ctx, conn, after)
    _dunning.look_for_card(ctx, conn, payment.customer_id)
    ctx.faults.mark("payment.released")
    return after


def _check_there(conn: Connection, invoice_id: InvoiceId) -> None:
    if storage.invoices.get(conn, invoice_id) is None:
        raise NotFound("invoice: there is no such invoice", field="invoice")
