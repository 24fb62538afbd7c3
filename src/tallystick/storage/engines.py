"""How a connection to either engine is opened, and what its errors mean in our words."""

import contextlib
import importlib.util
import sqlite3
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool, StaticPool

from tallystick.values.errors import Busy, TallystickError, WrongConfiguration

BUSY_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 30_000
READERS_MAX = 8
POSTGRES_CONNECTIONS_MAX = 20
POOL_WAIT_S = 10

_DEADLOCKS = frozenset({"40001", "40P01"})
_TOO_SLOW = frozenset({"55P03", "57014"})
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # NORMAL loses acknowledged commits at a power cut
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    f"PRAGMA journal_size_limit = {64 * 1024 * 1024}",
)


def read_url(url: str) -> URL:
    """The URL with the driver that we use. Raises WrongConfiguration for any other database."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # a port that is no number is a ValueError
        raise WrongConfiguration(
            'database: not a database URL; write "sqlite:///tallystick.db" or "postgresql://user@host/name"', field="database"
        ) from None
    match parsed.drivername:
        case "sqlite" | "sqlite+pysqlite":
            return parsed.set(drivername="sqlite+pysqlite")
        case "postgres" | "postgresql" | "postgresql+psycopg":
            if importlib.util.find_spec("psycopg") is None:
                raise WrongConfiguration(
                    'database: PostgreSQL needs its driver; pip install "tallystick[postgres]"', field="database"
                )
            return parsed.set(drivername="postgresql+psycopg")
        case other:
            raise WrongConfiguration(f"database: {other} is not supported; use sqlite or postgresql", field="database")


def is_memory(url: URL) -> bool:
    return url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}


def writer(url: URL) -> Engine:
    """The engine of all that writes: on SQLite one connection, whose transactions take the write lock at once."""
    if url.get_backend_name() == "postgresql":
        return _postgres(url)
    # One connection in all: SQLite 3.7.0 to 3.51.2, Python's own among them, can corrupt a file when two connections write or
    # checkpoint at the same time (the WAL-reset bug). Database holds a lock around its use, across processes too.
    pool: dict[str, Any] = (
        {"poolclass": StaticPool} if is_memory(url) else {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0}
    )
    engine = create_engine(url, connect_args={"check_same_thread": False}, **pool)
    event.listen(engine, "connect", _set_up_writer)
    # Without it the driver begins at the first INSERT, and every read before it may be stale: lost updates, and no error.
    event.listen(engine, "begin", _begin_immediate)
    return engine


def reader(url: URL, writing: Engine) -> Engine:
    """The engine of all that only reads, each time from one snapshot."""
    if url.get_backend_name() == "postgresql":
        return writing.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    if is_memory(url):
        return writing
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False},
        poolclass=QueuePool,
        pool_size=READERS_MAX,
        max_overflow=0,
        pool_timeout=POOL_WAIT_S,
    )
    event.listen(engine, "connect", _set_up_reader)
    event.listen(engine, "begin", _begin_reading)
    return engine


@contextlib.contextmanager
def only_reading(connection: Connection) -> Iterator[None]:
    """Refuses writes through a connection that otherwise may: a database in memory has no other one."""
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA query_only = ON").close()
    try:
        yield
    finally:
        driver.execute("PRAGMA query_only = OFF").close()


def _set_up_writer(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(pragma).close()


def _set_up_reader(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}").close()
    connection.execute("PRAGMA query_only = ON").close()


def _begin_immediate(connection: Connection) -> None:
    _begun(connection, "BEGIN IMMEDIATE")


def _begin_reading(connection: Connection) -> None:
    _begun(connection, "BEGIN")


def _begun(connection: Connection, statement: str) -> None:
    # By the driver itself: with SQLAlchemy around it, this takes most of a small transaction's time.
    driver: Any = connection.connection.driver_connection
    driver.execute(statement).close()


def _postgres(url: URL) -> Engine:
    engine = create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_size=POSTGRES_CONNECTIONS_MAX,
        max_overflow=0,
        pool_timeout=POOL_WAIT_S,
        pool_pre_ping=True,
    )
    event.listen(engine, "connect", _set_up_postgres)
    return engine


def _set_up_postgres(connection: Any, _record: object) -> None:
    connection.execute(f"SET statement_timeout = {STATEMENT_TIMEOUT_MS}")
    connection.execute("SET timezone = 'UTC'")
    connection.commit()


def begin_writing(connection: Connection) -> None:
    """On a host's connection: what is read from now on is not older than what will be written. Where it is, on SQLite, Busy.

    Python's driver begins no transaction before the first INSERT; a savepoint without one around it would commit.
    """
    if connection.dialect.name != "sqlite":
        return
    driver: Any = connection.connection.driver_connection
    if driver.in_transaction:
        connection.exec_driver_sql("UPDATE tallystick_settings SET value = value WHERE key = ''")  # a write, of nothing
    else:
        _begin_immediate(connection)


@contextlib.contextmanager
def our_errors() -> Iterator[None]:
    """Says in our words what the engine says in its own; what is a bug stays what it is."""
    try:
        yield
    except DBAPIError as error:
        ours = _translated(error)
        if ours is None:
            raise
        raise ours from error
    except sqlite3.Error as error:  # of what is handed to the driver itself
        ours = _of_sqlite(error)
        if ours is None:
            raise
        raise ours from error
    except PoolTimeout as error:
        raise Busy("every connection to the database has been in use for longer than we wait; try again") from error


def _translated(error: DBAPIError) -> TallystickError | None:
    if isinstance(error.orig, sqlite3.Error):
        return _of_sqlite(error.orig)
    state: str | None = getattr(error.orig, "sqlstate", None)
    lost = error.connection_invalidated or (state is None and isinstance(error, OperationalError))
    return _of_postgres(state or "", lost=lost)


def _of_sqlite(error: sqlite3.Error) -> TallystickError | None:
    # The low byte is the kind; SQLITE_BUSY_SNAPSHOT and its like carry more above it.
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Busy("the database is locked by another program for longer than we wait; try again")
        case sqlite3.SQLITE_FULL:
            return TallystickError("the disk of the database is full; nothing was written; free some space", code="disk_full")
        case sqlite3.SQLITE_READONLY:
            return TallystickError("the database cannot be written to; check the rights of its file and folder", code="read_only")
        case sqlite3.SQLITE_CANTOPEN:
            return WrongConfiguration("database: the file cannot be opened; check that its folder exists and may be written to")
        case sqlite3.SQLITE_IOERR:
            return TallystickError(f"the disk of the database fails ({error}); nothing was written", code="disk_error")
        case sqlite3.SQLITE_ERROR if "no such table: tallystick_" in str(error):
            return _no_schema()
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return TallystickError("the database file is damaged or is no database; restore a backup", code="damaged")
        case _:
            return None


def _no_schema() -> WrongConfiguration:
    return WrongConfiguration(
        "database: has no tables of Tallystick's; run `tallystick migrate`, or call init_db(), on this very database",
        code="schema_too_old",
    )


def _of_postgres(state: str, *, lost: bool) -> TallystickError | None:
    if state in _DEADLOCKS:
        return Busy("two transactions stood in each other's way; nothing was written; try again", code="deadlock")
    if state in _TOO_SLOW:
        return Busy("the database took longer than we wait; nothing was written; try again")
    if state == "53100":
        return TallystickError("the disk of the database is full; nothing was written; free some space", code="disk_full")
    if state == "25006":
        return TallystickError("the database cannot be written to: it is read-only", code="read_only")
    if state == "42P01":
        return _no_schema()
    if lost or state.startswith(("08", "57P", "53")):
        return Busy("the database cannot be reached; whether the last step was kept is not known; try again", code="unreachable")
    return None
