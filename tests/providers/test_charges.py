"""One attempt at the customer's card: paid, declined with words for the buyer, or nothing to charge."""

import pytest

from tallystick.domain.payments import Method, PaymentStatus
from tallystick.providers.protocol import Declined, Done, Limited, Outcome, Refused, Unknown
from tallystick.values.money import USD, Money
from tests.providers.stripe_world import World

METHODS = list(Method)
FAILS_LATER = "pm_card_chargeCustomerFail"


def done(outcome: Outcome | None) -> Done:
    assert isinstance(outcome, Done), outcome
    return outcome


def declined(outcome: Outcome) -> Declined:
    assert isinstance(outcome, Declined), outcome
    return outcome


@pytest.fixture
def world() -> World:
    return World()


def ready(world: World, method: Method, *, card: str | None = None) -> str:
    """An object that waits to be paid: 14.90 USD."""
    request = world.request(world.customer(card=card), method)
    ref = done(world.provider.open(request, key="open")).payment.ref
    return done(world.provider.complete(ref, request, key="complete")).payment.ref


def charged(world: World, method: Method) -> int:
    return sum(charge.amount for charge in world.stripe.charges.list().auto_paging_iter() if charge.paid)


@pytest.mark.parametrize("method", METHODS)
def test_the_default_card_is_charged_once_however_often_it_is_asked(world: World, method: Method) -> None:
    ref = ready(world, method, card="pm_card_visa")
    for key in ("charge:1", "charge:1", "charge:2"):
        paid = done(world.provider.charge(ref, method, key=key)).payment
        assert (paid.status, paid.paid) == (PaymentStatus.SUCCEEDED, Money(1490, USD))
        assert paid.client_secret is None
    assert charged(world, method) == 1490


@pytest.mark.parametrize("method", METHODS)
def test_without_a_default_the_newest_card_is_charged(world: World, method: Method) -> None:
    ref = ready(world, method)
    world.stripe.payment_methods.attach("pm_card_mastercard", {"customer": world.customer()})
    assert done(world.provider.charge(ref, method, key="charge:1")).payment.status is PaymentStatus.SUCCEEDED


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["POST /v1/payment_intents/*/confirm", "POST /v1/invoices/*/pay"])
@pytest.mark.parametrize("fault", ["lost_request", "lost_reply"])
def test_a_charge_with_a_lost_answer_is_made_once(world: World, method: Method, path: str, fault: str) -> None:
    ref = ready(world, method, card="pm_card_visa")
    world.faults.next(fault, path)
    first = world.provider.charge(ref, method, key="charge:1")
    struck = ("payment_intents" in path) == (method is Method.INTENT)
    assert isinstance(first, Unknown if struck else Done)
    assert done(world.provider.charge(ref, method, key="charge:1")).payment.status is PaymentStatus.SUCCEEDED
    assert done(world.provider.fetch(ref, method)).payment.paid == Money(1490, USD)
    assert charged(world, method) == 1490


@pytest.mark.parametrize("method", METHODS)
def test_a_decline_is_kept_under_its_key_and_a_new_attempt_has_a_new_one(world: World, method: Method) -> None:
    ref = ready(world, method, card=FAILS_LATER)
    for _ in range(2):
        told = declined(world.provider.charge(ref, method, key="charge:1"))
        assert told.decline.code == "generic_decline"
        assert told.payment is not None
        assert (told.payment.status, told.payment.decline) == (PaymentStatus.OPEN, told.decline)
    assert attempts(world) == 1
    declined(world.provider.charge(ref, method, key="charge:2"))
    assert attempts(world) == 2


@pytest.mark.parametrize("method", METHODS)
def test_another_card_may_follow_a_decline_even_under_the_same_key(world: World, method: Method) -> None:
    ref = ready(world, method, card=FAILS_LATER)
    declined(world.provider.charge(ref, method, key="charge:1"))
    new = world.stripe.payment_methods.attach("pm_card_visa", {"customer": world.customer()})
    world.stripe.customers.update(world.customer(), {"invoice_settings": {"default_payment_method": new.id}})
    assert done(world.provider.charge(ref, method, key="charge:1")).payment.status is PaymentStatus.SUCCEEDED


@pytest.mark.parametrize("method", METHODS)
def test_a_lost_decline_is_seen_when_we_look(world: World, method: Method) -> None:
    ref = ready(world, method, card=FAILS_LATER)
    world.faults.next("lost_reply", "POST /v1/*")
    assert isinstance(world.provider.charge(ref, method, key="charge:1"), Unknown)
    seen = done(world.provider.fetch(ref, method)).payment
    assert seen.status is PaymentStatus.OPEN
    assert seen.decline is not None
    assert seen.decline.code == "generic_decline"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("card", "code", "message"),
    [
        ("pm_card_visa_chargeDeclined", "generic_decline", "Your card was declined."),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds", "Your card has insufficient funds."),
        ("pm_card_visa_chargeDeclinedLostCard", "lost_card", "Your card was declined."),
        ("pm_card_visa_chargeDeclinedStolenCard", "stolen_card", "Your card was declined."),
        ("pm_card_chargeDeclinedFraudulent", "fraudulent", "Your card was declined."),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "Your card has expired."),
        ("pm_card_authenticationRequired", "authentication_required", "Your bank asks you to confirm this payment."),
    ],
)
def test_each_decline_has_the_banks_code_and_words_for_the_buyer(
    world: World, method: Method, card: str, code: str, message: str
) -> None:
    told = declined(world.provider.charge(ready(world, method), method, key="charge:1", payment_method=card))
    assert (told.decline.code, told.decline.message) == (code, message)


