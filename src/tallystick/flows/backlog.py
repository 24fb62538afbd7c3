"""How far behind the worker is: jobs that are due, jobs that were given up, and since when the oldest waits."""

from dataclasses import dataclass
from datetime import timedelta

from tallystick import storage
from tallystick.flows.context import Context

_DEAD_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """`dead` counts up to a thousand."""

    due: int
    dead: int
    lag: timedelta


def backlog(ctx: Context) -> Backlog:
    """As it stands now; changes nothing."""
    now = ctx.clock.now()
    with ctx.database.reading() as conn:
        due, dead = storage.jobs.due_count(conn, now=now), len(storage.jobs.dead(conn, limit=_DEAD_MAX))
        oldest = storage.jobs.next_due_at(conn)
    return Backlog(due, dead, timedelta(0) if oldest is None else max(now - oldest, timedelta(0)))
