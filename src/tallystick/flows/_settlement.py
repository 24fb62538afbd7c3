"""What follows when the provider has told how a payment stands: the same from an answer, a webhook, or a sweep."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.alerts import AlertKind
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.payments import Payment, PaymentStatus
from tallystick.flows import _alerts, _dunning, _given_back, _operations, _outgoing
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName

_BY_US = frozenset({"credit", "page", "void"})


def save(
    ctx: Context, conn: Connection, before: Payment, after: Payment, *, via: str, refusal: str | None = None
) -> Payment | None:
    """`after` as it now stands; when it has just succeeded, the invoice is paid and the money booked with it.

    When a charge has just failed, that is noted, with a job to see what is to be done about it; `refusal` says that it was not
    even tried, and why. None where somebody else has moved the payment since `before` was read: nothing is written, read again.
    """
    if before == after:
        return before
    after = replace(after, version=before.version + 1)
    if not storage.payments.move(conn, before, after):
        ctx.faults.mark("payment.lost_race")
        return None
    if after.status is PaymentStatus.SUCCEEDED and before.status is not PaymentStatus.SUCCEEDED:
        _paid(ctx, conn, after, via=via)
    if after.status is PaymentStatus.CANCELED and before.status is not PaymentStatus.CANCELED and via not in _BY_US:
        _canceled(ctx, conn, after, via=via)
    _dunning.follow(ctx, conn, before, after, refusal=refusal)
    _operations.observe_payment(ctx, conn, before, after)
    return after


def _canceled(ctx: Context, conn: Connection, payment: Payment, *, via: str) -> None:
    """It is canceled at the provider: we had begun to, and whoever did came no further; or the time of its page is over; or
    somebody else has. What is still owed stays payable, by another object; people are told of what somebody did.
    """
    invoice = storage.invoices.get(conn, payment.invoice_id)
    assert invoice is not None, f"{payment.id}: belongs to an invoice of ours"
    if _voided(ctx, conn, payment, invoice) or invoice.status is not InvoiceStatus.OPEN:
        return
    now = ctx.clock.now()
    again = domain.replacements.reopened(payment, now=now)
    added = storage.payments.add(conn, again)
    assert added, f"{again.id}: the one before it is canceled, once"
    storage.jobs.enqueue(conn, JobName.COLLECT, again.id, run_at=now)
    said: dict[str, object] = {"via": via, "ref": payment.ref, "instead": again.id}
    if payment.withdrawal is not None:
        ours = {**said, "why": payment.withdrawal.why.value}
        act = storage.audit.Act(payment.withdrawal.actor, "payment.withdrawn", payment.id, after=ours)
        storage.audit.append(conn, act, at=now)
        ctx.faults.mark("payment.withdrawn")
        return
    action = "canceled" if payment.page is None else "page_closed"
    storage.audit.append(conn, storage.audit.Act("provider", f"payment.{action}", payment.id, after=said), at=now)
    ctx.faults.mark("payment.reopened")
    if payment.page is None:
        _tell(conn, payment, invoice, now=now)


def _voided(ctx: Context, conn: Connection, payment: Payment, invoice: Invoice) -> bool:
    """Whether it was canceled so that its invoice can be void: it is now, where it still can be."""
    withdrawal = payment.withdrawal
    if withdrawal is None or not domain.payments.is_to_be_void(payment):
        return False
    if InvoiceStatus.VOID not in domain.invoices.TRANSITIONS[invoice.status] or _given_back.numbers(conn, invoice):
        return False
    void(ctx, conn, invoice, reason=withdrawal.reason, actor=withdrawal.actor)
    ctx.faults.mark("void.finished")
    return True


def _tell(conn: Connection, payment: Payment, invoice: Invoice, *, now: datetime) -> None:
    money = {"amount_minor": str(payment.amount.minor), "currency": payment.amount.currency.code}
    told = {"ref": payment.ref, "invoice": invoice.number or invoice.id, **money}
    alert = domain.alerts.of_provider(
        AlertKind.PAYMENT_CANCELED, payment.id, told, customer_id=payment.customer_id, since=payment.created_at, at=now
    )
    _alerts.tell(conn, alert)


def _paid(ctx: Context, conn: Connection, payment: Payment, *, via: str) -> None:
    now = ctx.clock.now()
    booked = storage.ledger.book(conn, domain.payments.book_payment(payment, at=now))
    assert booked, f"{payment.id}: succeeds once"
    invoice = storage.invoices.get(conn, payment.invoice_id)
    assert invoice is not None, f"{payment.id}: belongs to an invoice of ours"
    if InvoiceStatus.PAID in domain.invoices.TRANSITIONS[invoice.status]:
        paid = domain.invoices.moved(invoice, InvoiceStatus.PAID, at=now)
        storage.invoices.move(conn, invoice, paid)
        _outgoing.publish_invoice(ctx, conn, "invoice.paid", paid)
    else:
        ctx.faults.mark("payment.after_void")  # the receivable shows the money as the customer's, until it is returned
    after = {"via": via, "ref": payment.ref, "amount": payment.amount.minor, "currency": payment.amount.currency.code}
    storage.audit.append(conn, storage.audit.Act("provider", "payment.succeeded", payment.id, after=after), at=now)
    ctx.faults.mark(f"payment.succeeded.{via}")


def void(ctx: Context, conn: Connection, invoice: Invoice, *, reason: str, actor: str) -> Invoice:
    """The invoice, void: its booking is taken back, and what credit notes had taken off it. Its payment is canceled already."""
    now = ctx.clock.now()
    # What it had taken up is carried again: who drafts the customer's next invoice meanwhile must see all of that, or nothing.
    storage.customers.lock(conn, invoice.customer_id)
    after = domain.invoices.moved(invoice, InvoiceStatus.VOID, at=now)
    storage.invoices.move(conn, invoice, after)
    notes = storage.credit_notes.of_invoice(conn, invoice.customer_id, invoice.id)
    unearned, reduced = storage.revenue.give_up(conn, after), domain.credit_notes.reduced(invoice, notes)
    storage.ledger.book(conn, domain.invoices.book_void(after, unearned=unearned, reduced=reduced))
    storage.credits.give_back(conn, invoice.id)
    storage.coupons.give_back(conn, invoice.id)
    _outgoing.publish_invoice(ctx, conn, "invoice.voided", after)
    said = {"status": invoice.status}, {"status": after.status}
    act = storage.audit.Act(actor, "invoice.voided", invoice.id, before=said[0], after=said[1], reason=reason)
    storage.audit.append(conn, act, at=now)
    return after
