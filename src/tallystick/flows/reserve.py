"""Hold a part of a quota for work whose size is not known yet; it ends by commit, by release, or by itself."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.entitlements import TTL_DEFAULT, Decision, Operation, OperationStatus
from tallystick.flows import _quota, _spend
from tallystick.flows._quota import Standing, Use
from tallystick.flows.context import Context


@dataclass(frozen=True, slots=True)
class Reserved:
    """The decision, and where it allowed, the operation that is held."""

    decision: Decision
    operation: Operation | None = None


def reserve(ctx: Context, use: Use, *, ttl: timedelta = TTL_DEFAULT) -> Reserved:
    """Held until `ttl` from now, once for the id of this use; asked again, it is the same reservation, with its first end.

    Raises Conflict where the id was used for something else before, or the reservation has ended.
    """
    domain.entitlements.checked_ttl(ttl)
    return ctx.database.run("reserve", lambda conn: _reserved(ctx, conn, use, ttl))


def _reserved(ctx: Context, conn: Connection, use: Use, ttl: timedelta) -> Reserved:
    found = _quota.locked(ctx, conn, use.customer_id, use.meter_key)
    if not isinstance(found, Standing):
        return Reserved(_quota.denied(found))
    operation = Operation(
        use.customer_id, use.id, use.meter_key, use.quantity, found.at, found.period_start, OperationStatus.RESERVED,
        expires_at=found.at + ttl,
    )  # fmt: skip
    known = _quota.already_asked(conn, operation)
    if known is not None:
        domain.entitlements.check_held(known)
        ctx.faults.mark("quota.asked_again")
        return Reserved(found.again, known)
    capped = _spend.capped(conn, found, found.decide(use.quantity), use.quantity)
    if not capped.decision.allowed:
        return Reserved(capped.decision)
    held = storage.quotas.take(conn, operation, found.meter, hard_limit=found.quota.hard_limit)
    assert held, f"{use.id}: under the lock of its quota, what was decided holds"
    capped.watch(ctx, conn)
    return Reserved(domain.entitlements.after(capped.decision, reserved=use.quantity), operation)
