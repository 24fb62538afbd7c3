"""What follows when the provider has told how a refund stands: the same from an answer, a webhook, or a sweep."""

from dataclasses import replace
from enum import StrEnum

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.credit_notes import CreditNote, CreditOrder
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.payments import Payment, PaymentStatus
from tallystick.domain.refunds import LIVE, Origin, ProviderRefund, Refund, RefundStatus
from tallystick.flows import _credit, _outgoing
from tallystick.flows.context import Context
from tallystick.values.errors import IllegalTransition
from tallystick.values.money import Money

_REASON = "given back at the provider"


class Heard(StrEnum):
    """What news of a refund was to us. LATER: something else has to be known first."""

    OURS = "ours"
    NOT_OURS = "not ours"
    LATER = "later"


def save(ctx: Context, conn: Connection, before: Refund, after: Refund, *, via: str) -> Refund | None:
    """`after` as it now stands; when its status has moved, the books move with it.

    None where somebody else has moved the refund since `before` was read: nothing is written, read again.
    """
    if before == after:
        return before
    after = replace(after, version=before.version + 1)
    if not storage.refunds.move(conn, before, after):
        ctx.faults.mark("refund.lost_race")
        return None
    if after.status is not before.status:
        _moved(ctx, conn, before, after, via=via)
    return after


def _moved(ctx: Context, conn: Connection, before: Refund, after: Refund, *, via: str) -> None:
    now = ctx.clock.now()
    payment = storage.payments.get(conn, after.payment_id)
    assert payment is not None, f"{after.id}: is of a payment of ours"
    if after.status not in LIVE:
        taken = storage.payments.take_back(conn, payment, after.amount)
        assert taken, f"{after.id}: was set aside when it was written down"
    # The customer's balance may change with it, which whoever drafts the next invoice must see whole.
    storage.customers.lock(conn, after.customer_id)
    booked = storage.ledger.book(conn, domain.refunds.book(before, after, at=now))
    assert booked, f"{after.id}: becomes {after.status} once"
    said = {"via": via, "ref": after.ref, "amount": after.amount.minor, "currency": after.amount.currency.code}
    if after.failure is not None:
        said["failure"] = after.failure
    act = storage.audit.Act("provider", f"refund.{after.status}", after.id, before={"status": before.status}, after=said)
    storage.audit.append(conn, act, at=now)
    ctx.faults.mark(f"refund.{after.status}.{via}")
    told = {
        "customer": after.customer_id,
        "invoice": after.invoice_id,
        "credit_note": after.credit_note_id,
        "status": after.status.value,
        "amount": after.amount.minor,
        "currency": after.amount.currency.code,
    }
    _outgoing.publish(ctx, conn, f"refund.{after.status}", after.id, told, customer_id=after.customer_id)


def heard(ctx: Context, told: ProviderRefund, *, via: str = "webhook") -> Heard:
    """Follows what the provider holds now; a refund that we know nothing of becomes one of ours, with a credit note.

    Raises IllegalTransition for what people have to look at.
    """
    return ctx.database.run("settle refund", lambda conn: _heard(ctx, conn, told, via))


def _heard(ctx: Context, conn: Connection, told: ProviderRefund, via: str) -> Heard:
    refund = storage.refunds.by_ref(conn, told.ref)
    if refund is None and told.refund_id is not None:
        refund = storage.refunds.get(conn, told.refund_id)
    if refund is not None:
        if refund.ref is None:
            ctx.faults.mark("refund.before_the_answer")
        after = domain.refunds.learned(refund, told, now=ctx.clock.now())
        return Heard.LATER if save(ctx, conn, refund, after, via=via) is None else Heard.OURS
    payment = None if told.payment_ref is None else storage.payments.by_ref(conn, told.payment_ref)
    if payment is None or told.status not in LIVE:
        return Heard.NOT_OURS
    return _made_elsewhere(ctx, conn, payment, told, via)


def _made_elsewhere(ctx: Context, conn: Connection, payment: Payment, told: ProviderRefund, via: str) -> Heard:
    storage.payments.lock(conn, payment)
    storage.customers.lock(conn, payment.customer_id)
    invoice = storage.invoices.get(conn, payment.invoice_id)
    assert invoice is not None, f"{payment.id}: belongs to an invoice of ours"
    storage.invoices.lock(conn, invoice)
    if payment.status is PaymentStatus.CANCELED or invoice.status is InvoiceStatus.VOID:
        raise IllegalTransition(
            f"{told.ref}: gives back {payment.id} of {invoice.id}, which is {invoice.status}", code="refund_of_void"
        )
    if storage.refunds.by_ref(conn, told.ref) is not None or payment.status is not PaymentStatus.SUCCEEDED:
        return Heard.LATER
    if not storage.payments.give_back(conn, payment, told.amount):
        ctx.faults.mark("refund.waits_for_ours")  # the provider will refuse ours, whose place this one has taken
        return Heard.LATER
    before = _written(ctx, conn, payment, told, _note(ctx, conn, invoice, told))
    ctx.faults.mark("refund.made_elsewhere")
    saved = save(ctx, conn, before, domain.refunds.learned(before, told, now=ctx.clock.now()), via=via)
    assert saved is not None, f"{before.id}: nobody else knows of it yet"
    return Heard.OURS


def _note(ctx: Context, conn: Connection, invoice: Invoice, told: ProviderRefund) -> CreditNote | None:
    """The credit note that follows, for as much as can still be credited; None where that is nothing."""
    earlier = storage.credit_notes.of_invoice(conn, invoice.customer_id, invoice.id)
    noted = min(told.amount, domain.credit_notes.left(invoice, earlier))
    if noted.minor <= 0:
        return None
    order, number = CreditOrder(_REASON, f"provider:{told.ref}", noted), _credit.next_number(conn)
    note = domain.credit_notes.of_paid(invoice, earlier, order, refund=True, number=number, now=ctx.clock.now())
    _credit.issue(ctx, conn, note, rest=Money(0, noted.currency), actor="provider")
    return note


def _written(ctx: Context, conn: Connection, payment: Payment, told: ProviderRefund, note: CreditNote | None) -> Refund:
    now, nothing = ctx.clock.now(), Money(0, told.amount.currency)
    refund = Refund(
        id=domain.refunds.refund_id("provider", told.ref),
        payment_id=payment.id,
        invoice_id=payment.invoice_id,
        customer_id=payment.customer_id,
        credit_note_id=None if note is None else note.id,
        amount=told.amount,
        excess=told.amount - (nothing if note is None else note.amount),
        status=RefundStatus.PENDING,
        origin=Origin.PROVIDER,
        reason=_REASON,
        created_at=now,
        updated_at=now,
        ref=told.ref,
    )
    added = storage.refunds.add(conn, refund)
    assert added, f"{refund.id}: was looked for under the payment's lock"
    return refund
