"""What a customer may use now: quotas, the decision on each operation, and the life of what was reserved."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from tallystick.domain.customers import checked_key
from tallystick.domain.periods import Cadence, instant_of, period_at, time_zone
from tallystick.domain.usage import Aggregation, Event, Meter
from tallystick.values.decimals import EXACT, exact_decimal, plain
from tallystick.values.errors import Conflict, IllegalTransition, InvalidInput
from tallystick.values.ids import CustomerId, EventId, MeterKey, OperationId, ReservationId, derived
from tallystick.values.time import EPOCH, Period

SOURCE = "quota"  # of the events that are recorded by taking from a quota
TTL_DEFAULT = timedelta(minutes=15)
TTL_MAX = timedelta(days=1)
_ZERO = Decimal(0)


class Policy(StrEnum):
    """What happens at the limit."""

    HARD = "hard"  # blocked: used + reserved never exceed it
    SOFT = "soft"  # allowed, and said to be overage


class Reset(StrEnum):
    """When what was used counts no longer."""

    CALENDAR_MONTH = "calendar_month"
    PERIOD = "period"  # of the subscription that grants it
    NEVER = "never"


class Source(StrEnum):
    """Who has said so. What was granted to a customer directly stands before what their plans give."""

    GRANT = "grant"
    PLAN = "plan"


class Reason(StrEnum):
    """Why the answer is not a plain yes."""

    UNKNOWN_METER = "unknown_meter"
    UNKNOWN_CUSTOMER = "unknown_customer"
    NO_ENTITLEMENT = "no_entitlement"
    QUOTA_EXCEEDED = "quota_exceeded"
    SPEND_CAP = "spend_cap"  # a yes where the cap is soft
    OVERAGE = "overage"  # a yes
    UNCHECKED = "unchecked"  # a yes, of a lease whose database cannot be reached


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit of one meter: None is unlimited, and zero is zero. Months begin at midnight in `zone`.

    `anchor` and `cadence` say where the periods of the subscription begin; in a plan, which has none yet, they are None.
    """

    limit: Decimal | None
    policy: Policy = Policy.HARD
    reset: Reset = Reset.CALENDAR_MONTH
    zone: str = "UTC"
    anchor: datetime | None = None
    cadence: Cadence | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and exact_decimal(self.limit, field="limit") < 0:
            raise InvalidInput("limit: is negative; nothing is 0, and unlimited is null", field="limit")
        time_zone(self.zone)

    @property
    def hard_limit(self) -> Decimal | None:
        """What may never be exceeded; None where nothing is blocked."""
        return self.limit if self.policy is Policy.HARD else None

    def period(self, at: datetime) -> Period | None:
        """The period that `at` counts in; None where the quota never resets."""
        if self.reset is Reset.NEVER:
            return None
        zone = time_zone(self.zone)
        if self.reset is Reset.PERIOD:
            assert self.anchor is not None, "an entitlement says from where its periods are counted"
            assert self.cadence is not None, "and how long they are"
            return period_at(self.anchor, self.cadence, zone, at)
        first = at.astimezone(zone).replace(tzinfo=None, fold=0, day=1, hour=0, minute=0, second=0, microsecond=0)
        period = Period(instant_of(first, zone), instant_of(_month_after(first), zone))
        if at >= period.end:  # clocks that went back over midnight show the old month again
            period = Period(period.end, instant_of(_month_after(_month_after(first)), zone))
        return period


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What one customer may use of one meter. `withdrawn_at`: no longer, since the plan that gave it has ended."""

    customer_id: CustomerId
    meter_key: MeterKey
    quota: Quota
    updated_at: datetime
    source: Source = Source.GRANT
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to "may they?", and how the quota stands then. `remaining` is None where nothing limits, and never negative."""

    allowed: bool
    reason: Reason | None = None
    limit: Decimal | None = None
    used: Decimal = _ZERO
    reserved: Decimal = _ZERO
    remaining: Decimal | None = _ZERO
    resets_at: datetime | None = None


class OperationStatus(StrEnum):
    RESERVED = "reserved"  # held, until it is committed, released, or its time is over
    TAKEN = "taken"
    RELEASED = "released"


