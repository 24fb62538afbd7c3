"""Usage of a period: whole hours from their rollups, the edges from the events, so that it costs no more as history grows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, assert_never

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    type_coerce,
    union_all,
)

from tallystick.domain.usage import Aggregation, Event, Meter, Usage, level_of, measure
from tallystick.storage import schema, usage_levels
from tallystick.storage.types import Instant
from tallystick.storage.usage_intake import unique_value
from tallystick.storage.usage_rows import HOUR, counts, event_of, hour_of, price_of
from tallystick.values.decimals import EXACT, from_steps
from tallystick.values.ids import CustomerId, MeterKey
from tallystick.values.time import Period

_AT_ONCE = 500
_JOINED = {Aggregation.COUNT, Aggregation.SUM, Aggregation.MAX}  # the parts of a period come to the whole of it
_LOW_BITS = 0xFFFF_FFFF
_EVENTS, _ROLLUPS = schema.events.c, schema.usage_rollups.c


def _summed(quantity: ColumnElement[int]) -> tuple[ColumnElement[Any], ...]:
    # Halves of 32 bits are summed apart: a sum of them cannot leave 64 bits, and Python joins them at any size.
    high, low = quantity.op(">>")(literal_column("32")), quantity.bitwise_and(_LOW_BITS)
    return func.sum(high).label("high"), func.sum(low).label("low")


def _edge(*columns: Any, since: str, until: str) -> Select[Any]:
    """Events that count of a part of an hour; the names of the instants are those of a `_Cut`."""
    mine = _EVENTS.customer_id == bindparam("customer"), _EVENTS.meter_key == bindparam("meter")
    return select(*columns).where(*mine, _EVENTS.at >= bindparam(since), _EVENTS.at < bindparam(until), counts())


def _of_whole_hours(*columns: Any, table: Table) -> Select[Any]:
    mine = table.c.customer_id == bindparam("customer"), table.c.meter_key == bindparam("meter")
    return select(*columns).where(*mine, table.c.hour >= bindparam("first"), table.c.hour < bindparam("last"))


_OF_EVENTS = (
    _EVENTS.unit_price,
    func.count().label("events"),
    *_summed(_EVENTS.quantity),
    func.max(_EVENTS.quantity).label("max"),
)
_SUMMED_HOURS = (
    func.sum(_ROLLUPS["count"]).label("events"),
    *_summed(_ROLLUPS["sum"]),
    func.max(_ROLLUPS["max"]).label("max"),
)
# Asked for each charge of each bill, and therefore kept: most of a small statement's time is its making.
_PARTS = union_all(
    _of_whole_hours(_ROLLUPS.unit_price, *_SUMMED_HOURS, table=schema.usage_rollups).group_by(_ROLLUPS.unit_price),
    _edge(*_OF_EVENTS, since="start", until="first").group_by(_EVENTS.unit_price),
    _edge(*_OF_EVENTS, since="last", until="end").group_by(_EVENTS.unit_price),
)
_SINCE_MIDNIGHT = type_coerce(_ROLLUPS.hour, BigInteger) % literal_column("86400000000")  # microseconds
_DAY = type_coerce(type_coerce(_ROLLUPS.hour, BigInteger) - _SINCE_MIDNIGHT, Instant).label("day")
_DAYS = _of_whole_hours(_DAY, *_SUMMED_HOURS, table=schema.usage_rollups).group_by(_DAY)
_OF_LATEST = (_ROLLUPS.latest_at, _ROLLUPS.latest_source, _ROLLUPS.latest_id)
_NEWEST = (_EVENTS.at.desc(), _EVENTS.source.desc(), _EVENTS.id.desc())


class _Part(NamedTuple):
    """Some events, summed up, in steps."""

    events: int
    sum: int
    max: int


class _Cut(NamedTuple):
    """A period: whole hours from `first` to `last`, and the edges before and after them; each may be empty."""

    start: datetime
    first: datetime
    last: datetime
    end: datetime


def total(conn: Connection, customer_id: CustomerId, meter: Meter, period: Period) -> Usage:
    """What the events in `period` come to; equal to `measured`, and as fast for a long history as for a short one.

    A level over time is read from each event of the period: no sum of an hour knows how long a level was held into the next.
    """
    asked = {"customer": customer_id, "meter": meter.key, **_cut(period)._asdict()}
    found = [(row.unit_price, _part(row)) for row in conn.execute(_PARTS, asked)]
    parts = [part for _, part in found]
    count = sum(part.events for part in parts)
    if count == 0 and meter.aggregation is not Aggregation.TIME_WEIGHTED:
        return Usage(meter.key, Decimal(0))
    match meter.aggregation:
        case Aggregation.COUNT | Aggregation.SUM | Aggregation.MAX:
            quantity = _joined(meter, parts)
        case Aggregation.LATEST:
            quantity = from_steps(_latest(conn, asked), meter.decimals)
        case Aggregation.UNIQUE:
            quantity = Decimal(_unique(conn, meter, asked))
        case Aggregation.TIME_WEIGHTED:
            held, began = usage_levels.held_over(conn, customer_id, meter, period)
            quantity, count = level_of(held, period, meter), count + began
        case _:
            assert_never(meter.aggregation)
    return Usage(meter.key, quantity, count, _priced(found, meter.decimals))


def totals(conn: Connection, customer_id: CustomerId, meters: Iterable[Meter], period: Period) -> dict[MeterKey, Usage]:
    return {meter.key: total(conn, customer_id, meter, period) for meter in meters}


def by_day(conn: Connection, customer_id: CustomerId, meter: Meter, days: Period) -> dict[datetime, Decimal]:
    """The quantity of each day (UTC) from one midnight to another: what `total` says of each, asked for at once.

    Where the hours of a day do not join to its quantity (the latest, the unique, a level over time), each day is asked for.
    """
    midnights = [days.start + timedelta(days=n) for n in range(days.length.days)]
    if meter.aggregation not in _JOINED:
        whole = (Period(midnight, midnight + timedelta(days=1)) for midnight in midnights)
        return {day.start: total(conn, customer_id, meter, day).quantity for day in whole}
    asked = {"customer": customer_id, "meter": meter.key, "first": days.start, "last": days.end}
    used = {row.day: _joined(meter, [_part(row)]) for row in conn.execute(_DAYS, asked)}
    return dict.fromkeys(midnights, Decimal(0)) | used


def measured(conn: Connection, customer_id: CustomerId, meter: Meter, period: Period) -> Usage:
    """The same by definition, from every single event: slow, and what `total` is proven against."""
    return measure(meter, _measurable(conn, customer_id, meter, period), period)


def amounts(conn: Connection, customer_id: CustomerId, meter: Meter, period: Period) -> tuple[Decimal, ...]:
    """Each event's amount, in the order of (at, source, id): its quantity, times its own price where it carries one."""
    return tuple(
        event.quantity if event.unit_price is None else EXACT.multiply(event.quantity, event.unit_price)
        for event in _stream(conn, customer_id, meter, period)
    )


