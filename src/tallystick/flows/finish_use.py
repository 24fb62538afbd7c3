"""Count what was done under a reservation, whatever has become of it: work that is finished is not lost for having taken long."""

from dataclasses import replace
from decimal import Decimal

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.entitlements import Decision, Operation, OperationStatus
from tallystick.flows import _alerts, _quota
from tallystick.flows._quota import Standing
from tallystick.flows.context import Context
from tallystick.values.ids import OperationId, ReservationId, derived


def finish_use(ctx: Context, reservation_id: ReservationId, actual: Decimal | None = None) -> Decision:
    """What was used is taken (None: all that was reserved) and recorded, beyond the limit too; the rest is given back.

    Done once: what was committed before stands. Where the reservation was released, or its time was over, it is counted all the
    same, in the period that it was reserved in. Raises NotFound.
    """
    return ctx.database.run("finish use", lambda conn: _finished(ctx, conn, reservation_id, actual))


def _finished(ctx: Context, conn: Connection, reservation_id: ReservationId, actual: Decimal | None) -> Decision:
    operation, stands = _quota.locked_reservation(ctx, conn, reservation_id)
    actual = operation.quantity if actual is None else actual
    if operation.status is OperationStatus.TAKEN:
        return stands.again
    if operation.status is OperationStatus.RELEASED:
        return _late(ctx, conn, operation, stands, actual)
    decision = stands.decide(actual, given_back=operation.quantity)
    if actual <= operation.quantity:
        decision = domain.entitlements.granted(decision)
    taken = domain.entitlements.settled(operation, OperationStatus.TAKEN, taken=actual)
    ended = storage.quotas.end(conn, operation, taken, stands.meter, hard_limit=None)
    assert ended, f"{operation.id}: what nothing limits has room"
    if actual:
        _quota.record(conn, taken, stands.meter, now=stands.at)
    after = domain.entitlements.after(decision, taken=actual)
    _alerts.watch(ctx, conn, stands.filling(after.used))
    return after


def _late(ctx: Context, conn: Connection, before: Operation, stands: Standing, actual: Decimal) -> Decision:
    ctx.faults.mark("quota.finished_late")
    if not actual:
        return stands.again
    late = replace(
        before,
        id=OperationId(derived("late", before.id)),
        quantity=actual,
        taken=actual,
        status=OperationStatus.TAKEN,
        expires_at=None,
    )
    if _quota.already_asked(conn, late) is not None:
        return stands.again
    decision = stands.decide(actual)
    taken = storage.quotas.take(conn, late, stands.meter, hard_limit=None)
    assert taken, f"{late.id}: what nothing limits has room"
    _quota.record(conn, late, stands.meter, now=stands.at)
    after = domain.entitlements.after(decision, taken=actual)
    _alerts.watch(ctx, conn, stands.filling(after.used))
    return after
