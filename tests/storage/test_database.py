"""Transactions: all or nothing, one per thread, one writer per file."""

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from tallystick.storage import counters, settings, write_lock
from tallystick.storage.database import Database
from tallystick.values.errors import Busy, TallystickError, WrongConfiguration


class Undone(Exception):
    pass


class Recorder:
    def __init__(self, strikes_at: str = "") -> None:
        self.points: list[str] = []
        self.marks: list[str] = []
        self._strikes_at = strikes_at

    def point(self, name: str) -> None:
        self.points.append(name)
        if name == self._strikes_at:
            raise Undone

    def mark(self, name: str) -> None:
        self.marks.append(name)


@pytest.fixture
def memory() -> Iterator[Database]:
    database = Database.from_url("sqlite://")
    database.migrate()
    yield database
    database.close()


def pinned(database: Database, key: str = "mode") -> str | None:
    with database.reading() as conn:
        return settings.get(conn, key)


def test_a_transaction_is_kept_at_its_end(database: Database) -> None:
    with database.transaction("pin") as conn:
        assert database.in_transaction()
        assert settings.pin(conn, "mode", "test") == "test"
    assert not database.in_transaction()
    with database.transaction("pin") as conn:
        assert settings.pin(conn, "mode", "live") == "test", "the first one stands"
    assert pinned(database) == "test"


def test_what_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(Undone), database.transaction("pin") as conn:  # noqa: PT012
        settings.pin(conn, "mode", "test")
        raise Undone
    assert pinned(database) is None
    assert not database.in_transaction()


@pytest.mark.parametrize(
    ("strike", "kept"), [("before_begin", None), ("after_begin", None), ("before_commit", None), ("after_commit", "test")]
)
def test_faults_strike_at_stable_points(database_url: str, strike: str, kept: str | None) -> None:
    faults = Recorder(f"pin:{strike}")
    database = Database.from_url(database_url, faults=faults)
    with pytest.raises(Undone), database.transaction("pin") as conn:
        settings.pin(conn, "mode", "test")
    order = [f"pin:{point}" for point in ("before_begin", "after_begin", "before_commit", "after_commit")]
    assert faults.points == order[: order.index(f"pin:{strike}") + 1]
    assert pinned(database) == kept
    database.close()


def test_a_thread_has_one_transaction(database: Database) -> None:
    with database.transaction("outer"), pytest.raises(AssertionError, match="inner"), database.transaction("inner"):
        pass


def test_joined_transactions_are_part_of_the_outer_one(database: Database) -> None:
    with pytest.raises(Undone), database.transaction("outer") as conn, database.joined(conn):  # noqa: PT012
        with database.transaction("inner") as inner:
            assert inner is conn
            settings.pin(inner, "mode", "test")
        assert database.run("again", lambda inner: settings.pin(inner, "mode", "live")) == "test"
        assert pinned(database) == "test", "who reads inside a transaction sees its rows"
        raise Undone
    assert pinned(database) is None


def test_after_joined_a_second_transaction_is_refused_again(database: Database) -> None:
    with database.transaction("outer") as conn:
        with database.joined(conn):
            pass
        with pytest.raises(AssertionError), database.transaction("inner"):
            pass


def test_a_reader_cannot_write(database: Database, memory: Database) -> None:
    for each in (database, memory):
        with pytest.raises(TallystickError) as refused, each.reading() as conn:
            settings.pin(conn, "mode", "test")
        assert refused.value.code == "read_only"
        with each.transaction("pin") as conn:
            settings.pin(conn, "mode", "test")


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    seen = []
    with database.transaction("pin") as conn:
        settings.pin(conn, "mode", "test")
        reader = threading.Thread(target=lambda: seen.append(pinned(database)))
        reader.start()
        reader.join(30)
    assert seen == [None]


def test_a_snapshot_does_not_move(database: Database) -> None:
    with database.snapshot() as conn:
        assert settings.get(conn, "mode") is None
        writer = threading.Thread(target=_pin, args=(database,))
        writer.start()
        writer.join(30)
        assert settings.get(conn, "mode") is None
    assert pinned(database) == "test"


