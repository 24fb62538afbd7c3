"""Recording events, once each, with all that follows from them in the same transaction: rollups, uniques, late marks."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, select, tuple_
from sqlalchemy.exc import DBAPIError

from tallystick.domain.usage import Event, Meter, Verdict
from tallystick.storage import customers, schema
from tallystick.storage.database import insert, insert_new, is_overflow
from tallystick.storage.usage_rows import HOUR_MICROS, EventRow, event_row
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import MeterKey
from tallystick.values.time import from_micros, to_micros

_WIDEST = 2**63
_AT_ONCE = 500
# A longer value is counted by its digest, because an index of PostgreSQL holds no entry above 2.7 kB.
_VALUE_LENGTH_MAX = 256
_DIGEST = "sha256:"

Name = tuple[str, str, str]


def append(conn: Connection, events: Sequence[tuple[Event, Meter]], *, at: datetime) -> list[Verdict]:
    """Records the events that are new; the verdicts are in the order given.

    Raises InvalidInput where a sum would leave 64 bits; then nothing of these events is stored.
    """
    if not events:
        return []
    recorded = to_micros(at)
    sent = [event_row(event, meter, recorded=recorded) for event, meter in events]
    first: dict[Name, EventRow] = {}
    for row in sent:
        first.setdefault(row.name, row)
    # One order of keys for everybody, so that two batches wait for each other and never in a circle.
    rows = sorted(first.values())
    with conn.begin_nested():
        customers.ensure(conn, {row.customer_id for row in rows}, at=at)
        new = _insert(conn, rows)
        fresh = rows if len(new) == len(rows) else [row for row in rows if row.name in new]
        _roll_up(conn, fresh)
        _count_uniques(conn, fresh, {meter.key: meter.unique_property for _, meter in events if meter.unique_property})
        _mark_late(conn, fresh)
    if len(fresh) == len(sent):
        return [Verdict.RECORDED] * len(sent)
    return _verdicts(conn, sent, first, new)


def _insert(conn: Connection, rows: Sequence[EventRow]) -> Collection[Name]:
    """The names of those that were not there yet."""
    table = schema.events
    values = [row._asdict() | {"at": from_micros(row.at), "recorded_at": from_micros(row.recorded_at)} for row in rows]
    return {tuple(row) for row in insert_new(conn, table, values, [table.c.customer_id, table.c.source, table.c.id])}


def _verdicts(conn: Connection, sent: Sequence[EventRow], first: dict[Name, EventRow], new: Collection[Name]) -> list[Verdict]:
    stands = {row.name: row.said for row in first.values() if row.name in new}
    stands |= _stored(conn, [name for name in first if name not in new])
    verdicts = []
    for row in sent:
        if first[row.name] is row and row.name in new:
            verdicts.append(Verdict.RECORDED)
        else:
            verdicts.append(Verdict.DUPLICATE if row.said == stands[row.name] else Verdict.CONFLICT)
    return verdicts


def _stored(conn: Connection, names: Sequence[Name]) -> dict[Name, tuple[object, ...]]:
    """What the events of these names say."""
    table = schema.events
    found: dict[Name, tuple[object, ...]] = {}
    for start in range(0, len(names), _AT_ONCE):
        named = tuple_(table.c.customer_id, table.c.source, table.c.id).in_(names[start : start + _AT_ONCE])
        for row in conn.execute(select(table).where(named)):
            said = (row.meter_key, to_micros(row.at), row.quantity, row.unit_price, row.properties)
            found[(row.customer_id, row.source, row.id)] = said
    return found


def _roll_up(conn: Connection, rows: Sequence[EventRow]) -> None:
    """Adds the events to the rows of their hours."""
    if not rows:
        return
    sums: dict[tuple[str, str, int, str], list[Any]] = {}
    for row in rows:
        key = (row.customer_id, row.meter_key, row.at - row.at % HOUR_MICROS, row.unit_price)
        latest = (row.at, row.source, row.id, row.quantity)
        known = sums.get(key)
        if known is None:
            sums[key] = [1, row.quantity, row.quantity, latest]
            continue
        known[0] += 1
        known[1] += row.quantity
        known[2] = max(known[2], row.quantity)
        known[3] = max(known[3], latest)
    values = [
        {
            "customer_id": customer_id,
            "meter_key": meter_key,
            "hour": from_micros(hour),
            "unit_price": unit_price,
            "count": count,
            "sum": sum_,
            "max": most,
            "latest_at": from_micros(latest[0]),
            "latest_source": latest[1],
            "latest_id": latest[2],
            "latest_quantity": latest[3],
        }
        for (customer_id, meter_key, hour, unit_price), (count, sum_, most, latest) in sorted(sums.items())
    ]
    if any(not -_WIDEST < value["sum"] < _WIDEST for value in values):
        raise _overflow()
    try:
        _upsert(conn, values)
    except DBAPIError as error:
        if is_overflow(error):
            raise _overflow() from error
        raise


def _upsert(conn: Connection, values: list[dict[str, Any]]) -> None:
    put = insert(conn, schema.usage_rollups)
    stands, more = schema.usage_rollups.c, put.excluded
    later = tuple_(more.latest_at, more.latest_source, more.latest_id) > tuple_(
        stands.latest_at, stands.latest_source, stands.latest_id
    )
    latest = {
        name: case((later, more[name]), else_=stands[name])
        for name in ("latest_at", "latest_source", "latest_id", "latest_quantity")
    }
    changed = {
        "count": stands["count"] + more["count"],
        "sum": stands["sum"] + more["sum"],
        "max": case((more["max"] > stands["max"], more["max"]), else_=stands["max"]),
    }
    key = ["customer_id", "meter_key", "hour", "unit_price"]
    conn.execute(put.on_conflict_do_update(index_elements=key, set_=changed | latest), values)


def _overflow() -> InvalidInput:
    return InvalidInput(
        "quantity: the sum of this hour would leave 64 bits; use a meter with fewer decimals",
        field="quantity",
        code="quantity_overflow",
    )


def _count_uniques(conn: Connection, rows: Iterable[EventRow], properties: dict[MeterKey, str]) -> None:
    if not properties:
        return
    seen = {
        (row.customer_id, row.meter_key, row.at - row.at % HOUR_MICROS, unique_value(row.properties, properties[row.meter_key]))
        for row in rows
        if row.meter_key in properties
    }
    names = ("customer_id", "meter_key", "hour", "value")
    values = [dict(zip(names, (key[0], key[1], from_micros(key[2]), key[3]), strict=True)) for key in sorted(seen)]
    insert_new(conn, schema.usage_uniques, values, [schema.usage_uniques.c.customer_id])


def unique_value(properties: str, name: str) -> str:
    """The value that is counted, in a form that an index can hold; different values stay different."""
    value: str = json.loads(properties)[name]
    if len(value) > _VALUE_LENGTH_MAX or value.startswith(_DIGEST):
        return _DIGEST + hashlib.sha256(value.encode()).hexdigest()
    return value


def _mark_late(conn: Connection, rows: Sequence[EventRow]) -> None:
    """Notes the hours of events that came after their charge was billed.

    Their customers' rows are held by the foreign key since the events were inserted, so that a biller, who locks them, has
    either moved the position already, and is seen here, or will read these events.
    """
    if not rows:
        return
    positions = _positions(conn, rows)
    late = {
        (row.customer_id, charge_key, row.at - row.at % HOUR_MICROS)
        for row in rows
        for charge_key, billed_through in positions.get((row.customer_id, row.meter_key), ())
        if row.at < billed_through
    }
    values = [{"customer_id": c, "charge_key": k, "hour": from_micros(hour)} for c, k, hour in sorted(late)]
    insert_new(conn, schema.late_usage, values, [schema.late_usage.c.hour])


def _positions(conn: Connection, rows: Sequence[EventRow]) -> dict[tuple[str, str], list[tuple[str, int]]]:
    table = schema.billing_positions.c
    ids = sorted({row.customer_id for row in rows})
    found = defaultdict(list)
    for start in range(0, len(ids), _AT_ONCE):
        asked = select(table.customer_id, table.meter_key, table.charge_key, table.billed_through).where(
            table.customer_id.in_(ids[start : start + _AT_ONCE]),
            table.billed_through > from_micros(min(row.at for row in rows)),
        )
        for row in conn.execute(asked):
            found[(row.customer_id, row.meter_key)].append((row.charge_key, to_micros(row.billed_through)))
    return found