@pytest.mark.parametrize("method", METHODS)
def test_a_test_card_is_attached_once_per_attempt_and_its_own_id_is_charged(world: World, method: Method) -> None:
    ref = ready(world, method)
    world.faults.next("lost_reply", "POST /v1/payment_methods/*")
    assert isinstance(world.provider.charge(ref, method, key="charge:1", payment_method="pm_card_visa"), Unknown)
    done(world.provider.charge(ref, method, key="charge:1", payment_method="pm_card_visa"))
    assert len(world.stripe.customers.payment_methods.list(world.customer()).data) == 1
    assert charged(world, method) == 1490


@pytest.mark.parametrize("method", METHODS)
def test_who_was_overtaken_by_the_buyer_says_that_it_is_paid(world: World, method: Method) -> None:
    ref = ready(world, method, card="pm_card_visa")

    def buyer_pays() -> object:
        return world.provider.charge(ref, method, key="the buyer")

    overtaken = world.interrupted(2, buyer_pays).charge(ref, method, key="charge:1")
    assert done(overtaken).payment.status is PaymentStatus.SUCCEEDED
    assert charged(world, method) == 1490


@pytest.mark.parametrize("method", METHODS)
def test_who_was_overtaken_by_a_cancellation_is_refused(world: World, method: Method) -> None:
    ref = ready(world, method, card="pm_card_visa")
    overtaken = world.interrupted(2, lambda: world.provider.cancel(ref, method, key="cancel")).charge(ref, method, key="charge:1")
    assert isinstance(overtaken, Refused)
    assert charged(world, method) == 0


@pytest.mark.parametrize("method", METHODS)
def test_no_card_is_not_a_decline(world: World, method: Method) -> None:
    refused = world.provider.charge(ready(world, method), method, key="charge:1")
    assert isinstance(refused, Refused)
    assert refused.code == "no_payment_method"


@pytest.mark.parametrize("method", METHODS)
def test_nor_has_a_customer_one_who_is_gone(world: World, method: Method) -> None:
    ref = ready(world, method, card="pm_card_visa")
    world.stripe.customers.delete(world.customer())
    assert isinstance(world.provider.charge(ref, method, key="charge:1"), Refused)
    assert charged(world, method) == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_card_of_somebody_else_is_refused(world: World, method: Method) -> None:
    ref = ready(world, method)
    other = world.stripe.payment_methods.attach("pm_card_visa", {"customer": world.customer("bob")})
    assert isinstance(world.provider.charge(ref, method, key="charge:1", payment_method=other.id), Refused)


@pytest.mark.parametrize("method", METHODS)
def test_two_who_charge_at_once_are_no_decline(world: World, method: Method) -> None:
    ref = ready(world, method, card="pm_card_visa")
    world.faults.next("lock_timeout", "POST /v1/*")
    assert isinstance(world.provider.charge(ref, method, key="charge:1"), Limited)
    done(world.provider.charge(ref, method, key="charge:1"))


@pytest.mark.parametrize("method", METHODS)
def test_what_is_canceled_cannot_be_paid_and_what_is_paid_cannot_be_canceled(world: World, method: Method) -> None:
    ref = ready(world, method, card="pm_card_visa")
    for _ in range(2):
        assert done(world.provider.cancel(ref, method, key="cancel")).payment.status is PaymentStatus.CANCELED
    refused = world.provider.charge(ref, method, key="charge:1")
    assert isinstance(refused, Refused)
    assert refused.code == "not_payable"
    paid = world.request(world.customer(), method, invoice="inv_2")
    other = done(world.provider.open(paid, key="open:2")).payment.ref
    done(world.provider.complete(other, paid, key="complete:2"))
    done(world.provider.charge(other, method, key="charge:2"))
    refused = world.provider.cancel(other, method, key="cancel:2")
    assert isinstance(refused, Refused)
    assert refused.code == "already_paid"


@pytest.mark.parametrize("method", METHODS)
def test_looking_finds_the_one_that_is_nearest_to_being_paid(world: World, method: Method) -> None:
    request = world.request(world.customer(card="pm_card_visa"), method)
    for number in range(3):
        ref = done(world.provider.open(request, key=f"open:{number}")).payment.ref
        if number != 1:
            done(world.provider.cancel(ref, method, key=f"cancel:{number}"))
    assert done(world.provider.find(request)).payment.status is PaymentStatus.OPEN


def attempts(world: World) -> int:
    return len(list(world.stripe.charges.list().auto_paging_iter()))
