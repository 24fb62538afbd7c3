"""Payment methods: each test card, attaching and detaching, setting up, and what a browser may send."""

from typing import Any
from urllib.parse import urlencode

import pytest
import stripe

from tallystick.sandbox.cards import CARDS, passes_luhn

NEVER = {"enabled": True, "allow_redirects": "never"}


@pytest.mark.parametrize(
    "card", [card for card in CARDS if not card.declines and card.authentication == "none"], ids=lambda card: card.name
)
def test_a_card_that_works_pays_and_shows_only_its_last_digits(world: Any, card: Any) -> None:
    method = world.card_of(card.name, ada := world.customer())
    assert (method.card.last4, method.card.brand) == (card.number[-4:], card.brand)
    assert world.pays(method.id, customer=ada.id).status == "succeeded"
    assert card.number not in str(method)


def test_every_number_in_the_table_passes_the_check_digit() -> None:
    assert [card.number for card in CARDS if not passes_luhn(card.number)] == []
    assert not passes_luhn("4242424242424241")


def test_attaching_makes_a_new_payment_method_each_time(world: Any) -> None:
    ada = world.customer()
    first, second = world.card_of("pm_card_visa", ada), world.card_of("pm_card_visa", ada)
    assert first.id != second.id != "pm_card_visa"
    assert [method.id for method in world.v1.customers.payment_methods.list(ada.id).data] == [second.id, first.id]
    assert world.v1.payment_methods.list({"customer": ada.id, "type": "card"}).data[0].id == second.id


@pytest.mark.parametrize(
    "card", [card for card in CARDS if card.declines and card.is_refused_at_once], ids=lambda card: card.name
)
def test_a_declining_card_cannot_be_attached_or_set_up(world: Any, card: Any) -> None:
    ada = world.customer()
    with pytest.raises(stripe.CardError) as refused:
        world.card_of(card.name, ada)
    assert refused.value.code == card.declines.code
    params = {"customer": ada.id, "payment_method": card.name, "confirm": True, "automatic_payment_methods": NEVER}
    with pytest.raises(stripe.CardError) as unset:
        world.v1.setup_intents.create(params)
    assert unset.value.error.setup_intent.status == "requires_payment_method"


def test_the_card_for_dunning_attaches_and_declines_later(world: Any) -> None:
    ada = world.customer()
    method = world.card_of("pm_card_chargeCustomerFail", ada)
    with pytest.raises(stripe.CardError) as refused:
        world.pays(method.id, customer=ada.id)
    assert (method.card.last4, refused.value.code) == ("0341", "card_declined")


def test_a_detached_card_is_gone_for_good(world: Any) -> None:
    ada = world.customer()
    method = world.card_of("pm_card_visa", ada)
    world.v1.customers.update(ada.id, {"invoice_settings": {"default_payment_method": method.id}})
    assert world.v1.payment_methods.detach(method.id).customer is None
    assert world.v1.customers.retrieve(ada.id).invoice_settings.default_payment_method is None
    with pytest.raises(stripe.InvalidRequestError) as refused:
        world.v1.payment_methods.attach(method.id, {"customer": ada.id})
    assert refused.value.code is None
    with pytest.raises(stripe.InvalidRequestError):
        world.v1.payment_methods.detach(method.id)


def test_a_card_belongs_to_one_customer(world: Any) -> None:
    ada, bob = world.customer(), world.customer()
    method = world.card_of("pm_card_visa", ada)
    with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
        world.v1.payment_methods.attach(method.id, {"customer": bob.id})
    with pytest.raises(stripe.InvalidRequestError, match="different Customer"):
        world.pays(method.id, customer=bob.id)
    with pytest.raises(stripe.InvalidRequestError, match="include the Customer"):
        world.pays(method.id)
    with pytest.raises(stripe.InvalidRequestError, match="does not have a payment method"):
        world.v1.customers.update(bob.id, {"invoice_settings": {"default_payment_method": method.id}})


def test_a_card_without_a_customer_pays_once(world: Any) -> None:
    method = world.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    world.pays(method.id)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        world.pays(method.id)


@pytest.mark.parametrize(
    ("token", "on_session", "off_session", "after_setup"),
    [
        ("pm_card_authenticationRequired", "requires_action", "authentication_required", "authentication_required"),
        ("pm_card_threeDSecure2Required", "requires_action", "authentication_required", "authentication_required"),
        ("pm_card_authenticationRequiredOnSetup", "requires_action", "authentication_required", "succeeded"),
        ("pm_card_authenticationRequiredSetupForOffSession", "requires_action", "succeeded", "succeeded"),
    ],
)
def test_when_a_card_wants_its_owner(world: Any, token: str, on_session: str, off_session: str, after_setup: str) -> None:
    def pays(method: str, *, off: bool) -> str:
        try:
            return str(world.pays(method, customer=ada.id, off_session=off).status)
        except stripe.CardError as refused:
            return str(refused.code)

    ada = world.customer()
    method = world.card_of(token, ada)
    assert pays(method.id, off=False) == on_session
    assert pays(method.id, off=True) == off_session
    setup = world.v1.setup_intents.create(
        {"customer": ada.id, "payment_method": method.id, "confirm": True, "automatic_payment_methods": NEVER}
    )
    if setup.status == "requires_action":
        assert world.sandbox.authenticate(setup.id)["status"] == "succeeded"
    assert pays(method.id, off=True) == after_setup


