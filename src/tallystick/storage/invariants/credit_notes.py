"""Credit notes and refunds: never more than was asked for or paid, booked once, and with the end that the trail says."""

from sqlalchemy import Connection

from tallystick.storage.invariants.finding import Wrongs, count, rows

_OVER = """
SELECT n.customer_id, n.invoice_id, i.total, i.status, SUM(n.amount) AS credited, SUM(n.reduced) AS reduced
FROM tallystick_credit_notes n
LEFT JOIN tallystick_invoices i ON i.customer_id = n.customer_id AND i.id = n.invoice_id AND i.currency = n.currency
GROUP BY n.customer_id, n.invoice_id, i.total, i.status
HAVING i.total IS NULL OR SUM(n.amount) > i.total OR i.status = 'draft' OR (i.status = 'void' AND SUM(n.amount) <> SUM(n.reduced))
    OR (i.status = 'open' AND SUM(n.reduced) >= i.total)
"""
_LINES = """
SELECT c.customer_id, c.line_id, l.amount, SUM(c.amount) AS credited
FROM tallystick_credit_note_lines c
LEFT JOIN tallystick_invoice_lines l ON l.customer_id = c.customer_id AND l.id = c.line_id
GROUP BY c.customer_id, c.line_id, l.amount HAVING l.amount IS NULL OR SUM(c.amount) > l.amount
"""
_NOTED = """
SELECT n.id, n.amount, n.reduced, n.refunded, n.credited, n.carried,
       (SELECT COUNT(*) FROM tallystick_ledger_transactions t
        WHERE t.customer_id = n.customer_id AND t.subject = n.id AND t.kind = 'credit_note.issued') AS booked,
       (SELECT COALESCE(SUM(c.amount), n.amount) FROM tallystick_credit_note_lines c
        WHERE c.customer_id = n.customer_id AND c.credit_note_id = n.id) AS of_lines,
       (SELECT COALESCE(SUM(r.amount - r.excess), 0) FROM tallystick_refunds r
        WHERE r.customer_id = n.customer_id AND r.credit_note_id = n.id) AS given_back,
       (SELECT COUNT(*) FROM tallystick_refunds r
        WHERE r.customer_id = n.customer_id AND r.credit_note_id = n.id) AS times,
       (SELECT COUNT(*) FROM tallystick_audit a WHERE a.subject = n.id AND a.action = 'credit_note.issued') AS told
FROM tallystick_credit_notes n
"""
_SET_ASIDE = """
SELECT p.id, p.status, p.amount, p.refunded,
       COALESCE(SUM(CASE WHEN r.status IN ('pending', 'succeeded') THEN r.amount ELSE 0 END), 0) AS living
FROM tallystick_payments p
LEFT JOIN tallystick_refunds r ON r.customer_id = p.customer_id AND r.payment_id = p.id AND r.currency = p.currency
GROUP BY p.id, p.status, p.amount, p.refunded
HAVING p.refunded <> COALESCE(SUM(CASE WHEN r.status IN ('pending', 'succeeded') THEN r.amount ELSE 0 END), 0)
    OR p.refunded > p.amount OR (p.refunded > 0 AND p.status <> 'succeeded')
"""
_STRAY = """
SELECT r.id FROM tallystick_refunds r
LEFT JOIN tallystick_payments p ON p.customer_id = r.customer_id AND p.id = r.payment_id AND p.invoice_id = r.invoice_id
  AND p.currency = r.currency AND p.status = 'succeeded'
LEFT JOIN tallystick_credit_notes n ON n.customer_id = r.customer_id AND n.id = r.credit_note_id
WHERE p.id IS NULL OR (r.credit_note_id IS NOT NULL AND n.id IS NULL) OR (r.status = 'succeeded' AND r.ref IS NULL)
"""
# What happened to a refund, by the books and by the trail.
_ENDED = """
SELECT r.id, r.status,
       (SELECT COUNT(*) FROM tallystick_ledger_transactions t
        WHERE t.customer_id = r.customer_id AND t.subject = r.id AND t.kind = 'refund.succeeded') AS left_us,
       (SELECT COUNT(*) FROM tallystick_ledger_transactions t
        WHERE t.customer_id = r.customer_id AND t.subject = r.id AND t.kind IN ('refund.failed', 'refund.canceled')) AS came_back,
       (SELECT COUNT(*) FROM tallystick_audit a WHERE a.subject = r.id AND a.action = 'refund.succeeded') AS left_told,
       (SELECT COUNT(*) FROM tallystick_audit a
        WHERE a.subject = r.id AND a.action IN ('refund.failed', 'refund.canceled')) AS came_told
FROM tallystick_refunds r
"""


def noted(conn: Connection, wrong: Wrongs) -> int:
    for row in rows(conn, _OVER):
        wrong(
            row.invoice_id,
            f"is {row.status}, asks for {row.total}; credited are {row.credited}, {row.reduced} of it before payment",
        )
    for row in rows(conn, _LINES):
        wrong(row.line_id, f"comes to {row.amount}, and {row.credited} of it are credited")
    for row in rows(conn, _NOTED):
        parts = row.reduced + row.refunded + row.credited
        if row.amount <= 0 or parts != row.amount or int(row.of_lines) != row.amount:
            wrong(row.id, f"is over {row.amount}; its parts come to {parts}, its lines to {row.of_lines}")
        if (row.booked, row.told) != (1, 1):
            wrong(row.id, f"was booked {row.booked} times, and is {row.told} times in the trail")
        if int(row.given_back) != row.refunded or row.times > 1:
            wrong(row.id, f"gives back {row.refunded}; {row.times} refunds of it come to {row.given_back}")
    return count(conn, "tallystick_credit_notes")


def given_back(conn: Connection, wrong: Wrongs) -> int:
    for row in rows(conn, _SET_ASIDE):
        wrong(row.id, f"is {row.status} over {row.amount}; {row.refunded} are set aside, its refunds come to {row.living}")
    for row in rows(conn, _STRAY):
        wrong(row.id, "gives back no payment that succeeded, or follows no credit note, or nobody knows which it is")
    for row in rows(conn, _ENDED):
        left, back = int(row.left_us), int(row.came_back)
        expected = {"pending": {(0, 0)}, "succeeded": {(1, 0)}}.get(row.status, {(0, 1), (1, 1)})
        if (left, back) not in expected or (left, back) != (int(row.left_told), int(row.came_told)):
            wrong(row.id, f"is {row.status}; left us {left} times and came back {back} by the books, {row.left_told} and "
                          f"{row.came_told} by the trail")  # fmt: skip
    return count(conn, "tallystick_refunds")
