"""Usage: recorded once, summed up exactly, and billed up to a position that late events are noted against."""

import heapq
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Select, bindparam, literal, select, tuple_

from tallystick.domain.usage import Event, Meter
from tallystick.storage import schema
from tallystick.storage.database import insert_of
from tallystick.storage.types import Instant, Key
from tallystick.storage.usage_amendments import amend, amendment, amendments
from tallystick.storage.usage_feed import named, newest
from tallystick.storage.usage_intake import append
from tallystick.storage.usage_levels import carried
from tallystick.storage.usage_rows import counts, event_of
from tallystick.storage.usage_totals import amounts, measured, total, totals
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.time import Period

__all__ = [
    "EventQuery",
    "advance_position",
    "amend",
    "amendment",
    "amendments",
    "amounts",
    "append",
    "clear_late",
    "customers_with_usage",
    "events",
    "first_at",
    "get_event",
    "late_charges",
    "late_hours",
    "level_before",
    "measured",
    "named",
    "newest",
    "position",
    "total",
    "totals",
]

# Asked for each charge of each bill, and therefore kept: most of a small statement's time is its making.
_EVENTS, _POSITIONS, _LATE = schema.events.c, schema.billing_positions.c, schema.late_usage.c
_FIRST_AT = (
    select(_EVENTS.at)
    .where(_EVENTS.customer_id == bindparam("customer"), _EVENTS.meter_key == bindparam("meter"), counts())
    .order_by(_EVENTS.at)
    .limit(1)
)
_POSITION = select(_POSITIONS.billed_through).where(
    _POSITIONS.customer_id == bindparam("customer"), _POSITIONS.charge_key == bindparam("charge")
)
_LATE_HOURS = (
    select(_LATE.hour)
    .where(_LATE.customer_id == bindparam("customer"), _LATE.charge_key == bindparam("charge"))
    .order_by(_LATE.hour)
)
_EVENT = (
    select(schema.events, schema.meters.c.decimals)
    .join(schema.meters, schema.meters.c.key == _EVENTS.meter_key)
    .where(_EVENTS.customer_id == bindparam("customer"), _EVENTS.source == bindparam("source"), _EVENTS.id == bindparam("event"))
)
_LATE_CHARGES = select(_LATE.charge_key).where(_LATE.customer_id == bindparam("customer")).distinct()


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events: one customer's, of one meter or of all, within a period or ever; `amended`: those too that do not count."""

    customer_id: CustomerId
    meter_key: MeterKey | None = None
    period: Period | None = None
    amended: bool = False


def events(conn: Connection, query: EventQuery, *, after: Event | None = None, limit: int) -> list[Event]:
    """In the order of (at, source, id), beginning behind `after`."""
    # Meter by meter, each from its own index, and then merged: no page costs more than `limit` rows for each meter.
    pages = [
        [event_of(row, decimals) for row in conn.execute(_ordered(query, meter, after).limit(limit))]
        for meter, decimals in _decimals(conn, query.meter_key)
    ]
    merged = heapq.merge(*pages, key=lambda event: (event.at, event.source, event.id))
    return list(itertools.islice(merged, limit))


def get_event(conn: Connection, customer_id: CustomerId, source: str, event_id: EventId) -> Event | None:
    """As it was recorded, whether or not it counts."""
    row = conn.execute(_EVENT, {"customer": customer_id, "source": source, "event": event_id}).one_or_none()
    return None if row is None else event_of(row, row.decimals)


def first_at(conn: Connection, customer_id: CustomerId, meter_key: MeterKey) -> datetime | None:
    """The time of the earliest event that counts."""
    found: datetime | None = conn.execute(_FIRST_AT, {"customer": customer_id, "meter": meter_key}).scalar_one_or_none()
    return found


def level_before(conn: Connection, customer_id: CustomerId, meter: Meter, at: datetime) -> Event | None:
    """The event whose level stands when the instant `at` begins."""
    row = carried(conn, customer_id, meter.key, at)
    return None if row is None else event_of(row, meter.decimals)


