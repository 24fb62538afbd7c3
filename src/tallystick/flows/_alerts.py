"""What is worth telling, noticed where it happens: an alert once for its period, and a job to tell it, with the use itself."""

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.alerts import THRESHOLDS_DEFAULT, Alert, Filling, Spending
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName


def watch(ctx: Context, conn: Connection, filling: Filling) -> list[Alert]:
    """The thresholds of this quota that were just reached for the first time in the period.

    Call it under the quota's lock, in the transaction that takes. It asks nothing while no whole percent is passed.
    """
    moved = domain.alerts.percents_moved(filling)
    if moved is None:
        return []
    thresholds = storage.alerts.thresholds(conn, filling.customer_id, filling.meter_key)
    now = ctx.clock.now()
    reached = [domain.alerts.of_quota(filling, threshold, at=now) for threshold in domain.alerts.crossed(moved, thresholds)]
    return [alert for alert in reached if tell(conn, alert)]


def watch_spend(ctx: Context, conn: Connection, spending: Spending) -> list[Alert]:
    """Likewise of money under a cap: at 80 %, and when the cap is reached."""
    reached = domain.alerts.of_spending(spending, THRESHOLDS_DEFAULT, at=ctx.clock.now())
    return [alert for alert in reached if tell(conn, alert)]


def tell(conn: Connection, alert: Alert) -> bool:
    """Keeps the alert, with the job to tell it. False where it was told before in its period."""
    if not storage.alerts.add(conn, alert):
        return False
    storage.jobs.enqueue(conn, JobName.ALERT, alert.id, run_at=alert.at)
    return True
