"""Invoices and the ledger: sums, bounds, what is carried, numbers without gaps, and states that stand."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row

from tallystick.storage.invariants.finding import Wrongs, count, differ, rows
from tallystick.values.money import currency

_SUMS = """
SELECT i.customer_id, i.id, i.total, i.carried_in, i.carried_out, i.discount, i.credits_applied,
       COALESCE(SUM(l.amount), 0) AS lines, COUNT(l.id) AS listed,
       SUM(CASE WHEN l.currency <> i.currency THEN 1 ELSE 0 END) AS foreign_lines
FROM tallystick_invoices i
LEFT JOIN tallystick_invoice_lines l ON l.customer_id = i.customer_id AND l.invoice_id = i.id
GROUP BY i.customer_id, i.id, i.total, i.carried_in, i.carried_out, i.discount, i.credits_applied
HAVING i.total <> COALESCE(SUM(l.amount), 0) - i.discount + i.carried_in - i.credits_applied - i.carried_out OR COUNT(l.id) = 0
    OR SUM(CASE WHEN l.currency <> i.currency THEN 1 ELSE 0 END) > 0
"""
_UNBALANCED = """
SELECT customer_id, transaction_id, currency, SUM(amount) AS off FROM tallystick_ledger_entries
GROUP BY customer_id, transaction_id, currency HAVING SUM(amount) <> 0
"""
_BALANCES = """
SELECT e.customer_id, e.currency, e.account, SUM(e.amount) AS balance FROM tallystick_ledger_entries e
JOIN tallystick_ledger_transactions t ON t.customer_id = e.customer_id AND t.id = e.transaction_id
WHERE t.kind NOT IN ('credit.granted', 'credit.expired')
GROUP BY e.customer_id, e.currency, e.account
"""
# What the invoices and payments say that the accounts must hold; a void invoice's booking is taken back.
_OWED = """
SELECT i.customer_id, i.currency,
       SUM(CASE WHEN i.status IN ('open', 'uncollectible') THEN i.total ELSE 0 END) AS owed,
       SUM(CASE WHEN i.status IN ('draft', 'void') THEN 0 ELSE i.carried_out - i.carried_in END) AS carried,
       SUM(CASE WHEN i.status IN ('draft', 'void') THEN 0 ELSE i.credits_applied END) AS burned,
       SUM(CASE WHEN i.status IN ('draft', 'void') THEN 0
           ELSE i.total + i.carried_out - i.carried_in + i.credits_applied END) AS earned
FROM tallystick_invoices i GROUP BY i.customer_id, i.currency
"""
_COLLECTED = """
SELECT p.customer_id, p.currency, SUM(p.amount) AS cash,
       SUM(CASE WHEN i.status = 'void' THEN p.amount ELSE 0 END) AS unowed
FROM tallystick_payments p JOIN tallystick_invoices i ON i.customer_id = p.customer_id AND i.id = p.invoice_id
WHERE p.status = 'succeeded' GROUP BY p.customer_id, p.currency
"""
_DEFERRED = """
SELECT customer_id, currency, SUM(amount) AS later FROM tallystick_deferred_revenue GROUP BY customer_id, currency
"""
# Of a void invoice nothing stays, its credit notes neither.
_CREDITED = """
SELECT n.customer_id, n.currency, SUM(n.amount) AS credited, SUM(n.refunded) AS given_back,
       SUM(n.carried - n.credited) AS carried,
       SUM(CASE WHEN i.status = 'paid' THEN 0 ELSE n.reduced END) AS reduced
FROM tallystick_credit_notes n JOIN tallystick_invoices i ON i.customer_id = n.customer_id AND i.id = n.invoice_id
WHERE i.status <> 'void' GROUP BY n.customer_id, n.currency
"""
_RETURNED = """
SELECT customer_id, currency,
       SUM(CASE WHEN status = 'succeeded' THEN amount ELSE 0 END) AS cash,
       SUM(CASE WHEN status = 'pending' THEN 0 ELSE amount - excess END) AS over,
       SUM(CASE status WHEN 'succeeded' THEN excess WHEN 'pending' THEN 0 ELSE excess - amount END) AS carried
FROM tallystick_refunds GROUP BY customer_id, currency
"""
_DISPUTED = """
SELECT customer_id, currency, SUM(amount) AS gone, SUM(CASE WHEN status = 'lost' THEN 0 ELSE amount END) AS open
FROM tallystick_disputes WHERE withdrawn = 1 GROUP BY customer_id, currency
"""
_BOOKED = """
SELECT i.customer_id, i.id, i.status,
       SUM(CASE WHEN t.kind = 'invoice.opened' THEN 1 ELSE 0 END) AS opened,
       SUM(CASE WHEN t.kind = 'invoice.voided' THEN 1 ELSE 0 END) AS voided
