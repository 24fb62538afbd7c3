"""A server's uptime: metered through reboots, paid once, and never again for the same hours."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from tallystick.collectors.uptime import Tariff, UptimeBilling
from tallystick.domain.invoices import InvoiceStatus
from tallystick.domain.payments import Method
from tallystick.domain.uptime import Reading
from tallystick.values.errors import AmountBelowMinimum
from tallystick.values.money import JPY, Money
from tests.scenarios.world import World, day


class Server:
    """A machine that can be rebooted, at 100 yen an hour."""

    def __init__(self, world: World, *, hourly_rate: str = "100") -> None:
        self.world, self.boot = world, 1
        self.boot_at = world.clock.now()
        tariff = Tariff("web-1", Decimal(hourly_rate), JPY)
        self.billing = UptimeBilling(world.billing, tariff, read=self.reading)
        self.billing.prepare()

    def reading(self) -> Reading:
        return Reading(f"boot-{self.boot}", self.boot_at, self.world.clock.now())

    def reboots(self, *, down: timedelta) -> None:
        self.world.clock.advance(down)
        self.boot, self.boot_at = self.boot + 1, self.world.clock.now()


@pytest.fixture
def server(world: World) -> Iterator[Server]:
    return Server(world)


def test_the_status_counts_what_is_not_yet_recorded(server: Server) -> None:
    server.world.later(hours=5)
    status = server.billing.status()
    assert (status.due, status.total, status.paid) == (Money(500, JPY), Money(500, JPY), Money(0, JPY))
    server.billing.record()
    assert server.billing.status() == status


def test_paid_hours_are_never_charged_again(server: Server) -> None:
    world = server.world.later(hours=5)
    invoice, collected = server.billing.pay()
    assert collected.client_secret is not None
    world.pays(invoice)
    world.delivers(times=2)
    world.works()

    status = world.later(hours=2) and server.billing.status()
    assert status.paid == Money(500, JPY)
    assert status.due == Money(200, JPY)
    assert status.total == Money(700, JPY)
    assert status.paid_through == day("2026-01-01T05:00:00")
    world.proves()


def test_a_second_intent_for_the_same_hours_is_the_same_intent(server: Server) -> None:
    server.world.later(hours=5)
    first, once = server.billing.pay()
    server.world.later(minutes=30)
    second, twice = server.billing.pay()
    assert first.id == second.id
    assert once.payment.ref == twice.payment.ref
    assert once.client_secret == twice.client_secret
    assert server.billing.status().due == Money(500, JPY)
    assert server.billing.status().total == Money(550, JPY)


def test_who_comes_back_from_a_page_of_the_providers_pays_here_and_not_there(server: Server) -> None:
    server.world.later(hours=5)
    invoice, _ = server.billing.pay()
    back = {"success_url": "https://shop.test/ok", "cancel_url": "https://shop.test/back"}
    page = server.world.billing.pay_on_page(invoice.id, **back)
    again, asked = server.billing.pay()
    assert (again.id, asked.client_secret is not None) == (invoice.id, True)
    assert server.world.sandbox_call("GET", f"/v1/checkout/sessions/{page.ref}")["status"] == "expired"


def test_a_declined_card_leaves_everything_as_it_was(server: Server) -> None:
    world = server.world.later(hours=5)
    invoice, once = server.billing.pay()
    world.pays(invoice, "pm_card_chargeDeclined")
    world.delivers()
    world.works()
    assert server.billing.status().paid_through is None
    again, twice = server.billing.pay()
    assert (again.id, twice.payment.ref) == (invoice.id, once.payment.ref)
    world.pays(invoice, "pm_card_visa", attempt=2)
    world.works()
    world.later(hours=1).works()
    assert world.now(invoice).status is InvoiceStatus.PAID
    world.proves()


def test_below_the_minimum_it_says_when_there_will_be_enough(server: Server) -> None:
    server.world.later(minutes=12)
    with pytest.raises(AmountBelowMinimum) as refusal:
        server.billing.pay()
    assert refusal.value.extra == {"amount": 20, "minimum": 50, "currency": "jpy", "reached_at": "2026-01-01T00:30:00Z"}
    server.world.later(minutes=18)
    invoice, _ = server.billing.pay()
    assert invoice.total == Money(50, JPY)


def test_under_a_minute_the_price_of_a_minute_is_due(server: Server) -> None:
    server.world.later(seconds=1)
    assert server.billing.status().due == Money(2, JPY)


def test_a_reboot_loses_no_recorded_time_and_bills_no_gap(server: Server) -> None:
    server.world.later(hours=3)
    server.billing.record()
    server.reboots(down=timedelta(hours=4))
    server.world.later(hours=2)
    server.billing.record()
    assert server.billing.status().due == Money(500, JPY)
    server.world.proves()


def test_a_boot_older_than_the_window_for_events_is_counted_whole(server: Server) -> None:
    server.world.later(days=90)
    assert server.billing.pay()[0].total == Money(90 * 24 * 100, JPY)
    server.world.proves()


def test_time_on_a_hosted_invoice_is_paid_by_the_intent_inside_it(server: Server) -> None:
    server.world.later(hours=5)
    invoice, collected = server.billing.invoice()
    assert collected.payment.method is Method.HOSTED
    assert collected.payment.url is not None
    again, asked = server.billing.pay()
    assert (again.id, asked.payment.ref) == (invoice.id, collected.payment.ref)
    assert asked.intent_ref is not None
    assert asked.client_secret is not None
    assert asked.client_secret.startswith(asked.intent_ref)
    assert server.billing.invoice()[0].id == invoice.id


def test_a_clock_that_goes_back_records_nothing_twice(server: Server) -> None:
    server.world.later(hours=5)
    server.billing.record()
    server.world.later(hours=-2)
    server.billing.record()
    assert server.billing.status().due == Money(500, JPY)
    server.world.later(hours=3)
    server.billing.record()
    assert server.billing.status().due == Money(600, JPY)
    server.world.proves()
