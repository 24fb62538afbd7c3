"""Payments and news of the provider: one object per invoice, booked once, never back from paid, and of one mode."""

import json

from sqlalchemy import Connection

from tallystick.storage.invariants.finding import Wrongs, count, rows

_LIVE = """
SELECT customer_id, invoice_id, COUNT(*) AS live FROM tallystick_payments WHERE status <> 'canceled'
GROUP BY customer_id, invoice_id HAVING COUNT(*) > 1
"""
_ASKED = """
SELECT i.customer_id, i.id, i.status, i.total, i.currency, i.total - COALESCE(SUM(n.reduced), 0) AS asked,
       COALESCE(SUM(CASE WHEN n.reduced > 0 THEN n.carried ELSE 0 END), 0) AS carried
FROM tallystick_invoices i
LEFT JOIN tallystick_credit_notes n ON n.customer_id = i.customer_id AND n.invoice_id = i.id
GROUP BY i.customer_id, i.id, i.status, i.total, i.currency
"""
# One that is live is for all that is asked for; one that was canceled, for what was asked for before a credit note.
_AMOUNTS = """
SELECT p.id, p.amount, p.currency, i.asked, i.currency AS owed FROM tallystick_payments p
JOIN ({ASKED}) i ON i.customer_id = p.customer_id AND i.id = p.invoice_id
WHERE p.currency <> i.currency OR p.amount > i.total OR (p.status <> 'canceled' AND i.status <> 'void' AND p.amount <> i.asked)
"""
_PAID = """
SELECT i.id, i.status, i.asked, i.carried, SUM(CASE WHEN p.status = 'succeeded' THEN 1 ELSE 0 END) AS succeeded,
       COUNT(p.id) AS payments
FROM ({ASKED}) i
LEFT JOIN tallystick_payments p ON p.customer_id = i.customer_id AND p.invoice_id = i.id
GROUP BY i.id, i.status, i.asked, i.carried
"""
_BOOKED = """
SELECT p.id, p.status, p.amount, COUNT(DISTINCT t.id) AS bookings,
       SUM(CASE WHEN e.account = 'cash' THEN e.amount ELSE 0 END) AS cash
FROM tallystick_payments p
LEFT JOIN tallystick_ledger_transactions t
  ON t.customer_id = p.customer_id AND t.subject = p.id AND t.kind = 'payment.succeeded'
LEFT JOIN tallystick_ledger_entries e ON e.customer_id = t.customer_id AND e.transaction_id = t.id
GROUP BY p.id, p.status, p.amount
"""
_CONFIRMED = """
SELECT a.subject, COUNT(*) AS times, MIN(p.status) AS status, MIN(i.status) AS invoice_status
FROM tallystick_audit a
LEFT JOIN tallystick_payments p ON p.id = a.subject
LEFT JOIN tallystick_invoices i ON i.customer_id = p.customer_id AND i.id = p.invoice_id
WHERE a.action = 'payment.succeeded' GROUP BY a.subject
"""
_MODES = "SELECT value FROM tallystick_settings WHERE key = 'mode'"
_OTHER_MODE = "SELECT id FROM tallystick_provider_events WHERE livemode <> :live"
_DELIVERIES = """
SELECT d.id, d.outcome, d.settled_at, d.reason, j.key FROM tallystick_provider_events d
LEFT JOIN tallystick_jobs j ON j.name = 'settle' AND j.subject = d.id
WHERE (d.outcome = 'new' AND (j.key IS NULL OR d.settled_at IS NOT NULL)) OR (d.outcome <> 'new' AND d.settled_at IS NULL)
"""
_GOOD_NEWS = """
SELECT id, kind, body FROM tallystick_provider_events
WHERE outcome = 'settled' AND (kind LIKE '%.paid' OR kind LIKE '%.succeeded')
"""
_OF_REF = """
SELECT id, ref, status FROM tallystick_payments WHERE ref IS NOT NULL
UNION ALL
SELECT subscription_id, ref, CASE standing WHEN 'paid' THEN 'succeeded' ELSE standing END FROM tallystick_mirrored_invoices
"""


def one_payment(conn: Connection, wrong: Wrongs) -> int:
    """One live payment per invoice, for its total less its credit notes; it is paid by one payment, or by nothing to pay."""
    for row in rows(conn, _LIVE):
        wrong(row.invoice_id, f"has {row.live} live payments")
    for row in rows(conn, _AMOUNTS.replace("{ASKED}", _ASKED)):
        wrong(row.id, f"is for {row.amount} {row.currency}, its invoice for {row.asked} {row.owed}")
    for row in rows(conn, _PAID.replace("{ASKED}", _ASKED)):
        succeeded = int(row.succeeded)
        due = int(row.asked) - int(row.carried)
        if row.status == "paid" and succeeded != int(due > 0):
            wrong(row.id, f"is paid, {due} by {succeeded} payments")
        if row.status in {"open", "uncollectible"} and (succeeded or not row.payments):
            wrong(row.id, f"is {row.status}, and has {row.payments} payments, {succeeded} of them succeeded")
    return count(conn, "tallystick_payments")


def booked_once(conn: Connection, wrong: Wrongs) -> int:
    for row in rows(conn, _BOOKED):
        expected = (1, row.amount) if row.status == "succeeded" else (0, 0)
        if (row.bookings, int(row.cash or 0)) != expected:
            wrong(row.id, f"is {row.status}, and booked {row.bookings} times with {row.cash} in cash")
    return count(conn, "tallystick_payments")


def monotonic(conn: Connection, wrong: Wrongs) -> int:
    """What the trail says was paid is still paid."""
    checked = 0
    for row in rows(conn, _CONFIRMED):
        checked += 1
        if row.times != 1 or row.status != "succeeded" or row.invoice_status not in {"paid", "void"}:
            wrong(row.subject, f"succeeded {row.times} times, is {row.status}, its invoice {row.invoice_status}")
    return checked


def one_mode(conn: Connection, wrong: Wrongs) -> int:
    """The mode is pinned, and no news of another mode was kept."""
    pinned = next(rows(conn, _MODES), None)
    if pinned is not None and pinned.value not in {"sandbox", "test", "live"}:
        wrong("mode", f"is {pinned.value!r}")
    if pinned is not None:
        for row in rows(conn, _OTHER_MODE, live=int(pinned.value == "live")):
            wrong(row.id, f"is not of {pinned.value} mode")
    return count(conn, "tallystick_provider_events")


def settled(conn: Connection, wrong: Wrongs) -> int:
    """What waits has a job; what is settled has its time, and its effect."""
    for row in rows(conn, _DELIVERIES):
        wrong(row.id, f"is {row.outcome}, settled at {row.settled_at}, its job {row.key}")
    statuses = {row.ref: (row.id, row.status) for row in rows(conn, _OF_REF)}
    for row in rows(conn, _GOOD_NEWS):
        ref = json.loads(row.body)["data"]["object"]["id"]
        payment, status = statuses.get(ref, (None, None))
        if status != "succeeded":
            wrong(row.id, f"{row.kind} of {ref} is settled, and {payment} is {status}")
    return count(conn, "tallystick_provider_events")