def position(conn: Connection, customer_id: CustomerId, charge_key: str) -> datetime | None:
    """Up to where this charge was billed; None where it never was."""
    found: datetime | None = conn.execute(_POSITION, {"customer": customer_id, "charge": charge_key}).scalar_one_or_none()
    return found


def advance_position(
    conn: Connection, customer_id: CustomerId, charge_key: str, meter_key: MeterKey, *, billed_through: datetime
) -> None:
    """Never backwards. Hold `customers.lock` since before the usage was read: then no event slips in between."""
    row = {"customer_id": customer_id, "charge_key": charge_key, "meter_key": meter_key, "billed_through": billed_through}
    conn.execute(_advance(conn.dialect.name), row)


@cache
def _advance(dialect: str) -> Insert:
    table = schema.billing_positions
    put = insert_of(dialect, table)
    return put.on_conflict_do_update(
        index_elements=["customer_id", "charge_key"],
        set_={"billed_through": put.excluded.billed_through, "meter_key": put.excluded.meter_key},
        where=table.c.billed_through < put.excluded.billed_through,
    )


def late_hours(conn: Connection, customer_id: CustomerId, charge_key: str) -> list[datetime]:
    """The starts of the hours whose events are others since this charge was billed for them, in order."""
    return list(conn.execute(_LATE_HOURS, {"customer": customer_id, "charge": charge_key}).scalars())


def late_charges(conn: Connection, customer_id: CustomerId) -> set[str]:
    """The charges that have such hours: none of them, for nearly every customer."""
    return set(conn.execute(_LATE_CHARGES, {"customer": customer_id}).scalars())


def clear_late(conn: Connection, customer_id: CustomerId, charge_key: str, hours: Iterable[datetime]) -> None:
    """What changed in them is billed now."""
    hours = sorted(hours)
    if not hours:
        return
    table = schema.late_usage
    these = (table.c.customer_id == customer_id, table.c.charge_key == charge_key, table.c.hour.in_(hours))
    conn.execute(table.delete().where(*these))


def customers_with_usage(conn: Connection, *, after: CustomerId | None = None, limit: int) -> list[CustomerId]:
    """Who has used something, or is to get back what counts no longer; by id, beginning behind `after`."""
    customers, rollups, late = schema.customers.c, schema.usage_rollups.c, schema.late_usage.c
    used = select(rollups.hour).where(rollups.customer_id == customers.id).exists()
    asked = select(customers.id).where(used | select(late.hour).where(late.customer_id == customers.id).exists())
    if after is not None:
        asked = asked.where(customers.id > after)
    return [CustomerId(found) for found in conn.execute(asked.order_by(customers.id).limit(limit)).scalars()]


def _decimals(conn: Connection, meter_key: MeterKey | None) -> Iterator[tuple[MeterKey, int]]:
    table = schema.meters.c
    asked = select(table.key, table.decimals)
    if meter_key is not None:
        asked = asked.where(table.key == meter_key)
    return ((MeterKey(row.key), row.decimals) for row in conn.execute(asked).all())


def _ordered(query: EventQuery, meter_key: MeterKey, after: Event | None) -> Select[Any]:
    table = schema.events.c
    asked = select(schema.events).where(table.customer_id == query.customer_id, table.meter_key == meter_key)
    if not query.amended:
        asked = asked.where(counts())
    if query.period is not None:
        asked = asked.where(table.at >= query.period.start, table.at < query.period.end)
    if after is not None:
        place = tuple_(literal(after.at, Instant()), literal(after.source, Key()), literal(after.id, Key()))
        # Said twice: the index leads to the instant, and the rest to the event within it.
        asked = asked.where(table.at >= after.at, tuple_(table.at, table.source, table.id) > place)
    return asked.order_by(table.at, table.source, table.id)
