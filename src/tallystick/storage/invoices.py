"""Invoices and their lines: written once, whole; afterwards only the status moves."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, func, literal, select, tuple_

from tallystick.domain.discounts import AppliedDiscount
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.lines import Line, LineKind
from tallystick.domain.price_documents import read_price, write_price
from tallystick.storage import counters, coupons, customers, schema
from tallystick.storage.database import insert_new
from tallystick.storage.ratings import exact, read_rating, write_rating
from tallystick.storage.types import Instant, Key
from tallystick.values.decimals import plain
from tallystick.values.errors import Conflict
from tallystick.values.ids import CustomerId, InvoiceId, LineId, MeterKey, SubscriptionId
from tallystick.values.money import Currency, Money, currency
from tallystick.values.time import Period

_NUMBERS = "invoice_numbers"
_ADD_LINES = schema.invoice_lines.insert()
# Asked for each step of each invoice, and therefore kept: most of a small statement's time is its making.
_GET = select(schema.invoices).where(schema.invoices.c.id == bindparam("invoice"))
_LINES = (
    select(schema.invoice_lines)
    .where(schema.invoice_lines.c.customer_id == bindparam("customer"), schema.invoice_lines.c.invoice_id == bindparam("invoice"))
    .order_by(schema.invoice_lines.c.place)
)


def add(conn: Connection, invoice: Invoice) -> bool:
    """False where an invoice of this id is there already; then that one stands, unchanged."""
    customers.ensure(conn, [invoice.customer_id], at=invoice.created_at)
    if not insert_new(conn, schema.invoices, [_invoice_row(invoice)], [schema.invoices.c.id]):
        return False
    if invoice.lines:
        conn.execute(_ADD_LINES, [_line_row(invoice, place) for place in range(len(invoice.lines))])
    if invoice.discounts:
        coupons.save_applied(conn, invoice.customer_id, invoice.id, invoice.discounts)
    return True


def get(conn: Connection, invoice_id: InvoiceId) -> Invoice | None:
    row = conn.execute(_GET, {"invoice": invoice_id}).one_or_none()
    if row is None:
        return None
    lines = [_line(line) for line in conn.execute(_LINES, {"customer": row.customer_id, "invoice": invoice_id})]
    return _invoice(row, lines, coupons.applied_to(conn, invoice_id) if row.discount else ())


def lock(conn: Connection, invoice: Invoice) -> None:
    """Until the end of the transaction nobody moves this invoice, or credits it. On SQLite a writer is alone."""
    table = schema.invoices.c
    mine = (table.customer_id == invoice.customer_id, table.id == invoice.id)
    conn.execute(select(table.id).where(*mine).with_for_update())


def by_number(conn: Connection, number: str) -> Invoice | None:
    found = _invoices(conn, select(schema.invoices).where(schema.invoices.c.number == number))
    return found[0] if found else None


def move(conn: Connection, before: Invoice, after: Invoice) -> None:
    """Saves what changes when an invoice moves on. Raises Conflict where it is no longer as `before` says."""
    table = schema.invoices
    moved = (
        table.update()
        .where(table.c.customer_id == before.customer_id, table.c.id == before.id, table.c.status == before.status.value)
        .values(
            status=after.status.value,
            number=after.number,
            opened_at=after.opened_at,
            due_at=after.due_at,
            closed_at=after.closed_at,
        )
        .returning(table.c.id)
    )
    if conn.execute(moved).one_or_none() is None:
        raise Conflict(f"{before.id}: is no longer {before.status}; read it again")


def next_number(conn: Connection) -> int:
    """The next in a row without gaps, since it is given back where the transaction fails."""
    return counters.following(conn, _NUMBERS)


def lines_between(conn: Connection, customer_id: CustomerId, charge_key: str, period: Period) -> list[Line]:
    """The lines of this charge whose periods overlap with `period`, in the order of (start, part)."""
    table = schema.invoice_lines.c
    asked = (
        select(schema.invoice_lines)
        .where(
            table.customer_id == customer_id,
            table.charge_key == charge_key,
            table.period_start < period.end,
            table.period_end > period.start,
            table.kind == LineKind.USAGE.value,
        )
        .order_by(table.period_start, table.part)
    )
    return [_line(row) for row in conn.execute(asked)]


def of_lines(conn: Connection, customer_id: CustomerId, line_ids: Collection[LineId]) -> list[Invoice]:
    """The invoices on which these lines stand."""
    table, lines = schema.invoices, schema.invoice_lines.c
    these = select(lines.invoice_id).where(lines.customer_id == customer_id, lines.id.in_(sorted(line_ids)))
    return _invoices(conn, select(table).where(table.c.customer_id == customer_id, table.c.id.in_(these)).order_by(table.c.id))


def fees_of(conn: Connection, customer_id: CustomerId, charge_key: str) -> list[Line]:
    """The fees of this charge that were ever asked for, and given back, in the order of (start, part)."""
    table = schema.invoice_lines.c
    asked = select(schema.invoice_lines).where(
        table.customer_id == customer_id, table.charge_key == charge_key, table.kind != LineKind.USAGE.value
    )
    return [_line(row) for row in conn.execute(asked.order_by(table.period_start, table.part))]


def uncredited(
    conn: Connection, customer_id: CustomerId, subscription_id: SubscriptionId, *, at: datetime
) -> list[tuple[Line, Invoice]]:
    """Recurring fees of the subscription for a time after `at`, each with its invoice, of which nothing was given back yet.

    Fees on an invoice that is void were never asked for.
    """
    table = schema.invoices.c
    asked = select(schema.invoices).where(
        table.customer_id == customer_id,
        table.subscription_id == subscription_id,
        table.period_end > at,
        table.status != InvoiceStatus.VOID.value,
    )
    found = _invoices(conn, asked.order_by(table.created_at, table.id))
    credited = {line.credits for invoice in found for line in invoice.lines}
    return [
        (line, invoice)
        for invoice in found
        for line in invoice.lines
        if line.kind is LineKind.RECURRING and line.period.start <= at < line.period.end and line.id not in credited
    ]


def given_back(conn: Connection, invoice: Invoice) -> Money:
    """What invoices that stand give back of this one's fees."""
    lines, table = schema.invoice_lines.c, schema.invoices.c
    asked = select(func.coalesce(func.sum(-lines.amount), 0)).join(
        schema.invoices, (lines.customer_id == table.customer_id) & (lines.invoice_id == table.id)
    )
    these = lines.customer_id == invoice.customer_id, lines.credits.in_([line.id for line in invoice.lines])
    found = conn.execute(asked.where(*these, table.status != InvoiceStatus.VOID.value)).scalar_one()
    return Money(int(found), invoice.currency)


