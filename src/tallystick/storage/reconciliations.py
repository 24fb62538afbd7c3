"""What comparing with the provider has found, each time that it was done."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from tallystick.domain.reconciliation import Reconciliation
from tallystick.storage import schema


def add(conn: Connection, found: Reconciliation) -> None:
    row = {
        "id": found.id,
        "at": found.at,
        "since": found.since,
        "repair": found.repair,
        "equal": dict(found.equal),
        "findings": [dict(finding) for finding in found.findings],
    }
    conn.execute(schema.reconciliations.insert().values(row))


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


def last(conn: Connection, *, repair: bool | None = None) -> Reconciliation | None:
    """The newest; of those with repair, or without, where that is said."""
    table = schema.reconciliations.c
    asked = select(schema.reconciliations).order_by(table.at.desc(), table.id.desc()).limit(1)
    if repair is not None:
        asked = asked.where(table.repair == repair)
    row = conn.execute(asked).one_or_none()
    return None if row is None else _reconciliation(row)


def _reconciliation(row: Row[Any]) -> Reconciliation:
    return Reconciliation(row.id, row.at, row.since, row.repair, row.equal, row.findings)
