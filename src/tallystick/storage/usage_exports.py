"""Exports of usage: found by comparing each hour with what it came to when it was last looked at, so that none is missed.

Recording an event writes nothing here: its cost stays what it was (docs: usage-sync).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    tuple_,
)

from tallystick.domain.usage import Event, Meter
from tallystick.domain.usage_exports import COUNTED, Export, ExportStatus, Held, Part
from tallystick.storage import schema
from tallystick.storage.database import insert, insert_new
from tallystick.storage.types import Key
from tallystick.storage.usage_rows import HOUR, counts, event_of, hour_of
from tallystick.values.decimals import EXACT, from_steps, to_steps
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.time import Period

_EXPORTS, _HOURS, _ROLLUPS, _EVENTS = (
    schema.usage_exports.c,
    schema.usage_export_hours.c,
    schema.usage_rollups.c,
    schema.events.c,
)
_AT_ONCE = 500
__all__ = [
    "ChangedHour",
    "Which",
    "add",
    "by_identifier",
    "changed_hours",
    "customers_to_do",
    "held",
    "holders",
    "hour_of",
    "looked_at",
    "move",
    "note_amended",
    "of_event",
    "to_do",
    "unclear",
    "unknown_events",
    "with_status",
]
_LOW_BITS = 0xFFFF_FFFF
_OTHER_WAY = {"missing": "leaving", "leaving": "missing"}  # for what is less than nothing


@dataclass(frozen=True, slots=True)
class Which:
    """Of usage before `until`; of a period, or of any time; for one meter of the provider's, or for all."""

    until: datetime
    period: Period | None = None
    event_name: str | None = None


class ChangedHour(NamedTuple):
    """What the events of one hour and price come to now, which is not what they came to when they were last looked at."""

    customer_id: CustomerId
    hour: datetime
    unit_price: str
    events: int
    steps: int


def changed_hours(
    conn: Connection, meter: Meter, period: Period, *, customer_id: CustomerId | None = None, limit: int
) -> list[ChangedHour]:
    """Read these before the events themselves: what is recorded in between is then seen twice, and never not at all."""
    asked = _changed(meter, period).limit(limit)
    gone = _vanished(meter, period).limit(limit)
    if customer_id is not None:
        asked, gone = asked.where(_ROLLUPS.customer_id == customer_id), gone.where(_HOURS.customer_id == customer_id)
    return [ChangedHour(*row) for one in (asked, gone) for row in conn.execute(one)]


def _changed(meter: Meter, period: Period) -> Select[Any]:
    same_hour = and_(*(_HOURS[name] == _ROLLUPS[name] for name in ("customer_id", "meter_key", "hour", "unit_price")))
    joined = schema.usage_rollups.outerjoin(schema.usage_export_hours, same_hour)
    differs = or_(_HOURS["count"].is_(None), _HOURS["count"] != _ROLLUPS["count"], _HOURS["sum"] != _ROLLUPS["sum"])
    columns = (_ROLLUPS.customer_id, _ROLLUPS.hour, _ROLLUPS.unit_price, _ROLLUPS["count"], _ROLLUPS["sum"])
    return select(*columns).select_from(joined).where(*_within(_ROLLUPS, meter, period), differs)


def _vanished(meter: Meter, period: Period) -> Select[Any]:
    """Hours whose events were all taken back: there is no rollup left of them."""
    there: Select[Any] = select(literal_column("1")).where(
        *(_HOURS[name] == _ROLLUPS[name] for name in ("customer_id", "meter_key", "hour", "unit_price"))
    )
    columns: tuple[Any, ...] = (_HOURS.customer_id, _HOURS.hour, _HOURS.unit_price, literal_column("0"), literal_column("0"))
    return select(*columns).where(*_within(_HOURS, meter, period), _HOURS["count"] != 0, ~exists(there))


def _within(table: Any, meter: Meter, period: Period) -> tuple[Any, ...]:
    return (table.meter_key == meter.key, table.hour >= period.start, table.hour < period.end)