TRANSITIONS: dict[OperationStatus, set[OperationStatus]] = {
    OperationStatus.RESERVED: {OperationStatus.TAKEN, OperationStatus.RELEASED},
    OperationStatus.TAKEN: set(),
    OperationStatus.RELEASED: set(),
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One use of a quota under the caller's own id: asked for once, however often it is sent.

    `quantity` is what was asked for, `taken` what was used of it in the end. Both count in the period of `at`, which starts
    at `period_start`. Only what was reserved has an `expires_at`.
    """

    customer_id: CustomerId
    id: OperationId
    meter_key: MeterKey
    quantity: Decimal
    at: datetime
    period_start: datetime
    status: OperationStatus
    taken: Decimal = _ZERO
    expires_at: datetime | None = None

    @property
    def reservation_id(self) -> ReservationId:
        return reservation_id(self.customer_id, self.id)

    @property
    def event(self) -> Event:
        """The usage that it comes to, for the bill."""
        return Event(self.customer_id, EventId(self.id), self.meter_key, self.taken, self.at, SOURCE)


def reservation_id(customer_id: CustomerId, operation_id: OperationId) -> ReservationId:
    return ReservationId(derived("rsv", customer_id, operation_id))


def counts_from(period: Period | None) -> datetime:
    """Names the counter of a period; what never resets is counted from the beginning of time."""
    return EPOCH if period is None else period.start


def decide(
    quota: Quota, *, used: Decimal = _ZERO, reserved: Decimal = _ZERO, requested: Decimal, resets_at: datetime | None = None
) -> Decision:
    """Whether `requested` more may be used now. The figures say how the quota stands before it is."""
    remaining = _remaining(quota.limit, used, reserved)
    allowed, reason = True, None
    if quota.limit is not None and EXACT.add(EXACT.add(used, reserved), requested) > quota.limit:
        allowed = quota.policy is Policy.SOFT
        reason = Reason.OVERAGE if allowed else Reason.QUOTA_EXCEEDED
    return Decision(allowed, reason, quota.limit, used, reserved, remaining, resets_at)


def after(decision: Decision, *, taken: Decimal = _ZERO, reserved: Decimal = _ZERO) -> Decision:
    """The decision, with the figures as they are once so much more was taken, or reserved."""
    used, held = EXACT.add(decision.used, taken), EXACT.add(decision.reserved, reserved)
    return replace(decision, used=used, reserved=held, remaining=_remaining(decision.limit, used, held))


def granted(decision: Decision) -> Decision:
    """The same figures, allowed: for what was taken or promised before."""
    return replace(decision, allowed=True, reason=None if decision.reason is Reason.QUOTA_EXCEEDED else decision.reason)


def same_asked(known: Operation, operation: Operation) -> bool:
    """Whether the second is the first one, sent again. Their times do not matter, nor what became of the first."""
    return (known.meter_key, known.quantity, known.expires_at is None) == (
        operation.meter_key,
        operation.quantity,
        operation.expires_at is None,
    )


def settled(operation: Operation, status: OperationStatus, *, taken: Decimal = _ZERO) -> Operation:
    """The reservation at its end. Raises IllegalTransition where it has ended already."""
    if status not in TRANSITIONS[operation.status]:
        raise IllegalTransition(f"operation {operation.id}: is {operation.status}, and cannot become {status}")
    return replace(operation, status=status, taken=taken)


def check_held(operation: Operation) -> None:
    """Raises Conflict where nothing is held any more: then only a new operation can take."""
    if operation.status is OperationStatus.RELEASED:
        raise Conflict(
            f"reservation {operation.reservation_id}: was released, or its time was over; reserve again under a new op",
            code="reservation_ended",
        )


def checked_quota(quota: Quota, meter: Meter) -> Quota:
    """The quota, if this meter can have it: only what is added up can be taken bit by bit. Raises InvalidInput."""
    if meter.aggregation is not Aggregation.SUM:
        raise InvalidInput(
            f"meter: is of {meter.aggregation}; a quota is of a meter that sums, so that what is taken adds up", field="meter"
        )
    if quota.limit is None:
        return quota
    limit = exact_decimal(quota.limit, field="limit", places=meter.decimals)
    if limit > meter.quantity_max:
        raise InvalidInput(f"limit: over {plain(meter.quantity_max)}, the most this meter can hold", field="limit")
    return replace(quota, limit=limit)


def checked_quantity(quantity: str | int | Decimal, *, field: str = "quantity", zero: bool = False) -> Decimal:
    """An exact quantity above zero, or also zero where that makes sense. Raises InvalidInput."""
    number = exact_decimal(quantity, field=field)
    if number < 0 or (number == 0 and not zero):
        raise InvalidInput(f"{field}: must be {'zero or more' if zero else 'more than zero'}", field=field)
    return number


def checked_ttl(ttl: timedelta) -> timedelta:
    """How long a reservation holds: more than nothing, and at most a day. Raises InvalidInput."""
    if not timedelta(0) < ttl <= TTL_MAX:
        raise InvalidInput("ttl: more than nothing, and at most a day", field="ttl")
    return ttl


def checked_operation_id(text: str) -> OperationId:
    """The caller's own name for one use. Raises InvalidInput."""
    return OperationId(checked_key(text, field="op"))


def check_room(meter: Meter, decision: Decision, requested: Decimal) -> None:
    """Whether the sum can still be counted at all; what has no limit may grow for ever. Raises InvalidInput."""
    if EXACT.add(EXACT.add(decision.used, decision.reserved), requested) > meter.quantity_max:
        raise InvalidInput(
            f"quantity: the sum would be over {plain(meter.quantity_max)}, the most this meter can hold",
            field="quantity",
            code="quantity_overflow",
        )


def _remaining(limit: Decimal | None, used: Decimal, reserved: Decimal) -> Decimal | None:
    return None if limit is None else max(_ZERO, EXACT.subtract(EXACT.subtract(limit, used), reserved))


def _month_after(first: datetime) -> datetime:
    return (first + timedelta(days=31)).replace(day=1)
