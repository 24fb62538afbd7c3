"""Usage of a period: whole hours from their rollups, the edges from the events, so that it costs no more as history grows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, assert_never

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, literal_column, select

from tallystick.domain.usage import Aggregation, Event, Meter, Usage, measure
from tallystick.storage import schema
from tallystick.storage.usage_intake import unique_value
from tallystick.storage.usage_rows import HOUR, event_of, hour_of, price_of
from tallystick.values.decimals import EXACT, from_steps
from tallystick.values.ids import CustomerId, MeterKey
from tallystick.values.time import Period

_AT_ONCE = 500
_LOW_BITS = 0xFFFF_FFFF
_EVENTS, _ROLLUPS = schema.events.c, schema.usage_rollups.c
# Asked for each charge of each bill, and therefore kept: most of a small statement's time is its making.
_EDGE = select(schema.events).where(
    _EVENTS.customer_id == bindparam("customer"),
    _EVENTS.meter_key == bindparam("meter"),
    _EVENTS.at >= bindparam("since"),
    _EVENTS.at < bindparam("until"),
)
_ROLLED_UP = (
    select(
        _ROLLUPS.unit_price,
        func.sum(_ROLLUPS["count"]).label("count"),
        # Halves of 32 bits are summed apart: a sum of them cannot leave 64 bits, and Python joins them at any size.
        func.sum(_ROLLUPS["sum"].op(">>")(literal_column("32"))).label("high"),
        func.sum(_ROLLUPS["sum"].bitwise_and(_LOW_BITS)).label("low"),
        func.max(_ROLLUPS["max"]).label("max"),
    )
    .where(
        _ROLLUPS.customer_id == bindparam("customer"),
        _ROLLUPS.meter_key == bindparam("meter"),
        _ROLLUPS.hour >= bindparam("since"),
        _ROLLUPS.hour < bindparam("until"),
    )
    .group_by(_ROLLUPS.unit_price)
)


class _Part(NamedTuple):
    """Some events, summed up, in steps: those of one price, or of one hour."""

    unit_price: str
    events: int
    sum: int
    max: int


def total(conn: Connection, customer_id: CustomerId, meter: Meter, period: Period) -> Usage:
    """What the events in `period` come to; equal to `measured`, and as fast for a long history as for a short one."""
    whole, edges = _hours(period)
    rows = [row for edge in edges for row in _edge_rows(conn, customer_id, meter.key, edge)]
    parts = [_Part(row.unit_price, 1, row.quantity, row.quantity) for row in rows]
    if whole is not None:
        parts += _rolled_up(conn, customer_id, meter.key, whole)
    count = sum(part.events for part in parts)
    if count == 0:
        return Usage(meter.key, Decimal(0))
    match meter.aggregation:
        case Aggregation.COUNT:
            quantity = Decimal(count)
        case Aggregation.SUM:
            quantity = from_steps(sum(part.sum for part in parts), meter.decimals)
        case Aggregation.MAX:
            quantity = from_steps(max(part.max for part in parts), meter.decimals)
        case Aggregation.LATEST:
            quantity = from_steps(_latest(conn, customer_id, meter.key, whole, rows), meter.decimals)
        case Aggregation.UNIQUE:
            quantity = Decimal(_unique(conn, customer_id, meter, whole, rows))
        case _:
            assert_never(meter.aggregation)
    return Usage(meter.key, quantity, count, _priced(parts, meter.decimals))


def totals(conn: Connection, customer_id: CustomerId, meters: Iterable[Meter], period: Period) -> dict[MeterKey, Usage]:
    return {meter.key: total(conn, customer_id, meter, period) for meter in meters}


def measured(conn: Connection, customer_id: CustomerId, meter: Meter, period: Period) -> Usage:
    """The same by definition, from every single event: slow, and what `total` is proven against."""
    return measure(meter, _stream(conn, customer_id, meter, period))


def amounts(conn: Connection, customer_id: CustomerId, meter: Meter, period: Period) -> tuple[Decimal, ...]:
    """Each event's amount, in the order of (at, source, id): its quantity, times its own price where it carries one."""
    return tuple(
        event.quantity if event.unit_price is None else EXACT.multiply(event.quantity, event.unit_price)
        for event in _stream(conn, customer_id, meter, period)
    )


