"""Quotas: every counter recomputed from its operations, never beyond a hard limit, and each use is an event on the bill."""

from sqlalchemy import Connection

from tallystick.domain.entitlements import SOURCE, TTL_MAX, reservation_id
from tallystick.storage.invariants.finding import Wrongs, count, joined, rows
from tallystick.values.ids import CustomerId, OperationId

_TTL_MAX = TTL_MAX.days * 86_400_000_000  # microseconds
# Halves of 32 bits are summed apart, so that no sum can leave 64 bits.
_COUNTED = """
SELECT c.customer_id, c.meter_key, c.period_start, c.used, c.reserved,
       SUM(o.taken >> 32) AS taken_high, SUM(o.taken & 4294967295) AS taken_low,
       SUM(CASE WHEN o.status = 'reserved' THEN o.quantity >> 32 END) AS held_high,
       SUM(CASE WHEN o.status = 'reserved' THEN o.quantity & 4294967295 END) AS held_low,
       SUM(CASE WHEN o.id IS NOT NULL AND o.hard_limit IS NULL THEN 1 ELSE 0 END) AS unlimited, MAX(o.hard_limit) AS hard_limit
FROM tallystick_quota_counters c
LEFT JOIN tallystick_quota_operations o
  ON o.customer_id = c.customer_id AND o.meter_key = c.meter_key AND o.period_start = c.period_start
GROUP BY c.customer_id, c.meter_key, c.period_start, c.used, c.reserved
"""
_OVERFILLED = """
SELECT customer_id, id, filled, hard_limit FROM tallystick_quota_operations WHERE filled > hard_limit
"""
_RECORDED = """
SELECT o.customer_id, o.id, o.meter_key, o.taken, e.meter_key AS recorded_as, e.quantity, e.at, o.at AS taken_at
FROM tallystick_quota_operations o
LEFT JOIN tallystick_events e ON e.customer_id = o.customer_id AND e.source = :source AND e.id = o.id
WHERE o.taken > 0 AND (e.id IS NULL OR e.meter_key <> o.meter_key OR e.quantity <> o.taken OR e.at <> o.at)
"""
_ENDLESS = """
SELECT customer_id, id, reservation_id, at, expires_at FROM tallystick_quota_operations
WHERE (status <> 'taken' AND expires_at IS NULL) OR expires_at <= at OR expires_at > at + :longest
"""
_OPERATIONS = "SELECT customer_id, id, reservation_id FROM tallystick_quota_operations"


def within(conn: Connection, wrong: Wrongs) -> int:
    """Counters are sums of their operations; where each of these met a hard limit, the highest of those bounds the sum."""
    for row in rows(conn, _COUNTED):
        taken, held = joined(row.taken_high, row.taken_low), joined(row.held_high, row.held_low)
        subject = f"{row.customer_id}/{row.meter_key}/{row.period_start}"
        if (row.used, row.reserved) != (taken, held):
            wrong(subject, f"used {row.used} and reserved {row.reserved}; its operations come to {taken} and {held}")
        if not row.unlimited and row.hard_limit is not None and taken + held > row.hard_limit:
            wrong(subject, f"{taken} taken and {held} held, over the hard limit of {row.hard_limit}")
    for row in rows(conn, _OVERFILLED):
        wrong(f"{row.customer_id}/{row.id}", f"was granted at {row.filled}, over the hard limit of {row.hard_limit}")
    return count(conn, "tallystick_quota_operations")


def recorded(conn: Connection, wrong: Wrongs) -> int:
    """What was amended since is not on the bill any more; the event stands as it was taken, and so does the counter."""
    for row in rows(conn, _RECORDED, source=SOURCE):
        said = "no event" if row.quantity is None else f"an event of {row.quantity} {row.recorded_as} at {row.at}"
        wrong(f"{row.customer_id}/{row.id}", f"took {row.taken} {row.meter_key} at {row.taken_at}, and there is {said}")
    return count(conn, "tallystick_quota_operations")


def ending(conn: Connection, wrong: Wrongs) -> int:
    for row in rows(conn, _ENDLESS, longest=_TTL_MAX):
        wrong(f"{row.customer_id}/{row.id}", f"reserved at {row.at}, ends at {row.expires_at}: never, too late, or too early")
    for row in rows(conn, _OPERATIONS):
        if row.reservation_id != reservation_id(CustomerId(row.customer_id), OperationId(row.id)):
            wrong(f"{row.customer_id}/{row.id}", f"is not reservation {row.reservation_id}")
    return count(conn, "tallystick_quota_operations")
