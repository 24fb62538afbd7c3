"""Make an issued invoice smaller: what is not paid yet is asked for no more, what was paid goes back or stays as a balance."""

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.credit_notes import CreditNote, CreditOrder
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.payments import Payment, PaymentStatus
from tallystick.domain.withdrawals import Why, Withdrawal
from tallystick.flows import _credit, _given_back, _outgoing, _settlement, _unpayable
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName
from tallystick.values.errors import Conflict, NotFound
from tallystick.values.ids import InvoiceId
from tallystick.values.money import Money


@dataclass(frozen=True, slots=True)
class _Seen:
    """An invoice with what was credited of it before, its newest payment, and the note that stands under the order's op."""

    invoice: Invoice
    earlier: list[CreditNote]
    payment: Payment | None
    stands: CreditNote | None
    given_back: Money


def issue_credit_note(ctx: Context, invoice_id: InvoiceId, order: CreditOrder, *, actor: str = "system") -> CreditNote:
    """The credit note, issued once per `op`. Raises InvalidInput for more than is left, Conflict for what is void.

    Of an open invoice the provider's object is canceled first: ProviderUnavailable says that nobody knows yet whether that was
    done, Conflict that somebody was faster. Asking again under the same `op` goes on where it stopped.
    """
    with ctx.database.reading() as conn:
        seen = _seen(conn, invoice_id, order)
    if seen.stands is not None:
        return domain.credit_notes.check_same(seen.stands, order)
    if seen.invoice.status is InvoiceStatus.OPEN:
        return _of_open(ctx, seen, order, actor)
    return ctx.database.run("credit note", lambda conn: _of_paid(ctx, conn, seen, order, actor))


def preview_credit_note(ctx: Context, invoice_id: InvoiceId, order: CreditOrder) -> CreditNote:
    """What `issue_credit_note` would issue now, still without a number; or the note that stands. Nothing is kept."""
    with ctx.database.reading() as conn:
        seen = _seen(conn, invoice_id, order)
    return seen.stands or _decided(ctx, seen, order, number="")


def _seen(conn: Connection, invoice_id: InvoiceId, order: CreditOrder) -> _Seen:
    invoice = storage.invoices.get(conn, invoice_id)
    if invoice is None:
        raise NotFound("invoice: there is no such invoice", field="invoice")
    return _Seen(
        invoice,
        storage.credit_notes.of_invoice(conn, invoice.customer_id, invoice_id),
        storage.payments.of_invoice(conn, invoice_id),
        storage.credit_notes.get(conn, domain.credit_notes.credit_note_id(invoice_id, order.op)),
        _given_back.amount(conn, invoice),
    )


def _seen_alone(conn: Connection, before: _Seen, order: CreditOrder) -> _Seen:
    """The same, read again; nobody else credits or moves the invoice meanwhile, or drafts the customer's next one."""
    storage.customers.lock(conn, before.invoice.customer_id)
    storage.invoices.lock(conn, before.invoice)
    return _seen(conn, before.invoice.id, order)


def _decided(ctx: Context, seen: _Seen, order: CreditOrder, *, number: str) -> CreditNote:
    now, invoice = ctx.clock.now(), seen.invoice
    order = replace(order, given_back=seen.given_back)
    if invoice.status is InvoiceStatus.OPEN:
        if order.refund:
            raise Conflict(f"{invoice.number}: is open; what is not paid cannot be refunded", code="not_paid")
        return domain.credit_notes.of_open(invoice, seen.earlier, order, number=number, now=now)
    paid = seen.payment is not None and seen.payment.status is PaymentStatus.SUCCEEDED and seen.payment.ref is not None
    if order.refund and not paid:
        raise Conflict(f"{invoice.number}: the provider collected nothing for it that could go back", code="not_paid")
    refund = paid if order.refund is None else order.refund
    return domain.credit_notes.of_paid(invoice, seen.earlier, order, refund=refund, number=number, now=now)


def _of_paid(ctx: Context, conn: Connection, seen: _Seen, order: CreditOrder, actor: str) -> CreditNote:
    if seen.payment is not None:  # first, as wherever a refund or payment moves
        storage.payments.lock(conn, seen.payment)
    seen = _seen_alone(conn, seen, order)
    if seen.stands is not None:
        return domain.credit_notes.check_same(seen.stands, order)
    _decided(ctx, seen, order, number="")  # a number is taken by what will be issued
    note = _decided(ctx, seen, order, number=_credit.next_number(conn))
    _credit.issue(ctx, conn, note, rest=Money(0, note.amount.currency), actor=actor)
    if note.refunded.minor:
        assert seen.payment is not None, f"{note.invoice_id}: only what was paid goes back"
        if not storage.payments.give_back(conn, seen.payment, note.refunded):
            raise Conflict(f"{seen.payment.id}: less than {note.refunded} of it is left to give back", code="above_what_was_paid")
        _credit.write_refund(ctx, conn, seen.payment, note)
    return note


def _of_open(ctx: Context, seen: _Seen, order: CreditOrder, actor: str) -> CreditNote:
    _decided(ctx, seen, order, number="")  # what would be refused leaves the payment as it is
    payment = seen.payment
    assert payment is not None, f"{seen.invoice.id}: what is open has a payment"
    if domain.payments.is_to_be_void(payment):
        raise Conflict(f"{seen.invoice.number}: is being voided; ask again when that is known", code="to_be_void")
    payment = _unpayable.withdrawn(ctx, payment, Withdrawal(Why.CREDIT, order.reason, actor))
    if payment is None:
        raise Conflict(f"{seen.invoice.number}: its payment has just moved; ask again")
    canceled = _unpayable.canceled(ctx, payment)
    with ctx.database.transaction("credit note") as conn:
        saved = _settlement.save(ctx, conn, payment, canceled, via="credit")
        seen = _seen_alone(conn, seen, order)
        if seen.stands is not None:
            return domain.credit_notes.check_same(seen.stands, order)
        live = seen.payment is not None and seen.payment.status is not PaymentStatus.CANCELED
        if saved is None or live or seen.invoice.status is not InvoiceStatus.OPEN:
            raise Conflict(f"{seen.invoice.number}: its payment has just moved; ask again")
        note = _decided(ctx, seen, order, number=_credit.next_number(conn))
        rest = domain.credit_notes.due(seen.invoice, seen.earlier) - note.amount
        _credit.issue(ctx, conn, note, rest=rest, actor=actor)
        status = domain.credit_notes.status_after(seen.invoice, rest, note)
        ctx.faults.mark(f"credit_note.{status}")
        if status is InvoiceStatus.OPEN:
            _ask_for(ctx, conn, domain.replacements.renewed(saved, rest, nth=len(seen.earlier) + 1, now=note.created_at))
        elif status is InvoiceStatus.VOID:
            _settlement.void(ctx, conn, seen.invoice, reason=note.reason, actor=actor)
        else:
            paid = domain.invoices.moved(seen.invoice, status, at=note.created_at)
            storage.invoices.move(conn, seen.invoice, paid)
            _outgoing.publish_invoice(ctx, conn, "invoice.paid", paid)
    return note


def _ask_for(ctx: Context, conn: Connection, payment: Payment) -> None:
    added = storage.payments.add(conn, payment)
    assert added, f"{payment.id}: the one before it is canceled"
    storage.jobs.enqueue(conn, JobName.COLLECT, payment.id, run_at=ctx.clock.now())