def lowered(conn: Connection, invoice: Invoice) -> list[list[Line]]:
    """All lines, in their order, of each charge and period of this invoice's usage that a later line gives something back of."""
    found = []
    for line in invoice.lines:
        if line.kind is LineKind.USAGE:
            listed = lines_between(conn, invoice.customer_id, line.charge_key, line.period)
            if any(each.part > line.part and each.amount.minor < 0 for each in listed):
                found.append([each for each in listed if each.period == line.period])
    return found


def given_back_on(conn: Connection, invoice: Invoice) -> list[str]:
    """The numbers of the invoices that stand and give back a part of this one's fees."""
    lines, table = schema.invoice_lines.c, schema.invoices.c
    asked = select(table.number).join(
        schema.invoice_lines, (lines.customer_id == table.customer_id) & (lines.invoice_id == table.id)
    )
    these = table.customer_id == invoice.customer_id, lines.credits.in_([line.id for line in invoice.lines])
    return list(conn.execute(asked.where(*these, table.status != InvoiceStatus.VOID.value).order_by(table.number)).scalars())


def credits_at(conn: Connection, customer_id: CustomerId, charge_key: str, at: datetime) -> int:
    """How many times something was given back of this charge from then on."""
    table = schema.invoice_lines.c
    asked = select(func.count()).where(
        table.customer_id == customer_id,
        table.charge_key == charge_key,
        table.kind == LineKind.CREDIT.value,
        table.period_start == at,
    )
    counted: int = conn.execute(asked).scalar_one()
    return counted


@dataclass(frozen=True, slots=True)
class Sum:
    """What the invoices of one status come to after their credit notes, and the end of the last period among them."""

    total: Money
    period_end: datetime


def sums_of_charge(conn: Connection, customer_id: CustomerId, charge_key: str, currency: Currency) -> dict[InvoiceStatus, Sum]:
    """By status: the customer's invoices in that currency that have a line of this charge, less their credit notes, added up."""
    table, notes = schema.invoices.c, schema.credit_notes.c
    credited = select(notes.invoice_id, func.sum(notes.amount).label("amount")).where(notes.customer_id == customer_id)
    less = credited.group_by(notes.invoice_id).subquery()
    total = func.sum(table.total - func.coalesce(less.c.amount, 0))
    asked = select(table.status, total.label("total"), func.max(table.period_end).label("period_end"))
    asked = asked.select_from(schema.invoices.outerjoin(less, less.c.invoice_id == table.id))
    asked = asked.where(*_with_charge(customer_id, charge_key), table.currency == currency.code).group_by(table.status)
    rows = conn.execute(asked)
    return {InvoiceStatus(row.status): Sum(Money(int(row.total), currency), row.period_end) for row in rows}


def open_of_charge(conn: Connection, customer_id: CustomerId, charge_key: str) -> Invoice | None:
    """The oldest open invoice that has a line of this charge."""
    table = schema.invoices.c
    asked = select(schema.invoices).where(*_with_charge(customer_id, charge_key), table.status == InvoiceStatus.OPEN.value)
    found = _invoices(conn, asked.order_by(table.created_at, table.id).limit(1))
    return found[0] if found else None


def _with_charge(customer_id: CustomerId, charge_key: str) -> tuple[ColumnElement[bool], ...]:
    lines, table = schema.invoice_lines.c, schema.invoices.c
    these = select(lines.invoice_id).where(lines.customer_id == customer_id, lines.charge_key == charge_key)
    return table.customer_id == customer_id, table.id.in_(these)


