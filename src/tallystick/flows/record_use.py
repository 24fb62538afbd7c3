"""Count what was used already, whatever the limit says: the work is done, and usage is not lost for being too much."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.entitlements import SOURCE, Decision, Operation, OperationStatus
from tallystick.domain.usage import Event, Meter, Verdict
from tallystick.flows import _alerts, _quota
from tallystick.flows._quota import Standing, Use
from tallystick.flows.context import Context
from tallystick.values.errors import Conflict
from tallystick.values.ids import EventId


def record_use(ctx: Context, use: Use, meter: Meter, properties: Mapping[str, str]) -> Decision:
    """How the quota stands after it: where a limit is passed, `allowed` is false, and the usage is recorded all the same.

    Recorded once for the id of this use. The meter is made if there is none, and so is the customer. Without an entitlement it
    is usage like any other, and counts against no quota. Raises Conflict where the id was used for something else.
    """
    return ctx.database.run("record use", lambda conn: _recorded(ctx, conn, use, meter, properties))


def _recorded(ctx: Context, conn: Connection, use: Use, wanted: Meter, properties: Mapping[str, str]) -> Decision:
    now = ctx.clock.now()
    if storage.catalog.meter(conn, use.meter_key) is None:
        storage.catalog.put_meter(conn, wanted, at=now)
    storage.customers.ensure(conn, [use.customer_id], at=now)
    found = _quota.locked(ctx, conn, use.customer_id, use.meter_key)
    if _is_known(conn, use):
        ctx.faults.mark("quota.asked_again")
        return found.again if isinstance(found, Standing) else _quota.denied(found)
    if not isinstance(found, Standing):
        meter = storage.catalog.meter(conn, use.meter_key)
        assert meter is not None, "it was made above, and meters are never removed"
        _append(conn, Event(use.customer_id, EventId(use.id), meter.key, use.quantity, now, SOURCE, None, properties), meter, now)
        return _quota.denied(found)
    operation = Operation(
        use.customer_id, use.id, use.meter_key, use.quantity, found.at, found.period_start, OperationStatus.TAKEN, use.quantity
    )
    assert _quota.already_asked(conn, operation) is None, f"{use.id}: what was taken is an event too"
    decision = found.decide(use.quantity)
    domain.entitlements.check_room(found.meter, decision, use.quantity)
    taken = storage.quotas.take(conn, operation, found.meter, hard_limit=None)
    assert taken, f"{use.id}: what nothing limits has room"
    _append(conn, replace(operation.event, properties=properties), found.meter, found.at)
    after = domain.entitlements.after(decision, taken=use.quantity)
    _alerts.watch(ctx, conn, found.filling(after.used))
    return after


def _is_known(conn: Connection, use: Use) -> bool:
    """Whether it was recorded before, entitled or not. Raises Conflict where its id was used for something else."""
    known = storage.usage.get_event(conn, use.customer_id, SOURCE, EventId(use.id))
    if known is not None and (known.meter_key, known.quantity) != (use.meter_key, use.quantity):
        raise Conflict(f"op {use.id}: was used before for another meter or quantity; use another op", code="operation_conflict")
    return known is not None


def _append(conn: Connection, event: Event, meter: Meter, now: datetime) -> None:
    checked = domain.usage.checked_event(event, meter, now=max(now, event.at))
    (verdict,) = storage.usage.append(conn, [(checked, meter)], at=now)
    if verdict is Verdict.CONFLICT:
        raise Conflict(f"op {event.id}: was recorded before with another content; use another op", code="operation_conflict")
