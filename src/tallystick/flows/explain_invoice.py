"""Open an invoice down to the events that made it."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from tallystick import storage
from tallystick.domain.invoices import Invoice
from tallystick.domain.lines import Line
from tallystick.domain.payments import Payment
from tallystick.domain.usage import Event
from tallystick.flows.context import Context
from tallystick.values.errors import NotFound
from tallystick.values.ids import InvoiceId


@dataclass(frozen=True, slots=True)
class Explanation:
    """An invoice, its payment, and for each line the first `events_max` of the events of its period, oldest first."""

    invoice: Invoice
    payment: Payment | None
    events: tuple[tuple[Event, ...], ...]


def explain_invoice(ctx: Context, invoice_id: InvoiceId, *, events_max: int = 20) -> Explanation:
    """Everything that led to the invoice's total. Raises NotFound."""
    with ctx.database.reading() as conn:
        invoice = storage.invoices.get(conn, invoice_id)
        if invoice is None:
            raise NotFound("invoice: there is no such invoice", field="invoice")
        payment = storage.payments.of_invoice(conn, invoice_id)
        listed = [tuple(_events(conn, invoice, line, limit=events_max)) for line in invoice.lines]
    return Explanation(invoice, payment, tuple(listed))


def events_of_line(ctx: Context, invoice: Invoice, line: Line) -> Iterator[Event]:
    """Every event of the line's period, oldest first, read in pages."""
    after = None
    while True:
        with ctx.database.reading() as conn:
            page = _events(conn, invoice, line, after=after, limit=1000)
        yield from page
        if len(page) < 1000:
            return
        after = page[-1]


def _events(conn: Connection, invoice: Invoice, line: Line, *, after: Event | None = None, limit: int) -> list[Event]:
    if line.meter_key is None:
        return []  # a fee is due whatever was used
    query = storage.usage.EventQuery(invoice.customer_id, line.meter_key, line.period)
    return storage.usage.events(conn, query, after=after, limit=limit)
