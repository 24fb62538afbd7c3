"""What this database is about, such as its mode."""

from sqlalchemy import Connection, select

from tallystick.storage import schema
from tallystick.storage.database import insert, insert_new


def pin(conn: Connection, key: str, value: str) -> str:
    """The value that stands: the first one that was pinned."""
    insert_new(conn, schema.settings, [{"key": key, "value": value}], [schema.settings.c.key])
    stands = get(conn, key)
    assert stands is not None, "pinned just now, or before"
    return stands


def put(conn: Connection, key: str, value: str) -> None:
    """The value that stands from now on."""
    added = insert(conn, schema.settings).values(key=key, value=value)
    conn.execute(added.on_conflict_do_update(index_elements=["key"], set_={"value": value}))


def get(conn: Connection, key: str) -> str | None:
    found: str | None = conn.execute(select(schema.settings.c.value).where(schema.settings.c.key == key)).scalar_one_or_none()
    return found
