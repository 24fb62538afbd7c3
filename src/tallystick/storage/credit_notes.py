"""Credit notes and their lines: written once, whole, and never changed."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, literal, select, tuple_

from tallystick.domain.credit_notes import CreditedLine, CreditNote
from tallystick.storage import counters, schema
from tallystick.storage.database import insert_new
from tallystick.storage.types import Instant, Key
from tallystick.values.ids import CreditNoteId, CustomerId, InvoiceId, LineId
from tallystick.values.money import Money, currency

_NUMBERS = "credit_note_numbers"


def add(conn: Connection, note: CreditNote) -> bool:
    """False where a credit note of this id is there already; then that one stands, unchanged."""
    if not insert_new(conn, schema.credit_notes, [_row(note)], [schema.credit_notes.c.id]):
        return False
    lines = [
        {
            "customer_id": note.customer_id,
            "credit_note_id": note.id,
            "line_id": line.line_id,
            "amount": line.amount.minor,
            "currency": line.amount.currency.code,
        }
        for line in note.lines
    ]
    if lines:
        conn.execute(schema.credit_note_lines.insert(), lines)
    return True


def get(conn: Connection, note_id: CreditNoteId) -> CreditNote | None:
    found = _notes(conn, select(schema.credit_notes).where(schema.credit_notes.c.id == note_id))
    return found[0] if found else None


def of_invoice(conn: Connection, customer_id: CustomerId, invoice_id: InvoiceId) -> list[CreditNote]:
    """In the order in which they were issued."""
    table = schema.credit_notes.c
    asked = select(schema.credit_notes).where(table.customer_id == customer_id, table.invoice_id == invoice_id)
    return _notes(conn, asked.order_by(table.created_at, table.number))


def of_invoices(conn: Connection, invoices: Collection[tuple[CustomerId, InvoiceId]]) -> dict[InvoiceId, list[CreditNote]]:
    """By invoice; those without any are left out."""
    table, found = schema.credit_notes.c, defaultdict[InvoiceId, list[CreditNote]](list)
    if invoices:
        asked = select(schema.credit_notes).where(tuple_(table.customer_id, table.invoice_id).in_(list(invoices)))
        for note in _notes(conn, asked.order_by(table.created_at, table.number)):
            found[note.invoice_id].append(note)
    return dict(found)


def page(
    conn: Connection, *, customer_id: CustomerId | None = None, after: CreditNoteId | None = None, limit: int
) -> list[CreditNote]:
    """Newest first, beginning behind `after`."""
    table = schema.credit_notes.c
    asked = select(schema.credit_notes)
    if customer_id is not None:
        asked = asked.where(table.customer_id == customer_id)
    if after is not None:
        last = conn.execute(select(table.created_at).where(table.id == after)).scalar_one_or_none()
        if last is None:
            return []
        asked = asked.where(tuple_(table.created_at, table.id) < tuple_(literal(last, Instant()), literal(after, Key())))
    return _notes(conn, asked.order_by(table.created_at.desc(), table.id.desc()).limit(limit))


def next_number(conn: Connection) -> int:
    """The next in a row without gaps, since it is given back where the transaction fails."""
    return counters.following(conn, _NUMBERS)


def _notes(conn: Connection, asked: Select[Any]) -> list[CreditNote]:
    rows = conn.execute(asked).all()
    lines = _lines_of(conn, rows)
    return [_note(row, lines[row.id]) for row in rows]


def _lines_of(conn: Connection, notes: Sequence[Row[Any]]) -> dict[str, list[CreditedLine]]:
    found: dict[str, list[CreditedLine]] = defaultdict(list)
    ids = [(row.customer_id, row.id) for row in notes]
    if ids:
        table = schema.credit_note_lines.c
        asked = select(schema.credit_note_lines).where(tuple_(table.customer_id, table.credit_note_id).in_(ids))
        for row in conn.execute(asked.order_by(table.line_id)):
            found[row.credit_note_id].append(CreditedLine(LineId(row.line_id), Money(row.amount, currency(row.currency))))
    return found


def _row(note: CreditNote) -> dict[str, Any]:
    return {
        "customer_id": note.customer_id,
        "id": note.id,
        "number": note.number,
        "invoice_id": note.invoice_id,
        "amount": note.amount.minor,
        "reduced": note.reduced.minor,
        "refunded": note.refunded.minor,
        "credited": note.credited.minor,
        "carried": note.carried.minor,
        "currency": note.amount.currency.code,
        "reason": note.reason,
        "created_at": note.created_at,
    }


def _note(row: Row[Any], lines: Sequence[CreditedLine]) -> CreditNote:
    of = currency(row.currency)
    return CreditNote(
        id=CreditNoteId(row.id),
        number=row.number,
        invoice_id=InvoiceId(row.invoice_id),
        customer_id=CustomerId(row.customer_id),
        amount=Money(row.amount, of),
        reduced=Money(row.reduced, of),
        refunded=Money(row.refunded, of),
        credited=Money(row.credited, of),
        carried=Money(row.carried, of),
        reason=row.reason,
        created_at=row.created_at,
        lines=tuple(lines),
    )
