"""What a server's uptime has cost so far: paid, on an open invoice, and running up now."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.uptime import CHARGE_KEY, METER, Reading
from tallystick.flows.context import Context
from tallystick.values.decimals import EXACT, from_steps
from tallystick.values.ids import CustomerId
from tallystick.values.money import Money
from tallystick.values.time import Period, to_micros


@dataclass(frozen=True, slots=True)
class UptimeStatus:
    """Amounts of the charge's currency. `due` is what a payment would collect now; `total` is all, billed and unbilled.

    `open_invoice` is the one that waits for money: it is paid before the time that ran up since is billed.
    """

    total: Money
    due: Money
    paid: Money
    unbilled: Money
    unbilled_seconds: Decimal
    paid_through: datetime | None
    open_invoice: Invoice | None


def uptime_status(ctx: Context, server: CustomerId, reading: Reading) -> UptimeStatus:
    """The status as of `reading`: what is recorded, and the time since the last recording, which is not yet on disk."""
    with ctx.database.reading() as conn:
        price = storage.catalog.charges(conn)[CHARGE_KEY].price
        seconds = _unbilled_seconds(conn, server, reading)
        sums = storage.invoices.sums_of_charge(conn, server, CHARGE_KEY, price.currency)
        waiting = storage.invoices.open_of_charge(conn, server, CHARGE_KEY)
        notes = [] if waiting is None else storage.credit_notes.of_invoice(conn, server, waiting.id)
    zero = Money(0, price.currency)
    unbilled = domain.rating.rate(price, seconds).total if seconds else zero
    paid = sums.get(InvoiceStatus.PAID)
    return UptimeStatus(
        total=sum((each.total for status, each in sums.items() if status is not InvoiceStatus.VOID), zero) + unbilled,
        due=unbilled if waiting is None else domain.credit_notes.due(waiting, notes),
        paid=zero if paid is None else paid.total,
        unbilled=unbilled,
        unbilled_seconds=seconds,
        paid_through=None if paid is None else paid.period_end,
        open_invoice=waiting,
    )


def _unbilled_seconds(conn: Connection, server: CustomerId, reading: Reading) -> Decimal:
    since = domain.uptime.unread_since(storage.boots.of_server(conn, server), reading)
    start = storage.usage.position(conn, server, CHARGE_KEY) or storage.usage.first_at(conn, server, METER.key)
    end = max(reading.at, since)  # the clock may have gone back since
    recorded = Decimal(0)
    if start is not None and start < end:
        recorded = storage.usage.total(conn, server, METER, Period(start, end)).quantity
    tail = max(to_micros(reading.at) - to_micros(since), 0)
    return EXACT.add(recorded, from_steps(tail, 6))
