"""A customer's saved payment methods, on either engine: listed, chosen from, and what choosing pays at once."""

from collections.abc import Iterator

import pytest

from tallystick.domain.invoices import InvoiceStatus
from tallystick.domain.payments import Collection, Method
from tallystick.sandbox import pages
from tallystick.values.errors import NotFound, ProviderUnavailable
from tests.scenarios.world import World

FEE = {"key": "base", "kind": "recurring", "prices": [{"currency": "eur", "model": "flat", "amount": "99"}]}


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    made = World(database_url)
    made.billing.apply_catalogue({"plans": [{"key": "pro", "charges": [FEE]}]})
    yield made
    made.proves()
    made.billing.close()


def saves(world: World, customer: str, *cards: str) -> list[str]:
    """The customer adds these cards in the portal, without making one the default; the ids of what they then have."""
    path = world.billing.open_portal(customer, return_url="https://shop.test/account").removeprefix(world.sandbox.public_url)
    for card in cards:
        assert pages.answer(world.sandbox, "POST", path, f"action=add&card={card}".encode())[0] == 303
    return [method.ref for method in world.billing.payment_methods(customer)]


def test_who_has_saved_nothing_has_nothing_to_choose_from(world: World) -> None:
    assert world.billing.payment_methods("ada") == ()
    world.billing.put_customer("ada")
    with pytest.raises(NotFound):
        world.billing.set_default_payment_method("ada", "pm_card_visa")


def test_a_card_of_somebody_else_is_not_chosen(world: World) -> None:
    (theirs,) = saves(world, "bob", "pm_card_visa")
    saves(world, "ada", "pm_card_mastercard")
    with pytest.raises(NotFound, match="has not saved such a payment method"):
        world.billing.set_default_payment_method("ada", theirs)
    assert [method.is_default for method in world.billing.payment_methods("bob")] == [True]


def test_choosing_a_better_card_pays_at_once_what_was_declined(world: World) -> None:
    better, worse = saves(world, "ada", "pm_card_chargeCustomerFail", "pm_card_visa")
    world.billing.set_default_payment_method("ada", worse)
    invoice = world.billing.subscribed("ada", "pro", collection=Collection(Method.INTENT)).invoice
    assert invoice is not None
    world.works()
    assert world.now(invoice).status is InvoiceStatus.OPEN
    chosen = world.billing.set_default_payment_method("ada", better, actor="customer:ada")
    assert [method.is_default for method in chosen] == [True, False]
    world.works()
    assert world.now(invoice).status is InvoiceStatus.PAID
    world.billing.set_default_payment_method("ada", worse)
    assert [method.is_default for method in world.billing.set_default_payment_method("ada", better)] == [True, False]


def test_what_the_provider_does_not_answer_is_asked_again(world: World) -> None:
    saves(world, "ada", "pm_card_visa")
    world.sandbox.faults.next("lost_reply", "GET /v1/customers/{id}")
    with pytest.raises(ProviderUnavailable):
        world.billing.payment_methods("ada")
    assert len(world.billing.payment_methods("ada")) == 1


def test_a_browser_may_save_one_for_a_customer_whom_the_provider_has_not_met(world: World) -> None:
    saving = world.billing.save_payment_method("new")
    world.sandbox_call("POST", f"/v1/setup_intents/{saving.ref}/confirm", payment_method="pm_card_visa")
    world.delivers(times=2)
    world.works()
    assert [method.last4 for method in world.billing.payment_methods("new")] == ["4242"]
