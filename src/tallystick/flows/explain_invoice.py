"""Open an invoice down to the events that made it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.amendments import Amendment, EventName
from tallystick.domain.credit_notes import CreditNote
from tallystick.domain.invoices import Invoice
from tallystick.domain.lines import Line
from tallystick.domain.payments import Payment
from tallystick.domain.usage import Aggregation, Event
from tallystick.flows.context import Context
from tallystick.values.errors import NotFound
from tallystick.values.ids import InvoiceId


@dataclass(frozen=True, slots=True)
class Explanation:
    """An invoice, its payment and credit notes, and of each line the first `events_max` events of its period, oldest first.

    Before them stands the event that set the level which the period began with, where its meter goes by levels. Events that
    count no longer are among them, for a line of this invoice or an earlier one may have counted them; `amendments` says which.
    """

    invoice: Invoice
    payment: Payment | None
    events: tuple[tuple[Event, ...], ...]
    amendments: Mapping[EventName, Amendment] = field(default_factory=dict)
    credit_notes: tuple[CreditNote, ...] = ()

    def amendment(self, event: Event) -> Amendment | None:
        """Why and since when the event counts no longer; None where it counts."""
        return self.amendments.get(domain.amendments.name_of(event))


def explain_invoice(ctx: Context, invoice_id: InvoiceId, *, events_max: int = 20) -> Explanation:
    """Everything that led to the invoice's total. Raises NotFound."""
    with ctx.database.reading() as conn:
        invoice = storage.invoices.get(conn, invoice_id)
        if invoice is None:
            raise NotFound("invoice: there is no such invoice", field="invoice")
        payment = storage.payments.of_invoice(conn, invoice_id)
        notes = storage.credit_notes.of_invoice(conn, invoice.customer_id, invoice_id)
        listed = [
            (*_level_before(conn, invoice, line), *_events(conn, invoice, line, limit=events_max)) for line in invoice.lines
        ]
        names = {domain.amendments.name_of(event) for events in listed for event in events}
        amendments = storage.usage.amendments(conn, names)
    return Explanation(invoice, payment, tuple(listed), amendments, tuple(notes))


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
    query = storage.usage.EventQuery(invoice.customer_id, line.meter_key, line.period, amended=True)
    return storage.usage.events(conn, query, after=after, limit=limit)


def _level_before(conn: Connection, invoice: Invoice, line: Line) -> tuple[Event, ...]:
    meter = None if line.meter_key is None else storage.catalog.meter(conn, line.meter_key)
    if meter is None or meter.aggregation is not Aggregation.TIME_WEIGHTED:
        return ()
    event = storage.usage.level_before(conn, invoice.customer_id, meter, line.period.start)
    return () if event is None else (event,)
