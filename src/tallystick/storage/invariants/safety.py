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
    return count(conn, "tallystick_payments")
