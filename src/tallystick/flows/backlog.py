"""How far behind the worker is: jobs that are due, jobs that were given up, and since when the oldest waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tallystick import storage
from tallystick.flows.context import Context

_DEAD_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """`dead` counts up to a thousand. `seen_at` is when a worker last swept; None: none has yet."""

    due: int
    dead: int
    lag: timedelta
    seen_at: datetime | None = None


def backlog(ctx: Context) -> Backlog:
    """As it stands now; changes nothing."""
    now = ctx.clock.now()
    with ctx.database.reading() as conn:
        due, dead = storage.jobs.due_count(conn, now=now), len(storage.jobs.dead(conn, limit=_DEAD_MAX))
        oldest = storage.jobs.next_due_at(conn)
        seen_at = storage.operations.measured_at(conn)
    return Backlog(due, dead, timedelta(0) if oldest is None else max(now - oldest, timedelta(0)), seen_at)
