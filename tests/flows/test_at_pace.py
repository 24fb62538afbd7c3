"""The next invoice if usage goes on so: by the steps of the invoice itself, and the same where nothing can be said."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tallystick import Tallystick
from tallystick.domain.usage import Event
from tallystick.testing import FakeClock
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.money import EUR, Money

PLAN = {
    "key": "pro",
    "charges": [
        {"key": "base", "kind": "recurring", "prices": [{"currency": "eur", "model": "flat", "amount": "10"}]},
        {"key": "calls", "kind": "usage", "meter": "calls", "prices": [
            {"currency": "eur", "model": "graduated", "tiers": [
                {"up_to": "1000", "unit_amount": "0"}, {"up_to": None, "unit_amount": "0.01"}]}]},
    ],
}  # fmt: skip


@pytest.fixture
def billing() -> Iterator[Tallystick]:
    made = Tallystick.from_url("sqlite://", clock=FakeClock(datetime(2026, 6, 1, tzinfo=UTC)))
    made.apply_catalogue({"meters": [{"key": "calls", "decimals": 0}], "plans": [PLAN]})
    yield made
    made.close()


def test_the_usage_so_far_goes_on_until_the_period_ends(billing: Tallystick) -> None:
    ada = billing.subscribe("ada", "pro").id
    assert isinstance(billing.context.clock, FakeClock)
    billing.context.clock.advance(timedelta(days=10))
    billing.record([Event(CustomerId("ada"), EventId("e1"), MeterKey("calls"), Decimal(600), billing.context.clock.now())])
    so_far, at_pace = billing.upcoming(ada), billing.upcoming(ada, at_pace=True)
    assert so_far is not None
    assert at_pace is not None
    assert so_far.total == Money(10_00, EUR), "600 calls are included"
    assert at_pace.total == Money(18_00, EUR), "1,800 of them are not: 800 at a cent"
    assert [line.id for line in at_pace.lines] == [line.id for line in so_far.lines]


def test_where_nothing_is_used_it_is_the_same_invoice(billing: Tallystick) -> None:
    ada = billing.subscribe("ada", "pro").id
    assert isinstance(billing.context.clock, FakeClock)
    billing.context.clock.advance(timedelta(days=10))
    so_far, at_pace = billing.upcoming(ada), billing.upcoming(ada, at_pace=True)
    assert so_far is not None
    assert at_pace is not None
    assert at_pace.lines == so_far.lines
