"""Take an open invoice back: first the provider's object, so that nobody can pay it, then ours."""

from tallystick import domain, storage
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.payments import Payment, PaymentStatus
from tallystick.flows import _outgoing, _settlement
from tallystick.flows.context import Context
from tallystick.providers.protocol import Done, Refused
from tallystick.values.errors import Conflict, NotFound, ProviderUnavailable
from tallystick.values.ids import InvoiceId


def void_invoice(ctx: Context, invoice_id: InvoiceId, *, reason: str, actor: str = "system") -> Invoice:
    """The invoice, void, its booking taken back. Voided twice is voided once; what is paid cannot be voided: Conflict.

    Raises ProviderUnavailable while it is unknown whether the provider's object can still be paid: ask again.
    """
    with ctx.database.reading() as conn:
        invoice = _found(storage.invoices.get(conn, invoice_id))
        payment = storage.payments.of_invoice(conn, invoice_id)
    if invoice.status is InvoiceStatus.VOID:
        return invoice
    domain.invoices.moved(invoice, InvoiceStatus.VOID, at=ctx.clock.now())
    canceled = _canceled(ctx, payment) if payment is not None else None
    now = ctx.clock.now()
    with ctx.database.transaction("void invoice") as conn:
        # The payment first, as where one succeeds: two that lock the same rows in two orders would wait for each other.
        if payment is not None and canceled is not None and _settlement.save(ctx, conn, payment, canceled, via="void") is None:
            raise Conflict(f"{invoice_id}: its payment has just moved; look at it again before it is voided")
        void = domain.invoices.moved(invoice, InvoiceStatus.VOID, at=now)
        storage.invoices.move(conn, invoice, void)
        storage.ledger.book(conn, domain.invoices.book_void(void, unearned=storage.revenue.give_up(conn, void)))
        storage.credits.give_back(conn, invoice_id)
        storage.coupons.give_back(conn, invoice_id)
        _outgoing.publish_invoice(ctx, conn, "invoice.voided", void)
        before, after = {"status": invoice.status}, {"status": void.status}
        act = storage.audit.Act(actor, "invoice.voided", invoice_id, before=before, after=after, reason=reason)
        storage.audit.append(conn, act, at=now)
    return void


def _found(invoice: Invoice | None) -> Invoice:
    if invoice is None:
        raise NotFound("invoice: there is no such invoice", field="invoice")
    return invoice


def _canceled(ctx: Context, payment: Payment) -> Payment:
    """The payment after the provider has made its object unpayable; of one that it never heard of, canceled here alone."""
    now = ctx.clock.now()
    ctx.faults.mark("void.unsent" if payment.ref is None else "void.at_the_provider")
    if payment.ref is None:
        if payment.asked_at is not None:
            raise ProviderUnavailable(
                f"{payment.id}: it is not known yet whether the provider has it; collect it once more, then void"
            )
        told = None
    else:
        outcome = ctx.provider.cancel(payment.ref, payment.method, key=f"{payment.id}:cancel")
        if isinstance(outcome, Refused):
            raise Conflict(f"{payment.id}: the provider will not cancel {payment.ref}: {outcome.message}", code=outcome.code)
        if not isinstance(outcome, Done):
            raise ProviderUnavailable(f"{payment.id}: the provider did not cancel {payment.ref}: {outcome}; ask again")
        told = outcome.payment
    after = payment if told is None else domain.payments.learned(payment, told, now=now)
    if told is None:
        return domain.payments.dropped(payment, now=now)
    if after.status is not PaymentStatus.CANCELED:
        raise Conflict(f"{payment.id}: {payment.ref} is {after.status} at the provider, and cannot be voided")
    return after
