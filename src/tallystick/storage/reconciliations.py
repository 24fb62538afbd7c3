"""What comparing with the provider has found, each time that it was done."""

from sqlalchemy import Connection, select

from tallystick.domain.reconciliation import Reconciliation
from tallystick.storage import schema


def add(conn: Connection, reconciliation_id: str, found: Reconciliation) -> None:
    row = {
        "id": reconciliation_id,
        "at": found.at,
        "since": found.since,
        "repair": found.repair,
        "equal": dict(found.equal),
        "findings": [dict(finding) for finding in found.findings],
    }
    conn.execute(schema.reconciliations.insert().values(row))


def last(conn: Connection, *, repair: bool | None = None) -> Reconciliation | None:
    """The newest; of those with repair, or without, where that is said."""
    table = schema.reconciliations.c
    asked = select(schema.reconciliations).order_by(table.at.desc(), table.id.desc()).limit(1)
    if repair is not None:
        asked = asked.where(table.repair == repair)
    row = conn.execute(asked).one_or_none()
    return None if row is None else Reconciliation(row.at, row.since, row.repair, row.equal, row.findings)
