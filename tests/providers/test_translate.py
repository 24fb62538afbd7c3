"""Stripe's payloads in our words: statuses, sums, refusals, and what an event means."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from tallystick.domain.checkouts import CheckoutStatus
from tallystick.domain.disputes import DisputeStatus, ProviderDispute
from tallystick.domain.payments import (
    CustomerChanged,
    Decline,
    Delivery,
    DisputeChanged,
    Ignored,
    Method,
    MethodsChanged,
    NotFinalized,
    PaymentChanged,
    PaymentRefunded,
    PaymentStatus,
    ProviderFact,
    RefundChanged,
)
from tallystick.domain.provider_subscriptions import InvoiceStanding, Standing
from tallystick.domain.refunds import ProviderRefund, RefundStatus
from tallystick.providers.protocol import Done, Refused
from tallystick.providers.stripe import subscriptions, translate
from tallystick.providers.stripe.subscribed import EVENTS
from tallystick.values.ids import RefundId
from tallystick.values.money import JPY, USD, Money
from tests.beside import beside
from tests.providers.stripe_world import SECRET, START, World

INTENT: dict[str, Any] = {
    "id": "pi_1", "object": "payment_intent", "status": "requires_payment_method", "amount": 1490, "amount_received": 0,
    "currency": "usd", "client_secret": "pi_1_secret_x", "last_payment_error": None, "metadata": {"tallystick_invoice": "inv_1"},
}  # fmt: skip
INVOICE: dict[str, Any] = {
    "id": "in_1", "object": "invoice", "status": "open", "total": 1490, "amount_due": 1490, "amount_paid": 0, "currency": "usd",
    "amount_paid_off_stripe": None, "metadata": {"tallystick_invoice": "inv_1"}, "hosted_invoice_url": "https://pay",
}  # fmt: skip


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        ("requires_payment_method", PaymentStatus.OPEN),
        ("requires_confirmation", PaymentStatus.OPEN),
        ("requires_action", PaymentStatus.OPEN),
        ("processing", PaymentStatus.PROCESSING),
        ("requires_capture", PaymentStatus.PROCESSING),
        ("a_status_of_next_year", PaymentStatus.PROCESSING),
        ("succeeded", PaymentStatus.SUCCEEDED),
        ("canceled", PaymentStatus.CANCELED),
    ],
)
def test_a_payment_intent_stands_as_its_status_says(status: str, ours: PaymentStatus) -> None:
    told = translate.intent(INTENT | {"status": status, "amount_received": 1490 if status == "succeeded" else 0})
    assert (told.ref, told.status, told.amount, told.invoice_id) == ("pi_1", ours, Money(1490, USD), "inv_1")
    assert told.paid == (Money(1490, USD) if ours is PaymentStatus.SUCCEEDED else None)
    assert told.client_secret == ("pi_1_secret_x" if ours is PaymentStatus.OPEN else None)


def test_what_was_received_is_what_is_paid() -> None:
    told = translate.intent(INTENT | {"status": "succeeded", "amount_received": 1000, "currency": "jpy"})
    assert (told.amount, told.paid) == (Money(1490, JPY), Money(1000, JPY))


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        ("draft", PaymentStatus.OPEN),
        ("open", PaymentStatus.OPEN),
        ("void", PaymentStatus.CANCELED),
        ("uncollectible", PaymentStatus.OPEN),
        ("a_status_of_next_year", PaymentStatus.PROCESSING),
        (None, PaymentStatus.PROCESSING),
    ],
)
def test_an_invoice_stands_as_its_status_says(status: str | None, ours: PaymentStatus) -> None:
    told = translate.invoice(INVOICE | {"status": status})
    assert isinstance(told, Done)
    assert (told.payment.status, told.payment.amount, told.payment.paid) == (ours, Money(1490, USD), None)
    assert told.payment.url == "https://pay"


@pytest.mark.parametrize(
    "money", [{"amount_paid": 1490}, {"amount_paid_off_stripe": 1490}, {"amount_paid": 1490, "amount_paid_off_stripe": 1490}]
)
def test_an_invoice_is_paid_with_money_wherever_it_came_from(money: dict[str, int]) -> None:
    told = translate.invoice(INVOICE | {"status": "paid"} | money)
    assert isinstance(told, Done)
    assert (told.payment.status, told.payment.paid) == (PaymentStatus.SUCCEEDED, Money(1490, USD))


def test_an_invoice_that_is_paid_without_money_is_refused() -> None:
    told = translate.invoice(INVOICE | {"status": "paid"})
    assert isinstance(told, Refused)
    assert told.code == "below_minimum"


def test_how_an_invoice_is_being_paid_shows_where_the_reply_was_expanded() -> None:
    error = {"code": "card_declined", "decline_code": "insufficient_funds", "message": "Your card has insufficient funds."}
    told = translate.invoice(INVOICE | _paid_by({"id": "pi_1", "status": "requires_payment_method", "last_payment_error": error}))
    assert isinstance(told, Done)
    assert told.payment.decline == Decline("insufficient_funds", "Your card has insufficient funds.")
    told = translate.invoice(INVOICE | _paid_by({"id": "pi_1", "status": "processing", "last_payment_error": None}))
    assert isinstance(told, Done)
    assert told.payment.status is PaymentStatus.PROCESSING
    told = translate.invoice(INVOICE | _paid_by("pi_1"))
    assert isinstance(told, Done)
    assert told.payment.status is PaymentStatus.OPEN


def _paid_by(intent: object) -> dict[str, Any]:
    return {"payments": {"object": "list", "data": [{"is_default": True, "payment": {"payment_intent": intent}}]}}


@pytest.mark.parametrize("code", ["lost_card", "stolen_card", "fraudulent", "merchant_blacklist", "pickup_card"])
def test_what_would_warn_a_thief_is_not_said(code: str) -> None:
    told = translate.decline({"code": "card_declined", "decline_code": code, "message": "This card was reported stolen."})
    assert told == Decline(code, "Your card was declined.")


def test_a_decline_without_words_has_some() -> None:
    assert translate.decline({}) == Decline("card_declined", "Your card was declined.")


@pytest.mark.parametrize(
    ("kind", "subject", "fact"),
    [
        ("payment_intent.succeeded", INTENT, PaymentChanged("pi_1", "inv_1")),  # type: ignore[arg-type]
        ("payment_intent.succeeded", INTENT | {"metadata": {}}, Ignored),
        ("payment_intent.succeeded", INTENT | {"metadata": None}, Ignored),
        ("payment_intent.created", {}, Ignored),
        ("invoice.paid", INVOICE, PaymentChanged("in_1", "inv_1")),  # type: ignore[arg-type]
        ("invoice.deleted", INVOICE | {"metadata": {"tallystick_invoice": 7}}, PaymentChanged("in_1")),
        ("invoice.paid", INVOICE | {"metadata": {}}, PaymentChanged("in_1")),
        ("invoice.paid", INVOICE | {"parent": {"type": "subscription_details"}}, Ignored),
        ("invoice.upcoming", {key: value for key, value in INVOICE.items() if key != "id"}, Ignored),
        ("invoiceitem.created", {"id": "ii_1"}, Ignored),
        ("invoice_payment.paid", {"id": "inpay_1"}, Ignored),
        ("charge.refunded", {"id": "ch_1"}, Ignored),
        ("charge.refunded", {"id": "ch_1", "payment_intent": "pi_1"}, PaymentRefunded("pi_1")),
        ("refund.created", {"id": "re_1"}, RefundChanged("re_1")),
        ("refund.failed", {"id": "re_1"}, RefundChanged("re_1")),
        ("charge.refund.updated", {"id": "re_1"}, RefundChanged("re_1")),
        ("charge.dispute.created", {"id": "dp_1"}, DisputeChanged("dp_1")),
        ("charge.updated", {"id": "ch_1"}, Ignored),
        ("customer.updated", {"id": "cus_1"}, CustomerChanged("cus_1")),
        (
            "customer.deleted",
            {"id": "cus_1", "metadata": {"tallystick_customer": "ada"}},
            CustomerChanged("cus_1", "ada", gone=True),  # type: ignore[arg-type]
        ),
        ("payment_method.attached", {"id": "pm_1", "customer": "cus_1"}, MethodsChanged("cus_1")),
        ("payment_method.detached", {"id": "pm_1", "customer": None}, Ignored),
        (
            "invoice.finalization_failed",
            INVOICE | {"last_finalization_error": {"code": "customer_tax_location_invalid", "message": "No location."}},
            NotFinalized("in_1", "inv_1", "No location."),  # type: ignore[arg-type]
        ),
        ("customer.created", {"id": "cus_1"}, Ignored),
    ],
)
def test_an_event_is_a_hint_about_one_of_ours_or_nothing(kind: str, subject: dict[str, Any], fact: object) -> None:
    told = translate.fact(kind, subject)
    if fact is Ignored:
        assert isinstance(told, Ignored)
        assert told.reason.startswith((kind, "payment intent"))
    else:
        assert told == fact


def test_every_event_that_an_endpoint_is_subscribed_to_means_something() -> None:
    whole = INTENT | {"id": "x_1", "customer": "cus_1", "payment_intent": "pi_1", "expires_at": 0, "metadata": {
        "tallystick_invoice": "inv_1", "tallystick_checkout": "chk_1", "tallystick_customer": "ada",
        "tallystick_subscription": "psub_1"}}  # fmt: skip
    assert [kind for kind in EVENTS if isinstance(translate.fact(kind, whole), Ignored)] == []
    assert len(EVENTS) == len(set(EVENTS))


@pytest.mark.parametrize("kind", ["credit_note.created", "radar.early_fraud_warning.created", "customer.created", "balance.x"])
def test_what_means_nothing_here_is_visibly_ignored(kind: str) -> None:
    assert translate.fact(kind, {"id": "x_1"}) == Ignored(f"{kind}: changes nothing here")


@pytest.mark.parametrize(
    ("status", "moved", "ours", "withdrawn"),
    [
        ("warning_needs_response", (), DisputeStatus.INQUIRY, False),
        ("needs_response", (-1490,), DisputeStatus.NEEDS_RESPONSE, True),
        ("appeal_under_review", (-1490,), DisputeStatus.UNDER_REVIEW, True),
        ("won", (-1490, 1490), DisputeStatus.WON, False),
        ("lost", (-1490,), DisputeStatus.LOST, True),
        ("warning_closed", (), DisputeStatus.CLOSED, False),
        ("prevented", (), DisputeStatus.CLOSED, False),
        ("a status of next year", (-1490,), DisputeStatus.UNDER_REVIEW, True),
    ],
)
def test_a_dispute_stands_as_its_status_and_the_movements_of_money_say(
    status: str, moved: tuple[int, ...], ours: DisputeStatus, withdrawn: bool
) -> None:
    doc = {"id": "du_1", "status": status, "amount": 1490, "currency": "usd", "reason": "fraudulent",
           "evidence_details": {"due_by": 60}, "balance_transactions": [{"amount": amount} for amount in moved]}  # fmt: skip
    told = translate.dispute(doc, payment_ref="pi_1")
    due_by = datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
    assert told == ProviderDispute("du_1", ours, Money(1490, USD), withdrawn, "fraudulent", "pi_1", due_by)


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        ("pending", RefundStatus.PENDING),
        ("requires_action", RefundStatus.PENDING),
        ("succeeded", RefundStatus.SUCCEEDED),
        ("failed", RefundStatus.FAILED),
        ("canceled", RefundStatus.CANCELED),
        ("a status of next year", RefundStatus.PENDING),
    ],
)
def test_a_refund_stands_as_its_status_says(status: str, ours: RefundStatus) -> None:
    told = translate.refund(
        {"id": "re_1", "status": status, "amount": 300, "currency": "usd", "metadata": {}}, payment_ref="pi_1"
    )
    assert told == ProviderRefund("re_1", ours, Money(300, USD), payment_ref="pi_1")
    named = {"id": "re_1", "status": status, "amount": 300, "currency": "usd", "metadata": {"tallystick_refund": "rfd_1"}}
    assert translate.refund(named | {"failure_reason": "lost_or_stolen_card"}) == ProviderRefund(
        "re_1", ours, Money(300, USD), RefundId("rfd_1"), failure="lost_or_stolen_card"
    )


@pytest.mark.parametrize("said", ["a_status_of_next_year", None, 7, {"name": "odd"}])
def test_what_stands_in_a_word_that_is_new_to_us_waits(said: object) -> None:
    """One rule for all of them: nothing is granted, nothing is over, and nobody stumbles."""
    status = {"status": said}
    assert translate.intent(INTENT | status).status is PaymentStatus.PROCESSING
    hosted = translate.invoice(INVOICE | status)
    assert isinstance(hosted, Done)
    assert hosted.payment.status is PaymentStatus.PROCESSING
    money = {"amount": 300, "currency": "usd", "metadata": {}}
    assert translate.refund({"id": "re_1", **money, **status}).status is RefundStatus.PENDING
    assert translate.dispute({"id": "du_1", **money, **status}).status is DisputeStatus.UNDER_REVIEW
    page = {"id": "cs_1", "currency": "usd", "amount_total": 1490, "expires_at": 60, "payment_status": None, **status}
    assert translate.page(page | {"payment_intent": {"status": "canceled"}}).status is PaymentStatus.PROCESSING
    assert translate.checkout(page | {"setup_intent": {"payment_method": "pm_1"}}).status is CheckoutStatus.OPEN
    assert subscriptions.subscription({"id": "sub_1", **status}).standing is Standing.INCOMPLETE
    made = {"id": "in_1", "currency": "usd", "created": 60, "total": 20, "amount_remaining": 20, "amount_paid": 0, **status}
    mirrored = subscriptions.mirrored(made | {"parent": {"subscription_details": {"subscription": "sub_1"}}})
    assert mirrored is not None
    assert mirrored.standing is InvoiceStanding.UNKNOWN


@pytest.mark.parametrize("method", list(Method))
def test_every_delivery_of_a_paid_invoice_is_understood_and_points_to_its_one_object(method: Method) -> None:
    world = World()
    endpoint = world.stripe.webhook_endpoints.create({"url": "https://example.com/webhooks/stripe", "enabled_events": ["*"]})
    assert endpoint.secret, "told once, when it is made"
    provider = world.provider_with(endpoint.secret)
    request = world.request(world.customer(card="pm_card_visa"), method)
    opened = provider.open(request, key="open")
    assert isinstance(opened, Done)
    provider.complete(opened.payment.ref, request, key="complete")
    provider.charge(opened.payment.ref, method, key="charge")
    received: list[Delivery] = []

    def post(_url: str, headers: dict[str, str], body: bytes) -> int:
        received.append(provider.verify(body, headers, now=world.clock.now()))
        return 200

    assert world.sandbox.webhooks.deliver_due(post) > 3
    facts = {delivery.kind: provider.interpret(delivery) for delivery in received}
    last = "payment_intent.succeeded" if method is Method.INTENT else "invoice.paid"
    assert facts[last] == PaymentChanged(opened.payment.ref, request.invoice_id)
    changed = [fact for fact in facts.values() if isinstance(fact, PaymentChanged)]
    assert {fact.ref for fact in changed} == {opened.payment.ref}, "an invoice's own payment intent is not a second payment"


def test_stripes_own_samples_are_read_without_a_stumble() -> None:
    samples = json.loads(beside("stripe", "fixtures3.json").read_text())["resources"]
    assert translate.intent(samples["payment_intent"]).status is PaymentStatus.OPEN
    assert isinstance(translate.invoice(samples["invoice"]), Done | Refused)
    for name, sample in samples.items():
        for suffix in ("created", "updated"):
            assert isinstance(translate.fact(f"{name}.{suffix}", sample), ProviderFact)


def test_the_protocol_costs_no_sdk() -> None:
    code = "import sys, tallystick.providers.protocol, tallystick.providers.stripe; sys.exit('stripe' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_delivery_is_interpreted_from_its_own_body() -> None:
    body = json.dumps({"data": {"object": INTENT}})
    told = World().provider_with(SECRET).interpret(Delivery("evt_1", "payment_intent.succeeded", body, START, livemode=False))
    assert told == PaymentChanged("pi_1", translate.invoice_id(INTENT))