def page(
    conn: Connection,
    *,
    customer_id: CustomerId | None = None,
    status: InvoiceStatus | None = None,
    after: InvoiceId | None = None,
    limit: int,
) -> list[Invoice]:
    """Newest first, beginning behind `after`."""
    table = schema.invoices.c
    asked = select(schema.invoices)
    if customer_id is not None:
        asked = asked.where(table.customer_id == customer_id)
    if status is not None:
        asked = asked.where(table.status == status.value)
    if after is not None:
        last = conn.execute(select(table.created_at).where(table.id == after)).scalar_one_or_none()
        if last is None:
            return []
        asked = asked.where(tuple_(table.created_at, table.id) < tuple_(literal(last, Instant()), literal(after, Key())))
    return _invoices(conn, _newest_first(asked).limit(limit))


def _newest_first(asked: Select[Any]) -> Select[Any]:
    return asked.order_by(schema.invoices.c.created_at.desc(), schema.invoices.c.id.desc())


def _invoices(conn: Connection, asked: Select[Any]) -> list[Invoice]:
    rows = conn.execute(asked).all()
    lines = _lines_of(conn, rows)
    discounts = coupons.applied_to_all(conn, [InvoiceId(row.id) for row in rows if row.discount])
    return [_invoice(row, lines[row.id], discounts.get(InvoiceId(row.id), ())) for row in rows]


def _lines_of(conn: Connection, invoices: Iterable[Row[Any]]) -> dict[str, list[Line]]:
    ids = [(row.customer_id, row.id) for row in invoices]
    found: dict[str, list[Line]] = defaultdict(list)
    if not ids:
        return found
    table = schema.invoice_lines.c
    asked = select(schema.invoice_lines).where(tuple_(table.customer_id, table.invoice_id).in_(ids)).order_by(table.place)
    for row in conn.execute(asked):
        found[row.invoice_id].append(_line(row))
    return found


def _invoice_row(invoice: Invoice) -> dict[str, Any]:
    return {
        "customer_id": invoice.customer_id,
        "id": invoice.id,
        "currency": invoice.currency.code,
        "period_start": invoice.period.start,
        "period_end": invoice.period.end,
        "total": invoice.total.minor,
        "carried_in": invoice.carried_in.minor,
        "carried_out": invoice.carried_out.minor,
        "discount": invoice.discount.minor,
        "credits_applied": invoice.credits_applied.minor,
        "created_at": invoice.created_at,
        "status": invoice.status.value,
        "number": invoice.number,
        "opened_at": invoice.opened_at,
        "due_at": invoice.due_at,
        "closed_at": invoice.closed_at,
        "subscription_id": invoice.subscription_id,
    }


def _line_row(invoice: Invoice, place: int) -> dict[str, Any]:
    line = invoice.lines[place]
    return {
        "customer_id": invoice.customer_id,
        "id": line.id,
        "invoice_id": invoice.id,
        "place": place,
        "charge_key": line.charge_key,
        "meter_key": line.meter_key,
        "description": line.description,
        "period_start": line.period.start,
        "period_end": line.period.end,
        "part": line.part,
        "quantity": plain(line.quantity),
        "amount": line.amount.minor,
        "currency": line.amount.currency.code,
        "price": write_price(line.price),
        "rating": write_rating(line.rating),
        "kind": line.kind.value,
        "share": plain(line.share),
        "credits": line.credits,
        "taken_off": None if line.taken_off is None else line.taken_off.minor,
    }


def _invoice(row: Row[Any], lines: Sequence[Line], discounts: tuple[AppliedDiscount, ...]) -> Invoice:
    of = currency(row.currency)
    invoice = Invoice(
        id=InvoiceId(row.id),
        customer_id=CustomerId(row.customer_id),
        currency=of,
        period=Period(row.period_start, row.period_end),
        lines=tuple(lines),
        carried_in=Money(row.carried_in, of),
        credits_applied=Money(row.credits_applied, of),
        carried_out=Money(row.carried_out, of),
        created_at=row.created_at,
        status=InvoiceStatus(row.status),
        number=row.number,
        opened_at=row.opened_at,
        due_at=row.due_at,
        closed_at=row.closed_at,
        subscription_id=None if row.subscription_id is None else SubscriptionId(row.subscription_id),
        discounts=discounts,
    )
    assert invoice.total.minor == row.total, f"{invoice.id}: the lines add up to the total that was stored"
    return invoice


def _line(row: Row[Any]) -> Line:
    of = currency(row.currency)
    return Line(
        id=LineId(row.id),
        charge_key=row.charge_key,
        meter_key=None if row.meter_key is None else MeterKey(row.meter_key),
        description=row.description,
        period=Period(row.period_start, row.period_end),
        part=row.part,
        quantity=Decimal(row.quantity),
        amount=Money(row.amount, of),
        price=read_price(row.price),
        rating=read_rating(row.rating, of),
        kind=LineKind(row.kind),
        share=exact(row.share),
        credits=None if row.credits is None else LineId(row.credits),
        taken_off=None if row.taken_off is None else Money(row.taken_off, of),
    )
