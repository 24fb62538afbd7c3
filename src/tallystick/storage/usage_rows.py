"""Usage as rows: what an event is in the table, and the hour that it falls into."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, exists, literal_column, select

from tallystick.domain.usage import Event, Meter
from tallystick.storage import schema
from tallystick.values.decimals import from_steps, plain, to_steps
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.time import from_micros, to_micros

HOUR = timedelta(hours=1)
HOUR_MICROS = 3_600_000_000
NO_PRICE = ""


# A row of tallystick_events as the driver takes it: a plain tuple, because a named one costs a quarter of recording an event.
EventRow = tuple[CustomerId, str, EventId, MeterKey, int, int, str, str, int]
Name = tuple[CustomerId, str, EventId]
COLUMNS = ("customer_id", "source", "id", "meter_key", "at", "quantity", "unit_price", "properties", "recorded_at")


def event_row(event: Event, meter: Meter, recorded: int) -> EventRow:
    return (
        event.customer_id,
        event.source,
        event.id,
        event.meter_key,
        to_micros(event.at),
        to_steps(event.quantity, meter.decimals),
        NO_PRICE if event.unit_price is None else plain(event.unit_price),
        _properties_text(event.properties) if event.properties else "{}",
        recorded,
    )


def name_of(row: EventRow) -> Name:
    return row[:3]


def said_by(row: EventRow) -> tuple[object, ...]:
    """What the event says besides its name: equal where the fingerprints are, since a meter in use keeps its decimals."""
    return row[3:8]


def _properties_text(properties: Mapping[str, str]) -> str:
    """`json_text`, for a flat document of texts: in a fifth of the time, for every event."""
    return "{" + ",".join([f"{_quoted(key)}:{_quoted(value)}" for key, value in sorted(properties.items())]) + "}"


def event_of(row: Row[Any], decimals: int) -> Event:
    return Event(
        customer_id=CustomerId(row.customer_id),
        id=EventId(row.id),
        meter_key=MeterKey(row.meter_key),
        quantity=from_steps(row.quantity, decimals),
        at=row.at,
        source=row.source,
        unit_price=price_of(row.unit_price),
        properties=json.loads(row.properties),
    )


def counts() -> ColumnElement[bool]:
    """Of a statement that reads events: only those that were not amended."""
    events, amendments = schema.events.c, schema.event_amendments.c
    amended: Select[Any] = select(literal_column("1")).where(
        amendments.customer_id == events.customer_id, amendments.source == events.source, amendments.id == events.id
    )
    return ~exists(amended)


def price_of(text: str) -> Decimal | None:
    return None if text == NO_PRICE else Decimal(text)


def hour_of(at: datetime) -> datetime:
    """The start of the hour that `at` falls into."""
    micros = to_micros(at)
    return from_micros(micros - micros % HOUR_MICROS)
