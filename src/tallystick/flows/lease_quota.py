"""Write down what a process has spent of its lease, and renew it, in one transaction; or take one, or give it back."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.entitlements import Decision, Operation, OperationStatus
from tallystick.domain.leases import SIZE_DEFAULT, TTL_DEFAULT, Spent
from tallystick.flows import _alerts, _quota, _spent
from tallystick.flows._quota import Standing
from tallystick.flows._spent import Written
from tallystick.flows.context import Context
from tallystick.values.decimals import EXACT
from tallystick.values.ids import CustomerId, MeterKey, OperationId

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Share:
    """What one process has of one quota: the lease as it knows it, and what it has spent of it and not written down.

    It wants to hold `size`, and `at_least` so much (None: nothing any more). `is_whole` says that it spends nothing meanwhile:
    only then the lease may be ended.
    """

    customer_id: CustomerId
    meter_key: MeterKey
    lease: Operation | None = None
    spent: tuple[Spent, ...] = ()
    size: Decimal = Decimal(SIZE_DEFAULT)
    at_least: Decimal | None = _ZERO
    ttl: timedelta = TTL_DEFAULT
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Leased:
    """The lease, and how the quota stands with it. `is_over`: the lease should end, and can only be ended of a whole share."""

    standing: Standing | None
    decision: Decision
    lease: Operation | None = None
    is_overage: bool = False
    is_over: bool = False
    is_capped: bool = False
    written: Written = field(default_factory=Written.nothing)


def lease_quota(ctx: Context, share: Share) -> Leased:
    """The lease from now on; what was spent is on disk, once for its op, whichever processes have answered it.

    Nothing is leased where there is no quota, no room, or a spend cap; ask for each use then.
    """
    return ctx.database.run("lease quota", lambda conn: _leased(ctx, conn, share))


def _leased(ctx: Context, conn: Connection, share: Share) -> Leased:
    found = _quota.locked(ctx, conn, share.customer_id, share.meter_key)
    lease = None if share.lease is None else _held(conn, share.lease)
    written = Written.nothing()
    if share.spent:
        meter = storage.catalog.meter(conn, share.meter_key)
        assert meter is not None, "meters are never removed"
        lease, written = _spent.write_down(ctx, conn, share.customer_id, meter, spent=share.spent, lease=lease)
        ctx.faults.point("lease quota:written")
    if isinstance(found, Standing):
        before, found = found, _quota.counted_anew(conn, found)
        _alerts.watch(ctx, conn, before.filling(found.used))
        # Under a cap each use is rated before it is allowed.
        capped = storage.spend_caps.get(conn, share.customer_id) is not None
        wanted = replace(share, at_least=None) if capped else share
        return replace(_renewed(ctx, conn, found, wanted, lease), written=written, is_capped=capped)
    if share.is_whole:
        _give_back(ctx, conn, lease)
    return Leased(None, _quota.denied(found), is_over=lease is not None, written=written)


def _held(conn: Connection, known: Operation) -> Operation | None:
    """The lease as it is kept, which is what counts: the process may not have heard the last answer."""
    kept = storage.quotas.operation(conn, known.customer_id, known.id)
    return kept if kept is not None and kept.status is OperationStatus.RESERVED else None


def _renewed(ctx: Context, conn: Connection, found: Standing, share: Share, lease: Operation | None) -> Leased:
    if lease is not None and _must_end(found, share, lease):
        if not share.is_whole:
            return Leased(found, found.decide(_ZERO), lease, is_over=True)
        _give_back(ctx, conn, lease)
        lease, found = None, _quota.counted_anew(conn, found)
    if share.at_least is None:
        return Leased(found, found.decide(_ZERO))
    held = _ZERO if lease is None else lease.quantity
    decision = found.decide(_ZERO)
    room = domain.leases.room(
        found.quota, found.meter, free=found.free(given_back=held), size=share.size, at_least=share.at_least
    )
    most = EXACT.subtract(found.meter.quantity_max, EXACT.add(found.used, found.reserved))
    more = max(min(EXACT.subtract(room.held, held), most), _ZERO)
    lease = _with_more(ctx, conn, found, share, lease=lease, more=more)
    return Leased(found, domain.entitlements.after(decision, reserved=more), lease, room.is_overage)


def _must_end(found: Standing, share: Share, lease: Operation) -> bool:
    """Whether the lease is not wanted, of a period that is over, too old, or above a limit that was lowered since."""
    hard = found.quota.hard_limit
    is_above = hard is not None and EXACT.add(found.used, found.reserved) > hard
    is_old = not domain.leases.lives_on(lease, until=found.at + share.ttl)
    return share.at_least is None or lease.period_start != found.period_start or is_above or is_old


def _with_more(
    ctx: Context, conn: Connection, found: Standing, share: Share, *, lease: Operation | None, more: Decimal
) -> Operation | None:
    hard_limit = found.quota.hard_limit
    expires_at = domain.leases.expiry(lease, now=found.at, ttl=share.ttl)
    if lease is not None:
        return storage.leases.grow(conn, lease, found.meter, by=more, expires_at=expires_at, hard_limit=hard_limit)
    if not more:
        return None
    new = Operation(
        share.customer_id, OperationId(ctx.ids.new("lease")), share.meter_key, more, found.at, found.period_start,
        OperationStatus.RESERVED, expires_at=expires_at,
    )  # fmt: skip
    held = storage.quotas.take(conn, new, found.meter, hard_limit=hard_limit)
    assert held, f"{new.id}: under the lock of its quota, what was decided holds"
    return new


def _give_back(ctx: Context, conn: Connection, lease: Operation | None) -> None:
    if lease is None:
        return
    meter = storage.catalog.meter(conn, lease.meter_key)
    assert meter is not None, "meters are never removed"
    released = domain.entitlements.settled(lease, OperationStatus.RELEASED)
    ended = storage.quotas.end(conn, lease, released, meter, hard_limit=None)
    assert ended, f"{lease.id}: what is given back always has room"
    ctx.faults.mark("lease.given_back")
