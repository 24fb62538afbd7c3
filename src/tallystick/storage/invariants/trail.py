"""The audit trail: whole, hash by hash."""

from sqlalchemy import Connection

from tallystick.storage import audit
from tallystick.storage.invariants.finding import Wrongs, count


def chained(conn: Connection, wrong: Wrongs) -> int:
    for broken in audit.verify(conn):
        where, _, what = broken.partition(": ")
        wrong(where, what)
    return count(conn, "tallystick_audit")