def looked_at(conn: Connection, meter: Meter, hours: Iterable[ChangedHour]) -> None:
    """Keeps what these hours came to, once their events are known here."""
    rows = [
        {
            "customer_id": each.customer_id,
            "meter_key": meter.key,
            "hour": each.hour,
            "unit_price": each.unit_price,
            "count": each.events,
            "sum": each.steps,
        }
        for each in hours
    ]
    if not rows:
        return
    put = insert(conn, schema.usage_export_hours)
    put = put.on_conflict_do_update(
        index_elements=["customer_id", "meter_key", "hour", "unit_price"],
        set_={"count": put.excluded["count"], "sum": put.excluded["sum"]},
    )
    conn.execute(put, rows)


def unknown_events(conn: Connection, customer_id: CustomerId, meter: Meter, hour: datetime) -> list[Event]:
    """The events of that hour which count, and have no row yet."""
    table = schema.events
    mine = (_EVENTS.customer_id == customer_id, _EVENTS.meter_key == meter.key, _EVENTS.at >= hour, _EVENTS.at < hour + HOUR)
    known: Select[Any] = select(literal_column("1")).where(
        _EXPORTS.customer_id == _EVENTS.customer_id,
        _EXPORTS.source == _EVENTS.source,
        _EXPORTS.event_id == _EVENTS.id,
        _EXPORTS.part == Part.USAGE.value,
    )
    return [event_of(row, meter.decimals) for row in conn.execute(select(table).where(*mine, counts(), ~exists(known)))]


def note_amended(conn: Connection, customer_id: CustomerId, meter: Meter, hour: datetime) -> int:
    """Marks the rows of that hour whose events count no longer; how many there were."""
    amendments, table = schema.event_amendments.c, schema.usage_exports
    amended: Select[Any] = select(literal_column("1")).where(
        amendments.customer_id == _EXPORTS.customer_id,
        amendments.source == _EXPORTS.source,
        amendments.id == _EXPORTS.event_id,
    )
    noted = table.update().where(
        _EXPORTS.customer_id == customer_id,
        _EXPORTS.meter_key == meter.key,
        _EXPORTS.at >= hour,
        _EXPORTS.at < hour + HOUR,
        _EXPORTS.part == Part.USAGE.value,
        _EXPORTS.amended == False,  # noqa: E712
        exists(amended),
    )
    # Whoever has read the row before must read it again.
    return conn.execute(noted.values(amended=True, version=_EXPORTS.version + 1)).rowcount


def add(conn: Connection, rows: Iterable[Export], meter: Meter) -> int:
    """How many of them were not there before."""
    listed = [_row(row, meter) for row in rows]
    added = 0
    for start in range(0, len(listed), _AT_ONCE):
        added += len(insert_new(conn, schema.usage_exports, listed[start : start + _AT_ONCE], [_EXPORTS.event_id]))
    return added


def to_do(conn: Connection, customer_id: CustomerId, which: Which, *, limit: int) -> list[Export]:
    """What is to be sent or taken back, in the order of its time."""
    asked = _all().where(_EXPORTS.customer_id == customer_id, *_open(which))
    asked = asked.order_by(_EXPORTS.at, _EXPORTS.source, _EXPORTS.event_id, _EXPORTS.part.desc()).limit(limit)
    return [_export(row) for row in conn.execute(asked)]


def customers_to_do(conn: Connection, which: Which, *, after: CustomerId | None = None, limit: int = 1000) -> list[CustomerId]:
    """Whose usage is to be sent or taken back, by id, beginning behind `after`."""
    asked = select(_EXPORTS.customer_id).where(*_open(which)).distinct().order_by(_EXPORTS.customer_id).limit(limit)
    if after is not None:
        asked = asked.where(_EXPORTS.customer_id > after)
    return [CustomerId(found) for found in conn.execute(asked).scalars()]


def _open(which: Which) -> tuple[ColumnElement[bool], ...]:
    is_open: list[Any] = [text(schema.TO_EXPORT), _EXPORTS.at < which.until]
    if which.period is not None:
        is_open += [_EXPORTS.at >= which.period.start, _EXPORTS.at < which.period.end]
    if which.event_name is not None:
        is_open.append(_EXPORTS.event_name == which.event_name)
    return tuple(is_open)


