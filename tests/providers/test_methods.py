"""Saved payment methods: told as Stripe holds them, the one that is charged marked; and the order in which it is chosen."""

import pytest

from tallystick.domain.payment_methods import SavedMethod, Saving
from tallystick.domain.payments import Method
from tallystick.providers.protocol import Done, Limited, Refused, Unknown
from tests.providers.stripe_world import World


@pytest.fixture
def world() -> World:
    return World()


def saved(world: World, customer_ref: str) -> list[SavedMethod]:
    told = world.provider.methods_of(customer_ref)
    assert not isinstance(told, Refused | Limited | Unknown), told
    return list(told)


def attached(world: World, customer_ref: str, card: str) -> str:
    return world.stripe.payment_methods.attach(card, {"customer": customer_ref}).id


def test_the_newest_card_is_charged_until_another_one_is_made_the_default(world: World) -> None:
    ada = world.customer()
    assert saved(world, ada) == []
    visa, mastercard = (attached(world, ada, card) for card in ("pm_card_visa", "pm_card_mastercard"))
    assert [(each.ref, each.is_default) for each in saved(world, ada)] == [(mastercard, True), (visa, False)]
    assert world.provider.method_of(ada) == mastercard
    world.provider.set_default_method(ada, visa, key="default_1")
    first = saved(world, ada)[1]
    assert (first.ref, first.is_default, first.kind, first.brand, first.last4) == (visa, True, "card", "visa", "4242")
    assert world.provider.method_of(ada) == visa


def test_what_an_invoice_names_goes_before_the_customers_default_and_that_before_the_newest(world: World) -> None:
    ada = world.customer()
    named, default, _ = (attached(world, ada, card) for card in ("pm_card_visa", "pm_card_mastercard", "pm_card_amex"))
    world.provider.set_default_method(ada, default, key="default_1")
    charged = []
    for invoice, wanted in (("inv_1", named), ("inv_2", None)):
        opened = world.provider.open(world.request(ada, Method.INTENT, invoice=invoice), key=f"{invoice}:open")
        assert isinstance(opened, Done)
        world.provider.charge(opened.payment.ref, Method.INTENT, key=f"{invoice}:charge", payment_method=wanted)
        charged.append(world.stripe.payment_intents.retrieve(opened.payment.ref).payment_method)
    assert charged == [named, default]


def test_of_a_customer_who_was_deleted_nothing_is_saved(world: World) -> None:
    ada = world.customer(card="pm_card_visa")
    world.stripe.customers.delete(ada)
    assert saved(world, ada) == []


def test_a_browser_saves_one_with_the_secret_that_only_it_is_given(world: World) -> None:
    ada = world.customer()
    saving = world.provider.begin_saving(ada, key="saving_1")
    assert isinstance(saving, Saving)
    assert saving.client_secret not in repr(saving)
    world.stripe.setup_intents.confirm(saving.ref, {"payment_method": "pm_card_visa"})
    assert [each.brand for each in saved(world, ada)] == ["visa"]


@pytest.mark.parametrize("fault", ["lost_reply", "lost_request", "rate_limited"])
def test_what_is_not_answered_is_no_empty_list(world: World, fault: str) -> None:
    ada = world.customer(card="pm_card_visa")
    world.faults.next(fault)
    assert isinstance(world.provider.methods_of(ada), Unknown | Limited)


def test_who_opens_the_portal_first_at_the_same_moment_makes_one_configuration(world: World) -> None:
    ada, ben = world.customer(), world.customer("ben")
    late = world.interrupted(2, lambda: world.provider.open_portal(ben, return_url="https://shop.test", key="visit_2"))
    assert isinstance(late.open_portal(ada, return_url="https://shop.test", key="visit_1"), str)
    assert len(world.stripe.billing_portal.configurations.list().data) == 1


def test_a_failure_that_stripe_keeps_under_the_one_key_closes_the_portal_for_nobody(world: World) -> None:
    ada = world.customer()
    world.faults.next("stored_500", "POST /v1/billing_portal/configurations", effect="none")
    assert isinstance(world.provider.open_portal(ada, return_url="https://shop.test", key="visit_1"), str)
    assert len(world.stripe.billing_portal.configurations.list().data) == 1