def _hours(period: Period) -> tuple[Period | None, list[Period]]:
    """The whole hours within the period, and what is left of it before and after them."""
    first = hour_of(period.start)
    start = first if first == period.start else first + HOUR
    end = hour_of(period.end)
    if start >= end:
        return None, [period]
    edges = [(period.start, start), (end, period.end)]
    return Period(start, end), [Period(a, b) for a, b in edges if a < b]


def _rolled_up(conn: Connection, customer_id: CustomerId, meter_key: MeterKey, hours: Period) -> list[_Part]:
    """The sums of the hours, per price."""
    asked = {"customer": customer_id, "meter": meter_key, "since": hours.start, "until": hours.end}
    return [
        _Part(row.unit_price, int(row.count), (int(row.high) << 32) + int(row.low), row.max)  # type: ignore[call-overload]
        for row in conn.execute(_ROLLED_UP, asked)
    ]


def _latest(
    conn: Connection, customer_id: CustomerId, meter_key: MeterKey, hours: Period | None, rows: Sequence[Row[Any]]
) -> int:
    found = [(row.at, row.source, row.id, row.quantity) for row in rows]
    if hours is not None:
        rollups = schema.usage_rollups.c
        names = (rollups.latest_at, rollups.latest_source, rollups.latest_id)
        asked = (
            select(*names, rollups.latest_quantity)
            .where(_of_hours(schema.usage_rollups, customer_id, meter_key, hours))
            .order_by(rollups.hour.desc(), *(name.desc() for name in names))
            .limit(1)
        )
        found += [tuple(row) for row in conn.execute(asked)]
    newest: int = max(found)[3]
    return newest


def _unique(conn: Connection, customer_id: CustomerId, meter: Meter, hours: Period | None, rows: Sequence[Row[Any]]) -> int:
    seen = {unique_value(row.properties, meter.unique_property or "") for row in rows}
    if hours is None:
        return len(seen)
    uniques = schema.usage_uniques
    within = _of_hours(uniques, customer_id, meter.key, hours)
    count: int = conn.execute(select(func.count(uniques.c.value.distinct())).where(within)).scalar_one()
    values = sorted(seen)
    for start in range(0, len(values), _AT_ONCE):
        counted = select(uniques.c.value).where(within, uniques.c.value.in_(values[start : start + _AT_ONCE])).distinct()
        seen -= set(conn.execute(counted).scalars())
    return count + len(seen)


def _priced(parts: Sequence[_Part], decimals: int) -> tuple[tuple[Decimal | None, Decimal], ...]:
    sums: dict[str, int] = defaultdict(int)
    for part in parts:
        sums[part.unit_price] += part.sum
    pairs = [(price_of(price), from_steps(steps, decimals)) for price, steps in sums.items()]
    return tuple(sorted(pairs, key=lambda pair: (pair[0] is not None, pair[0] or Decimal(0))))


def _of_hours(table: Any, customer_id: CustomerId, meter_key: MeterKey, hours: Period) -> ColumnElement[bool]:
    return and_(
        table.c.customer_id == customer_id,
        table.c.meter_key == meter_key,
        table.c.hour >= hours.start,
        table.c.hour < hours.end,
    )


def _of_period(customer_id: CustomerId, meter_key: MeterKey, period: Period) -> ColumnElement[bool]:
    table = schema.events.c
    return and_(table.customer_id == customer_id, table.meter_key == meter_key, table.at >= period.start, table.at < period.end)


def _edge_rows(conn: Connection, customer_id: CustomerId, meter_key: MeterKey, edge: Period) -> Sequence[Row[Any]]:
    asked = {"customer": customer_id, "meter": meter_key, "since": edge.start, "until": edge.end}
    return conn.execute(_EDGE, asked).all()


def _stream(conn: Connection, customer_id: CustomerId, meter: Meter, period: Period) -> Iterator[Event]:
    table = schema.events
    asked = select(table).where(_of_period(customer_id, meter.key, period)).order_by(table.c.at, table.c.source, table.c.id)
    with conn.execute(asked.execution_options(yield_per=_AT_ONCE)) as rows:
        for row in rows:
            yield event_of(row, meter.decimals)
