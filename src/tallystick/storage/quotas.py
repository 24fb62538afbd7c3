"""Quotas as they are used: a counter per period, and each operation on it. Every change of a counter is one guarded statement."""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, func, select

from tallystick.domain.entitlements import Operation, OperationStatus
from tallystick.domain.usage import Meter
from tallystick.storage import schema
from tallystick.storage.database import insert, insert_new
from tallystick.storage.types import Whole
from tallystick.values.decimals import from_steps, to_steps
from tallystick.values.errors import Conflict
from tallystick.values.ids import CustomerId, MeterKey, OperationId, ReservationId

_COUNTERS, _OPERATIONS = schema.quota_counters, schema.quota_operations
_HELD = _OPERATIONS.c.status == OperationStatus.RESERVED.value
# Asked for each use of a quota, and therefore kept: most of a small statement's time is its making.
_OF = and_(
    _COUNTERS.c.customer_id == bindparam("customer"),
    _COUNTERS.c.meter_key == bindparam("meter"),
    _COUNTERS.c.period_start == bindparam("start"),
)
_OVER = and_(
    _OPERATIONS.c.customer_id == bindparam("customer"),
    _OPERATIONS.c.meter_key == bindparam("meter"),
    _HELD,
    _OPERATIONS.c.expires_at <= bindparam("now"),
)
_COUNTED = select(_COUNTERS.c.used, _COUNTERS.c.reserved).where(_OF)
_OVERDUE = select(func.coalesce(func.sum(_OPERATIONS.c.quantity), 0)).where(
    _OVER, _OPERATIONS.c.period_start == bindparam("start")
)
_RELEASE = (
    _OPERATIONS.update()
    .where(_OVER)
    .values(status=OperationStatus.RELEASED.value)
    .returning(_OPERATIONS.c.period_start, _OPERATIONS.c.quantity)
)
_FOUND = select(_OPERATIONS, schema.meters.c.decimals).join(schema.meters, schema.meters.c.key == _OPERATIONS.c.meter_key)
_OPERATION = _FOUND.where(_OPERATIONS.c.customer_id == bindparam("customer"), _OPERATIONS.c.id == bindparam("operation"))
_RESERVATION = _FOUND.where(_OPERATIONS.c.reservation_id == bindparam("reservation"), _OPERATIONS.c.expires_at.is_not(None))
_FILLED = _COUNTERS.c.used + _COUNTERS.c.reserved
_TAKEN, _SET_ASIDE = bindparam("more_used", type_=Whole()), bindparam("more_reserved", type_=Whole())
_MOVE = (
    _COUNTERS.update()
    .where(_OF)
    .values(used=_COUNTERS.c.used + _TAKEN, reserved=_COUNTERS.c.reserved + _SET_ASIDE)
    .returning(_FILLED)
)
# The limit is asked in the statement that moves: what was read before it may be older than somebody else's commit.
_MOVE_WITHIN = _MOVE.where(_FILLED + (_TAKEN + _SET_ASIDE) <= bindparam("most"))  # noqa: SIM300 columns are no constants


def counted(
    conn: Connection, customer_id: CustomerId, meter: Meter, period_start: datetime, *, now: datetime
) -> tuple[Decimal, Decimal]:
    """Used and reserved; what was reserved for a time that is over does not count any more, even where nobody has noted it."""
    of = {"customer": customer_id, "meter": meter.key, "start": period_start}
    counter = conn.execute(_COUNTED, of).first()
    if counter is None:
        return Decimal(0), Decimal(0)
    over = 0
    if counter.reserved:
        over = conn.execute(_OVERDUE, of | {"now": now}).scalar_one()
    return from_steps(counter.used, meter.decimals), from_steps(counter.reserved - int(over), meter.decimals)


def take(conn: Connection, operation: Operation, meter: Meter, *, hard_limit: Decimal | None) -> bool:
    """Counts the operation and keeps it; False where `hard_limit` has no room for it, and then nothing is changed.

    Raises Conflict where another operation has its id.
    """
    steps, limit = to_steps(operation.quantity, meter.decimals), _limit(hard_limit, meter)
    held = operation.status is OperationStatus.RESERVED
    filled = moved(conn, operation, used=0 if held else steps, reserved=steps if held else 0, limit=limit)
    if filled is None:
        begin(conn, operation)
        filled = moved(conn, operation, used=0 if held else steps, reserved=steps if held else 0, limit=limit)
    if filled is None:
        return False
    row = _row(operation, meter) | {"filled": filled, "hard_limit": limit}
    if not insert_new(conn, _OPERATIONS, [row], [_OPERATIONS.c.id]):
        raise Conflict(f"op {operation.id}: was just taken by another operation of this customer", code="operation_conflict")
    return True


