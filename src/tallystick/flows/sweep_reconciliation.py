"""Write down to compare with the provider, once every night. A missed night is caught up by the next sweep."""

from tallystick import domain, storage
from tallystick.domain.reconciliation import NIGHTLY
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName


def sweep_reconciliation(ctx: Context) -> bool:
    """Whether it is due: the night has come since the last time, and somebody is known to the provider since before."""
    now = ctx.clock.now()
    night = domain.reconciliation.night_before(now)
    with ctx.database.transaction("sweep reconciliation") as conn:
        last = storage.reconciliations.last_night(conn)
        since = storage.customers.known_since(conn)
        is_due = since is not None and since < night and (last is None or last.at < night)
        if is_due:
            storage.jobs.enqueue(conn, JobName.RECONCILE, NIGHTLY, run_at=now)
    return is_due