FROM tallystick_invoices i
LEFT JOIN tallystick_ledger_transactions t ON t.customer_id = i.customer_id AND t.subject = i.id
GROUP BY i.customer_id, i.id, i.status
HAVING SUM(CASE WHEN t.kind = 'invoice.opened' THEN 1 ELSE 0 END) <> CASE WHEN i.status = 'draft' THEN 0 ELSE 1 END
    OR SUM(CASE WHEN t.kind = 'invoice.voided' THEN 1 ELSE 0 END) <> CASE WHEN i.status = 'void' THEN 1 ELSE 0 END
"""
_INVOICES = """
SELECT id, customer_id, currency, status, number, total, carried_in, carried_out, opened_at, closed_at FROM tallystick_invoices
"""
# In the order of the audit trail, which is the order in which it happened, whatever the clock said.
_HAPPENED = """
SELECT a.seq, a.action, i.id, i.customer_id, i.currency, i.carried_in, i.carried_out, 0 AS moved
FROM tallystick_audit a JOIN tallystick_invoices i ON i.id = a.subject
WHERE a.action IN ('invoice.opened', 'invoice.voided')
UNION ALL
SELECT a.seq, a.action, n.id, n.customer_id, n.currency, 0, 0, n.carried - n.credited
FROM tallystick_audit a JOIN tallystick_credit_notes n ON n.id = a.subject
JOIN tallystick_invoices i ON i.customer_id = n.customer_id AND i.id = n.invoice_id
WHERE a.action = 'credit_note.issued' AND i.status <> 'void'
UNION ALL
SELECT a.seq, a.action, r.id, r.customer_id, r.currency, 0, 0,
       CASE WHEN a.action = 'refund.succeeded' THEN r.excess
            WHEN EXISTS (SELECT 1 FROM tallystick_ledger_transactions t
                         WHERE t.customer_id = r.customer_id AND t.subject = r.id AND t.kind = 'refund.succeeded') THEN -r.amount
            ELSE r.excess - r.amount END
FROM tallystick_audit a JOIN tallystick_refunds r ON r.id = a.subject
WHERE a.action IN ('refund.succeeded', 'refund.failed', 'refund.canceled')
ORDER BY 1
"""
_ACTS = """
SELECT i.id, i.status, SUM(CASE WHEN a.action = 'invoice.opened' THEN 1 ELSE 0 END) AS opened,
       SUM(CASE WHEN a.action = 'invoice.voided' THEN 1 ELSE 0 END) AS voided
