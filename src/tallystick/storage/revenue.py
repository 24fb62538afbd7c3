"""Revenue that waits for its service to be rendered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from tallystick.domain.invoices import Deferred, Invoice
from tallystick.storage import schema
from tallystick.values.ids import CustomerId, InvoiceId, LineId
from tallystick.values.money import Money, currency


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line's revenue, and whose it is."""

    customer_id: CustomerId
    invoice_id: InvoiceId
    deferred: Deferred


def defer(conn: Connection, invoice: Invoice, services: Sequence[Deferred]) -> None:
    """Notes what is revenue later."""
    rows = [
        {
            "customer_id": invoice.customer_id,
            "line_id": each.line_id,
            "invoice_id": invoice.id,
            "currency": each.amount.currency.code,
            "amount": each.amount.minor,
            "due_at": each.due_at,
        }
        for each in services
    ]
    if rows:
        conn.execute(schema.deferred_revenue.insert(), rows)


def due(conn: Connection, *, now: datetime, limit: int) -> list[Waiting]:
    """Whose service is rendered by now, the oldest first."""
    table = schema.deferred_revenue
    asked = select(table).where(table.c.due_at <= now).order_by(table.c.due_at, table.c.customer_id, table.c.line_id)
    return [
        Waiting(
            CustomerId(row.customer_id),
            InvoiceId(row.invoice_id),
            Deferred(LineId(row.line_id), Money(row.amount, currency(row.currency)), row.due_at),
        )
        for row in conn.execute(asked.limit(limit))
    ]


def recognise(conn: Connection, customer_id: CustomerId, line_id: LineId) -> bool:
    """It waits no longer. False where it did not any more."""
    table = schema.deferred_revenue
    gone = table.delete().where(table.c.customer_id == customer_id, table.c.line_id == line_id)
    return conn.execute(gone.returning(table.c.line_id)).one_or_none() is not None


def give_up(conn: Connection, invoice: Invoice) -> Money:
    """Of a void invoice nothing is waited for any more; how much that was."""
    table = schema.deferred_revenue
    these = (table.c.customer_id == invoice.customer_id, table.c.invoice_id == invoice.id)
    waiting = conn.execute(select(func.coalesce(func.sum(table.c.amount), 0)).where(*these)).scalar_one()
    conn.execute(table.delete().where(*these))
    return Money(int(waiting), invoice.currency)
