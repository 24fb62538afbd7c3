"""Give back what was reserved and will not be used."""

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.entitlements import Operation, OperationStatus
from tallystick.flows import _quota
from tallystick.flows.context import Context
from tallystick.values.errors import Conflict
from tallystick.values.ids import ReservationId


def release(ctx: Context, reservation_id: ReservationId) -> Operation:
    """The reservation, which holds nothing; released twice, or after its time, is released once.

    Raises NotFound; and Conflict where it was committed: what was used stays used.
    """
    return ctx.database.run("release", lambda conn: _released(ctx, conn, reservation_id))


def _released(ctx: Context, conn: Connection, reservation_id: ReservationId) -> Operation:
    operation, stands = _quota.locked_reservation(ctx, conn, reservation_id)
    if operation.status is OperationStatus.RELEASED:
        return operation
    if operation.status is OperationStatus.TAKEN:
        raise Conflict(f"reservation {reservation_id}: was committed; what was used stays used", code="reservation_ended")
    released = domain.entitlements.settled(operation, OperationStatus.RELEASED)
    ended = storage.quotas.end(conn, operation, released, stands.meter, hard_limit=None)
    assert ended, f"{operation.id}: what is given back always has room"
    return released
