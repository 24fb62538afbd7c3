"""Idempotency keys: claimed in the transaction of their effect, so that both are kept or neither."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from tallystick.storage import schema
from tallystick.storage.database import insert_new
from tallystick.values.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class Replay:
    """What was answered the first time."""

    status: int
    body: str


def claim(conn: Connection, *, key: str, route: str, fingerprint: str, at: datetime) -> Replay | None:
    """None: the key is new, and this transaction is its effect. Else what was answered when it was.

    On PostgreSQL a second request waits here until the first has ended. Raises Conflict where the key was used for
    something else, or where its first use has not been answered.
    """
    table = schema.idempotency_keys
    row = {"key": key, "route": route, "fingerprint": fingerprint, "claimed_at": at}
    if insert_new(conn, table, [row], [table.c.key]):
        return None
    stands = conn.execute(select(table).where(table.c.key == key)).one()
    if (stands.route, stands.fingerprint) != (route, fingerprint):
        raise Conflict(
            "Idempotency-Key: was used for another request before; send a new key", field="Idempotency-Key",
            code="idempotency_key_reused",
        )  # fmt: skip
    if stands.status is None:
        raise Conflict("Idempotency-Key: its first request has no answer yet; try again", code="idempotency_key_in_use")
    return Replay(stands.status, stands.body)


def store(conn: Connection, *, key: str, status: int, body: str) -> None:
    """What is answered from now on, in the transaction that claimed the key."""
    table = schema.idempotency_keys
    stored = table.update().where(table.c.key == key, table.c.status.is_(None)).values(status=status, body=body)
    if conn.execute(stored.returning(table.c.key)).one_or_none() is None:
        raise NotFound("Idempotency-Key: is not claimed, or was answered before")


def forget(conn: Connection, *, before: datetime) -> int:
    """Removes those that were claimed before; how many."""
    table = schema.idempotency_keys
    gone = table.delete().where(table.c.claimed_at < before).returning(table.c.key)
    return len(conn.execute(gone).all())
