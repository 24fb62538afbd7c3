"""Usage that is told late is billed, once, in the period and at the price that it belongs to."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tallystick import Tallystick
from tallystick.domain.catalog import Charge, UnitPrice
from tallystick.domain.usage import Event, Meter
from tallystick.testing import FakeClock, in_memory
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.money import EUR, USD, Currency, Money

HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def billing(clock: FakeClock) -> Tallystick:
    billing = in_memory(clock)
    billing.put_meter(Meter(MeterKey("tokens")))
    _sell(billing, "0.01")
    return billing


def _sell(billing: Tallystick, amount: str, currency: Currency = USD) -> None:
    price = UnitPrice(currency=currency, unit_amount=Decimal(amount))
    billing.put_charge(Charge(key="tokens", meter_key=MeterKey("tokens"), price=price))


def _use(billing: Tallystick, name: str, quantity: int, *, ago: timedelta = timedelta(0)) -> None:
    at = billing.context.clock.now() - ago
    billing.record([Event(CustomerId("ada"), EventId(name), MeterKey("tokens"), Decimal(quantity), at)])


def test_usage_older_than_the_first_bill_gets_a_period_of_its_own(billing: Tallystick, clock: FakeClock) -> None:
    _use(billing, "known", 1000)
    clock.advance(HOUR)
    billing.bill("ada")
    _use(billing, "older", 300, ago=5 * HOUR)
    _use(billing, "oldest", 700, ago=50 * HOUR)
    (invoice,) = billing.bill("ada")
    assert invoice.total == Money(10_00, USD)
    assert [line.part for line in invoice.lines] == [0]
    _use(billing, "between", 60, ago=20 * HOUR)
    (invoice,) = billing.bill("ada")
    assert [(line.part, line.amount.minor) for line in invoice.lines] == [(1, 60)]
    assert billing.bill("ada") == []
    assert billing.verify().clean


def test_late_usage_is_billed_in_the_currency_that_its_period_was_sold_in(billing: Tallystick, clock: FakeClock) -> None:
    _use(billing, "sold in dollars", 1000)
    clock.advance(HOUR)
    billing.bill("ada")
    _sell(billing, "0.02", EUR)
    _use(billing, "told late", 100, ago=HOUR / 2)
    _use(billing, "sold in euros", 100)
    clock.advance(HOUR)
    invoices = billing.bill("ada")
    assert [invoice.total for invoice in invoices] == [Money(2_00, EUR), Money(1_00, USD)]
    assert billing.verify().clean