@pytest.mark.parametrize(
    ("token", "decline_code"),
    [
        ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_threeDSecureRequiredChargeDeclined", "generic_decline"),
    ],
)
def test_some_cards_decline_after_the_owner_has_passed(world: Any, token: str, decline_code: str) -> None:
    intent = world.pays(token, off_session=False)
    after = world.sandbox.authenticate(intent.id)
    assert (after["status"], after["last_payment_error"]["decline_code"]) == ("requires_payment_method", decline_code)


def test_a_payment_can_save_its_card(world: Any) -> None:
    ada = world.customer()
    intent = world.pays(
        "pm_card_authenticationRequiredOnSetup", customer=ada.id, off_session=False, setup_future_usage="off_session"
    )
    world.sandbox.authenticate(intent.id)
    saved = world.v1.customers.payment_methods.list(ada.id).data[0]
    assert world.pays(saved.id, customer=ada.id).status == "succeeded"


def test_a_setup_can_fail_and_be_tried_again(world: Any) -> None:
    ada = world.customer()
    setup = world.v1.setup_intents.create({"customer": ada.id, "automatic_payment_methods": NEVER})
    world.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_authenticationRequired"})
    failed = world.sandbox.authenticate(setup.id, success=False)
    assert (failed["status"], failed["last_setup_error"]["code"]) == (
        "requires_payment_method",
        "setup_intent_authentication_failure",
    )
    again = world.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})
    assert (again.status, world.v1.payment_methods.retrieve(again.payment_method).customer) == ("succeeded", ada.id)
    with pytest.raises(stripe.InvalidRequestError) as late:
        world.v1.setup_intents.cancel(setup.id)
    assert late.value.code == "setup_intent_unexpected_state"


def from_browser(world: Any, path: str, method: str = "POST", **form: str) -> Any:
    headers = {"Authorization": "Bearer pk_test_sandbox"}
    text = urlencode(form)
    body, query = (text.encode(), "") if method == "POST" else (b"", text)
    return world.sandbox.handle(method, path, body=body, query=query, headers=headers)


CARD = {"type": "card", "card[exp_month]": "12", "card[exp_year]": "30", "card[cvc]": "123"}


def test_a_browser_pays_with_a_number_and_the_secret(world: Any) -> None:
    intent = world.v1.payment_intents.create({"amount": 5000, "currency": "usd", "customer": world.customer().id})
    path = f"/v1/payment_intents/{intent.id}"
    card = {
        f"payment_method_data[{name.replace('[', '][')}" + ("" if "[" in name else "]"): value for name, value in CARD.items()
    }
    card["payment_method_data[card][number]"] = "4242 4242 4242 4242"
    assert from_browser(world, f"{path}/confirm", **card).status == 400
    assert from_browser(world, f"{path}/confirm", client_secret="guess", **card).status == 400
    paid = from_browser(world, f"{path}/confirm", client_secret=intent.client_secret, **card)
    assert (paid.status, b'"status": "succeeded"' in paid.body, b'"customer"' in paid.body.split(b"payment_method_types")[0]) == (
        200,
        True,
        False,
    )
    read = from_browser(world, path, "GET", client_secret=intent.client_secret)
    assert (read.status, b"cus_" in read.body) == (200, False)
    assert b"4242424242424242" not in repr(world.sandbox.state._docs).encode()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"card[number]": "4242424242424241"}, b"incorrect_number"),
        ({"card[number]": "4929939187355598"}, b"test_mode_live_card"),
        ({"card[exp_year]": "24"}, b"invalid_expiry_year"),
        ({"card[exp_month]": "13"}, b"invalid_expiry_month"),
        ({"card[cvc]": "12"}, b"invalid_cvc"),
    ],
)
def test_wrong_card_data_from_a_browser_is_named(world: Any, change: dict[str, str], code: bytes) -> None:
    answer = from_browser(world, "/v1/payment_methods", **{**CARD, "card[number]": "4242424242424242", **change})
    assert (answer.status, code in answer.body) == (402, True)


def test_a_server_may_not_send_a_number_and_a_browser_may_not_list(world: Any) -> None:
    with pytest.raises(stripe.StripeError) as refused:
        world.v1.payment_methods.create({"type": "card", "card": {"number": "4242424242424242", "exp_month": 1, "exp_year": 30}})
    assert refused.value.http_status == 402
    assert from_browser(world, "/v1/customers", "GET").status == 403
    assert from_browser(world, "/v1/payment_methods", **{**CARD, "card[number]": "4242424242424242"}).status == 200
