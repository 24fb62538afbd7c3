"""An invoice is paid on Stripe's page: made once whatever is lost, told as it stands, closed before anything else collects it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tallystick.domain.pages import Page
from tallystick.domain.payments import Method, PaymentChanged, PaymentStatus, ProviderFact
from tallystick.providers.protocol import Done, Limited, PaymentRequest, Refunded, RefundRequest, Refused, Unknown
from tallystick.providers.stripe import translate
from tallystick.values.ids import InvoiceId, PaymentId, RefundId
from tallystick.values.money import USD, Money
from tests.providers.stripe_world import START, World

PAGE = Page("https://shop.test/ok?session={CHECKOUT_SESSION_ID}", "https://shop.test/invoices")


@pytest.fixture
def world() -> World:
    return World()


def request(world: World, customer_ref: str, payment: str = "pay_2") -> PaymentRequest:
    return replace(world.request(customer_ref, Method.INTENT), page=PAGE, payment_id=PaymentId(payment))


def opened(world: World, asked: PaymentRequest) -> Done:
    found = world.provider.open(asked, key=f"{asked.payment_id}:open:0")
    assert isinstance(found, Done), found
    return found


def fetched(world: World, ref: str) -> Done:
    found = world.provider.fetch(ref, Method.INTENT)
    assert isinstance(found, Done), found
    return found


def news(world: World) -> list[ProviderFact]:
    """What Stripe has told, oldest first."""
    told = world.stripe.events.list({"limit": 100, "types": ["checkout.session.*", "payment_intent.*"]}).data
    bodies = [(event.type, event.data.object) for event in reversed(told)]
    return [translate.fact(kind, body.to_dict(for_json=True)) for kind, body in bodies]


def test_the_page_is_told_as_it_stands_from_open_to_paid(world: World) -> None:
    page = opened(world, request(world, world.customer()))
    assert (page.payment.status, page.payment.amount) == (PaymentStatus.OPEN, Money(1490, USD))
    assert (page.payment.invoice_id, page.payment.client_secret) == ("inv_1", None)
    assert world.pays_on(page.payment, "pm_card_chargeDeclined") == 402
    decline = fetched(world, page.payment.ref).payment.decline
    assert decline is not None
    assert decline.code == "generic_decline"
    assert world.pays_on(page.payment, "pm_card_visa") == 303
    done = fetched(world, page.payment.ref).payment
    assert (done.status, done.paid, done.decline) == (PaymentStatus.SUCCEEDED, Money(1490, USD), None)


@pytest.mark.parametrize(
    ("card", "later"),
    [("pm_card_sandboxClearsLater", PaymentStatus.SUCCEEDED), ("pm_card_sandboxNeverClears", PaymentStatus.CANCELED)],
)
def test_money_that_takes_its_time_is_neither_granted_nor_refused(world: World, card: str, later: PaymentStatus) -> None:
    page = opened(world, request(world, world.customer()))
    world.pays_on(page.payment, card)
    assert fetched(world, page.payment.ref).payment.status is PaymentStatus.PROCESSING
    assert isinstance(world.provider.cancel(page.payment.ref, Method.INTENT, key="pay_2:cancel"), Refused)
    world.passes(timedelta(minutes=2))
    assert fetched(world, page.payment.ref).payment.status is later


def test_only_the_page_tells_which_invoice_was_paid(world: World) -> None:
    page = opened(world, request(world, world.customer()))
    world.pays_on(page.payment, "pm_card_visa")
    named = [fact for fact in news(world) if isinstance(fact, PaymentChanged)]
    assert named == [PaymentChanged(page.payment.ref, InvoiceId("inv_1"))]


@pytest.mark.parametrize("fault", ["lost_reply", "timeout_after_success"])
def test_a_lost_answer_is_unknown_and_the_one_page_is_found_again(world: World, fault: str) -> None:
    asked = request(world, world.customer())
    world.faults.next(fault, "POST /v1/checkout/sessions")
    assert isinstance(world.provider.open(asked, key="pay_2:open:0"), Unknown)
    page = opened(world, asked)
    found = world.provider.find(asked)
    assert isinstance(found, Done)
    assert found.payment.ref == page.payment.ref
    assert world.provider.find(request(world, asked.customer_ref, "pay_3")) is None


def test_too_often_is_limited(world: World) -> None:
    asked = request(world, world.customer())
    world.faults.next("rate_limited", "POST /v1/checkout/sessions")
    assert isinstance(world.provider.open(asked, key="pay_2:open:0"), Limited)


def test_a_closed_page_cannot_be_paid_and_closed_twice_is_closed_once(world: World) -> None:
    page = opened(world, request(world, world.customer()))
    for _ in range(2):
        closed = world.provider.cancel(page.payment.ref, Method.INTENT, key="pay_2:cancel")
        assert isinstance(closed, Done)
        assert closed.payment.status is PaymentStatus.CANCELED
    assert world.pays_on(page.payment, "pm_card_visa") == 410


def test_what_was_paid_is_not_closed_but_given_back(world: World) -> None:
    page = opened(world, request(world, world.customer()))
    world.pays_on(page.payment, "pm_card_visa")
    refused = world.provider.cancel(page.payment.ref, Method.INTENT, key="pay_2:cancel")
    assert isinstance(refused, Refused)
    assert refused.code == "already_paid"
    back = RefundRequest(RefundId("ref_1"), InvoiceId("inv_1"), page.payment.ref, Method.INTENT, Money(490, USD))
    made = world.provider.refund(back, key="ref_1")
    assert isinstance(made, Refunded)
    assert world.provider.fetch_refund(made.refund.ref) == Refunded(made.refund)
    assert made.refund.payment_ref == page.payment.ref
    assert world.provider.find_refund(back) == made


def test_the_pages_that_were_made_since_are_listed_with_the_intents(world: World) -> None:
    page = opened(world, request(world, world.customer()))
    world.pays_on(page.payment, "pm_card_visa")
    listed = world.provider.payments_since(START - timedelta(hours=1))
    assert not isinstance(listed, Refused | Limited | Unknown)
    assert [(told.ref, told.status) for told in listed] == [(page.payment.ref, PaymentStatus.SUCCEEDED)]
