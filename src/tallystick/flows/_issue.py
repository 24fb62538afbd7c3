"""From a draft to an open invoice: numbered, booked, its payment and the job to collect it written down with it."""

from datetime import datetime

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.invoices import Invoice, InvoiceStatus, Reductions
from tallystick.domain.payments import Collection, Payment, PaymentStatus
from tallystick.flows import _outgoing
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName
from tallystick.values.ids import CustomerId, SubscriptionId
from tallystick.values.money import Currency


def reductions(
    conn: Connection,
    customer_id: CustomerId,
    currency: Currency,
    *,
    now: datetime,
    subscription_id: SubscriptionId | None = None,
    at: datetime | None = None,
) -> Reductions:
    """What may make the customer's next invoice less. Who issues it holds the customer's lock."""
    carried = storage.ledger.balance(conn, domain.ledger.Account.CARRIED, customer_id=customer_id, currency=currency)
    discounts = storage.coupons.live(conn, customer_id, subscription_id or "", at=at or now)
    return Reductions(carried, discounts, storage.credits.live(conn, customer_id, currency, now=now), at or now)


def issue(ctx: Context, conn: Connection, draft: Invoice, collection: Collection, actor: str) -> Invoice:
    """The invoice, open, or paid where there is nothing to pay. Its id says what it bills, so that it is issued once."""
    now = ctx.clock.now()
    number = f"{ctx.terms.number_prefix}-{storage.invoices.next_number(conn):06d}"
    invoice = domain.invoices.opened(draft, number=number, at=now, due_at=now + ctx.terms.due)
    added = storage.invoices.add(conn, invoice)
    assert added, f"{invoice.id}: what it bills is noted with it, so that nothing is drafted twice"
    storage.ledger.book(conn, domain.invoices.book_open(invoice))
    storage.revenue.defer(conn, invoice, domain.invoices.deferred(invoice))
    if invoice.discounts:
        storage.coupons.use_up(conn, [applied.discount_id for applied in invoice.discounts])
        ctx.faults.mark("invoice.discounted")
    if invoice.burns:
        storage.credits.burn(conn, invoice.id, invoice.burns, at=now)
        ctx.faults.mark("invoice.burns_credit")
    if invoice.status is InvoiceStatus.OPEN:
        payment = _payment(invoice, collection, at=now)
        storage.payments.add(conn, payment)
        storage.jobs.enqueue(conn, JobName.COLLECT, payment.id, run_at=now)
    if any(line.part for line in invoice.lines):
        ctx.faults.mark("invoice.late_usage")
    if any(line.taken_off is not None and line.taken_off.minor for line in invoice.lines):
        ctx.faults.mark("invoice.gives_back_in_part")
    if invoice.carried_in.minor:
        ctx.faults.mark("invoice.takes_up_carried")
    _outgoing.publish_invoice(ctx, conn, "invoice.opened", invoice)
    if invoice.status is InvoiceStatus.PAID:
        _outgoing.publish_invoice(ctx, conn, "invoice.paid", invoice)
    after = {"number": number, "total": invoice.total.minor, "currency": invoice.currency.code}
    storage.audit.append(conn, storage.audit.Act(actor, "invoice.opened", invoice.id, after=after), at=now)
    return invoice


def _payment(invoice: Invoice, collection: Collection, *, at: datetime) -> Payment:
    return Payment(
        id=domain.payments.payment_id(invoice.id),
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        method=collection.method,
        amount=invoice.total,
        status=PaymentStatus.PENDING,
        created_at=at,
        updated_at=at,
        automatic=collection.automatic,
        payment_method=collection.payment_method,
    )
