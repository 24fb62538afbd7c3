"""Ask and take in one transaction, and record the usage with it: the quota and the bill cannot differ."""

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.entitlements import Decision, Operation, OperationStatus
from tallystick.flows import _alerts, _quota, _spend
from tallystick.flows._quota import Standing, Use
from tallystick.flows.context import Context


def consume(ctx: Context, use: Use) -> Decision:
    """The decision; where it allows, the quantity is taken and its event recorded, once for the id of this use.

    Raises Conflict where the id was used for something else before.
    """
    return ctx.database.run("consume", lambda conn: _consumed(ctx, conn, use))


def _consumed(ctx: Context, conn: Connection, use: Use) -> Decision:
    found = _quota.locked(ctx, conn, use.customer_id, use.meter_key)
    if not isinstance(found, Standing):
        return _quota.denied(found)
    operation = Operation(
        use.customer_id, use.id, use.meter_key, use.quantity, found.at, found.period_start, OperationStatus.TAKEN, use.quantity
    )
    if _quota.already_asked(conn, operation) is not None:
        ctx.faults.mark("quota.asked_again")
        return found.again
    capped = _spend.capped(conn, found, found.decide(use.quantity), use.quantity)
    if not capped.decision.allowed:
        return capped.decision
    taken = storage.quotas.take(conn, operation, found.meter, hard_limit=found.quota.hard_limit)
    assert taken, f"{use.id}: under the lock of its quota, what was decided holds"
    ctx.faults.point("consume:taken")
    _quota.record(conn, operation, found.meter, now=found.at)
    ctx.faults.point("consume:recorded")
    after = domain.entitlements.after(capped.decision, taken=use.quantity)
    _alerts.watch(ctx, conn, found.filling(after.used))
    capped.watch(ctx, conn)
    return after
