"""Events and what is derived from them: each once, as it was sent, amended or not, and every rollup recomputed from them."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row

from tallystick.storage.invariants.finding import HOUR, Wrongs, count, joined, rows
from tallystick.storage.usage_intake import unique_value
from tallystick.values.decimals import plain

_TWICE = """
SELECT customer_id, source, id, COUNT(*) AS times FROM tallystick_events GROUP BY customer_id, source, id HAVING COUNT(*) > 1
"""
_OUT_OF_RANGE = """
SELECT customer_id, source, id, at, recorded_at FROM tallystick_events
WHERE at < 946684800000000 OR at > recorded_at + 300000000 OR id = '' OR source = ''
"""
_PRICES = "SELECT unit_price, COUNT(*) AS events FROM tallystick_events GROUP BY unit_price"
# Both sides are laid on one pile, the rollups with the opposite sign: what does not cancel out is wrong.
_ROLLED_UP = """
SELECT customer_id, meter_key, hour, unit_price, SUM(n) AS n, SUM(high) AS high, SUM(low) AS low,
       MAX(most) AS most, MAX(kept_most) AS kept_most, MAX(newest) AS newest, MAX(kept_newest) AS kept_newest
FROM (
    SELECT e.customer_id, e.meter_key, e.at - e.at % 3600000000 AS hour, e.unit_price {C} AS unit_price, 1 AS n,
           e.quantity >> 32 AS high, e.quantity & 4294967295 AS low,
           e.quantity AS most, CAST(NULL AS BIGINT) AS kept_most, e.at AS newest, CAST(NULL AS BIGINT) AS kept_newest
    FROM tallystick_events e WHERE {COUNTS}
    UNION ALL
    SELECT r.customer_id, r.meter_key, r.hour, r.unit_price {C}, -r.count, -(r.sum >> 32), -(r.sum & 4294967295),
           NULL, r.max, NULL, r.latest_at
    FROM tallystick_usage_rollups r
) AS pile
GROUP BY customer_id, meter_key, hour, unit_price
HAVING SUM(n) <> 0 OR SUM(high) <> 0 OR SUM(low) <> 0 OR MAX(most) <> MAX(kept_most) OR MAX(newest) <> MAX(kept_newest)
"""
_LATEST = """
SELECT r.customer_id, r.meter_key, r.hour, r.latest_source, r.latest_id
FROM tallystick_usage_rollups r
LEFT JOIN tallystick_events f ON f.customer_id = r.customer_id AND f.source = r.latest_source AND f.id = r.latest_id
WHERE f.id IS NULL OR f.at <> r.latest_at OR f.quantity <> r.latest_quantity OR f.meter_key <> r.meter_key
   OR f.unit_price {C} <> r.unit_price {C}
   OR EXISTS (
        SELECT 1 FROM tallystick_event_amendments a
        WHERE a.customer_id = f.customer_id AND a.source = f.source AND a.id = f.id)
   OR EXISTS (
        SELECT 1 FROM tallystick_events e
        WHERE e.customer_id = r.customer_id AND e.meter_key = r.meter_key AND e.at = r.latest_at
          AND e.unit_price {C} = r.unit_price {C}
          AND (e.source > r.latest_source OR (e.source = r.latest_source AND e.id > r.latest_id)) AND {COUNTS})
"""
_UNIQUE_METERS = "SELECT key, unique_property FROM tallystick_meters WHERE unique_property IS NOT NULL ORDER BY key"
_OF_METER = """
SELECT e.customer_id, e.at - e.at % 3600000000 AS hour, e.properties
FROM tallystick_events e WHERE e.meter_key = :meter AND {COUNTS} {order}
"""
_AMENDED_WRONGLY = """
SELECT a.customer_id, a.source, a.id, a.replacement_id, e.meter_key, r.meter_key AS replaced_on
FROM tallystick_event_amendments a
LEFT JOIN tallystick_events e ON e.customer_id = a.customer_id AND e.source = a.source AND e.id = a.id
LEFT JOIN tallystick_events r
  ON r.customer_id = a.customer_id AND r.source = a.replacement_source AND r.id = a.replacement_id
WHERE e.id IS NULL OR (a.replacement_source = '') <> (a.replacement_id = '')
   OR (a.replacement_id <> '' AND (r.id IS NULL OR r.meter_key <> e.meter_key))