def _pin(database: Database) -> None:
    with database.transaction("pin") as conn:
        settings.pin(conn, "mode", "test")


def test_memory_is_one_database_for_all_threads(memory: Database) -> None:
    counted = [threading.Thread(target=_count, args=(memory, 50)) for _ in range(4)]
    for thread in counted:
        thread.start()
    for thread in counted:
        thread.join()
    with memory.reading() as conn:
        assert counters.reached(conn, "test") == 200


def _count(database: Database, times: int) -> None:
    for _ in range(times):
        with database.transaction("count") as conn:
            # Read, then write: what the default of the driver loses without an error.
            value = counters.reached(conn, "test")
            conn.execute(
                text("INSERT INTO tallystick_counters VALUES ('test', 1) ON CONFLICT (name) DO UPDATE SET value = :next"),
                {"next": value + 1},
            )


def _count_elsewhere(url: str, times: int) -> None:
    database = Database.from_url(url)
    _count(database, times)
    database.close()


def test_four_processes_lose_no_update(sqlite_url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    started = [spawn.Process(target=_count_elsewhere, args=(sqlite_url, 200)) for _ in range(4)]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0] * 4
    database = Database.from_url(sqlite_url)
    with database.reading() as conn:
        assert counters.reached(conn, "test") == 800
    database.close()


def test_two_databases_on_one_file_take_turns(sqlite_url: str) -> None:
    one, two = Database.from_url(sqlite_url), Database.from_url(sqlite_url)
    counted = [threading.Thread(target=_count, args=(database, 50)) for database in (one, two)]
    for thread in counted:
        thread.start()
    for thread in counted:
        thread.join()
    with one.reading() as conn:
        assert counters.reached(conn, "test") == 100
    one.close()
    two.close()


def test_who_waits_too_long_is_told(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tallystick.storage.database.WAIT_S", 0.05)
    one, two = Database.from_url(sqlite_url), Database.from_url(sqlite_url)
    with one.transaction("slow"):
        with pytest.raises(Busy, match="another program"), two.transaction("other file handle"):
            pass
        told = []
        thread = threading.Thread(target=lambda: told.append(_busy(one)))
        thread.start()
        thread.join()
        assert told == ["busy"]
    with two.transaction("now it is free"):
        pass
    one.close()
    two.close()


def _busy(database: Database) -> str:
    try:
        with database.transaction("other thread"):
            return "begun"
    except Busy as busy:
        return busy.code


def test_a_foreign_program_that_locks_the_file_is_busy(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tallystick.storage.engines._PRAGMAS", ("PRAGMA busy_timeout = 20",))
    database = Database.from_url(sqlite_url)
    foreign = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy, match="locked"), database.transaction("pin"):
        pass
    foreign.close()
    _pin(database)
    database.close()


def test_without_file_locks_threads_are_still_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_lock, "fcntl", None)
    lock = write_lock.WriteLock(tmp_path / "file.writer", wait_s=0.01)
    with lock, pytest.raises(Busy), lock:
        pass
    assert not (tmp_path / "file.writer").exists()


