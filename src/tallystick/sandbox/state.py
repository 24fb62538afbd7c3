"""Where a sandbox keeps its objects: in memory, or in a file that several processes share and that survives a restart."""

import json
import sqlite3
import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heapify, heappop, heappush
from pathlib import Path
from typing import Any, Protocol

from tallystick.sandbox.kinds import INDEXED

# Never changed once stored: an update stores a new one. So an event may keep the old one as its snapshot, without a copy.
# Names that begin with "_" are the sandbox's own and are not shown; "_n" is the place in the order of creation.
Doc = dict[str, Any]
Write = list[Any]  # what was done, and with what: it can be done once more


class State(Protocol):
    """What the sandbox asks of a state. Everything happens inside `transaction`."""

    def transaction(self) -> Any: ...
    def undo(self, keep: int) -> list[Write]: ...
    def written(self) -> int: ...
    def number(self) -> int: ...
    def get(self, kind: str, identifier: str) -> Doc | None: ...
    def put(self, kind: str, identifier: str, doc: Doc) -> None: ...
    def delete(self, kind: str, identifier: str) -> None: ...
    def scan(
        self, kind: str, by: tuple[str, Any] | None = None, *, past: int | None = None, ascending: bool = False
    ) -> Iterator[Doc]: ...
    def schedule(self, clock: str, at: int, task: Doc) -> None: ...
    def take(self, clock: str, until: int) -> tuple[int, Doc] | None: ...


