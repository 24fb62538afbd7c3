"""What a damaged file may hold: tables freed of all that guards them, and nothing of it is kept."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine

from tallystick.app import Tallystick


@contextmanager
def undone(business: Tallystick) -> Iterator[Connection]:
    """A connection past everything that guards the tables; what it does is rolled back."""
    engine = create_engine(business.context.database.url)
    try:
        with engine.connect() as conn:
            if conn.dialect.name == "sqlite":
                conn.connection.driver_connection.isolation_level = None
                conn.exec_driver_sql("BEGIN")
            yield conn
            if conn.dialect.name == "sqlite":
                conn.exec_driver_sql("ROLLBACK")
            conn.rollback()
    finally:
        engine.dispose()


def free(conn: Connection, table: str) -> None:
    """The table with its rows, and without keys, checks and triggers."""
    cascade = " CASCADE" if conn.dialect.name == "postgresql" else ""
    conn.exec_driver_sql(f"CREATE TABLE freed AS SELECT * FROM {table}")
    conn.exec_driver_sql(f"DROP TABLE {table}{cascade}")
    conn.exec_driver_sql(f"ALTER TABLE freed RENAME TO {table}")
