"""One process's part of one quota: most uses are answered out of memory, and written down together within a second."""

import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from tallystick import flows
from tallystick.domain.customers import KEY_LENGTH_MAX
from tallystick.domain.entitlements import Decision, Operation, Reason, checked_operation_id, checked_quantity
from tallystick.domain.leases import FRESH, Basis, Spent, granted
from tallystick.flows._quota import Use
from tallystick.flows._spent import Written
from tallystick.flows.context import Context
from tallystick.flows.lease_quota import Leased, Share
from tallystick.values.decimals import EXACT, exact_decimal, from_steps, to_steps
from tallystick.values.errors import Busy, Conflict, TallystickError
from tallystick.values.ids import CustomerId, MeterKey, OperationId

RETRY_S = 0.25  # after the database could not be reached, so long nobody tries again
_STORE_FAILS = frozenset({"disk_full", "disk_error", "read_only"})
_AGO = float("-inf")
_ZERO = Decimal(0)
_NOTHING = Basis(0, None, _ZERO, _ZERO, 0, None, None)

Number = str | int | Decimal


@dataclass(frozen=True, slots=True)
class Terms:
    """How much to hold of each quota, for how long, and how many uses to remember until they are written down."""

    size: Decimal
    ttl: timedelta
    spent_max: int

    @property
    def spent_many(self) -> int:
        return self.spent_max // 4


class Home(Protocol):
    """Who keeps a lease while nobody asks for it, and hears what became of it."""

    is_closed: bool

    def wake(self) -> None: ...

    def keeps(self, lease: "Lease") -> None: ...

    def drops(self, lease: "Lease") -> None: ...

    def wrote(self, lease: "Lease", written: Written) -> None: ...

    def failed(self, error: TallystickError) -> None: ...

    def served_without(self, *, is_remembered: bool) -> None: ...


