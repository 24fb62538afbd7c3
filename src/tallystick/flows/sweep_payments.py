"""Find payments of which we have heard nothing for long, and write down to ask: webhooks that never came are healed here."""

from datetime import timedelta

from tallystick import storage
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName

_QUIET = timedelta(minutes=10)
_BATCH = 200


def sweep_payments(ctx: Context, *, quiet: timedelta = _QUIET) -> int:
    """How many payments are to be asked about now; each answer counts as news, so none is asked twice within `quiet`."""
    now = ctx.clock.now()
    with ctx.database.transaction("sweep payments") as conn:
        stale = storage.payments.stale(conn, before=now - quiet, limit=_BATCH)
        for payment in stale:
            storage.jobs.enqueue(conn, JobName.COLLECT, payment.id, run_at=now)
        if stale:
            ctx.faults.mark("sweep.stale_payments")
    return len(stale)
