"""What this database is about, such as its mode: said once, and then standing."""

from sqlalchemy import Connection, select

from tallystick.storage import schema
from tallystick.storage.database import insert_new


def pin(conn: Connection, key: str, value: str) -> str:
    """The value that stands: the first one that was pinned."""
    insert_new(conn, schema.settings, [{"key": key, "value": value}], [schema.settings.c.key])
    stands = get(conn, key)
    assert stands is not None, "pinned just now, or before"
    return stands


def get(conn: Connection, key: str) -> str | None:
    found: str | None = conn.execute(select(schema.settings.c.value).where(schema.settings.c.key == key)).scalar_one_or_none()
    return found
