"""Who changed what, and why: a chain, in which a row that was changed or taken out later breaks what follows it."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from tallystick.storage import counters, schema
from tallystick.storage.types import json_text
from tallystick.values.time import rfc3339

_COUNTER = "audit"
_START = ""
_HASH = select(schema.audit.c.hash).where(schema.audit.c.seq == bindparam("of"))
_ADD = schema.audit.insert()


@dataclass(frozen=True, slots=True)
class Act:
    """`actor` did `action` to `subject`; `before` and `after` say what that changed."""

    actor: str
    action: str
    subject: str
    before: Mapping[str, object] | None = None
    after: Mapping[str, object] | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An act as it stands in the chain."""

    seq: int
    at: datetime
    act: Act
    hash: str


def append(conn: Connection, act: Act, *, at: datetime) -> int:
    """The act's number in the chain. Others who append wait until this transaction has ended: do it late in it."""
    seq = counters.following(conn, _COUNTER)
    last = conn.execute(_HASH, {"of": seq - 1}).scalar_one_or_none() or _START
    row = {
        "seq": seq,
        "at": at,
        "actor": act.actor,
        "action": act.action,
        "subject": act.subject,
        "before": None if act.before is None else dict(act.before),
        "after": None if act.after is None else dict(act.after),
        "reason": act.reason,
    }
    conn.execute(_ADD, row | {"hash": _hash(last, seq, at, act)})
    return seq


def verify(conn: Connection) -> list[str]:
    """Names the first row at which the chain is broken; empty where it holds."""
    with conn.execute(select(schema.audit).order_by(schema.audit.c.seq).execution_options(yield_per=500)) as rows:
        return _broken(map(_entry, rows), counters.reached(conn, _COUNTER))


def _broken(entries: Iterable[Entry], reached: int) -> list[str]:
    last, expected = _START, 1
    for entry in entries:
        if entry.seq != expected:
            return [f"audit {expected}: is missing; {entry.seq} follows"]
        if entry.hash != _hash(last, entry.seq, entry.at, entry.act):
            return [f"audit {entry.seq}: is not what was written, or not after what was before it"]
        last, expected = entry.hash, expected + 1
    return [] if reached == expected - 1 else [f"audit {expected}: is missing; {reached} were written"]


def page(conn: Connection, *, subject: str | None = None, before: int | None = None, limit: int) -> list[Entry]:
    """Newest first, beginning below the number `before`."""
    table = schema.audit.c
    asked = select(schema.audit)
    if subject is not None:
        asked = asked.where(table.subject == subject)
    if before is not None:
        asked = asked.where(table.seq < before)
    return [_entry(row) for row in conn.execute(asked.order_by(table.seq.desc()).limit(limit))]


def _hash(last: str, seq: int, at: datetime, act: Act) -> str:
    said = [last, seq, rfc3339(at), act.actor, act.action, act.subject, act.before, act.after, act.reason]
    return hashlib.sha256(json_text(said).encode()).hexdigest()


def _entry(row: Row[Any]) -> Entry:
    return Entry(row.seq, row.at, Act(row.actor, row.action, row.subject, row.before, row.after, row.reason), row.hash)
