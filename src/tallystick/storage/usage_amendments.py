"""Amending an event: it stays, and counts no longer; its hour is added up anew in the same transaction."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, tuple_, type_coerce

from tallystick.domain.amendments import Amendment, EventName
from tallystick.domain.usage import Event, Meter
from tallystick.storage import schema
from tallystick.storage.types import Instant, Whole
from tallystick.storage.usage_intake import count_uniques, mark_late, roll_up
from tallystick.storage.usage_rows import COLUMNS, EventRow, counts, event_row, hour_of
from tallystick.values.ids import CustomerId, EventId
from tallystick.values.time import to_micros

_HOUR = timedelta(hours=1)
_NONE = ""
_AT_ONCE = 500


def amend(conn: Connection, amendment: Amendment, first: Event, meter: Meter) -> None:
    """Takes the event out of the count; bills that counted it are noted to be made up for.

    Hold `customers.lock` since before the event was read: then nobody bills, records or amends beside this.
    """
    row = event_row(first, meter, to_micros(amendment.at))
    mark_late(conn, [row], [meter])  # while it counts: it is asked which periods begin with its level
    replacement = amendment.replacement
    conn.execute(
        schema.event_amendments.insert().values(
            customer_id=first.customer_id,
            source=first.source,
            id=first.id,
            at=amendment.at,
            reason=amendment.reason,
            actor=amendment.actor,
            replacement_source=_NONE if replacement is None else replacement.source,
            replacement_id=_NONE if replacement is None else replacement.id,
        )
    )
    _add_up_anew(conn, first, meter)


def amendment(conn: Connection, name: EventName) -> Amendment | None:
    """What became of the event; None where it counts, or was never recorded."""
    return amendments(conn, [name]).get(name)


def amendments(conn: Connection, names: Iterable[EventName]) -> dict[EventName, Amendment]:
    """Those of these events that count no longer."""
    table, listed = schema.event_amendments, [tuple(name) for name in names]
    found: dict[EventName, Amendment] = {}
    for start in range(0, len(listed), _AT_ONCE):
        named = tuple_(table.c.customer_id, table.c.source, table.c.id).in_(listed[start : start + _AT_ONCE])
        found |= {_name(row): _amendment(row) for row in conn.execute(select(table).where(named))}
    return found


def _add_up_anew(conn: Connection, event: Event, meter: Meter) -> None:
    hour = hour_of(event.at)
    for table in (schema.usage_rollups, schema.usage_uniques):
        of_hour = (table.c.customer_id == event.customer_id, table.c.meter_key == meter.key, table.c.hour == hour)
        conn.execute(table.delete().where(*of_hour))
    events = schema.events.c
    asked = select(*(type_coerce(column, Whole()) if isinstance(column.type, Instant) else column for column in _columns()))
    asked = asked.where(events.customer_id == event.customer_id, events.meter_key == meter.key, counts())
    rows: list[EventRow] = [tuple(row) for row in conn.execute(asked.where(events.at >= hour, events.at < hour + _HOUR))]
    roll_up(conn, rows)
    count_uniques(conn, rows, [meter])


def _columns() -> Iterable[Any]:
    return (schema.events.c[name] for name in COLUMNS)


def _name(row: Row[Any]) -> EventName:
    return EventName(CustomerId(row.customer_id), row.source, EventId(row.id))


def _amendment(row: Row[Any]) -> Amendment:
    named = row.replacement_id != _NONE
    replacement = EventName(CustomerId(row.customer_id), row.replacement_source, EventId(row.replacement_id)) if named else None
    return Amendment(_name(row), row.at, row.reason, row.actor, replacement)
