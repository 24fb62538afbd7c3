"""Measure the vital signs of the business, and tell what has fallen ill: once, until it is over; and then that it is."""

from tallystick import domain, storage
from tallystick.flows import _alerts, _operations
from tallystick.flows.context import Context


def sweep_operations(ctx: Context) -> int:
    """How many alerts are new. Its last measurement also says that a worker is alive."""
    now, told = ctx.clock.now(), 0
    with ctx.database.transaction("sweep operations") as conn:
        before = storage.operations.watches(conn)
        for found in _operations.measured(ctx, conn):
            was = before.get(found.vital)
            after = domain.operations.watched(was, found, ctx.outgoing.vitals.limits[found.vital], now=now)
            if not storage.operations.save(conn, was, after):
                continue
            if domain.operations.has_fallen_ill(was, after):
                ctx.faults.mark(f"operations.{after.vital}")
                told += _alerts.tell(conn, domain.operations.alert_of(after))
            if was is not None and domain.operations.has_recovered(was, after):
                ctx.faults.mark("operations.recovered")
                told += _alerts.tell(conn, domain.operations.recovery_of(was, after))
        storage.operations.forget(conn, before=now - domain.operations.KEPT)
    return told
