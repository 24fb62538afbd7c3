"""Leases: the part of a quota that one process holds for a while, and answers out of its memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Self

from tallystick.domain.entitlements import TTL_MAX, Decision, Operation, OperationStatus, Policy, Quota, Reason, counts_from
from tallystick.domain.usage import Meter
from tallystick.values.decimals import EXACT, from_steps, to_steps
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import CustomerId, MeterKey, OperationId
from tallystick.values.time import Period

SIZE_DEFAULT = 1000
TTL_DEFAULT = timedelta(seconds=30)
TTL_SHORTEST, TTL_LONGEST = timedelta(seconds=5), timedelta(hours=1)
# So long a process answers without having asked: a limit that is lowered is in force everywhere by then.
FRESH = timedelta(seconds=1)
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Spent:
    """One use that was answered out of a lease, and is not written down yet."""

    id: OperationId
    quantity: Decimal
    at: datetime

    def operation(self, customer_id: CustomerId, meter_key: MeterKey, period: Period | None) -> Operation:
        """As it will stand beside those that were asked for one by one."""
        start = counts_from(period)
        return Operation(
            customer_id, self.id, meter_key, self.quantity, self.at, start, OperationStatus.TAKEN, self.quantity
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Room:
    """What a process may hold in all, and whether it is above the limit of a soft quota."""

    held: Decimal
    is_overage: bool = False


def room(quota: Quota, meter: Meter, *, free: Decimal | None, size: Decimal, at_least: Decimal) -> Room:
    """How much to hold, where `free` is what this process could have (None: nothing limits), and it wants `size`.

    Of a limited quota no more than half of what is left, so that other processes find some too; and `at_least` if it can be had.
    """
    if free is not None and free >= at_least and (free > 0 or quota.policy is Policy.HARD):
        half = from_steps(to_steps(free, meter.decimals) // 2, meter.decimals)
        return Room(max(min(size, half), at_least))
    if free is None or quota.policy is Policy.SOFT:
        return Room(max(size, at_least), is_overage=free is not None)
    return Room(_ZERO)


def fitting(operations: Sequence[Operation], room: Decimal | None) -> tuple[list[Operation], list[Operation]]:
    """Those that fit into the room, in their order, and those that do not (None: all do)."""
    fit, lost = list[Operation](), list[Operation]()
    left = room
    for operation in operations:
        if left is None or operation.quantity <= left:
            left = None if left is None else EXACT.subtract(left, operation.quantity)
            fit.append(operation)
        else:
            lost.append(operation)
    return fit, lost


def checked_size(size: Decimal) -> Decimal:
    """How much a process would hold of each quota. Raises InvalidInput."""
    if size <= 0:
        raise InvalidInput("size: must be more than zero", field="size")
    return size


def checked_ttl(ttl: timedelta) -> timedelta:
    """How long a lease is held that nobody uses, or whose process has died. Raises InvalidInput."""
    if not TTL_SHORTEST <= ttl <= TTL_LONGEST:
        raise InvalidInput("ttl: from 5 seconds to an hour", field="ttl")
    return ttl


def expiry(lease: Operation | None, *, now: datetime, ttl: timedelta) -> datetime:
    """When it ends by itself: moved on only where less than half of its time is left, for that moves its place in an index."""
    if lease is not None and lease.expires_at is not None and lease.expires_at - now >= ttl / 2:
        return lease.expires_at
    return now + ttl


def lives_on(lease: Operation, *, until: datetime) -> bool:
    """Whether it may be renewed until then: like every reservation, it ends within a day of its beginning."""
    return until <= lease.at + TTL_MAX


@dataclass(frozen=True, slots=True)
class Basis:
    """How the quota stood when the lease was taken, in the eyes of its process: what it holds itself is not reserved."""

    decimals: int
    limit: Decimal | None
    used: Decimal
    reserved: Decimal
    held: int
    reason: Reason | None
    resets_at: datetime | None


class Granted(Decision):
    """A yes out of a lease: a decision whose figures are worked out when somebody looks at them, since few do."""

    __slots__ = ("_stands",)
    _stands: tuple[Basis, int]
    allowed = True

    def __new__(cls, *fields: Any, **named: Any) -> Self:
        """Whoever makes one of fields, as `replace` does, gets a plain decision."""
        return Decision(*fields, **named)  # type: ignore[return-value]

    @property
    def reason(self) -> Reason | None:
        return self._stands[0].reason

    @property
    def limit(self) -> Decimal | None:
        return self._stands[0].limit

    @property
    def used(self) -> Decimal:
        basis, left = self._stands
        return EXACT.add(basis.used, from_steps(basis.held - left, basis.decimals))

    @property
    def reserved(self) -> Decimal:
        return self._stands[0].reserved

    @property
    def remaining(self) -> Decimal | None:
        limit = self.limit
        return None if limit is None else max(_ZERO, EXACT.subtract(EXACT.subtract(limit, self.used), self.reserved))

    @property
    def resets_at(self) -> datetime | None:
        return self._stands[0].resets_at

    def _figures(self) -> tuple[Any, ...]:
        return self.allowed, self.reason, self.limit, self.used, self.reserved, self.remaining, self.resets_at

    def plainly(self) -> Decision:
        """The same, with its figures worked out."""
        return Decision(*self._figures())

    def __eq__(self, other: object) -> bool:
        return self.plainly() == (other.plainly() if isinstance(other, Granted) else other)

    def __hash__(self) -> int:
        return hash(self.plainly())

    def __repr__(self) -> str:
        return repr(self.plainly())

    def __reduce__(self) -> tuple[Any, ...]:
        return Decision, self._figures()


_new: Any = object.__new__
_put: Any = vars(Granted)["_stands"].__set__


def granted(basis: Basis, left: int) -> Granted:
    """A yes, where so many steps of the lease are left."""
    # In the way of a frozen dataclass this would take longer than all the rest of the answer.
    made: Granted = _new(Granted)
    _put(made, (basis, left))
    return made