class Lease:
    """Safe to share between threads. Made by `Leases`, which renews it, writes it down and gives it back."""

    __slots__ = (
        "_ask_at", "_basis", "_context", "_flushing", "_home", "_idle_until", "_lease", "_left", "_lock", "_low", "_monotonic",
        "_retry_at", "_scale", "_serves_without", "_since", "_spent", "_terms", "_turn", "_until", "customer_id", "meter_key",
    )  # fmt: skip

    def __init__(self, context: Context, customer_id: CustomerId, meter_key: MeterKey, terms: Terms, home: Home) -> None:
        self._context, self.customer_id, self.meter_key = context, customer_id, meter_key
        self._terms, self._home = terms, home
        self._monotonic = context.clock.monotonic
        self.forget()

    def forget(self) -> None:
        """As it was made: in a forked child, which holds nothing of what its parent holds."""
        self._turn = threading.Lock()  # of whoever asks the database; always taken before the other one
        self._lock = threading.Lock()
        self._spent: _Uses = {}
        self._flushing: _Uses = {}  # on their way to the database
        self._lease: Operation | None = None
        self._basis = _NOTHING
        self._scale, self._left, self._low = 1, -1, -1
        self._until = self._idle_until = self._ask_at = self._retry_at = _AGO
        self._since = (self._monotonic(), self._context.clock.now())
        self._serves_without = False

    def check(self, quantity: Number = 1) -> Decision:
        """Whether so much may be used now; nothing is taken."""
        steps = quantity * self._scale if type(quantity) is int else self._steps(quantity)
        with self._lock:
            left = self._left
            if 0 < steps <= left and self._monotonic() < self._until:
                return granted(self._basis, left)
        return self._check_slowly(checked_quantity(quantity))

    def consume(self, quantity: Number = 1, *, op: str) -> Decision:
        """The decision; where it allows, the quantity is taken, and within a second recorded as usage, once for `op`."""
        if not (type(op) is str and op.isascii() and op.isprintable() and 0 < len(op) <= KEY_LENGTH_MAX):
            checked_operation_id(op)
        steps = quantity * self._scale if type(quantity) is int else self._steps(quantity)
        with self._lock:
            now, left, spent = self._monotonic(), self._left - steps, self._spent
            # In the order of what is most often in the way; what is not plain is left to the slow way, which knows all the rest.
            if left >= 0 < steps and now < self._until and op not in spent and op not in self._flushing:
                count = len(spent)
                if count < self._terms.spent_max:
                    self._left = left
                    spent[op] = steps, now
                    if left < self._low or count == self._terms.spent_many:
                        self._low = -1
                        self._home.wake()
                    return granted(self._basis, left)
        return self._consume_slowly(checked_quantity(quantity), checked_operation_id(op))

    def keep(self, *, last: bool = False) -> None:
        """Writes down what was spent, and renews; what was not used for its time, or is wanted no more (`last`), goes back.

        Raises Busy where the database cannot be reached; then what was spent waits for the next time.
        """
        with self._turn:
            with self._lock:
                if last or not self._spent:
                    if last or self._monotonic() >= self._idle_until:
                        self._give_back()
                        self._home.drops(self)
                    return
                self._spent, self._flushing = {}, self._spent
            self._flush()

    # What follows is done in turn.

    def _flush(self) -> None:
        """While others go on spending."""
        mono, wall = self._monotonic(), self._context.clock.now()
        try:
            leased = self._ask(self._flushing, at_least=_ZERO, is_whole=False)
        except BaseException:
            with self._lock:
                self._spent, self._flushing = {**self._flushing, **self._spent}, {}
            raise
        with self._lock:
            self._flushing = {}
            self._adopt(leased, mono, wall)
            if leased.is_over:
                self._give_back()

    def _renew(self, *, at_least: Decimal | None) -> None:
        """While nobody spends."""
        mono, wall = self._monotonic(), self._context.clock.now()
        leased = self._ask(self._spent, at_least=at_least, is_whole=True)
        self._spent = {}
        self._adopt(leased, mono, wall)

    def _give_back(self) -> None:
        if self._lease is not None or self._spent:
            self._renew(at_least=None)

    def _ask(self, uses: "_Uses", *, at_least: Decimal | None, is_whole: bool) -> Leased:
        if self._monotonic() < self._retry_at:
            raise Busy("the database could not be reached a moment ago; try again", code="unreachable")
        share = Share(
            self.customer_id, self.meter_key, self._lease, self._listed(uses), self._terms.size, at_least, self._terms.ttl,
            is_whole,
        )  # fmt: skip
        try:
            leased = flows.lease_quota.lease_quota(self._context, share)
        except TallystickError as error:
            if _store_fails(error):
                self._retry_at = self._monotonic() + RETRY_S
            self._home.failed(error)
            raise
        self._home.wrote(self, leased.written)
        return leased

    def _listed(self, uses: "_Uses") -> tuple[Spent, ...]:
        since, wall = self._since
        first = wall if self._lease is None else self._lease.at
        return tuple(
            Spent(OperationId(op), from_steps(steps, self._basis.decimals), max(first, wall + timedelta(seconds=at - since)))
            for op, (steps, at) in uses.items()
        )

    def _adopt(self, leased: Leased, mono: float, wall: datetime) -> None:
        """From now on it is as the database says, less what was spent meanwhile."""
        stands, decision = leased.standing, leased.decision
        self._lease, self._left, self._low, self._until = leased.lease, -1, -1, _AGO
        self._since = (mono, wall)
        if stands is None:
            self._serves_without = False
            return
        self._serves_without = stands.quota.hard_limit is None and not leased.is_capped
        self._scale = 10**stands.meter.decimals
        held = _ZERO if leased.lease is None else leased.lease.quantity
        steps = to_steps(held, stands.meter.decimals)
        self._basis = Basis(
            stands.meter.decimals, decision.limit, decision.used, EXACT.subtract(decision.reserved, held), steps,
            Reason.OVERAGE if leased.is_overage else None, decision.resets_at,
        )  # fmt: skip
        if leased.lease is None or leased.is_over:
            return
        self._left = steps - sum(spent for spent, _ in self._spent.values())
        self._low = steps // 4
        self._until, self._idle_until = mono + FRESH.total_seconds(), mono + self._terms.ttl.total_seconds()
        if stands.resets_at is not None:
            self._until = min(self._until, mono + (stands.resets_at - stands.at).total_seconds())
        self._home.keeps(self)

    def _consume_slowly(self, quantity: Decimal, op: OperationId) -> Decision:
        with self._turn, self._lock:
            known = self._spent.get(op)
            if known is not None:
                return self._again(known[0], quantity, op)
            try:
                if self._holds(quantity):
                    return self._take(op, quantity)
                use = Use(self.customer_id, self.meter_key, quantity, op)
                return flows.consume.consume(self._context, use)
            except TallystickError as error:
                self._check_open(error)
                return self._unchecked(quantity, op)

    def _check_slowly(self, quantity: Decimal) -> Decision:
        with self._turn, self._lock:
            try:
                if self._holds(quantity):
                    return granted(self._basis, self._left)
                return flows.check_quota.check_quota(self._context, Use(self.customer_id, self.meter_key, quantity))
            except TallystickError as error:
                self._check_open(error)
                return self._unchecked(quantity)

    def _holds(self, quantity: Decimal) -> bool:
        """Whether so much can be taken out of the lease, after a renewal where it must be. If not, nothing is held any more:
        then the database decides, and no part of the quota is kept back from it.
        """
        if self._fits(quantity):
            return True
        if self._home.is_closed or self._context.database.in_transaction():
            return False  # and if it is the host's own transaction, that may still be rolled back
        now = self._monotonic()
        if now >= self._ask_at:
            self._renew(at_least=quantity)
            if self._fits(quantity):
                return True
            self._ask_at = now + RETRY_S
        self._give_back()
        return False

    def _fits(self, quantity: Decimal) -> bool:
        if self._lease is None or len(self._spent) >= self._terms.spent_max or self._monotonic() >= self._until:
            return False
        return self._steps(quantity) <= self._left

    def _take(self, op: OperationId, quantity: Decimal) -> Decision:
        steps = self._steps(quantity)
        self._left -= steps
        self._spent[op] = steps, self._monotonic()
        return granted(self._basis, self._left)

    def _again(self, steps: int, quantity: Decimal, op: OperationId) -> Decision:
        if steps != self._steps(quantity):
            raise Conflict(
                f"op {op}: was used before for another quantity; a new use needs an op of its own", code="operation_conflict"
            )
        return granted(self._basis, self._left)

    def _check_open(self, error: TallystickError) -> None:
        if self._home.is_closed or not self._serves_without or not _store_fails(error):
            raise error

    def _unchecked(self, quantity: Decimal, op: OperationId | None = None) -> Decision:
        """A soft quota is for watching, and does not keep anybody from working: what is used is written down later."""
        if op is not None:
            if is_remembered := len(self._spent) < self._terms.spent_max:
                self._take(op, quantity)
            self._home.served_without(is_remembered=is_remembered)
            self._home.keeps(self)
        return granted(replace(self._basis, reason=Reason.UNCHECKED), self._left)

    def _steps(self, quantity: Number) -> int:
        if self._basis is _NOTHING:
            return -1
        decimals = self._basis.decimals
        return to_steps(exact_decimal(quantity, field="quantity", places=decimals), decimals)


_Uses = dict[str, tuple[int, float]]


def _store_fails(error: TallystickError) -> bool:
    return isinstance(error, Busy) or error.code in _STORE_FAILS
