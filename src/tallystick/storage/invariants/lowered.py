"""Usage that turned out to be less than was billed: what goes back is its part of what was asked for it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row

from tallystick.domain.credit_notes import asked
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.lines import Line, kept
from tallystick.storage import credit_notes, invoices
from tallystick.storage.invariants.finding import Wrongs, rows
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import CustomerId, LineId
from tallystick.values.money import Money
from tallystick.values.time import Period, from_micros

_LOWERED = """
SELECT DISTINCT customer_id, charge_key, period_start, period_end FROM tallystick_invoice_lines
WHERE kind = 'usage' AND part > 0 AND (amount < 0 OR taken_off IS NOT NULL)
"""
_VOIDS = "SELECT subject, seq FROM tallystick_audit WHERE action = 'invoice.voided'"
_ISSUED = "SELECT subject, seq FROM tallystick_audit WHERE action IN ('credit_note.issued', 'invoice.opened')"


def given_back(conn: Connection, wrong: Wrongs) -> int:
    """By the trail, which knows what had been taken off, credited or made void when it was given back."""
    lowered = list(rows(conn, _LOWERED))
    if not lowered:
        return 0
    issued = {row.subject: row.seq for row in rows(conn, _ISSUED)}
    voided = {row.subject: row.seq for row in rows(conn, _VOIDS)}
    for row in lowered:
        try:
            _check(conn, wrong, row, issued, voided)
        except (AssertionError, InvalidInput, KeyError, ValueError) as error:  # what does not add up is not even loaded
            wrong(f"{row.customer_id}/{row.charge_key}/{row.period_start}", f"its lines cannot be read: {error}")
    return len(lowered)


def _check(conn: Connection, wrong: Wrongs, row: Row[Any], issued: Mapping[str, int], voided: Mapping[str, int]) -> None:
    customer_id = CustomerId(row.customer_id)
    period = Period(from_micros(row.period_start), from_micros(row.period_end))
    listed = invoices.lines_between(conn, customer_id, row.charge_key, period)
    lines = [line for line in listed if line.period == period]
    of = {
        line.id: invoice
        for invoice in invoices.of_lines(conn, customer_id, [line.id for line in lines])
        for line in invoice.lines
    }
    for place, line in enumerate(lines):
        if line.taken_off is None:
            continue
        when = issued[of[line.id].id]
        stood = [_asked(conn, of[before.id], when, issued, voided)[before.id] for before in lines[:place]]
        expected = _expected(lines[place - 1], line, stood)
        if line.amount != expected:
            wrong(line.id, f"gives {-line.amount} back, and its part of what was asked for comes to {-expected}")


def _expected(before: Line, line: Line, asked_for: Sequence[Money]) -> Money:
    billed, total = before.rating.total, line.rating.total
    nothing = Money(0, billed.currency)
    below = min(total, nothing)
    of = min(Money(sum(each.minor for each in asked_for), billed.currency), billed)
    return kept(of, billed, total - below) + below - of


def _asked(
    conn: Connection, invoice: Invoice, when: int, issued: Mapping[str, int], voided: Mapping[str, int]
) -> dict[LineId, Money]:
    notes = credit_notes.of_invoice(conn, invoice.customer_id, invoice.id)
    if voided.get(invoice.id, when) >= when and invoice.status is InvoiceStatus.VOID:
        invoice = replace(invoice, status=InvoiceStatus.OPEN)
    return asked(invoice, [note for note in notes if issued[note.id] < when])
