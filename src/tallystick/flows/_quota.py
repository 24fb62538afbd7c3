"""How a quota stands, read in one place: for those who ask, and, under its lock, for those who take."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.alerts import Filling
from tallystick.domain.entitlements import Decision, Operation, Quota, Reason
from tallystick.domain.usage import Meter, Verdict
from tallystick.flows.context import Context
from tallystick.values.decimals import EXACT, exact_decimal
from tallystick.values.errors import Conflict, NotFound
from tallystick.values.ids import CustomerId, MeterKey, OperationId, ReservationId

_NO_ID = OperationId("")


@dataclass(frozen=True, slots=True)
class Use:
    """What is asked: so much of this meter, for this customer; `id` is the caller's own name for it, where it is to be taken."""

    customer_id: CustomerId
    meter_key: MeterKey
    quantity: Decimal
    id: OperationId = _NO_ID


@dataclass(frozen=True, slots=True)
class Standing:
    """One quota at one instant."""

    customer_id: CustomerId
    meter: Meter
    quota: Quota
    at: datetime
    period_start: datetime
    resets_at: datetime | None
    used: Decimal
    reserved: Decimal

    @property
    def again(self) -> Decision:
        """What is answered to what was allowed before: yes, and how the quota stands now."""
        return domain.entitlements.granted(self.decide(Decimal(0)))

    def filling(self, used: Decimal) -> Filling:
        """What has just been taken from it, for those who watch."""
        limit = self.quota.limit
        return Filling(self.customer_id, self.meter.key, limit, self.used, used, self.period_start, self.resets_at)

    def decide(self, requested: Decimal, *, given_back: Decimal = Decimal(0)) -> Decision:
        """The decision on `requested` more, where `given_back` is reserved no longer."""
        exact_decimal(requested, field="quantity", places=self.meter.decimals)
        decision = domain.entitlements.decide(
            self.quota,
            used=self.used,
            reserved=EXACT.subtract(self.reserved, given_back),
            requested=requested,
            resets_at=self.resets_at,
        )
        if decision.allowed:
            domain.entitlements.check_room(self.meter, decision, requested)
        return decision

    def free(self, *, given_back: Decimal) -> Decimal | None:
        """What is left, where `given_back` is reserved no longer; below zero above the limit. None: there is no limit."""
        if self.quota.limit is None:
            return None
        return EXACT.add(EXACT.subtract(self.quota.limit, EXACT.add(self.used, self.reserved)), given_back)


def standing(ctx: Context, conn: Connection, customer_id: CustomerId, meter_key: MeterKey) -> Standing | Reason:
    """How the quota stands now, or why there is none."""
    meter = storage.catalog.meter(conn, meter_key)
    if meter is None:
        return Reason.UNKNOWN_METER
    entitlement = storage.entitlements.get(conn, customer_id, meter)
    if entitlement is None:
        return _no_entitlement(conn, customer_id)
    return _stands(conn, customer_id, meter, entitlement.quota, at=ctx.clock.now())


def locked(
    ctx: Context, conn: Connection, customer_id: CustomerId, meter_key: MeterKey, *, withdrawn: bool = False
) -> Standing | Reason:
    """As `standing`, and nobody else takes from this quota until the transaction has ended; what has expired is given back.

    With `withdrawn` also one that is in force no longer: what was promised while it was is kept.
    """
    meter = storage.catalog.meter(conn, meter_key)
    if meter is None:
        return Reason.UNKNOWN_METER
    read = storage.entitlements.stands if withdrawn else storage.entitlements.locked
    entitlement = read(conn, customer_id, meter)
    if entitlement is None:
        return _no_entitlement(conn, customer_id)
    now = ctx.clock.now()  # behind the lock: who waited over the end of a period counts in the next one
    if storage.quotas.release_expired(conn, customer_id, meter_key, now=now):
        ctx.faults.mark("quota.expired")
    return _stands(conn, customer_id, meter, entitlement.quota, at=now)


def counted_anew(conn: Connection, stands: Standing) -> Standing:
    """As it stands once something was taken, or given back, in this transaction."""
    customer_id, meter = stands.customer_id, stands.meter
    used, reserved = storage.quotas.counted(conn, customer_id, meter, stands.period_start, now=stands.at)
    return replace(stands, used=used, reserved=reserved)


def locked_reservation(ctx: Context, conn: Connection, reservation_id: ReservationId) -> tuple[Operation, Standing]:
    """The reservation with its quota, under its lock, as both stand in the period that it counts in. Raises NotFound."""
    operation = storage.quotas.reservation(conn, reservation_id)
    if operation is None:
        raise NotFound("reservation: there is no such reservation", field="reservation")
    found = locked(ctx, conn, operation.customer_id, operation.meter_key, withdrawn=True)
    assert isinstance(found, Standing), f"{operation.id}: was taken from a quota, and quotas are never removed"
    operation = storage.quotas.reservation(conn, reservation_id)
    assert operation is not None, "operations are never removed"
    used, reserved = storage.quotas.counted(conn, operation.customer_id, found.meter, operation.period_start, now=found.at)
    period = found.quota.period(operation.at)
    resets_at = None if period is None else period.end
    return operation, replace(found, period_start=operation.period_start, resets_at=resets_at, used=used, reserved=reserved)


def already_asked(conn: Connection, operation: Operation) -> Operation | None:
    """What became of this operation when it was sent before. Raises Conflict where its id was used for something else."""
    known = storage.quotas.operation(conn, operation.customer_id, operation.id)
    if known is not None and not domain.entitlements.same_asked(known, operation):
        raise Conflict(
            f"op {operation.id}: was used before for another meter, quantity or kind; a new use needs an op of its own",
            code="operation_conflict",
        )
    return known


def record(conn: Connection, operation: Operation, meter: Meter, *, now: datetime) -> None:
    """The usage that was taken, as an event of its own: what the quota counts is what will be billed."""
    event = domain.usage.checked_event(operation.event, meter, now=max(now, operation.at))
    (verdict,) = storage.usage.append(conn, [(event, meter)], at=now)
    if verdict is not Verdict.RECORDED:
        raise Conflict(
            f'op {operation.id}: an event of that id and the source "{event.source}" was recorded by other means; use another op',
            code="operation_conflict",
        )


def denied(reason: Reason) -> Decision:
    """There is no quota to take from: nothing is allowed."""
    return Decision(allowed=False, reason=reason, limit=Decimal(0))  # and not None, which would be unlimited


def _no_entitlement(conn: Connection, customer_id: CustomerId) -> Reason:
    return Reason.UNKNOWN_CUSTOMER if storage.customers.get(conn, customer_id) is None else Reason.NO_ENTITLEMENT


def _stands(conn: Connection, customer_id: CustomerId, meter: Meter, quota: Quota, *, at: datetime) -> Standing:
    period = quota.period(at)
    start = domain.entitlements.counts_from(period)
    used, reserved = storage.quotas.counted(conn, customer_id, meter, start, now=at)
    return Standing(customer_id, meter, quota, at, start, None if period is None else period.end, used, reserved)