def end(conn: Connection, before: Operation, after: Operation, meter: Meter, *, hard_limit: Decimal | None) -> bool:
    """Ends a reservation as `after` says; False where more is taken than reserved and `hard_limit` has no room for that."""
    held, taken = to_steps(before.quantity, meter.decimals), to_steps(after.taken, meter.decimals)
    limit = _limit(hard_limit, meter) if taken > held else None
    filled = moved(conn, before, used=taken, reserved=-held, limit=limit)
    if filled is None:
        return False
    values: dict[str, Any] = {"status": after.status.value, "taken": taken}
    if taken > held:
        values |= {"filled": filled, "hard_limit": limit}
    named = and_(_OPERATIONS.c.customer_id == before.customer_id, _OPERATIONS.c.id == before.id, _HELD)
    ended = _OPERATIONS.update().where(named).values(values).returning(_OPERATIONS.c.id)
    if conn.execute(ended).one_or_none() is None:
        raise Conflict(f"reservation {before.reservation_id}: has just been ended by somebody else", code="reservation_ended")
    return True


def release_expired(conn: Connection, customer_id: CustomerId, meter_key: MeterKey, *, now: datetime) -> int:
    """Gives back what was reserved for a time that is over; how many reservations that were."""
    of, given = {"customer": customer_id, "meter": meter_key}, defaultdict[datetime, int](int)
    rows = conn.execute(_RELEASE, of | {"now": now}).all()
    for row in rows:
        given[row.period_start] += row.quantity
    for period_start, steps in sorted(given.items()):
        conn.execute(_MOVE, of | {"start": period_start, "more_used": 0, "more_reserved": -steps})
    return len(rows)


def expired(conn: Connection, *, now: datetime, limit: int) -> list[tuple[CustomerId, MeterKey]]:
    """Whose reservations' time is over: customer and meter, each once."""
    of = (_OPERATIONS.c.customer_id, _OPERATIONS.c.meter_key)
    asked = select(*of).where(_HELD, _OPERATIONS.c.expires_at <= now).distinct().order_by(*of).limit(limit)
    return [(CustomerId(row.customer_id), MeterKey(row.meter_key)) for row in conn.execute(asked)]


def operation(conn: Connection, customer_id: CustomerId, operation_id: OperationId) -> Operation | None:
    return _found(conn, _OPERATION, {"customer": customer_id, "operation": operation_id})


def reservation(conn: Connection, reservation_id: ReservationId) -> Operation | None:
    return _found(conn, _RESERVATION, {"reservation": reservation_id})


def _found(conn: Connection, asked: Select[Any], named: dict[str, Any]) -> Operation | None:
    row = conn.execute(asked, named).one_or_none()
    return None if row is None else operation_of(row)


def begin(conn: Connection, operation: Operation) -> None:
    """The counter of its period, at nothing, where there is none yet."""
    key = {"customer_id": operation.customer_id, "meter_key": operation.meter_key, "period_start": operation.period_start}
    conn.execute(insert(conn, _COUNTERS).values(**key, used=0, reserved=0).on_conflict_do_nothing())


def moved(conn: Connection, operation: Operation, *, used: int, reserved: int, limit: int | None) -> int | None:
    """Used and reserved together, after the move; None where there is no counter, or `limit` would be exceeded."""
    of = {"customer": operation.customer_id, "meter": operation.meter_key, "start": operation.period_start}
    moves = of | {"more_used": used, "more_reserved": reserved}
    found = conn.execute(_MOVE, moves) if limit is None else conn.execute(_MOVE_WITHIN, moves | {"most": limit})
    reached: int | None = found.scalar_one_or_none()
    return reached


def _limit(hard_limit: Decimal | None, meter: Meter) -> int | None:
    return None if hard_limit is None else to_steps(hard_limit, meter.decimals)


def _row(operation: Operation, meter: Meter) -> dict[str, Any]:
    return {
        "customer_id": operation.customer_id,
        "id": operation.id,
        "reservation_id": operation.reservation_id,
        "meter_key": operation.meter_key,
        "period_start": operation.period_start,
        "at": operation.at,
        "quantity": to_steps(operation.quantity, meter.decimals),
        "taken": to_steps(operation.taken, meter.decimals),
        "status": operation.status.value,
        "expires_at": operation.expires_at,
    }


def operation_of(row: Row[Any]) -> Operation:
    return Operation(
        customer_id=CustomerId(row.customer_id),
        id=OperationId(row.id),
        meter_key=MeterKey(row.meter_key),
        quantity=from_steps(row.quantity, row.decimals),
        at=row.at,
        period_start=row.period_start,
        status=OperationStatus(row.status),
        taken=from_steps(row.taken, row.decimals),
        expires_at=row.expires_at,
    )
