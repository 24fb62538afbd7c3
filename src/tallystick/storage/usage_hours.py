"""Usage of single hours, across customers and across weeks: what is asked to see whether an hour is unusual."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, func, literal, literal_column, select, tuple_

from tallystick.domain.usage import Meter
from tallystick.storage import schema
from tallystick.storage.types import Key
from tallystick.values.decimals import from_steps
from tallystick.values.ids import CustomerId, MeterKey

_LOW_BITS = 0xFFFF_FFFF


class HourOfCustomer(NamedTuple):
    """What one customer used of one meter in one hour, where its events are added up."""

    customer_id: CustomerId
    meter_key: MeterKey
    steps: int


def of_hour(conn: Connection, hour: datetime, *, after: HourOfCustomer | None = None, limit: int) -> list[HourOfCustomer]:
    """Everybody who used anything in that hour, by customer and meter, behind `after`."""
    table = schema.usage_rollups.c
    asked = select(table.customer_id, table.meter_key, *_halves()).where(table.hour == hour)
    if after is not None:
        place = tuple_(literal(after.customer_id, Key()), literal(after.meter_key, Key()))
        asked = asked.where(tuple_(table.customer_id, table.meter_key) > place)
    asked = asked.group_by(table.customer_id, table.meter_key).order_by(table.customer_id, table.meter_key).limit(limit)
    return [HourOfCustomer(CustomerId(row.customer_id), MeterKey(row.meter_key), _steps(row)) for row in conn.execute(asked)]


def of_hours(conn: Connection, customer_id: CustomerId, meter: Meter, hours: Collection[datetime]) -> dict[datetime, Decimal]:
    """What was used in each of these hours; an hour without usage is left out."""
    table = schema.usage_rollups.c
    asked = select(table.hour, *_halves()).where(
        table.customer_id == customer_id, table.meter_key == meter.key, table.hour.in_(sorted(hours))
    )
    found = conn.execute(asked.group_by(table.hour))
    return {row.hour: from_steps(_steps(row), meter.decimals) for row in found}


def first_hour(conn: Connection, customer_id: CustomerId, meter_key: MeterKey) -> datetime | None:
    """Since when the customer uses this meter."""
    table = schema.usage_rollups.c
    asked = select(table.hour).where(table.customer_id == customer_id, table.meter_key == meter_key)
    found: datetime | None = conn.execute(asked.order_by(table.hour).limit(1)).scalar_one_or_none()
    return found


def _halves() -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Halves of 32 bits are summed apart, so that no sum can leave 64 bits."""
    steps = schema.usage_rollups.c["sum"]
    high, low = func.sum(steps.op(">>")(literal_column("32"))), func.sum(steps.bitwise_and(_LOW_BITS))
    return high.label("high"), low.label("low")


def _steps(row: Row[Any]) -> int:
    return (int(row.high) << 32) + int(row.low)
