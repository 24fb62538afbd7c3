"""The customer portal: saved cards are added, removed and made the default; nobody else's are touched."""

from typing import Any

import pytest
import stripe

from tests.sandbox.asking import ask

CARDS = {"payment_method_update": {"enabled": True}}


def opened(world: Any, customer: Any, **more: Any) -> tuple[Any, str]:
    """A session for the customer, and the path of its page."""
    configuration = world.v1.billing_portal.configurations.create({"features": {**CARDS, **more}})
    wanted = {"customer": customer.id, "configuration": configuration.id, "return_url": "https://shop.test/account"}
    session = world.v1.billing_portal.sessions.create(wanted)
    return session, session.url.removeprefix("http://localhost:8000")


def default_of(world: Any, customer: Any) -> str | None:
    found: str | None = world.v1.customers.retrieve(customer.id).invoice_settings.default_payment_method
    return found


def cards_of(world: Any, customer: Any) -> list[str]:
    return [method.card.last4 for method in world.v1.customers.payment_methods.list(customer.id).data]


def test_a_card_is_added_and_becomes_the_default_where_that_is_wanted(world: Any) -> None:
    ada = world.customer(name="Ada <b>")
    _, page = opened(world, ada)
    assert ask(world, "POST", page, action="add", card="pm_card_visa")[0] == 303
    assert (cards_of(world, ada), default_of(world, ada)) == (["4242"], None)
    ask(world, "POST", page, action="add", card="pm_card_mastercard", default="on")
    methods = world.v1.customers.payment_methods.list(ada.id).data
    assert default_of(world, ada) == methods[0].id
    _, _, text = ask(world, "GET", page)
    assert ("visa •••• 4242" in text, "Ada &lt;b&gt;" in text, "<b>" in text) == (True, True, False)
    assert "https://shop.test/account" in text


def test_another_card_is_made_the_default_and_the_old_one_removed(world: Any) -> None:
    ada = world.customer()
    first, second = world.card_of("pm_card_visa", ada), world.card_of("pm_card_mastercard", ada)
    _, page = opened(world, ada)
    for method in (first, second):
        assert ask(world, "POST", page, action="make_default", payment_method=method.id)[0] == 303
        assert default_of(world, ada) == method.id
    assert ask(world, "POST", page, action="remove", payment_method=first.id)[0] == 303
    assert cards_of(world, ada) == ["4444"]
    ask(world, "POST", page, action="remove", payment_method=second.id)
    assert default_of(world, ada) is None


def test_somebody_elses_card_is_out_of_reach(world: Any) -> None:
    ada, eve = world.customer(), world.customer()
    hers = world.card_of("pm_card_visa", ada)
    _, page = opened(world, eve)
    for action in ("remove", "make_default"):
        assert ask(world, "POST", page, action=action, payment_method=hers.id)[0] == 402
    assert (cards_of(world, ada), default_of(world, eve)) == (["4242"], None)
    assert ask(world, "POST", page, action="melt", payment_method=world.card_of("pm_card_visa", eve).id)[0] == 402


def test_the_bank_leads_back_to_the_portal(world: Any) -> None:
    ada = world.customer()
    _, page = opened(world, ada)
    bank = ask(world, "POST", page, action="add", card="pm_card_authenticationRequired", default="on")[1]["location"]
    back = ask(world, "POST", bank.replace("..", "/sandbox"), result="success")[1]["location"]
    assert back == page.replace("/sandbox", "..")
    assert default_of(world, ada) is not None


def test_a_declined_card_is_not_added(world: Any) -> None:
    ada = world.customer()
    _, page = opened(world, ada)
    status, _, text = ask(world, "POST", page, action="add", card="pm_card_chargeDeclined")
    assert (status, "Your card was declined." in text, cards_of(world, ada)) == (402, True, [])


def test_what_the_configuration_does_not_allow_cannot_be_done(world: Any) -> None:
    ada = world.customer()
    _, page = opened(world, ada, payment_method_update={"enabled": False})
    assert "Add card" not in ask(world, "GET", page)[2]
    assert ask(world, "POST", page, action="add", card="pm_card_visa")[0] == 402
    assert cards_of(world, ada) == []


def test_invoices_are_shown_where_the_configuration_says_so(world: Any) -> None:
    ada = world.customer()
    invoice = world.v1.invoices.create({"customer": ada.id, "currency": "usd"})
    world.v1.invoice_items.create({"customer": ada.id, "invoice": invoice.id, "amount": 900, "currency": "usd"})
    invoice = world.v1.invoices.finalize_invoice(invoice.id)
    for shown in (False, True):
        _, page = opened(world, ada, invoice_history={"enabled": shown})
        assert (invoice.hosted_invoice_url.rpartition("/")[2] in ask(world, "GET", page)[2]) is shown


def test_a_link_is_good_for_minutes_and_each_use_for_an_hour(world: Any) -> None:
    ada = world.customer()
    _, unused = opened(world, ada)
    _, used = opened(world, ada)
    world.clock.move(minutes=4)
    assert ask(world, "GET", used)[0] == 200
    world.clock.move(minutes=59)
    assert (ask(world, "GET", unused)[0], ask(world, "GET", used)[0]) == (404, 200)
    world.clock.move(minutes=60)
    assert ask(world, "GET", used)[0] == 404


def test_without_a_configuration_there_is_no_portal(world: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No configuration provided"):
        world.v1.billing_portal.sessions.create({"customer": world.customer().id})


def test_configurations_are_updated_and_listed(world: Any) -> None:
    configurations = world.v1.billing_portal.configurations
    made = configurations.create({"features": CARDS, "name": "cards", "metadata": {"a": "1"}})
    assert (made.active, made.is_default, made.features.invoice_history.enabled) == (True, False, False)
    off = configurations.update(made.id, {"active": False, "name": "", "metadata": {"b": "2"}})
    assert (off.active, off.name, off.metadata.to_dict()) == (False, None, {"a": "1", "b": "2"})
    assert off.features.payment_method_update.enabled
    assert [configurations.list({"active": active}).data for active in (True, False)] == [[], [off]]
    with pytest.raises(stripe.InvalidRequestError, match="not active"):
        world.v1.billing_portal.sessions.create({"customer": world.customer().id, "configuration": made.id})


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"features": {"subscription_cancel": {"enabled": True}}}, "features[subscription_cancel][enabled]"),
        ({"features": {"melting": {"enabled": True}}}, "features[melting]"),
        ({"features": CARDS, "login_page": {"enabled": True}}, "login_page[enabled]"),
        ({"features": CARDS, "default_return_url": "ftp://shop.test"}, "default_return_url"),
        ({}, "features"),
    ],
)
def test_a_wrong_configuration_is_named(world: Any, params: Any, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        world.v1.billing_portal.configurations.create(params)
    assert refused.value.param == param
    assert world.v1.billing_portal.configurations.list().data == []


@pytest.mark.parametrize(("more", "param"), [
    ({"customer": "cus_none"}, "customer"), ({"configuration": "bpc_none"}, "configuration"),
    ({"return_url": "javascript:alert(1)"}, "return_url"), ({"flow_data": {"type": "payment_method_update"}}, "flow_data"),
])  # fmt: skip
def test_a_wrong_session_is_named(world: Any, more: Any, param: str) -> None:
    configuration = world.v1.billing_portal.configurations.create({"features": CARDS})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        world.v1.billing_portal.sessions.create({"customer": world.customer().id, "configuration": configuration.id, **more})
    assert refused.value.param == param