def test_sqlite_is_opened_with_care(sqlite_url: str) -> None:
    database = Database.from_url(sqlite_url)
    with database.transaction("look") as conn:
        told = {
            name: conn.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert told == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert database.path == Path(sqlite_url.removeprefix("sqlite:///"))
    database.close()


def test_a_full_disk_is_said_and_survived(sqlite_url: str) -> None:
    database = Database.from_url(sqlite_url)
    with database.transaction("shrink") as conn:
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
        conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(TallystickError) as full, database.transaction("fill") as conn:
        settings.pin(conn, "mode", "x" * 1_000_000)
    assert full.value.code == "disk_full"
    with database.transaction("grow") as conn:
        conn.exec_driver_sql("PRAGMA max_page_count = 100000")
    _pin(database)
    assert pinned(database) == "test"
    database.close()


def test_a_deadlock_is_begun_anew(postgres_url: str) -> None:
    faults = Recorder()
    database = Database.from_url(postgres_url, faults=faults)
    for name in ("a", "b"):
        with database.transaction("prepare") as conn:
            counters.following(conn, name)
    met = threading.Barrier(2, timeout=10)
    threads = [threading.Thread(target=_cross, args=(database, met, first, second)) for first, second in ("ab", "ba")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    with database.reading() as conn:
        assert (counters.reached(conn, "a"), counters.reached(conn, "b")) == (3, 3)
    assert set(faults.marks) == {"cross:again"}, "by one of them; a slow server may choose both"
    database.close()


def _cross(database: Database, met: threading.Barrier, first: str, second: str) -> None:
    once = [met.wait]

    def step(conn) -> None:
        counters.following(conn, first)
        if once:
            once.pop()()
        counters.following(conn, second)

    database.run("cross", step)


def test_a_pool_that_is_used_up_is_busy(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tallystick.storage.engines.POOL_WAIT_S", 0.05)
    monkeypatch.setattr("tallystick.storage.engines.READERS_MAX", 1)
    database = Database.from_url(sqlite_url)
    with database.reading(), pytest.raises(Busy, match="in use"), database.reading():
        pass
    database.close()


def test_a_lost_server_is_busy() -> None:
    database = Database.from_url("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(Busy, match="cannot be reached"), database.reading():
        pass


@pytest.mark.parametrize(
    "url", ["mysql://host/name", "nonsense", "sqlite+aiosqlite:///x.db", "postgresql://user:word@host:port/name"]
)
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(WrongConfiguration, match="database") as refusal:
        Database.from_url(url)
    assert "word" not in str(refusal.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgres_is_spelled_in_three_ways(scheme: str) -> None:
    assert Database.from_url(f"{scheme}://user@host/name").url.drivername == "postgresql+psycopg"


def test_a_file_that_cannot_be_opened_is_named_as_such(tmp_path: Path) -> None:
    database = Database.from_url(f"sqlite:///{tmp_path}/none/x.db")
    for way in (database.transaction("open"), database.reading()):
        with pytest.raises(WrongConfiguration, match="database"), way:
            pass
    database.close()


WRITER = """
import sys
from tests.storage.worlds import NOW, TOKENS, an_event, sent
from tallystick.storage import usage
from tallystick.storage.database import Database
database, start = Database.from_url(sys.argv[1]), int(sys.argv[2])
for n in range(start, start + 10_000):
    with database.transaction("append") as conn:
        usage.append(conn, sent(*(an_event(f"{n}-{i}") for i in range(5))), at=NOW)
    print(n, flush=True)
"""


def test_what_was_acknowledged_survives_kills(database: Database) -> None:
    from tallystick.storage import catalog, usage
    from tests.storage.worlds import ADA, NOW, TOKENS

    with database.transaction("meter") as conn:
        catalog.put_meter(conn, TOKENS, at=NOW)
    acknowledged: list[int] = []
    for round_ in range(15):
        acknowledged += _killed(database.url.render_as_string(hide_password=False), round_ * 10_000, lines=1 + round_ % 4)
    with database.reading() as conn:
        found = {event.id for event in usage.events(conn, usage.EventQuery(ADA), limit=100_000)}
        period = _around(NOW)
        assert usage.total(conn, ADA, TOKENS, period) == usage.measured(conn, ADA, TOKENS, period)
    assert {f"{n}-{i}" for n in acknowledged for i in range(5)} <= found
    assert len(found) % 5 == 0, "a batch is there whole, or not at all"


def _around(at):
    from datetime import timedelta

    from tallystick.values.time import Period

    return Period(at - timedelta(days=1), at + timedelta(days=1))


def _killed(url: str, start: int, *, lines: int) -> list[int]:
    command = [sys.executable, "-c", WRITER, url, str(start)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": ".:src"}) as writer:
        assert writer.stdout is not None
        seen = [int(writer.stdout.readline()) for _ in range(lines)]
        writer.send_signal(signal.SIGKILL)
        return seen + [int(line) for line in writer.stdout.read().splitlines()]
