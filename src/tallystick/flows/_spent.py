"""What a process has spent of its lease becomes what was taken from the quota and what will be billed, each once."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.entitlements import Operation, Quota
from tallystick.domain.leases import Spent
from tallystick.domain.usage import Meter, Verdict
from tallystick.flows.context import Context
from tallystick.values.decimals import EXACT
from tallystick.values.ids import CustomerId, OperationId


@dataclass(slots=True)
class Written:
    """What became of it: `again` was known before; `refused` stands otherwise already; `lost` came when the room was gone."""

    recorded: list[OperationId]
    again: list[OperationId]
    refused: list[OperationId]
    lost: list[OperationId]

    @classmethod
    def nothing(cls) -> "Written":
        return cls([], [], [], [])


def write_down(
    ctx: Context, conn: Connection, customer_id: CustomerId, meter: Meter, *, spent: Sequence[Spent], lease: Operation | None
) -> tuple[Operation | None, Written]:
    """The lease with what it holds then, under the lock of its quota. What counts is the period in which each was spent."""
    entitlement = storage.entitlements.stands(conn, customer_id, meter)
    assert entitlement is not None, "it was spent of a quota, and quotas are never removed"
    known = storage.leases.known(conn, customer_id, [use.id for use in spent])
    written = Written.nothing()
    fresh: dict[datetime, list[Operation]] = defaultdict(list)
    for use in spent:
        operation = use.operation(customer_id, meter.key, entitlement.quota.period(use.at))
        if use.id not in known:
            fresh[operation.period_start].append(operation)
        elif domain.entitlements.same_asked(known[use.id], operation):
            written.again.append(use.id)
        else:
            written.refused.append(use.id)
    for start, operations in sorted(fresh.items()):
        mine = lease if lease is not None and lease.period_start == start else None
        left = _taken(ctx, conn, operations, (mine, meter, entitlement.quota), written)
        lease = left if mine is not None else lease
    return lease, written


def _taken(
    ctx: Context, conn: Connection, operations: Sequence[Operation], of: tuple[Operation | None, Meter, Quota], written: Written
) -> Operation | None:
    lease, meter, quota = of
    now = ctx.clock.now()
    room = None
    if quota.hard_limit is not None:
        first = operations[0]
        used, reserved = storage.quotas.counted(conn, first.customer_id, meter, first.period_start, now=now)
        free = EXACT.subtract(quota.hard_limit, EXACT.add(used, reserved))
        # What the lease holds was promised; beside it, there is what is free.
        room = EXACT.add(Decimal(0) if lease is None else lease.quantity, max(free, Decimal(0)))
    fitting, lost = domain.leases.fitting(operations, room)
    written.lost += [operation.id for operation in lost]
    verdicts = storage.usage.append(conn, [(operation.event, meter) for operation in fitting], at=now)
    kept = [operation for operation, verdict in zip(fitting, verdicts, strict=True) if verdict is Verdict.RECORDED]
    written.recorded += [operation.id for operation in kept]
    # Somebody else recorded an event of that name, by other means: what they said stands.
    written.refused += [op.id for op, verdict in zip(fitting, verdicts, strict=True) if verdict is not Verdict.RECORDED]
    if not kept:
        return lease
    return storage.leases.take(conn, kept, meter, lease=lease, hard_limit=quota.hard_limit)
