"""Boots of servers, and through when the uptime of each is recorded."""

from typing import Any

from sqlalchemy import Connection, Row, case, select

from tallystick.domain.uptime import Boot
from tallystick.storage import schema
from tallystick.storage.database import insert
from tallystick.values.ids import CustomerId


def put(conn: Connection, boot: Boot) -> None:
    """Adds the boot, or moves `read_through` on; never backwards."""
    table = schema.boots
    put = insert(conn, table).values(
        customer_id=boot.server, boot_id=boot.boot_id, boot_at=boot.boot_at, read_through=boot.read_through
    )
    later = case((put.excluded.read_through > table.c.read_through, put.excluded.read_through), else_=table.c.read_through)
    conn.execute(put.on_conflict_do_update(index_elements=["customer_id", "boot_id"], set_={"read_through": later}))


def get(conn: Connection, server: CustomerId, boot_id: str) -> Boot | None:
    table = schema.boots.c
    row = conn.execute(select(schema.boots).where(table.customer_id == server, table.boot_id == boot_id)).one_or_none()
    return None if row is None else _boot(row)


def of_server(conn: Connection, server: CustomerId) -> list[Boot]:
    """Every boot of the server that was seen, in order."""
    table = schema.boots.c
    asked = select(schema.boots).where(table.customer_id == server).order_by(table.boot_at, table.boot_id)
    return [_boot(row) for row in conn.execute(asked)]


def _boot(row: Row[Any]) -> Boot:
    return Boot(CustomerId(row.customer_id), row.boot_id, row.boot_at, row.read_through)
