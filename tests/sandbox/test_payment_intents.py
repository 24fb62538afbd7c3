"""The life of a payment intent, from creation to money, and what each test card does to it."""

from typing import Any

import pytest
import stripe

DECLINES = [
    ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline", "try_again_later"),
    ("pm_card_chargeDeclined", "card_declined", "generic_decline", "try_again_later"),
    ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", "try_again_later"),
    ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card", "do_not_try_again"),
    ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card", "do_not_try_again"),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card", "confirm_card_data"),
    ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc", "confirm_card_data"),
    ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error", "try_again_later"),
    ("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded", "try_again_later"),
    ("pm_card_chargeDeclinedFraudulent", "card_declined", "fraudulent", None),
    ("pm_card_radarBlock", "card_declined", "fraudulent", None),
    ("pm_card_chargeCustomerFail", "card_declined", "generic_decline", "try_again_later"),
]


def test_a_new_intent_waits_for_a_payment_method(world: Any) -> None:
    intent = world.v1.payment_intents.create({"amount": 5000, "currency": "JPY", "metadata": {"order": "o1"}})
    assert (intent.status, intent.amount, intent.currency, intent.metadata["order"]) == (
        "requires_payment_method",
        5000,
        "jpy",
        "o1",
    )
    assert intent.client_secret.startswith(f"{intent.id}_secret_")
    assert world.events() == ["payment_intent.created"]


def test_a_good_card_pays_at_once(world: Any) -> None:
    intent = world.pays("pm_card_visa", expand=["latest_charge.balance_transaction"])
    charge = intent.latest_charge
    assert (intent.status, intent.amount_received) == ("succeeded", 5000)
    assert (charge.status, charge.paid, charge.captured, charge.balance_transaction.net) == ("succeeded", True, True, 5000 - 175)
    assert world.events() == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


@pytest.mark.parametrize(("token", "code", "decline_code", "advice"), DECLINES)
def test_a_declined_card_answers_402_and_leaves_the_intent(
    world: Any, token: str, code: str, decline_code: str, advice: str
) -> None:
    with pytest.raises(stripe.CardError) as refused:
        world.pays(token)
    error = refused.value.error
    assert (refused.value.http_status, error.code, error.decline_code, getattr(error, "advice_code", None)) == (
        402,
        code,
        decline_code,
        advice,
    )
    left = world.v1.payment_intents.retrieve(error.payment_intent.id)
    assert (left.status, left.last_payment_error.code, left.payment_method) == ("requires_payment_method", code, None)
    assert world.events() == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]


def test_a_declined_intent_can_be_confirmed_again_with_another_card(world: Any) -> None:
    with pytest.raises(stripe.CardError) as refused:
        world.pays("pm_card_visa_chargeDeclined")
    again = world.v1.payment_intents.confirm(
        refused.value.error.payment_intent.id, {"payment_method": "pm_card_visa", "off_session": True}
    )
    assert (again.status, again.last_payment_error) == ("succeeded", None)


def test_a_wanted_authentication_is_passed_or_failed_by_the_customer(world: Any) -> None:
    intent = world.pays("pm_card_authenticationRequired", off_session=False)
    assert (intent.status, intent.next_action.type) == ("requires_action", "use_stripe_sdk")
    failed = world.sandbox.authenticate(intent.id, success=False)
    assert (failed["status"], failed["last_payment_error"]["code"]) == (
        "requires_payment_method",
        "payment_intent_authentication_failure",
    )
    world.v1.payment_intents.confirm(
        intent.id, {"payment_method": "pm_card_authenticationRequired", "return_url": "https://shop.test/done"}
    )
    assert world.v1.payment_intents.retrieve(intent.id).next_action.redirect_to_url.url.endswith(f"/sandbox/3ds/{intent.id}")
    assert world.sandbox.authenticate(intent.id)["status"] == "succeeded"


def test_without_the_customer_an_authentication_is_a_decline(world: Any) -> None:
    with pytest.raises(stripe.CardError) as refused:
        world.pays("pm_card_authenticationRequired")
    assert refused.value.code == "authentication_required"
    assert refused.value.error.payment_intent.status == "requires_payment_method"


def test_too_small_a_sum_is_refused(world: Any) -> None:
    for currency, least in (("usd", 50), ("jpy", 50), ("huf", 17500)):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            world.v1.payment_intents.create({"amount": least - 1, "currency": currency})
        assert refused.value.code == "amount_too_small"
        assert world.v1.payment_intents.create({"amount": least, "currency": currency}).amount == least