def move(conn: Connection, before: Export, after: Export) -> bool:
    """Saves `after`, whose version is the next one. False, and nothing written, where someone was faster."""
    assert after.version == before.version + 1, f"{before.identifier}: each save is the next version"
    table = schema.usage_exports
    moved = table.update().where(*_named(before), _EXPORTS.version == before.version).values(_moving(after))
    return conn.execute(moved).rowcount == 1


def by_identifier(conn: Connection, identifiers: Collection[str]) -> list[Export]:
    """The rows that the provider knows under these; those that were sent again since under another one are left out."""
    asked = _all().where(_EXPORTS.identifier.in_(sorted(identifiers)))
    return [_export(row) for row in conn.execute(asked)]


def of_event(conn: Connection, customer_id: CustomerId, source: str, event_id: EventId) -> list[Export]:
    """The rows that tell of the event, the first one first."""
    asked = _all().where(_EXPORTS.customer_id == customer_id, _EXPORTS.source == source, _EXPORTS.event_id == event_id)
    return [_export(row) for row in conn.execute(asked.order_by(_EXPORTS.part.desc()))]


def with_status(
    conn: Connection, statuses: Collection[ExportStatus], period: Period, *, customer_id: CustomerId | None = None, limit: int
) -> list[Export]:
    """The rows of usage in the period that stand so, in the order of its time."""
    asked = _all().where(
        _EXPORTS.status.in_(sorted(status.value for status in statuses)), _EXPORTS.at >= period.start, _EXPORTS.at < period.end
    )
    if customer_id is not None:
        asked = asked.where(_EXPORTS.customer_id == customer_id)
    return [_export(row) for row in conn.execute(asked.order_by(_EXPORTS.at, _EXPORTS.event_id).limit(limit))]


def unclear(
    conn: Connection, *, customer_id: CustomerId | None = None, after: tuple[str, str, str, str] | None = None, limit: int
) -> list[Export]:
    """Of which nobody can tell whether the provider counts them; by customer, source, event and part, behind `after`."""
    names = (_EXPORTS.customer_id, _EXPORTS.source, _EXPORTS.event_id, _EXPORTS.part)
    asked = _all().where(_EXPORTS.status == ExportStatus.UNCLEAR.value)
    if customer_id is not None:
        asked = asked.where(_EXPORTS.customer_id == customer_id)
    if after is not None:
        asked = asked.where(tuple_(*names) > tuple_(*(literal(part, Key()) for part in after)))
    return [_export(row) for row in conn.execute(asked.order_by(*names).limit(limit))]


def holders(conn: Connection, period: Period) -> list[tuple[CustomerId, MeterKey, str]]:
    """Of whom the provider was told anything in the period, of which meter, and what that is called there."""
    columns = (_EXPORTS.customer_id, _EXPORTS.meter_key, _EXPORTS.event_name)
    asked = select(*columns).where(_EXPORTS.at >= period.start, _EXPORTS.at < period.end).distinct().order_by(*columns)
    return [(CustomerId(row.customer_id), MeterKey(row.meter_key), row.event_name) for row in conn.execute(asked)]


def held(conn: Connection, customer_id: CustomerId, event_name: str, period: Period, *, but: Export | None = None) -> Held:
    """What the provider's meter has for the customer in the period, by our rows; `but` that one."""
    asked = _all_sums().where(
        _EXPORTS.customer_id == customer_id,
        _EXPORTS.event_name == event_name,
        _EXPORTS.at >= period.start,
        _EXPORTS.at < period.end,
    )
    if but is not None:
        asked = asked.where(~and_(*_named(but)))
    sums: dict[str, Decimal] = {}
    for row in conn.execute(asked):
        quantity = from_steps((int(row.high) << 32) + int(row.low), row.decimals)
        sums[row.kind] = EXACT.add(sums.get(row.kind, Decimal(0)), quantity)
        if row.way != "none":
            way = row.way if quantity > 0 else _OTHER_WAY[row.way]
            sums[way] = EXACT.add(sums.get(way, Decimal(0)), EXACT.abs(quantity))
    return Held(**{each.name: sums[each.name] for each in fields(Held) if each.name in sums})


