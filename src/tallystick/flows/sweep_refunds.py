"""Find refunds of which we have heard nothing for long, and write down to ask: webhooks that never came are healed here."""

from datetime import timedelta

from tallystick import storage
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName

_QUIET = timedelta(minutes=10)
_DAILY = timedelta(days=1)
_MAY_FAIL_FOR = timedelta(days=35)  # a bank may send the money back as late as that
_BATCH = 200


def sweep_refunds(ctx: Context, *, quiet: timedelta = _QUIET) -> int:
    """How many refunds are to be asked about now: those that wait, and daily those that succeeded and may yet fail."""
    now = ctx.clock.now()
    with ctx.database.transaction("sweep refunds") as conn:
        stale = storage.refunds.stale(conn, waiting=now - quiet, done=now - _DAILY, made=now - _MAY_FAIL_FOR, limit=_BATCH)
        for refund in stale:
            storage.jobs.enqueue(conn, JobName.REFUND, refund.id, run_at=now)
        if stale:
            ctx.faults.mark("sweep.stale_refunds")
    return len(stale)
