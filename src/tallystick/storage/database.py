"""Database: transactions that begin, commit and fail in one place, and the few statements that each engine says its own way."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Row, Table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import ReturningInsert

from tallystick.storage import engines, migrations
from tallystick.storage.write_lock import WriteLock
from tallystick.values.errors import Busy, WrongConfiguration
from tallystick.values.faults import Faults, NoFaults
from tallystick.values.time import Clock, SystemClock

Result = TypeVar("Result")

WAIT_S = 10.0
TRIES_MAX = 5
_MIGRATION_LOCK = 0x7A11_5371  # any number, the same in every process that migrates


class _Thread(threading.local):
    """What this thread is inside of."""

    conn: Connection | None = None
    joined: bool = False


class Database:
    """One database, one business, one mode. Safe to share between threads; each thread has one transaction at a time."""

    def __init__(self, url: URL, *, clock: Clock, faults: Faults) -> None:
        self.url, self.clock, self.faults = url, clock, faults
        self.dialect = url.get_backend_name()
        self._writer = engines.writer(url)
        self._reader = engines.reader(url, self._writer)
        self._lock = self._write_lock()
        self._thread = _Thread()

    @classmethod
    def from_url(cls, url: str, *, clock: Clock | None = None, faults: Faults | None = None) -> "Database":
        """Opens nothing yet. Raises WrongConfiguration for a URL of another kind of database."""
        return cls(engines.read_url(url), clock=clock or SystemClock(), faults=faults or NoFaults())

    @contextmanager
    def transaction(self, name: str) -> Iterator[Connection]:
        """A writing transaction: all of it is kept at the end, or none of it. Inside `joined` it is part of that one.

        `name` says what is done; faults may strike at "<name>:before_begin", ":after_begin", ":before_commit", ":after_commit".
        """
        if self._thread.joined and self._thread.conn is not None:
            yield self._thread.conn
            return
        if self._thread.conn is not None:
            raise AssertionError(f"{name}: this thread is inside a transaction already; hand over its `conn`")
        self.faults.point(f"{name}:before_begin")
        with engines.our_errors(), self._lock, self._writer.begin() as conn, self._entered(conn, joined=False):
            self.faults.point(f"{name}:after_begin")
            yield conn
            if not conn.in_transaction():
                raise AssertionError(f"{name}: was rolled back within, and that error was not passed on; nothing is kept")
            self.faults.point(f"{name}:before_commit")
        self.faults.point(f"{name}:after_commit")

    @contextmanager
    def rehearsal(self, name: str) -> Iterator[Connection]:
        """A writing transaction of which nothing is kept; within it, transactions of this thread are part of it."""
        with self.transaction(name) as conn, self.joined(conn):
            before = conn.begin_nested()
            try:
                yield conn
            finally:
                before.rollback()

    def run(self, name: str, step: Callable[[Connection], Result]) -> Result:
        """What `step` returns, in a transaction; begun anew, whole, where PostgreSQL found it in another's way."""
        if self._thread.joined:
            with self.transaction(name) as conn:
                return step(conn)
        for _ in range(TRIES_MAX - 1):
            try:
                with self.transaction(name) as conn:
                    return step(conn)
            except Busy as busy:
                if busy.code != "deadlock":
                    raise
                self.faults.mark(f"{name}:again")
        with self.transaction(name) as conn:
            return step(conn)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A snapshot that cannot be written through. Inside a transaction of this thread it is that one: it sees its rows."""
        if self._thread.conn is not None:
            yield self._thread.conn
            return
        if engines.is_memory(self.url):
            with engines.our_errors(), self._lock, self._writer.begin() as conn, engines.only_reading(conn):
                yield conn
            return
        with engines.our_errors(), self._reader.begin() as conn:
            yield conn

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """As `reading`, for as long as it takes: no statement is cut off."""
        with self.reading() as conn:
            if self.dialect == "postgresql":
                conn.execute(text("SET LOCAL statement_timeout = 0"))
            yield conn

    @contextmanager
    def joined(self, conn: Connection) -> Iterator[None]:
        """Within it, transactions of this thread are part of `conn`, which somebody else commits."""
        with self._entered(conn, joined=True):
            yield

    @contextmanager
    def within(self, conn: Connection, *, writes: bool) -> Iterator[None]:
        """As `joined`, in the transaction of a host's own connection: a step that fails leaves nothing in it."""
        with engines.our_errors():
            if not writes:
                with self.joined(conn):
                    yield
                return
            engines.begin_writing(conn)
            with conn.begin_nested(), self.joined(conn):
                yield

    def in_transaction(self) -> bool:
        """Whether this thread holds one: then nobody may call a provider, who could be slow."""
        return self._thread.conn is not None

    def migrate(self) -> None:
        """Brings the schema to what this code needs, in one transaction; processes that start together take turns."""
        with self.transaction("migrate") as conn:
            if self.dialect == "postgresql":
                conn.execute(text("SET LOCAL statement_timeout = 0"))
                conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            if migrations.current(conn) != migrations.head():
                self._check_known(migrations.current(conn))
                migrations.upgrade(conn)

    def schema_version(self) -> str | None:
        """The revision that the database is at; None where there is no schema yet."""
        with self.reading() as conn:
            return migrations.current(conn)

    def check_schema(self) -> None:
        """Raises WrongConfiguration where this code and the schema are not made for each other."""
        found = self.schema_version()
        self._check_known(found)
        if found != migrations.head():
            raise WrongConfiguration(
                f"database: its schema is at {found or 'nothing'}, this code needs {migrations.head()}; run `tallystick migrate`",
                code="schema_too_old",
            )

    def close(self) -> None:
        """Gives all connections back."""
        self._reader.dispose()
        # The last connection of a file writes its log back into it, which is a write like any other.
        with self._lock if self.path is not None and self.path.exists() else nullcontext():
            self._writer.dispose()

    @staticmethod
    def _check_known(found: str | None) -> None:
        if found is not None and found not in migrations.revisions():
            raise WrongConfiguration(
                f"database: its schema is at {found}, which this version does not know; install a newer tallystick",
                code="schema_too_new",
            )

    @contextmanager
    def _entered(self, conn: Connection, *, joined: bool) -> Iterator[None]:
        before = self._thread.conn, self._thread.joined
        self._thread.conn, self._thread.joined = conn, joined
        try:
            yield
        finally:
            self._thread.conn, self._thread.joined = before

    @property
    def safe_url(self) -> str:
        """The URL as one writes it, without its password."""
        return self.url.set(drivername=self.dialect).render_as_string(hide_password=True)

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database; None for one in memory, and for a server."""
        if self.dialect == "postgresql" or engines.is_memory(self.url):
            return None
        return Path(self.url.database or "").resolve()

    def _write_lock(self) -> AbstractContextManager[None]:
        if self.dialect == "postgresql":
            return nullcontext()
        file = self.path
        return WriteLock(None if file is None else file.with_name(f"{file.name}.writer"), wait_s=WAIT_S)


def insert(conn: Connection, table: Table) -> "postgresql.Insert | sqlite.Insert":
    """INSERT with ON CONFLICT, in the words of the engine."""
    return insert_of(conn.dialect.name, table)


def insert_of(dialect: str, table: Table) -> "postgresql.Insert | sqlite.Insert":
    """The same, for statements that are kept, one for each engine."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def insert_new(
    conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]], returning: Sequence[Column[Any]]
) -> Sequence[Row[Any]]:
    """Adds the rows that are not there yet; returns of those, and only those, the columns asked for, in no order."""
    if not rows:
        return []
    return conn.execute(_new(conn.dialect.name, table, tuple(returning)), rows).all()


@cache
def _new(dialect: str, table: Table, returning: tuple[Column[Any], ...]) -> "ReturningInsert[Any]":
    # Kept, because SQLAlchemy finds what it has compiled for a statement five times as fast if it has seen the very same one.
    return insert_of(dialect, table).on_conflict_do_nothing().returning(*returning)


def is_overflow(error: DBAPIError) -> bool:
    """Whether a sum left 64 bits: PostgreSQL says so; SQLite makes it a REAL, which a STRICT column refuses."""
    if isinstance(error.orig, sqlite3.Error):
        return "cannot store REAL value in INTEGER column" in str(error.orig)
    return getattr(error.orig, "sqlstate", None) == "22003"
