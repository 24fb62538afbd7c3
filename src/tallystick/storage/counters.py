"""Counts without gaps: the next number is taken in the transaction that uses it, and given back if that fails."""

from sqlalchemy import Connection, select

from tallystick.storage import schema
from tallystick.storage.database import insert


def following(conn: Connection, name: str) -> int:
    """The next number, from 1. Others who want one wait until this transaction has ended."""
    put = insert(conn, schema.counters).values(name=name, value=1)
    value = schema.counters.c.value
    number: int = conn.execute(
        put.on_conflict_do_update(index_elements=["name"], set_={"value": value + 1}).returning(value)
    ).scalar_one()
    return number


def reached(conn: Connection, name: str) -> int:
    """The last number that was taken; 0 before the first."""
    found: int | None = conn.execute(select(schema.counters.c.value).where(schema.counters.c.name == name)).scalar_one_or_none()
    return found or 0
