"""A clock is only a clock: it goes back, it jumps, and neither costs anybody money or strands a payment."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from tallystick.collectors.uptime import Tariff, UptimeBilling
from tallystick.domain.payments import Method
from tallystick.domain.uptime import Reading
from tallystick.values.money import JPY, Money
from tests.flows.crowd import intents
from tests.scenarios.world import World, day


@pytest.fixture
def world() -> Iterator[World]:
    made = World("sqlite://")
    yield made
    made.billing.close()


@pytest.fixture
def server(world: World) -> UptimeBilling:
    boot_at = world.clock.now()
    tariff = Tariff("web-1", Decimal(100), JPY)
    made = UptimeBilling(world.billing, tariff, read=lambda: Reading("boot-1", boot_at, world.clock.now()))
    made.prepare()
    return made


@pytest.mark.parametrize("back", [timedelta(microseconds=1), timedelta(seconds=2), timedelta(hours=2)])
def test_a_server_can_be_paid_for_although_the_clock_went_back(world: World, server: UptimeBilling, back: timedelta) -> None:
    world.later(hours=5)
    server.record()
    world.later(seconds=-back.total_seconds())
    invoice, collected = server.pay()
    assert collected.client_secret is not None
    assert invoice.period.end == day("2026-01-01T05:00:00") - back
    world.pays(invoice)
    world.on("2026-01-01T06:00:00").delivers()
    world.works()
    assert server.status().paid + server.status().due == Money(600, JPY), "and no second is paid for twice"
    world.proves()


def test_a_call_that_a_wrong_clock_made_is_looked_for_before_it_is_made_again(world: World) -> None:
    """The clock was a month ahead; the key that was sent then is forgotten long before that clock comes by again."""
    world.sells("calls", {"model": "per_unit", "currency": "usd", "unit_amount": "1"})
    world.uses("ada", "calls", 10)
    world.later(minutes=1)
    invoice = world.bill("ada", method=Method.INTENT, automatic=False)
    world.later(days=30)
    world.sandbox.faults.next("timeout_after_success", on="POST /v1/payment_intents")
    world.billing.collect(invoice.id)
    assert world.payment(invoice).ref is None, "unknown"
    world.later(days=-30)
    made = intents(world.sandbox)
    forget_keys(world)
    world.billing.collect(invoice.id)
    assert intents(world.sandbox) == made
    assert world.payment(invoice).ref in made


def forget_keys(world: World) -> None:
    with world.sandbox.state.transaction():
        for known in list(world.sandbox.state.scan("idempotency")):
            world.sandbox.state.delete("idempotency", known["key"])