class _Journaled:
    """One transaction at a time, with a list of how to take each write back."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._undo: list[tuple[Callable[[], None], Write]] = []

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._lock:
            self._undo = []
            self._begin()
            try:
                yield
            except BaseException:
                self.undo(keep=0)
                self._rollback()
                raise
            self._commit()

    def written(self) -> int:
        return len(self._undo)

    def undo(self, keep: int) -> list[Write]:
        """Takes back all writes of this transaction but the first `keep`; the others, in the order in which they were made."""
        others: list[Write] = []
        while len(self._undo) > keep:
            take_back, write = self._undo.pop()
            take_back()
            others.append(write)
        return others[::-1]

    def _begin(self) -> None: ...

    def _commit(self) -> None: ...

    def _rollback(self) -> None: ...


class MemoryState(_Journaled):
    """Gone with the process; the one for simulation and unit tests."""

    def __init__(self) -> None:
        super().__init__()
        self._number = 0
        self._docs: dict[str, dict[str, Doc]] = {kind: {} for kind in INDEXED}
        self._ids: dict[int, str] = {}
        self._order: dict[tuple[str, str, Any], list[int]] = {}
        self._tasks: dict[str, list[tuple[int, int, Doc]]] = {}

    def number(self) -> int:
        self._number += 1
        return self._number

    def get(self, kind: str, identifier: str) -> Doc | None:
        return self._docs[kind].get(identifier)

    def put(self, kind: str, identifier: str, doc: Doc) -> None:
        old = self._docs[kind].get(identifier)
        self._set(kind, identifier, old, doc)
        self._undo.append((lambda: self._set(kind, identifier, doc, old), ["put", kind, identifier, doc]))

    def delete(self, kind: str, identifier: str) -> None:
        old = self._docs[kind][identifier]
        self._set(kind, identifier, old, None)
        self._undo.append((lambda: self._set(kind, identifier, None, old), ["delete", kind, identifier]))

    def _set(self, kind: str, identifier: str, old: Doc | None, new: Doc | None) -> None:
        for name in ("", *INDEXED[kind]):
            before, after = _value(old, name), _value(new, name)
            if before == after:
                continue
            if old is not None and before is not _NOWHERE:
                order = self._order[kind, name, before]
                del order[bisect_left(order, old["_n"])]
            if new is not None and after is not _NOWHERE:
                insort(self._order.setdefault((kind, name, after), []), new["_n"])
        if new is None:
            del self._docs[kind][identifier]
        else:
            self._docs[kind][identifier] = new
            self._ids[new["_n"]] = identifier

    def scan(
        self, kind: str, by: tuple[str, Any] | None = None, *, past: int | None = None, ascending: bool = False
    ) -> Iterator[Doc]:
        order = self._order.get((kind, *by) if by else (kind, "", True), [])
        docs, ids = self._docs[kind], self._ids
        if ascending:
            start = 0 if past is None else bisect_right(order, past)
            return (docs[ids[order[place]]] for place in range(start, len(order)))
        end = len(order) if past is None else bisect_left(order, past)
        return (docs[ids[order[place]]] for place in range(end - 1, -1, -1))

    def schedule(self, clock: str, at: int, task: Doc) -> None:
        entry = (at, self.number(), task)
        heappush(self._tasks.setdefault(clock, []), entry)
        self._undo.append((lambda: self._unschedule(clock, entry), ["schedule", clock, at, task]))

    def _unschedule(self, clock: str, entry: tuple[int, int, Doc]) -> None:
        self._tasks[clock].remove(entry)
        heapify(self._tasks[clock])

    def take(self, clock: str, until: int) -> tuple[int, Doc] | None:
        tasks = self._tasks.get(clock)
        if not tasks or tasks[0][0] > until:
            return None
        entry = heappop(tasks)
        self._undo.append((lambda: heappush(tasks, entry), ["take", clock, until]))
        return entry[0], entry[2]


_VERSION = 1  # of what is in the documents; another one cannot be read
_SCHEMA = """
PRAGMA user_version = 1;
CREATE TABLE IF NOT EXISTS docs (kind TEXT, id TEXT, number INTEGER, body TEXT, PRIMARY KEY (kind, id)) STRICT;
CREATE TABLE IF NOT EXISTS orders (kind TEXT, name TEXT, value TEXT, number INTEGER, id TEXT,
                                   PRIMARY KEY (kind, name, value, number)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tasks (clock TEXT, at INTEGER, number INTEGER, body TEXT, PRIMARY KEY (clock, at, number)) STRICT;
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, number INTEGER) STRICT;
INSERT OR IGNORE INTO counter VALUES ('number', 0);
"""


class FileState(_Journaled):
    """In a SQLite file. Each transaction begins IMMEDIATE, so processes take turns and see each other's writes."""

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        found = self._db.execute("PRAGMA user_version").fetchone()[0]
        if found not in (0, _VERSION):
            self._db.close()
            raise RuntimeError(
                f"{path}: kept by another version of the sandbox ({found}, not {_VERSION}); take another file, or delete it"
            )
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    def _begin(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def _commit(self) -> None:
        self._db.execute("COMMIT")

    def _rollback(self) -> None:
        self._db.execute("ROLLBACK")

    def number(self) -> int:
        rows = self._db.execute("UPDATE counter SET number = number + 1 RETURNING number").fetchall()
        return int(rows[0][0])

    def get(self, kind: str, identifier: str) -> Doc | None:
        row = self._db.execute("SELECT body FROM docs WHERE kind = ? AND id = ?", (kind, identifier)).fetchone()
        return _read(row)

    def put(self, kind: str, identifier: str, doc: Doc) -> None:
        old = self.get(kind, identifier)
        self._set(kind, identifier, old, doc)
        self._undo.append((lambda: self._set(kind, identifier, doc, old), ["put", kind, identifier, doc]))

    def delete(self, kind: str, identifier: str) -> None:
        old = self.get(kind, identifier)
        self._set(kind, identifier, old, None)
        self._undo.append((lambda: self._set(kind, identifier, None, old), ["delete", kind, identifier]))

    def _set(self, kind: str, identifier: str, old: Doc | None, new: Doc | None) -> None:
        for name in ("", *INDEXED[kind]):
            before, after = _value(old, name), _value(new, name)
            if before == after:
                continue
            if old is not None and before is not _NOWHERE:
                gone = (kind, name, json.dumps(before), old["_n"])
                self._db.execute("DELETE FROM orders WHERE kind = ? AND name = ? AND value = ? AND number = ?", gone)
            if new is not None and after is not _NOWHERE:
                self._db.execute(
                    "INSERT INTO orders VALUES (?, ?, ?, ?, ?)", (kind, name, json.dumps(after), new["_n"], identifier)
                )
        if new is None:
            self._db.execute("DELETE FROM docs WHERE kind = ? AND id = ?", (kind, identifier))
        else:
            row = (kind, identifier, new["_n"], json.dumps(new))
            self._db.execute("INSERT INTO docs VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body", row)

    def scan(
        self, kind: str, by: tuple[str, Any] | None = None, *, past: int | None = None, ascending: bool = False
    ) -> Iterator[Doc]:
        name, value = by or ("", True)
        towards, start = (">", -1 if past is None else past) if ascending else ("<", 2**62 if past is None else past)
        rows = self._db.execute(
            f"SELECT body FROM orders JOIN docs USING (kind, id) WHERE kind = ? AND name = ? AND value = ? "  # noqa: S608 no input in it
            f"AND orders.number {towards} ? ORDER BY orders.number {'ASC' if ascending else 'DESC'}",
            (kind, name, json.dumps(value), start),
        )
        return (json.loads(row[0]) for row in rows)

    def schedule(self, clock: str, at: int, task: Doc) -> None:
        row = (clock, at, self.number())
        self._db.execute("INSERT INTO tasks VALUES (?, ?, ?, ?)", (*row, json.dumps(task)))
        self._undo.append((lambda: self._drop_task(row), ["schedule", clock, at, task]))

    def take(self, clock: str, until: int) -> tuple[int, Doc] | None:
        row = self._db.execute(
            "SELECT at, number, body FROM tasks WHERE clock = ? AND at <= ? ORDER BY at, number LIMIT 1", (clock, until)
        ).fetchone()
        if row is None:
            return None
        self._drop_task((clock, row[0], row[1]))
        self._undo.append((lambda: self._insert_task((clock, *row)), ["take", clock, until]))
        return row[0], json.loads(row[2])

    def _drop_task(self, row: tuple[str, int, int]) -> None:
        self._db.execute("DELETE FROM tasks WHERE clock = ? AND at = ? AND number = ?", row)

    def _insert_task(self, row: tuple[Any, ...]) -> None:
        self._db.execute("INSERT INTO tasks VALUES (?, ?, ?, ?)", row)


def _read(row: tuple[str] | None) -> Doc | None:
    if row is None:
        return None
    doc: Doc = json.loads(row[0])
    return doc


def _value(doc: Doc | None, name: str) -> Any:
    """What a document is filed under; one that is not there, and a tombstone, under nothing, where no list looks."""
    if doc is None or "deleted" in doc:
        return _NOWHERE
    return doc.get(name) if name else True


_NOWHERE = object()