def _measurable(conn: Connection, customer_id: CustomerId, meter: Meter, period: Period) -> Iterator[Event]:
    """The events of the period; of a level, the one too that it began with."""
    if meter.aggregation is Aggregation.TIME_WEIGHTED:
        before = usage_levels.carried(conn, customer_id, meter.key, period.start)
        if before is not None:
            yield event_of(before, meter.decimals)
    yield from _stream(conn, customer_id, meter, period)


def _cut(period: Period) -> _Cut:
    first, last = hour_of(period.start), hour_of(period.end)
    if first < period.start:
        first += HOUR
    return _Cut(period.start, first, last, period.end) if first <= last else _Cut(period.start, *[period.end] * 3)


def _part(row: Row[Any]) -> _Part:
    return _Part(int(row.events), (int(row.high) << 32) + int(row.low), row.max)


def _joined(meter: Meter, parts: Sequence[_Part]) -> Decimal:
    """The quantity of a meter that is one of `_JOINED`."""
    if meter.aggregation is Aggregation.COUNT:
        return Decimal(sum(part.events for part in parts))
    if meter.aggregation is Aggregation.MAX:
        return from_steps(max(part.max for part in parts), meter.decimals)
    return from_steps(sum(part.sum for part in parts), meter.decimals)


def _latest(conn: Connection, asked: dict[str, Any]) -> int:
    of_hours = _of_whole_hours(*_OF_LATEST, _ROLLUPS.latest_quantity, table=schema.usage_rollups)
    newest = [of_hours.order_by(_ROLLUPS.hour.desc(), *(name.desc() for name in _OF_LATEST)).limit(1)]
    for since, until in (("start", "first"), ("last", "end")):
        edge = _edge(_EVENTS.at, _EVENTS.source, _EVENTS.id, _EVENTS.quantity, since=since, until=until)
        newest.append(edge.order_by(*_NEWEST).limit(1))
    found: list[tuple[Any, ...]] = [tuple(row) for one in newest for row in conn.execute(one, asked)]
    quantity: int = max(found)[3]
    return quantity


def _unique(conn: Connection, meter: Meter, asked: dict[str, Any]) -> int:
    edges = [_edge(_EVENTS.properties, since=since, until=until) for since, until in (("start", "first"), ("last", "end"))]
    seen = {unique_value(said, meter.unique_property or "") for edge in edges for said in conn.execute(edge, asked).scalars()}
    uniques = schema.usage_uniques
    counted = _of_whole_hours(func.count(uniques.c.value.distinct()), table=uniques)
    count: int = conn.execute(counted, asked).scalar_one()
    values = sorted(seen)
    for start in range(0, len(values), _AT_ONCE):
        known = _of_whole_hours(uniques.c.value, table=uniques).where(uniques.c.value.in_(values[start : start + _AT_ONCE]))
        seen -= set(conn.execute(known.distinct(), asked).scalars())
    return count + len(seen)


def _priced(parts: Iterable[tuple[str, _Part]], decimals: int) -> tuple[tuple[Decimal | None, Decimal], ...]:
    sums: dict[str, int] = defaultdict(int)
    for unit_price, part in parts:
        sums[unit_price] += part.sum
    pairs = [(price_of(price), from_steps(steps, decimals)) for price, steps in sums.items()]
    return tuple(sorted(pairs, key=lambda pair: (pair[0] is not None, pair[0] or Decimal(0))))


def _of_period(customer_id: CustomerId, meter_key: MeterKey, period: Period) -> ColumnElement[bool]:
    table = schema.events.c
    within = and_(table.at >= period.start, table.at < period.end)
    return and_(table.customer_id == customer_id, table.meter_key == meter_key, within, counts())


def _stream(conn: Connection, customer_id: CustomerId, meter: Meter, period: Period) -> Iterator[Event]:
    table = schema.events
    asked = select(table).where(_of_period(customer_id, meter.key, period)).order_by(table.c.at, table.c.source, table.c.id)
    with conn.execute(asked.execution_options(yield_per=_AT_ONCE)) as rows:
        for row in rows:
            yield event_of(row, meter.decimals)
