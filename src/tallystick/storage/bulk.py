"""Rows by the thousand, handed to the driver as they are: with SQLAlchemy at each value, recording events takes twice as long."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Integer, Table

from tallystick.storage.types import json_text

AnyRow = TypeVar("AnyRow", bound=tuple[Any, ...])


def insert_rows(
    conn: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], *, conflict: str
) -> None:
    """INSERT … ON CONFLICT `conflict`. The values are as the driver takes them, in the order of `columns`."""
    if not rows:
        return
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(f"{_unnested(table, columns)} ON CONFLICT {conflict}", _by_column(rows))
    else:
        conn.exec_driver_sql(f"{_listed(table, columns)} ON CONFLICT {conflict}", list(rows))


def insert_unseen(
    conn: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[AnyRow], *, key_length: int
) -> Sequence[AnyRow]:
    """Adds the rows that are not there yet, and returns those, in their order. The first `key_length` columns are the key.

    No two rows have the same key, and no row of the table is ever removed.
    """
    key = ", ".join(columns[:key_length])
    if conn.dialect.name == "postgresql":
        statement = f"{_unnested(table, columns)} ON CONFLICT DO NOTHING RETURNING {key}"
        new = {tuple(row) for row in conn.exec_driver_sql(statement, _by_column(rows))}
    else:
        # SQLite answers RETURNING row by row. Its writer is alone, so that the new rows are as many as were changed meanwhile,
        # and the last ones of the table; most often that is all of them, and nobody need ask which.
        driver: Any = conn.connection.driver_connection
        before = driver.total_changes
        insert_rows(conn, table, columns, rows, conflict="DO NOTHING")
        count = driver.total_changes - before
        if count == len(rows):
            return rows
        last = f"SELECT {key} FROM {table.name} ORDER BY rowid DESC LIMIT ?"  # noqa: S608 names of our own schema
        new = {tuple(row) for row in conn.exec_driver_sql(last, (count,))}
    return rows if len(new) == len(rows) else [row for row in rows if row[:key_length] in new]


def select_of(
    conn: Connection, table: Table, columns: tuple[str, ...], customer_ids: Collection[str]
) -> Sequence[tuple[Any, ...]]:
    """The rows of these customers, as the driver gives them: one statement for any number of customers."""
    given: tuple[str | list[str]]
    if conn.dialect.name == "postgresql":
        among, given = "= ANY(%s)", (list(customer_ids),)
    else:
        among, given = "IN (SELECT value FROM json_each(?))", (json_text(list(customer_ids)),)
    statement = f"SELECT {', '.join(columns)} FROM {table.name} WHERE customer_id {among}"  # noqa: S608 names of our own schema
    return [tuple(row) for row in conn.exec_driver_sql(statement, given)]


def _by_column(rows: Sequence[tuple[Any, ...]]) -> tuple[list[Any], ...]:
    """One array per column: one statement for any number of rows, and the driver adapts nine values, not nine thousand."""
    return tuple(map(list, zip(*rows, strict=True)))


@cache
def _listed(table: Table, columns: tuple[str, ...]) -> str:
    return f"{_into(table, columns)} VALUES ({', '.join('?' * len(columns))})"


@cache
def _unnested(table: Table, columns: tuple[str, ...]) -> str:
    # Binary, since as text the driver escapes each quotation mark of the properties by itself: six times as long in all.
    arrays = (f"%b::{'bigint' if _is_whole(table, name) else 'text'}[]" for name in columns)
    return f"{_into(table, columns)} SELECT * FROM unnest({', '.join(arrays)})"  # noqa: S608 names of our own schema


def _into(table: Table, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table.name} ({', '.join(columns)})"


def _is_whole(table: Table, name: str) -> bool:
    return table.c[name].type._type_affinity is Integer