"""
_REPLACING_TWO = """
SELECT customer_id, replacement_source AS source, replacement_id AS id, COUNT(*) AS times FROM tallystick_event_amendments
WHERE replacement_id <> '' GROUP BY customer_id, replacement_source, replacement_id HAVING COUNT(*) > 1
"""
_UNIQUES = "SELECT customer_id, hour, value FROM tallystick_usage_uniques WHERE meter_key = :meter {order}"


def once(conn: Connection, wrong: Wrongs) -> int:
    for row in rows(conn, _TWICE):
        wrong(f"{row.customer_id}/{row.source}/{row.id}", f"is stored {row.times} times")
    return count(conn, "tallystick_events")


def exact_input(conn: Connection, wrong: Wrongs) -> int:
    for row in rows(conn, _OUT_OF_RANGE):
        wrong(f"{row.customer_id}/{row.source}/{row.id}", f"at {row.at}, recorded at {row.recorded_at}: out of range, or unnamed")
    for row in rows(conn, _PRICES):
        if not _is_plain(row.unit_price):
            wrong(f"unit_price {row.unit_price!r}", f"of {row.events} events is no decimal in its one form")
    return count(conn, "tallystick_events")


def amended(conn: Connection, wrong: Wrongs) -> int:
    """What counts no longer was recorded, and so was what counts in its place: on the same meter, and for nothing else."""
    for row in rows(conn, _AMENDED_WRONGLY):
        subject = f"{row.customer_id}/{row.source}/{row.id}"
        if row.meter_key is None:
            wrong(subject, "is amended, and there is no such event")
        else:
            wrong(subject, f"on {row.meter_key} is replaced by {row.replacement_id!r} on {row.replaced_on}")
    for row in rows(conn, _REPLACING_TWO):
        wrong(f"{row.customer_id}/{row.source}/{row.id}", f"stands in the place of {row.times} events")
    return count(conn, "tallystick_event_amendments")


def _is_plain(price: str) -> bool:
    try:
        return price == "" or plain(Decimal(price)) == price
    except InvalidOperation:
        return False


def derivable(conn: Connection, wrong: Wrongs) -> int:
    for row in rows(conn, _ROLLED_UP):
        # Halves that differ may still join to the same sum.
        off = int(row.n), joined(row.high, row.low), row.most != row.kept_most, row.newest != row.kept_newest
        if any(off):
            wrong(
                f"{row.customer_id}/{row.meter_key}/{row.hour}",
                f"events - rollup: {off[0]} in count, {off[1]} in sum; max {row.most}, kept {row.kept_most}; "
                f"newest {row.newest}, kept {row.kept_newest}",
            )
    for row in rows(conn, _LATEST):
        wrong(f"{row.customer_id}/{row.meter_key}/{row.hour}", f"{row.latest_source}/{row.latest_id} is not its latest event")
    for meter in list(rows(conn, _UNIQUE_METERS)):
        _check_uniques(conn, wrong, meter.key, meter.unique_property)
    return count(conn, "tallystick_events") + count(conn, "tallystick_usage_rollups")


def _check_uniques(conn: Connection, wrong: Wrongs, meter: str, named: str) -> None:
    """Both sides are read in the same order, one customer and hour at a time, so that memory does not grow with history."""
    order = "ORDER BY customer_id, hour"
    events = _by_hour(rows(conn, _OF_METER.replace("{order}", order), meter=meter))
    kept = _by_hour(rows(conn, _UNIQUES.replace("{order}", order), meter=meter))
    left, right = next(events, None), next(kept, None)
    while left is not None or right is not None:
        key = min(side[0] for side in (left, right) if side is not None)
        seen, counted = set(), set()
        if left is not None and left[0] == key:
            seen, left = {unique_value(row.properties, named) for row in left[1]}, next(events, None)
        if right is not None and right[0] == key:
            counted, right = {row.value for row in right[1]}, next(kept, None)
        if seen != counted:
            wrong(
                f"{key[0]}/{meter}/{key[1]}", f"{len(seen - counted)} values are not counted, {len(counted - seen)} too many are"
            )


def _by_hour(found: Iterator[Row[Any]]) -> Iterator[tuple[tuple[str, int], list[Row[Any]]]]:
    for key, group in groupby(found, key=lambda row: (row.customer_id, row.hour)):
        yield (key[0], key[1]), list(group)


assert HOUR == 3_600_000_000, "as the statements above say it"
