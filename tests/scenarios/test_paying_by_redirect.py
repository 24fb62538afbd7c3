"""A quarter of a customer who pays by redirect, on a calendar: a page left open, and a bank that takes its time."""

from collections.abc import Iterator

import pytest

from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.ledger import Account
from tallystick.domain.payments import Collection, Method
from tallystick.sandbox import pages
from tallystick.values.money import EUR, Money
from tests.scenarios.world import World

FEE = {"key": "base", "kind": "recurring", "prices": [{"currency": "eur", "model": "flat", "amount": "99"}]}
BACK = {"success_url": "https://shop.test/paid", "cancel_url": "https://shop.test/invoices"}


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    made = World(database_url, at="2026-01-15")
    made.billing.apply_catalogue({"plans": [{"key": "pro", "charges": [FEE]}]})
    yield made
    made.proves()
    made.billing.close()


def settles(world: World) -> None:
    world.delivers(times=2)
    world.works()


def goes_and_pays(world: World, invoice: Invoice, card: str) -> None:
    for _ in range(2):  # a double click
        payment = world.billing.pay_on_page(invoice.id, **BACK)
    assert payment.url is not None
    assert (
        pages.answer(world.sandbox, "POST", payment.url.removeprefix(world.sandbox.public_url), f"card={card}".encode())[0] == 303
    )
    settles(world)


def newest(world: World) -> Invoice:
    return world.billing.invoices(customer_id="ada")[0]


def test_a_quarter_paid_by_redirect(world: World) -> None:
    world.billing.subscribe("ada", "pro", collection=Collection(Method.INTENT, automatic=False))
    world.works()
    january = newest(world)
    world.billing.pay_on_page(january.id, **BACK)  # looks at the page, and goes home
    world.on("2026-01-17").works()
    settles(world)
    goes_and_pays(world, january, "pm_card_visa")
    assert world.now(january).status is InvoiceStatus.PAID

    world.on("2026-02-15").works()
    world.later(hours=2).works()
    february = newest(world)
    assert february.id != january.id
    goes_and_pays(world, february, "pm_card_sandboxNeverClears")
    assert world.now(february).status is InvoiceStatus.OPEN
    world.later(minutes=2)
    settles(world)
    goes_and_pays(world, february, "pm_card_sandboxClearsLater")
    world.later(minutes=2)
    settles(world)
    assert world.now(february).status is InvoiceStatus.PAID

    world.on("2026-03-15").works()
    world.later(hours=2).works()
    march = newest(world)
    goes_and_pays(world, march, "pm_card_visa")
    assert [invoice.status for invoice in world.billing.invoices(customer_id="ada")] == [InvoiceStatus.PAID] * 3
    assert world.balance(Account.RECEIVABLE, EUR) == Money(0, EUR)
    assert world.balance(Account.CASH, EUR) == Money(297_00, EUR)
