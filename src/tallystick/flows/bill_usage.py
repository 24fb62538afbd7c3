"""Invoice one customer for its usage so far: each event on one invoice, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.lines import Billable
from tallystick.domain.payments import Method, Payment, PaymentStatus
from tallystick.flows import _billables
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName
from tallystick.values.errors import AmountBelowMinimum, InvalidInput
from tallystick.values.ids import CustomerId
from tallystick.values.time import rfc3339


@dataclass(frozen=True, slots=True)
class Order:
    """Whom to bill, for usage before when (None: now; a bill never looks ahead), and for which charges (None: all)."""

    customer_id: CustomerId
    until: datetime | None = None
    charges: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """How the invoice is to be paid: through which kind of object, at once or when the customer comes, and by which card.

    `carry` says what happens to a sum below the least that the provider charges: carried to the next invoice, or refused.
    """

    method: Method = Method.HOSTED
    automatic: bool = True
    payment_method: str | None = None
    carry: bool = True


Draft = tuple[Invoice, Sequence[Billable]]


def bill_usage(ctx: Context, order: Order, collection: Collection, *, actor: str = "system") -> list[Invoice]:
    """The invoices opened now, one per currency; run again it finds nothing more to bill.

    Each is numbered and booked, and its payment and the job to collect it are written down in the same transaction.
    Raises AmountBelowMinimum where the collection does not carry.
    """
    until = _until(ctx, order)
    with ctx.database.transaction("bill usage") as conn:
        if not storage.customers.lock(conn, order.customer_id):
            return []
        drafts = _drafts(ctx, conn, order, until)
        if not collection.carry:
            for invoice, _ in drafts:
                _check_minimum(invoice)
        opened = [_open(ctx, conn, draft, collection, actor) for draft in drafts]
        _billables.clear_late(conn, order.customer_id, only=order.charges)
    return opened


def preview_usage(ctx: Context, order: Order) -> list[Invoice]:
    """What `bill_usage` would open if it ran at `until`, drafted by the same function; nothing is kept."""
    with ctx.database.reading() as conn:
        return [invoice for invoice, _ in _drafts(ctx, conn, order, order.until or ctx.clock.now())]


def _until(ctx: Context, order: Order) -> datetime:
    now = ctx.clock.now()
    if order.until is not None and order.until > now:
        raise InvalidInput(f"until: is after now, {rfc3339(now)}; usage that has not happened cannot be billed", field="until")
    return order.until or now


def _drafts(ctx: Context, conn: Connection, order: Order, until: datetime) -> list[Draft]:
    found = _billables.billables(conn, order.customer_id, until=until, only=order.charges)
    drafts: list[Draft] = []
    for currency, billables in sorted(found.items(), key=lambda item: item[0].code):
        carried = _billables.carried(conn, order.customer_id, currency)
        lines = [domain.lines.usage_line(order.customer_id, billable) for billable in billables]
        invoice = domain.invoices.draft(order.customer_id, currency, lines, carried=carried, now=ctx.clock.now())
        if invoice is not None:
            drafts.append((invoice, billables))
    return drafts


def _check_minimum(invoice: Invoice) -> None:
    minimum = invoice.currency.minimum_charge_minor or 1
    if invoice.carried_out.minor or invoice.total.minor < minimum:
        due = invoice.subtotal + invoice.carried_in
        raise AmountBelowMinimum(
            f"{due} is due, and the provider charges no less than {minimum} minor units; it adds up until then",
            amount=due.minor,
            minimum=minimum,
            currency=invoice.currency.code,
        )


def _open(ctx: Context, conn: Connection, draft: Draft, collection: Collection, actor: str) -> Invoice:
    invoice, billables = draft
    now = ctx.clock.now()
    number = f"{ctx.terms.number_prefix}-{storage.invoices.next_number(conn):06d}"
    invoice = domain.invoices.opened(invoice, number=number, at=now, due_at=now + ctx.terms.due)
    added = storage.invoices.add(conn, invoice)
    assert added, f"{invoice.id}: positions advance with the invoice, so that nothing is drafted twice"
    storage.ledger.book(conn, domain.invoices.book_open(invoice))
    for (charge_key, meter_key), end in _billables.billed_through(billables).items():
        storage.usage.advance_position(conn, invoice.customer_id, charge_key, meter_key, billed_through=end)
    if invoice.status is InvoiceStatus.OPEN:
        payment = _payment(ctx, invoice, collection)
        storage.payments.add(conn, payment)
        storage.jobs.enqueue(conn, JobName.COLLECT, payment.id, run_at=now)
    if any(line.part for line in invoice.lines):
        ctx.faults.mark("invoice.late_usage")
    if invoice.carried_in.minor:
        ctx.faults.mark("invoice.takes_up_carried")
    after = {"number": number, "total": invoice.total.minor, "currency": invoice.currency.code}
    storage.audit.append(conn, storage.audit.Act(actor, "invoice.opened", invoice.id, after=after), at=now)
    return invoice


def _payment(ctx: Context, invoice: Invoice, collection: Collection) -> Payment:
    now = ctx.clock.now()
    return Payment(
        id=domain.payments.payment_id(invoice.id),
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        method=collection.method,
        amount=invoice.total,
        status=PaymentStatus.PENDING,
        created_at=now,
        updated_at=now,
        automatic=collection.automatic,
        payment_method=collection.payment_method,
    )
