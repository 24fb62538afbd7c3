"""Vital signs: what was observed, how each stands, and the invoices that are unpaid."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, func, select

from tallystick.domain.invoices import InvoiceStatus
from tallystick.domain.operations import Tally, Vital, Watch
from tallystick.storage import schema
from tallystick.storage.database import insert_new
from tallystick.values.decimals import plain

_KNOWN = sorted(Vital)


def observe(
    conn: Connection, vital: Vital, subject: str, *, good: bool, at: datetime, took: timedelta | None = None
) -> None:  # fmt: skip
    """Once for its subject, such as one attempt."""
    millis = None if took is None else took // timedelta(milliseconds=1)
    row = {"vital": vital.value, "id": subject, "at": at, "good": good, "millis": millis}
    insert_new(conn, schema.observations, [row], [schema.observations.c.id])


def tally(conn: Connection, vital: Vital, *, since: datetime) -> Tally:
    """What was observed from that instant on."""
    table = schema.observations.c
    asked = select(table.good, func.count().label("seen"), func.max(table.millis).label("slowest"))
    rows = conn.execute(asked.where(table.vital == vital.value, table.at >= since).group_by(table.good)).all()
    counts: dict[bool, int] = {row.good: row.seen for row in rows}
    slowest = max((row.slowest for row in rows if row.slowest is not None), default=None)
    return Tally(counts.get(True, 0), counts.get(False, 0), slowest)


def unpaid(conn: Connection, *, now: datetime) -> Tally:
    """Open invoices: bad are those that were due."""
    table = schema.invoices.c
    asked = select(func.count().label("open"), func.count().filter(table.due_at <= now).label("due"))
    row = conn.execute(asked.where(table.status == InvoiceStatus.OPEN.value)).one()
    return Tally(row.open - row.due, row.due)


def forget(conn: Connection, *, before: datetime) -> None:
    """What is older than any window."""
    conn.execute(schema.observations.delete().where(schema.observations.c.vital.in_(_KNOWN), schema.observations.c.at < before))


def watches(conn: Connection) -> dict[Vital, Watch]:
    """How each vital sign stood when it was last measured."""
    rows = conn.execute(select(schema.watches).where(schema.watches.c.vital.in_(_KNOWN)))
    return {found.vital: found for found in map(_watch, rows)}


def measured_at(conn: Connection) -> datetime | None:
    """When a worker last measured any of them."""
    found: datetime | None = conn.execute(select(func.max(schema.watches.c.measured_at))).scalar_one()
    return found


def save(conn: Connection, before: Watch | None, after: Watch) -> bool:
    """False, and nothing written, where somebody else has measured since `before` was read."""
    table, row = schema.watches, _row(after)
    if before is None:
        return bool(insert_new(conn, table, [row], [table.c.vital]))
    moved = table.update().where(table.c.vital == before.vital.value, table.c.version == before.version)
    return conn.execute(moved.values(row).returning(table.c.vital)).one_or_none() is not None


def _row(watch: Watch) -> dict[str, Any]:
    return {
        "vital": watch.vital.value,
        "ill": watch.ill,
        "since": watch.since,
        "measured_at": watch.measured_at,
        "value": None if watch.value is None else plain(watch.value),
        "count": watch.count,
        "limit": plain(watch.limit),
        "version": watch.version,
    }


def _watch(row: Row[Any]) -> Watch:
    named = row._mapping  # a row is a tuple too, and has a `count` of its own
    return Watch(
        vital=Vital(named["vital"]),
        ill=named["ill"],
        since=named["since"],
        measured_at=named["measured_at"],
        value=None if named["value"] is None else Decimal(named["value"]),
        count=named["count"],
        limit=Decimal(named["limit"]),
        version=named["version"],
    )
