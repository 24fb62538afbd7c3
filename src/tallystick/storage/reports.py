"""Read models for the doors: flat rows, as a page shows them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, func, literal, select, tuple_

from tallystick.domain.invoices import InvoiceStatus
from tallystick.domain.ledger import Account
from tallystick.domain.usage import Meter
from tallystick.storage import schema
from tallystick.storage.types import Instant, Key
from tallystick.storage.usage_totals import total
from tallystick.values.ids import CustomerId, InvoiceId
from tallystick.values.money import Money, currency
from tallystick.values.time import Period

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """An invoice in a list, without its lines."""

    id: InvoiceId
    customer_id: CustomerId
    number: str | None
    status: InvoiceStatus
    total: Money
    period: Period
    created_at: datetime
    due_at: datetime | None
    closed_at: datetime | None


def invoice_rows(
    conn: Connection,
    *,
    customer_id: CustomerId | None = None,
    status: InvoiceStatus | None = None,
    after: InvoiceRow | None = None,
    limit: int,
) -> list[InvoiceRow]:
    """Newest first, beginning behind `after`."""
    table = schema.invoices.c
    asked = select(schema.invoices).order_by(table.created_at.desc(), table.id.desc()).limit(limit)
    if customer_id is not None:
        asked = asked.where(table.customer_id == customer_id)
    if status is not None:
        asked = asked.where(table.status == status.value)
    if after is not None:
        place = tuple_(literal(after.created_at, Instant()), literal(after.id, Key()))
        asked = asked.where(tuple_(table.created_at, table.id) < place)
    return [_invoice_row(row) for row in conn.execute(asked)]


def usage_by_day(conn: Connection, customer_id: CustomerId, meter: Meter, period: Period) -> list[tuple[date, Decimal]]:
    """The quantity of each UTC day of the period, cut to the period at both ends."""
    days = []
    at = period.start
    while at < period.end:
        end = min(at.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY, period.end)
        days.append((at.date(), total(conn, customer_id, meter, Period(at, end)).quantity))
        at = end
    return days


def balances(conn: Connection, customer_id: CustomerId) -> dict[Account, list[Money]]:
    """What stands on each account of the customer, by currency; accounts at zero are left out."""
    table = schema.ledger_entries.c
    asked = (
        select(table.account, table.currency, func.sum(table.amount).label("amount"))
        .where(table.customer_id == customer_id)
        .group_by(table.account, table.currency)
        .order_by(table.account, table.currency)
    )
    found: dict[Account, list[Money]] = {}
    for row in conn.execute(asked):
        if row.amount:
            found.setdefault(Account(row.account), []).append(Money(int(row.amount), currency(row.currency)))
    return found


def _invoice_row(row: Row[Any]) -> InvoiceRow:
    return InvoiceRow(
        id=InvoiceId(row.id),
        customer_id=CustomerId(row.customer_id),
        number=row.number,
        status=InvoiceStatus(row.status),
        total=Money(row.total, currency(row.currency)),
        period=Period(row.period_start, row.period_end),
        created_at=row.created_at,
        due_at=row.due_at,
        closed_at=row.closed_at,
    )
