"""Take what was really used of a reservation, record it, and give the rest back."""

from dataclasses import replace
from decimal import Decimal

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.entitlements import Decision, Operation, OperationStatus
from tallystick.flows import _alerts, _quota, _spend
from tallystick.flows._quota import Standing
from tallystick.flows.context import Context
from tallystick.values.decimals import plain
from tallystick.values.errors import Conflict
from tallystick.values.ids import ReservationId


def commit_reservation(ctx: Context, reservation_id: ReservationId, actual: Decimal | None = None) -> Decision:
    """What was used is taken (None: all that was reserved); committed twice is committed once.

    Less than was reserved is always allowed; of more, only what the quota has room for. A denial leaves the reservation as it
    is. Raises NotFound; and Conflict once it has ended, or where it was committed with another quantity.
    """
    return ctx.database.run("commit reservation", lambda conn: _committed(ctx, conn, reservation_id, actual))


def _committed(ctx: Context, conn: Connection, reservation_id: ReservationId, actual: Decimal | None) -> Decision:
    operation, stands = _quota.locked_reservation(ctx, conn, reservation_id)
    domain.entitlements.check_held(operation)
    actual = operation.quantity if actual is None else actual
    if operation.status is OperationStatus.TAKEN:
        return _again(operation, stands, actual)
    decision = stands.decide(actual, given_back=operation.quantity)
    if actual <= operation.quantity:
        decision = domain.entitlements.granted(decision)  # it was promised, whatever became of the limit since
    then = replace(stands, at=operation.at)
    capped = _spend.capped(conn, then, decision, actual, given_back=operation.quantity)
    decision = capped.decision
    if not decision.allowed:
        # The reservation stands, and so it counts in what remains.
        return domain.entitlements.after(decision, reserved=operation.quantity)
    taken = domain.entitlements.settled(operation, OperationStatus.TAKEN, taken=actual)
    ended = storage.quotas.end(conn, operation, taken, stands.meter, hard_limit=stands.quota.hard_limit)
    assert ended, f"{operation.id}: under the lock of its quota, what was decided holds"
    ctx.faults.point("commit reservation:taken")
    if actual:
        _quota.record(conn, taken, stands.meter, now=stands.at)
    after = domain.entitlements.after(decision, taken=actual)
    _alerts.watch(ctx, conn, stands.filling(after.used))
    capped.watch(ctx, conn)
    return after


def _again(operation: Operation, stands: Standing, actual: Decimal) -> Decision:
    if operation.taken != actual:
        raise Conflict(
            f"reservation {operation.reservation_id}: was committed with {plain(operation.taken)}; that stands",
            code="operation_conflict",
        )
    return stands.again