FROM tallystick_invoices i LEFT JOIN tallystick_audit a ON a.subject = i.id
GROUP BY i.id, i.status
"""
_NOTES = "SELECT id, number FROM tallystick_credit_notes"
_COUNTED = "SELECT value FROM tallystick_counters WHERE name = :name"


def sums(conn: Connection, wrong: Wrongs) -> int:
    for row in rows(conn, _SUMS):
        wrong(
            row.id,
            f"total {row.total}; lines {row.lines} ({row.listed}), discount {row.discount}, carried {row.carried_in} in, "
            f"{row.carried_out} out, credits {row.credits_applied}",
        )
    for row in rows(conn, _UNBALANCED):
        wrong(row.transaction_id, f"is off by {row.off} {row.currency}")
    for row in rows(conn, _BOOKED):
        wrong(row.id, f"is {row.status}, and booked as opened {row.opened} times, as voided {row.voided} times")
    return count(conn, "tallystick_invoices") + count(conn, "tallystick_ledger_entries")


def balances(conn: Connection, wrong: Wrongs) -> int:
    """Every account of every customer is what invoices, payments, credit notes, refunds and disputes say."""
    accounts = ("receivable", "carried", "cash", "credits", "deferred_revenue", "revenue", "refunds", "refunds_due", "disputed")
    zeros = dict.fromkeys(accounts, 0)
    expected: dict[tuple[str, str], dict[str, int]] = defaultdict(zeros.copy)
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(zeros.copy)
    for row in rows(conn, _BALANCES):
        found[row.customer_id, row.currency][row.account] = int(row.balance)
    for row in rows(conn, _OWED):
        due = expected[row.customer_id, row.currency]
        due["receivable"], due["carried"], due["revenue"] = int(row.owed), int(row.carried), -int(row.earned)
        due["credits"] = int(row.burned)
    for row in rows(conn, _DEFERRED):
        due = expected[row.customer_id, row.currency]
        due["deferred_revenue"] -= int(row.later)
        due["revenue"] += int(row.later)
    for row in rows(conn, _COLLECTED):
        due = expected[row.customer_id, row.currency]
        due["cash"] += int(row.cash)
        due["receivable"] -= int(row.unowed)
    _give_back(conn, expected)
    for key in sorted(expected.keys() | found.keys()):
        differ(wrong, "/".join(key), expected[key], found[key])
    return len(found)


def _give_back(conn: Connection, expected: Mapping[tuple[str, str], dict[str, int]]) -> None:
    for row in rows(conn, _CREDITED):
        due = expected[row.customer_id, row.currency]
        due["refunds"] += int(row.credited)
        due["refunds_due"] -= int(row.given_back)
        due["receivable"] -= int(row.reduced)
        due["carried"] += int(row.carried)
    for row in rows(conn, _RETURNED):
        due = expected[row.customer_id, row.currency]
        due["cash"] -= int(row.cash)
        due["refunds_due"] += int(row.over)
        due["carried"] += int(row.carried)
    for row in rows(conn, _DISPUTED):
        due = expected[row.customer_id, row.currency]
        due["cash"] -= int(row.gone)
        due["disputed"] += int(row.open)


def carried(conn: Connection, wrong: Wrongs) -> int:
    """What one invoice leaves over, the customer's next one takes up; what is voided gives back what it took.

    In between, credit notes and refunds that failed move it.
    """
    left: dict[tuple[str, str], int] = defaultdict(int)
    checked = 0
    for row in rows(conn, _HAPPENED):
        key, checked = (row.customer_id, row.currency), checked + 1
        if row.action == "invoice.voided":
            left[key] += row.carried_in - row.carried_out
            continue
        if row.action != "invoice.opened":
            left[key] += int(row.moved)
            continue
        if row.carried_in != left[key]:
            wrong(row.id, f"takes up {row.carried_in}, and {left[key]} was left")
        left[key] = row.carried_out
    return checked


def bounds(conn: Connection, wrong: Wrongs) -> int:
    """Collected is nothing, or at least what the provider charges; carried is the whole of a sum that is not collected."""
    checked = 0
    for row in rows(conn, _INVOICES):
        checked += 1
        least = max(currency(row.currency).minimum_charge_minor or 1, 1)
        whole = row.total >= least and row.carried_out == 0
        if not whole and not (row.total == 0 and row.carried_out < least):
            wrong(row.id, f"asks for {row.total} and carries {row.carried_out}; the least that is charged is {least}")
    return checked


def final(conn: Connection, wrong: Wrongs) -> int:
    """States stand as the audit trail says that they were reached; a closed invoice says when."""
    for row in rows(conn, _INVOICES):
        if (row.closed_at is None) != (row.status in {"draft", "open"}):
            wrong(row.id, f"is {row.status}, closed at {row.closed_at}")
    for row in rows(conn, _ACTS):
        acts = (int(row.opened), int(row.voided))
        if acts != (int(row.status != "draft"), int(row.status == "void")):
            wrong(row.id, f"is {row.status}; the trail has it opened {acts[0]} times, voided {acts[1]} times")
    return count(conn, "tallystick_invoices")


def gapless(conn: Connection, wrong: Wrongs) -> int:
    return _in_a_row(conn, wrong, _INVOICES, "invoice_numbers")


def gapless_notes(conn: Connection, wrong: Wrongs) -> int:
    return _in_a_row(conn, wrong, _NOTES, "credit_note_numbers")


def _in_a_row(conn: Connection, wrong: Wrongs, numbered: str, counter: str) -> int:
    """Numbers 1 to n, each once, and n is what the counter says."""
    numbers = sorted(_number(row, wrong) for row in rows(conn, numbered) if row.number is not None)
    for expected, found in enumerate(numbers, 1):
        if found != expected:
            wrong(f"number {expected}", f"is missing, or there twice: {found} is in its place")
            break
    counted = next(rows(conn, _COUNTED, name=counter), None)
    reached = 0 if counted is None else counted.value
    if reached != len(numbers):
        wrong(counter, f"{reached} were given out, {len(numbers)} are there")
    return len(numbers)


def _number(row: Row[Any], wrong: Wrongs) -> int:
    digits = row.number.rpartition("-")[2]
    if not digits.isdecimal():
        wrong(row.id, f"its number is {row.number!r}")
        return 0
    return int(digits)
