"""Counts without gaps: the next number is taken in the transaction that uses it, and given back if that fails."""

from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.sql.dml import ReturningInsert

from tallystick.storage import schema
from tallystick.storage.database import insert_of

_VALUE = select(schema.counters.c.value).where(schema.counters.c.name == bindparam("name"))


def following(conn: Connection, name: str) -> int:
    """The next number, from 1. Others who want one wait until this transaction has ended."""
    number: int = conn.execute(_next(conn.dialect.name), {"name": name, "value": 1}).scalar_one()
    return number


def reached(conn: Connection, name: str) -> int:
    """The last number that was taken; 0 before the first."""
    found: int | None = conn.execute(_VALUE, {"name": name}).scalar_one_or_none()
    return found or 0


@cache
def _next(dialect: str) -> "ReturningInsert[Any]":
    put = insert_of(dialect, schema.counters)
    value = schema.counters.c.value
    return put.on_conflict_do_update(index_elements=["name"], set_={"value": value + 1}).returning(value)
