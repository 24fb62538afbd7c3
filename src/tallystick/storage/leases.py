"""Leases as they are kept: a reservation that grows and shrinks, and the many operations that were answered out of it."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, and_, select

from tallystick.domain.entitlements import Operation, OperationStatus
from tallystick.domain.usage import Meter
from tallystick.storage import quotas, schema
from tallystick.storage.bulk import insert_unseen
from tallystick.values.decimals import EXACT, from_steps, to_steps
from tallystick.values.errors import Conflict
from tallystick.values.ids import CustomerId, OperationId
from tallystick.values.time import to_micros

_OPERATIONS = schema.quota_operations
_COLUMNS = (
    "customer_id", "id", "reservation_id", "meter_key", "period_start", "at", "quantity", "taken", "status", "expires_at",
    "filled", "hard_limit",
)  # fmt: skip
_AT_ONCE = 500


def known(conn: Connection, customer_id: CustomerId, ids: Collection[OperationId]) -> dict[OperationId, Operation]:
    """Those of the operations that are kept already."""
    table, meters, found = _OPERATIONS.c, schema.meters.c, {}
    listed = sorted(ids)
    for start in range(0, len(listed), _AT_ONCE):
        asked = select(_OPERATIONS, meters.decimals).join(schema.meters, meters.key == table.meter_key)
        asked = asked.where(table.customer_id == customer_id, table.id.in_(listed[start : start + _AT_ONCE]))
        for row in conn.execute(asked):
            operation = quotas.operation_of(row)
            found[operation.id] = operation
    return found


def take(
    conn: Connection, operations: Sequence[Operation], meter: Meter, *, lease: Operation | None, hard_limit: Decimal | None
) -> Operation | None:
    """Counts the operations, of one quota and period, and keeps them; as far as it goes, out of what `lease` holds.

    Returns the lease with what it holds then, or None where that is nothing. Raises Conflict where one is kept already, or where
    more is taken than the lease holds and `hard_limit` has no room for it.
    """
    steps = sum(to_steps(operation.quantity, meter.decimals) for operation in operations)
    held = 0 if lease is None else to_steps(lease.quantity, meter.decimals)
    drawn = min(steps, held)
    limit = None if hard_limit is None or steps <= held else to_steps(hard_limit, meter.decimals)
    quotas.begin(conn, operations[0])
    filled = quotas.moved(conn, operations[0], used=steps, reserved=-drawn, limit=limit)
    if filled is None:
        raise Conflict("lease: what was spent beyond it has no room any more", code="lease_ended")
    # What was promised by the lease stands within the limit that the lease was granted under.
    under = (filled, limit) if lease is None or steps > held else _granted(conn, lease)
    rows = [_bare(operation, meter, under) for operation in operations]
    if len(insert_unseen(conn, _OPERATIONS, _COLUMNS, rows, key_length=2)) != len(rows):
        raise Conflict("lease: an op was just taken by another operation of this customer", code="operation_conflict")
    return None if lease is None else _drawn(conn, lease, drawn, meter)


def grow(
    conn: Connection, lease: Operation, meter: Meter, *, by: Decimal, expires_at: datetime, hard_limit: Decimal | None
) -> Operation:
    """The lease, renewed until `expires_at`, with so much more. Ask for no more than there is room for."""
    values: dict[str, Any] = {"expires_at": expires_at}
    quantity = EXACT.add(lease.quantity, by)
    if by:
        limit = None if hard_limit is None else to_steps(hard_limit, meter.decimals)
        filled = quotas.moved(conn, lease, used=0, reserved=to_steps(by, meter.decimals), limit=limit)
        assert filled is not None, f"{lease.id}: under the lock of its quota, what was decided holds"
        values |= {"quantity": to_steps(quantity, meter.decimals), "filled": filled, "hard_limit": limit}
    _change(conn, lease, values)
    return replace(lease, quantity=quantity, expires_at=expires_at)


def _drawn(conn: Connection, lease: Operation, steps: int, meter: Meter) -> Operation | None:
    rest = to_steps(lease.quantity, meter.decimals) - steps
    if rest:
        _change(conn, lease, {"quantity": rest})
        return replace(lease, quantity=from_steps(rest, meter.decimals))
    _change(conn, lease, {"status": OperationStatus.RELEASED.value})
    return None


def _change(conn: Connection, lease: Operation, values: dict[str, Any]) -> None:
    held = _OPERATIONS.c.status == OperationStatus.RESERVED.value
    named = and_(_OPERATIONS.c.customer_id == lease.customer_id, _OPERATIONS.c.id == lease.id, held)
    changed = conn.execute(schema.quota_operations.update().where(named).values(values).returning(_OPERATIONS.c.id)).one_or_none()
    assert changed is not None, f"{lease.id}: under the lock of its quota, nobody else ends it"


def _granted(conn: Connection, lease: Operation) -> tuple[int, int | None]:
    named = and_(_OPERATIONS.c.customer_id == lease.customer_id, _OPERATIONS.c.id == lease.id)
    row = conn.execute(select(_OPERATIONS.c.filled, _OPERATIONS.c.hard_limit).where(named)).one()
    return row.filled, row.hard_limit


def _bare(operation: Operation, meter: Meter, under: tuple[int, int | None]) -> tuple[Any, ...]:
    """As the driver takes it, in the order of the columns."""
    steps = to_steps(operation.quantity, meter.decimals)
    names = (operation.customer_id, operation.id, operation.reservation_id, operation.meter_key)
    times = (to_micros(operation.period_start), to_micros(operation.at))
    return (*names, *times, steps, steps, operation.status.value, None, *under)
