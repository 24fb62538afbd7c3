"""What comparing with the provider has found, each time that it was done, and what is still to be compared."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from tallystick.domain.reconciliation import Reconciliation, UsageRound
from tallystick.storage import schema
from tallystick.storage.database import insert
from tallystick.values.ids import CustomerId, MeterKey
from tallystick.values.time import from_micros, to_micros


def put(conn: Connection, found: Reconciliation) -> bool:
    """As it waits, or as it was done. False where it was done already; then that stands."""
    table = schema.reconciliations
    row = {
        "id": found.id,
        "at": found.at,
        "since": found.since,
        "repair": found.repair,
        "equal": dict(found.equal),
        "findings": [dict(finding) for finding in found.findings],
        "actor": found.actor,
        "done_at": found.done_at,
        "usage_round": None if found.usage is None else _write_round(found.usage),
    }
    put = insert(conn, table).values(row)
    saved = put.on_conflict_do_update(index_elements=["id"], set_=row, where=table.c.done_at.is_(None))
    return conn.execute(saved.returning(table.c.id)).one_or_none() is not None


def get(conn: Connection, reconciliation_id: str) -> Reconciliation | None:
    row = conn.execute(select(schema.reconciliations).where(schema.reconciliations.c.id == reconciliation_id)).one_or_none()
    return None if row is None else _reconciliation(row)


def page(conn: Connection, *, after: Reconciliation | None = None, limit: int) -> Sequence[Reconciliation]:
    """Newest first, beginning behind `after`."""
    table = schema.reconciliations.c
    asked = select(schema.reconciliations)
    if after is not None:
        asked = asked.where((table.at < after.at) | ((table.at == after.at) & (table.id < after.id)))
    return [_reconciliation(row) for row in conn.execute(asked.order_by(table.at.desc(), table.id.desc()).limit(limit))]


def waiting(conn: Connection, *, repair: bool) -> Sequence[Reconciliation]:
    """Those that somebody has asked for, and that are not done yet."""
    table = schema.reconciliations.c
    asked = select(schema.reconciliations).where(table.done_at.is_(None), table.repair == repair)
    return [_reconciliation(row) for row in conn.execute(asked.order_by(table.at, table.id))]


def last(conn: Connection) -> Reconciliation | None:
    """The newest that is done."""
    return _newest(conn, schema.reconciliations.c.done_at.is_not(None))


def last_night(conn: Connection) -> Reconciliation | None:
    """The newest that a night has made: the next one goes on from there, whatever people have asked for meanwhile."""
    return _newest(conn, schema.reconciliations.c.usage_round.is_not(None))


def _newest(conn: Connection, wanted: ColumnElement[bool]) -> Reconciliation | None:
    table = schema.reconciliations.c
    asked = select(schema.reconciliations).where(wanted).order_by(table.at.desc(), table.id.desc()).limit(1)
    row = conn.execute(asked).one_or_none()
    return None if row is None else _reconciliation(row)


def _reconciliation(row: Row[Any]) -> Reconciliation:
    usage = None if row.usage_round is None else _read_round(row.usage_round)
    return Reconciliation(row.id, row.at, row.since, row.repair, row.equal, row.findings, row.actor, row.done_at, usage)


def _write_round(usage: UsageRound) -> dict[str, object]:
    return {"start": to_micros(usage.start), "begun": to_micros(usage.begun), "after": usage.after}


def _read_round(document: Mapping[str, Any]) -> UsageRound:
    after = document["after"]
    holder = None if after is None else (CustomerId(after[0]), MeterKey(after[1]), str(after[2]))
    return UsageRound(from_micros(document["start"]), from_micros(document["begun"]), holder)
