"""Find the dunnings for which something is due, and write the work down: after a week of downtime, all of it."""

from tallystick import storage
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName

_AT_ONCE = 1000


def sweep_dunning(ctx: Context) -> int:
    """How many there were."""
    now = ctx.clock.now()
    with ctx.database.reading() as conn:
        due = storage.dunning.due(conn, now=now, limit=_AT_ONCE)
    if due:
        with ctx.database.transaction("sweep dunning") as conn:
            for invoice_id in due:
                storage.jobs.enqueue(conn, JobName.DUN, invoice_id, run_at=now)
    return len(due)