def _all_sums() -> Select[Any]:
    is_unknown = or_(
        and_(_EXPORTS.status == ExportStatus.PENDING.value, _EXPORTS.asked_at.is_not(None)),
        and_(_EXPORTS.status == ExportStatus.SENT.value, _EXPORTS.cancel_asked_at.is_not(None)),
        _EXPORTS.status == ExportStatus.UNCLEAR.value,
    )
    kind = case(
        (is_unknown, literal_column("'unknown'")),
        (_EXPORTS.status.in_(sorted(status.value for status in COUNTED)), literal_column("'counted'")),
        (_EXPORTS.status == ExportStatus.PENDING.value, literal_column("'waiting'")),
        (_EXPORTS.status == ExportStatus.REJECTED.value, literal_column("'rejected'")),
        else_=literal_column("'none'"),
    ).label("kind")
    # What counts may not be there yet, and what counts no longer may still be there; of what has come to its end, neither.
    is_open = _EXPORTS.status.in_([ExportStatus.PENDING.value, ExportStatus.UNCLEAR.value])
    is_amended, may_be_there = _EXPORTS.amended == True, or_(is_unknown, _EXPORTS.status == ExportStatus.SENT.value)  # noqa: E712
    way = case(
        (and_(_EXPORTS.amended == False, is_open), literal_column("'missing'")),  # noqa: E712
        (and_(is_amended, may_be_there), literal_column("'leaving'")),
        else_=literal_column("'none'"),
    ).label("way")
    is_plus = (_EXPORTS.quantity > literal_column("0")).label("is_plus")
    # Halves of 32 bits are summed apart: a sum of them cannot leave 64 bits, and Python joins them at any size.
    high = func.sum(_EXPORTS.quantity.op(">>")(literal_column("32"))).label("high")
    low = func.sum(_EXPORTS.quantity.bitwise_and(_LOW_BITS)).label("low")
    decimals = schema.meters.c.decimals
    joined = schema.usage_exports.join(schema.meters, schema.meters.c.key == _EXPORTS.meter_key)
    return select(kind, way, decimals, high, low).select_from(joined).group_by(kind, way, is_plus, decimals)


def _all() -> Select[Any]:
    joined = schema.usage_exports.join(schema.meters, schema.meters.c.key == _EXPORTS.meter_key)
    return select(schema.usage_exports, schema.meters.c.decimals).select_from(joined)


def _named(row: Export) -> tuple[ColumnElement[bool], ...]:
    return (
        _EXPORTS.customer_id == row.customer_id,
        _EXPORTS.source == row.source,
        _EXPORTS.event_id == row.event_id,
        _EXPORTS.part == row.part.value,
    )


def _row(row: Export, meter: Meter) -> dict[str, Any]:
    return _moving(row) | {
        "customer_id": row.customer_id,
        "source": row.source,
        "event_id": row.event_id,
        "part": row.part.value,
        "meter_key": row.meter_key,
        "event_name": row.event_name,
        "quantity": to_steps(row.quantity, meter.decimals),
        "at": row.at,
        "amended": row.amended,
        "created_at": row.created_at,
        "version": row.version,
    }


def _moving(row: Export) -> dict[str, Any]:
    """What changes in the life of a row, but for whether its event was amended."""
    return {
        "identifier": row.identifier,
        "status": row.status.value,
        "attempt": row.attempt,
        "round": row.round,
        "asked_at": row.asked_at,
        "cancel_asked_at": row.cancel_asked_at,
        "code": row.code,
        "reason": row.reason,
        "updated_at": row.updated_at,
        "version": row.version,
    }


def _export(row: Row[Any]) -> Export:
    return Export(
        customer_id=CustomerId(row.customer_id),
        source=row.source,
        event_id=EventId(row.event_id),
        part=Part(row.part),
        meter_key=MeterKey(row.meter_key),
        event_name=row.event_name,
        quantity=from_steps(row.quantity, row.decimals),
        at=row.at,
        status=ExportStatus(row.status),
        created_at=row.created_at,
        updated_at=row.updated_at,
        amended=row.amended,
        attempt=row.attempt,
        round=row.round,
        asked_at=row.asked_at,
        cancel_asked_at=row.cancel_asked_at,
        code=row.code,
        reason=row.reason,
        version=row.version,
    )
