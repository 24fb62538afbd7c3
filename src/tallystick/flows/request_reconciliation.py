"""Ask for a comparison with the provider: written down with a job to make it, for it may take minutes."""

from datetime import datetime

from tallystick import domain, storage
from tallystick.domain.reconciliation import Reconciliation
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName


def request_reconciliation(
    ctx: Context, *, since: datetime | None = None, repair: bool = False, actor: str = "system"
) -> Reconciliation:
    """The comparison as it waits to be made. Where one waits that looks as far back, and repairs as well, it is that one.

    Raises InvalidInput.
    """
    now = ctx.clock.now()
    asked = domain.reconciliation.asked(ctx.ids.new("rec"), since=since, repair=repair, actor=actor, now=now)
    with ctx.database.transaction("request reconciliation") as conn:
        waiting = storage.reconciliations.waiting(conn, repair=repair)
        one = next((each for each in waiting if each.since <= asked.since), None)
        if one is None:
            storage.reconciliations.put(conn, asked)
        else:
            ctx.faults.mark("reconcile.waits_already")
        found = one or asked
        storage.jobs.enqueue(conn, JobName.RECONCILE, found.id, run_at=now)
    return found
