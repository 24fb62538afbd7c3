"""Usage as rows: what an event is in the table, and the hour that it falls into."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Row

from tallystick.domain.usage import Event, Meter
from tallystick.storage.types import json_text
from tallystick.values.decimals import from_steps, plain, to_steps
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.time import from_micros, to_micros

HOUR = timedelta(hours=1)
HOUR_MICROS = 3_600_000_000
NO_PRICE = ""


class EventRow(NamedTuple):
    """One row of tallystick_events, as the driver takes it, in the order of its columns."""

    customer_id: CustomerId
    source: str
    id: EventId
    meter_key: MeterKey
    at: int
    quantity: int
    unit_price: str
    properties: str
    recorded_at: int

    @property
    def name(self) -> tuple[str, str, str]:
        return self[:3]

    @property
    def said(self) -> tuple[object, ...]:
        """What the event says besides its name: equal where the fingerprints are: a meter in use keeps its decimals."""
        return self[3:8]


def event_row(event: Event, meter: Meter, *, recorded: int) -> EventRow:
    return EventRow(
        event.customer_id,
        event.source,
        event.id,
        event.meter_key,
        to_micros(event.at),
        to_steps(event.quantity, meter.decimals),
        price_text(event.unit_price),
        json_text(dict(event.properties)) if event.properties else "{}",
        recorded,
    )


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


def price_text(price: Decimal | None) -> str:
    return NO_PRICE if price is None else plain(price)


def price_of(text: str) -> Decimal | None:
    return None if text == NO_PRICE else Decimal(text)


def hour_of(at: datetime) -> datetime:
    """The start of the hour that `at` falls into."""
    micros = to_micros(at)
    return from_micros(micros - micros % HOUR_MICROS)
