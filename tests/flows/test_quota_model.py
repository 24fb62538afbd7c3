"""Any sequence of grants, uses, reservations, retries and waits, against a model that is small enough to be right by reading."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule

from tallystick.domain.entitlements import Policy, Quota, Reset
from tallystick.domain.usage import Meter
from tallystick.testing import FakeClock, in_memory
from tallystick.values.errors import Conflict
from tallystick.values.ids import MeterKey
from tallystick.values.time import Period

CLOCK = FakeClock()
BILLING = in_memory(CLOCK)
BILLING.put_meter(Meter(MeterKey("calls"), decimals=0))
CUSTOMERS = count()
EVER = FakeClock().now()
amounts = st.integers(1, 6)


@dataclass
class Held:
    op: str
    id: str
    quantity: int
    month: datetime
    ends: datetime
    committed: int | None = None
    released: bool = False


@dataclass
class Books:
    """What a person with paper and pencil would write down."""

    used: dict[datetime, int] = field(default_factory=dict)
    held: list[Held] = field(default_factory=list)

    def reserved(self, month: datetime, now: datetime) -> int:
        return sum(h.quantity for h in self.held if h.month == month and self.holds(h, now))

    def holds(self, held: Held, now: datetime) -> bool:
        return not held.released and held.committed is None and now < held.ends


class QuotaModel(RuleBasedStateMachine):
    ops = Bundle("ops")
    reservations = Bundle("reservations")

    @initialize(limit=st.integers(0, 12), never=st.booleans())
    def begins(self, limit: int, never: bool) -> None:
        self.customer, self.names, self.books = f"customer-{next(CUSTOMERS)}", count(), Books()
        self.reset = Reset.NEVER if never else Reset.CALENDAR_MONTH
        self.grants(limit, hard=True)

    @rule(limit=st.one_of(st.none(), st.integers(0, 12)), hard=st.booleans())
    def grants(self, limit: int | None, hard: bool) -> None:
        self.limit, self.hard = limit, hard
        quota = Quota(None if limit is None else Decimal(limit), Policy.HARD if hard else Policy.SOFT, self.reset)
        BILLING.grant(self.customer, "calls", quota)

    def month(self) -> datetime:
        """Names the counter; what never resets has one."""
        now = CLOCK.now()
        return EVER if self.reset is Reset.NEVER else now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)

    def room(self, wanted: int, *, without: int = 0) -> bool:
        month = self.month()
        full = self.books.used.get(month, 0) + self.books.reserved(month, CLOCK.now()) - without
        return self.limit is None or not self.hard or full + wanted <= self.limit

    @rule(target=ops, quantity=amounts)
    def consumes_some(self, quantity: int):
        op, expected = f"op-{next(self.names)}", self.room(quantity)
        assert BILLING.consume(self.customer, "calls", quantity, op=op).allowed == expected
        if not expected:
            return multiple()
        self.books.used[self.month()] = self.books.used.get(self.month(), 0) + quantity
        return op, quantity

    @rule(known=ops)
    def sends_again(self, known: tuple[str, int]) -> None:
        op, quantity = known
        assert BILLING.consume(self.customer, "calls", quantity, op=op).allowed
        with pytest.raises(Conflict):
            BILLING.consume(self.customer, "calls", quantity + 1, op=op)

    @rule(target=reservations, quantity=amounts, minutes=st.integers(1, 30))
    def reserves(self, quantity: int, minutes: int):
        op, expected = f"op-{next(self.names)}", self.room(quantity)
        got = BILLING.reserve(self.customer, "calls", quantity, op=op, ttl=timedelta(minutes=minutes))
        assert got.decision.allowed == expected
        if not expected:
            return multiple()
        held = Held(op, got.id, quantity, self.month(), CLOCK.now() + timedelta(minutes=minutes))
        self.books.held.append(held)
        return held

    @rule(held=reservations)
    def reserves_again(self, held: Held) -> None:
        if held.committed is None and not self.books.holds(held, CLOCK.now()):
            with pytest.raises(Conflict):
                BILLING.reserve(self.customer, "calls", held.quantity, op=held.op)
        else:
            assert BILLING.reserve(self.customer, "calls", held.quantity, op=held.op).id == held.id

    @rule(held=reservations, actual=st.integers(0, 9))
    def commits(self, held: Held, actual: int) -> None:
        if held.committed == actual:
            assert BILLING.commit(held.id, actual).allowed
            return
        if not self.books.holds(held, CLOCK.now()):
            with pytest.raises(Conflict):
                BILLING.commit(held.id, actual)
            return
        used, reserved = self.books.used.get(held.month, 0), self.books.reserved(held.month, CLOCK.now())
        fits = self.limit is None or not self.hard or used + reserved - held.quantity + actual <= self.limit
        expected = actual <= held.quantity or fits
        assert BILLING.commit(held.id, actual).allowed == expected
        if expected:
            held.committed = actual
            self.books.used[held.month] = used + actual

    @rule(held=reservations)
    def releases(self, held: Held) -> None:
        if held.committed is not None:
            with pytest.raises(Conflict):
                BILLING.release(held.id)
            return
        BILLING.release(held.id)
        held.released = True

    @rule(minutes=st.integers(1, 40))
    def waits(self, minutes: int) -> None:
        CLOCK.advance(timedelta(minutes=minutes))

    @rule(days=st.integers(1, 40))
    def waits_long(self, days: int) -> None:
        CLOCK.advance(timedelta(days=days))

    @rule(quantity=amounts)
    def only_asks(self, quantity: int) -> None:
        assert BILLING.check(self.customer, "calls", quantity).allowed == self.room(quantity)

    @invariant()
    @precondition(lambda self: hasattr(self, "books"))
    def the_figures_agree(self) -> None:
        said, month = BILLING.check(self.customer, "calls"), self.month()
        used, reserved = self.books.used.get(month, 0), self.books.reserved(month, CLOCK.now())
        assert (said.used, said.reserved) == (used, reserved)
        assert said.remaining == (None if self.limit is None else max(0, self.limit - used - reserved))

    def teardown(self) -> None:
        if hasattr(self, "books"):
            ever = Period(FakeClock().now(), CLOCK.now() + timedelta(days=1))
            assert BILLING.usage(self.customer, "calls", ever).quantity == sum(self.books.used.values()), "quota = bill"
            report = BILLING.verify()
            assert report.clean, report.violations


QuotaModel.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
test_the_quota_does_what_the_model_does = QuotaModel.TestCase
