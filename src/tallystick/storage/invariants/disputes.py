"""Disputes: of payments that were made, and the books say where the money is."""

from sqlalchemy import Connection

from tallystick.storage.invariants.finding import Wrongs, count, differ, rows

_BOOKED = """
SELECT d.id, d.status, d.withdrawn, d.amount, p.status AS paid, COUNT(DISTINCT t.id) AS bookings,
       COALESCE(SUM(CASE WHEN e.account = 'cash' THEN e.amount ELSE 0 END), 0) AS cash,
       COALESCE(SUM(CASE WHEN e.account = 'disputed' THEN e.amount ELSE 0 END), 0) AS disputed,
       COALESCE(SUM(CASE WHEN e.account = 'bad_debt' THEN e.amount ELSE 0 END), 0) AS bad_debt
FROM tallystick_disputes d
LEFT JOIN tallystick_payments p ON p.customer_id = d.customer_id AND p.id = d.payment_id AND p.invoice_id = d.invoice_id
LEFT JOIN tallystick_ledger_transactions t
  ON t.customer_id = d.customer_id AND t.subject = d.id AND t.kind = 'dispute.moved'
LEFT JOIN tallystick_ledger_entries e ON e.customer_id = t.customer_id AND e.transaction_id = t.id AND e.currency = d.currency
GROUP BY d.id, d.status, d.withdrawn, d.amount, p.status
"""


def booked(conn: Connection, wrong: Wrongs) -> int:
    """What a bank holds has left the cash; it is disputed until it is lost."""
    for row in rows(conn, _BOOKED):
        gone = int(row.amount) if row.withdrawn else 0
        lost = gone if row.status == "lost" else 0
        expected = {"payment": "succeeded", "cash": -gone, "disputed": gone - lost, "bad_debt": lost}
        found = {"payment": row.paid, "cash": int(row.cash), "disputed": int(row.disputed), "bad_debt": int(row.bad_debt)}
        differ(wrong, row.id, expected, found)
    return count(conn, "tallystick_disputes")
