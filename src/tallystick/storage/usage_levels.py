"""Levels over time, from each event of a period and the last one before it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Row, select, type_coerce

from tallystick.domain.usage import Meter, held
from tallystick.storage import schema
from tallystick.storage.types import Whole
from tallystick.storage.usage_rows import EventRow, counts
from tallystick.values.ids import CustomerId, MeterKey
from tallystick.values.time import Period, from_micros, to_micros

_AT_ONCE = 500


def carried(conn: Connection, customer_id: CustomerId, meter_key: MeterKey, at: datetime) -> Row[Any] | None:
    """The event that counts and set the level which stands when the instant `at` begins."""
    table = schema.events.c
    asked = select(schema.events).where(table.customer_id == customer_id, table.meter_key == meter_key, table.at < at, counts())
    return conn.execute(asked.order_by(table.at.desc(), table.source.desc(), table.id.desc()).limit(1)).one_or_none()


def held_over(conn: Connection, customer_id: CustomerId, meter: Meter, period: Period) -> tuple[int, bool]:
    """Steps × microseconds, exact; and whether the period began with a level above or below zero."""
    first = carried(conn, customer_id, meter.key, period.start)
    before = [] if first is None else [(to_micros(first.at), int(first.quantity))]
    total = held(chain(before, _levels(conn, customer_id, meter.key, period)), period)
    return total, first is not None and first.quantity != 0


def carried_to(conn: Connection, charge_key: str, rows: Sequence[EventRow]) -> Iterator[int]:
    """The starts of this charge's billed periods which begin with a level that one of these events has set.

    The events are of one customer and meter, and count while this is asked: what is true of them is about to change.
    """
    customer_id, _, _, meter_key, *_ = rows[0]
    names = {row[1:3] for row in rows}
    earliest, newest = min(row[4] for row in rows), max(row[4] for row in rows)
    for start in _starts(conn, customer_id, charge_key, after=earliest):
        level = carried(conn, customer_id, meter_key, start)
        if level is None:
            continue
        if (level.source, level.id) in names:
            yield to_micros(start)
        elif to_micros(level.at) > newest:
            return


def _starts(conn: Connection, customer_id: CustomerId, charge_key: str, *, after: int) -> list[datetime]:
    lines = schema.invoice_lines.c
    asked = select(lines.period_start).where(
        lines.customer_id == customer_id, lines.charge_key == charge_key, lines.period_start > from_micros(after)
    )
    return list(conn.execute(asked.distinct().order_by(lines.period_start)).scalars())


def _levels(conn: Connection, customer_id: CustomerId, meter_key: MeterKey, period: Period) -> Iterator[tuple[int, int]]:
    table = schema.events.c
    asked = (
        select(type_coerce(table.at, Whole()).label("at"), table.quantity)
        .where(table.customer_id == customer_id, table.meter_key == meter_key, counts())
        .where(table.at >= period.start, table.at < period.end)
        .order_by(table.at, table.source, table.id)
    )
    with conn.execute(asked.execution_options(yield_per=_AT_ONCE)) as rows:
        for row in rows:
            yield row.at, row.quantity
