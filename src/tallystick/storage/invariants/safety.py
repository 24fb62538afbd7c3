"""Safety bounds: what is held is not charged, people were told of it, and somebody has released what is held no longer."""

from sqlalchemy import Connection

from tallystick.storage.invariants.finding import Wrongs, count, rows

_HELD = """
SELECT p.id, p.held, p.held_after, p.released_at, p.charges, p.charging,
       (SELECT COUNT(*) FROM tallystick_audit a WHERE a.action = 'payment.held' AND a.subject = p.invoice_id) AS holds,
       (SELECT COUNT(*) FROM tallystick_audit a WHERE a.action = 'payment.released' AND a.subject = p.invoice_id) AS releases,
       (SELECT COUNT(*) FROM tallystick_alerts t WHERE t.customer_id = p.customer_id AND t.kind = 'payment.held') AS alerts
FROM tallystick_payments p WHERE p.held IS NOT NULL OR p.held_after IS NOT NULL OR p.released_at IS NOT NULL
"""
# What was held for its amount is looked at anew once a credit note has made it smaller: that may be no release.
_LET_GO = """
SELECT p.id, a.holds, a.releases FROM (
    SELECT subject, SUM(CASE WHEN action = 'payment.held' THEN 1 ELSE 0 END) AS holds,
           SUM(CASE WHEN action = 'payment.released' THEN 1 ELSE 0 END) AS releases
    FROM tallystick_audit WHERE action IN ('payment.held', 'payment.released') GROUP BY subject
) a JOIN tallystick_payments p ON p.invoice_id = a.subject
WHERE a.holds > a.releases AND p.automatic = 1 AND p.status NOT IN ('succeeded', 'canceled')
  AND (p.held IS NULL OR p.released_at IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM tallystick_credit_notes n WHERE n.customer_id = p.customer_id AND n.invoice_id = p.invoice_id)
"""


def held(conn: Connection, wrong: Wrongs) -> int:
    """No charge was begun since a payment is held, by the count of its charges; each hold and release is in the trail.

    That nothing was begun beyond a bound is not proven here: bounds are settings, and no row says what they were.
    """
    for row in rows(conn, _HELD):
        if row.held is None or row.held_after is None:
            wrong(row.id, f"is held for {row.held} after {row.held_after} charges")
            continue
        if row.released_at is None and (row.charging or row.charges != row.held_after):
            wrong(row.id, f"is held for {row.held} since {row.held_after} charges, and {row.charges} were begun")
        if not row.holds or not row.alerts:
            wrong(row.id, f"is held for {row.held}, and nobody was told")
        if row.released_at is not None and not row.releases:
            wrong(row.id, f"was held for {row.held}, and nobody has released it")
    for row in rows(conn, _LET_GO):
        wrong(row.id, f"may be charged: of {row.holds} holds of its invoice {row.releases} were released")
    return count(conn, "tallystick_payments")
