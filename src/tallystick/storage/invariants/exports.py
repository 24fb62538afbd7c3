"""Usage that the provider's meters are told: each fact as it was recorded, none missed where we have looked, and none alone."""

from sqlalchemy import Connection

from tallystick.domain.usage_exports import Part
from tallystick.storage.invariants.finding import HOUR, Wrongs, count, rows
from tallystick.values.ids import derived

_TOLD = """
SELECT x.customer_id, x.source, x.event_id, x.part, x.attempt, x.identifier, x.quantity, x.at, x.status, x.asked_at, x.amended,
       e.quantity AS recorded, e.at AS happened_at, m.aggregation, m.decimals, a.id AS amendment
FROM tallystick_usage_exports x
JOIN tallystick_events e ON e.customer_id = x.customer_id AND e.source = x.source AND e.id = x.event_id
JOIN tallystick_meters m ON m.key = e.meter_key
LEFT JOIN tallystick_event_amendments a ON a.customer_id = x.customer_id AND a.source = x.source AND a.id = x.event_id
"""
_HALVES = """
SELECT x.customer_id, x.source, x.event_id, x.status, r.event_id AS reversed
FROM tallystick_usage_exports x
LEFT JOIN tallystick_usage_exports r
  ON r.customer_id = x.customer_id AND r.source = x.source AND r.event_id = x.event_id AND r.part = 'reversal'
WHERE x.part = 'usage' AND (x.status = 'reversed') <> (r.event_id IS NOT NULL)
"""
# Of an hour that came to the same when it was looked at, every event that counts has its row; but for what took the place of an
# event of the same quantity in the same hour, of which the provider need not hear.
_MISSED = """
SELECT e.customer_id, e.source, e.id
FROM tallystick_usage_export_hours h
JOIN tallystick_usage_rollups r
  ON r.customer_id = h.customer_id AND r.meter_key = h.meter_key AND r.hour = h.hour AND r.unit_price = h.unit_price
JOIN tallystick_events e
  ON e.customer_id = h.customer_id AND e.meter_key = h.meter_key AND e.at >= h.hour AND e.at < h.hour + :hour
 AND e.unit_price = h.unit_price
WHERE h.count = r.count AND h.sum = r.sum AND {COUNTS} AND NOT EXISTS (
    SELECT 1 FROM tallystick_usage_exports x
    WHERE x.customer_id = e.customer_id AND x.source = e.source AND x.event_id = e.id AND x.part = 'usage')
  AND NOT EXISTS (
    SELECT 1 FROM tallystick_event_amendments b
    JOIN tallystick_usage_exports y ON y.customer_id = b.customer_id AND y.source = b.source AND y.event_id = b.id
    WHERE b.customer_id = e.customer_id AND y.meter_key = e.meter_key AND y.amended = 0
      AND y.at >= h.hour AND y.at < h.hour + :hour)
"""


def told(conn: Connection, wrong: Wrongs) -> int:
    """What a row says is what its event says, under the name that comes of the event; a reversal says the opposite."""
    for row in rows(conn, _TOLD):
        subject = f"{row.customer_id}/{row.source}/{row.event_id}/{row.part}"
        quantity = 10**row.decimals if row.aggregation == "count" else row.recorded
        expected = -quantity if row.part == Part.REVERSAL.value else quantity
        if (row.quantity, row.at) != (expected, row.happened_at):
            wrong(subject, f"tells of {row.quantity} at {row.at}; recorded is {expected} at {row.happened_at}")
        if row.identifier != derived("use", row.customer_id, row.source, row.event_id, row.part, str(row.attempt)):
            wrong(subject, f"is known as {row.identifier}, which is not of its event")
        if row.status in {"sent", "canceled", "reversed"} and row.asked_at is None:
            wrong(subject, f"is {row.status}, and was never asked")
        if row.amended and row.amendment is None:
            wrong(subject, "is taken back, and its event counts")
    for row in rows(conn, _HALVES):
        said = "is not reversed, and has a reversal" if row.reversed else "is reversed by nothing"
        wrong(f"{row.customer_id}/{row.source}/{row.event_id}", said)
    return count(conn, "tallystick_usage_exports")


def complete(conn: Connection, wrong: Wrongs) -> int:
    """No event of an hour that was looked at is without its row."""
    for row in rows(conn, _MISSED, hour=HOUR):
        wrong(f"{row.customer_id}/{row.source}/{row.id}", "is exported, and nobody was told of it")
    return count(conn, "tallystick_usage_export_hours")
