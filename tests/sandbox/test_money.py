"""Refunds, captures, the balance, products and prices."""

from decimal import Decimal
from typing import Any

import pytest
import stripe

NEVER = {"enabled": True, "allow_redirects": "never"}


def test_a_payment_is_refunded_in_parts_until_nothing_is_left(world: Any) -> None:
    intent = world.pays("pm_card_visa")
    first = world.v1.refunds.create({"payment_intent": intent.id, "amount": 2000, "reason": "requested_by_customer"})
    assert (first.status, first.amount, first.charge) == ("succeeded", 2000, intent.latest_charge)
    with pytest.raises(stripe.InvalidRequestError) as too_much:
        world.v1.refunds.create({"payment_intent": intent.id, "amount": 3001})
    assert (too_much.value.param, too_much.value.code) == ("amount", None)
    assert world.v1.refunds.create({"charge": intent.latest_charge}).amount == 3000
    charge = world.v1.charges.retrieve(intent.latest_charge, {"expand": ["refunds"]})
    assert (charge.refunded, charge.amount_refunded, len(charge.refunds.data)) == (True, 5000, 2)
    with pytest.raises(stripe.InvalidRequestError) as again:
        world.v1.refunds.create({"charge": intent.latest_charge})
    assert again.value.code == "charge_already_refunded"


@pytest.mark.parametrize(("card", "status"), [("pm_card_visa", "succeeded"), ("pm_card_pendingRefund", "succeeded"),
                                              ("pm_card_refundFail", "failed")])  # fmt: skip
def test_what_is_given_back_is_counted_even_where_its_charge_was_not_told(world: Any, card: str, status: str) -> None:
    intent = world.pays(card)
    world.faults.next("stored_500", on="POST /v1/refunds", effect="half")
    with pytest.raises(stripe.APIError):
        world.v1.refunds.create({"payment_intent": intent.id, "amount": 3000})
    (half,) = world.v1.refunds.list({"charge": intent.latest_charge}).data
    assert world.v1.charges.retrieve(intent.latest_charge).amount_refunded == 0
    with pytest.raises(stripe.InvalidRequestError, match=r"greater than unrefunded amount on charge \(2000\)"):
        world.v1.refunds.create({"payment_intent": intent.id, "amount": 2001})
    world.clock.move(hours=1)
    assert world.v1.refunds.retrieve(half.id).status == status
    world.v1.refunds.create({"payment_intent": intent.id, "amount": 1})
    given_back = 1 if status == "failed" else 3001
    assert world.v1.charges.retrieve(intent.latest_charge).amount_refunded == given_back


def test_a_refund_may_be_pending_and_then_succeed(world: Any) -> None:
    refund = world.v1.refunds.create({"payment_intent": world.pays("pm_card_pendingRefund").id})
    assert refund.status == "pending"
    world.clock.move(hours=1)
    assert world.v1.refunds.retrieve(refund.id).status == "succeeded"


def test_a_refund_may_fail_later_and_the_money_comes_back(world: Any) -> None:
    refund = world.v1.refunds.create({"payment_intent": world.pays("pm_card_refundFail").id})
    assert refund.status == "succeeded"
    world.clock.move(hours=1)
    world.sandbox.catch_up()
    failed = world.v1.refunds.retrieve(refund.id, {"expand": ["charge"]})
    assert (failed.status, failed.failure_reason, failed.charge.amount_refunded) == ("failed", "expired_or_canceled_card", 0)
    assert world.events("refund.failed") == ["refund.failed"]


@pytest.mark.parametrize(
    ("evidence", "status", "net"), [("winning_evidence", "won", 5000 - 1500), ("losing_evidence", "lost", -1500)]
)
def test_a_disputed_payment_is_taken_back_and_the_evidence_decides(world: Any, evidence: str, status: str, net: int) -> None:
    intent = world.pays("pm_card_createDispute", expand=["latest_charge.balance_transaction"])
    dispute = world.v1.disputes.list({"payment_intent": intent.id}).data[0]
    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", 5000)
    assert world.v1.charges.retrieve(intent.latest_charge.id).disputed is True
    answered = world.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": evidence}, "submit": True})
    assert answered.status == status
    rows = world.v1.balance_transactions.list({"source": dispute.id}).data
    assert sum(row.net for row in rows) + 5000 == net
    assert world.events("charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed") == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.closed",
    ]
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        world.v1.disputes.close(dispute.id)


def test_an_inquiry_takes_no_money(world: Any) -> None:
    intent = world.pays("pm_card_createDisputeInquiry")
    inquiry = world.v1.disputes.list({"payment_intent": intent.id}).data[0]
    assert (inquiry.status, inquiry.balance_transactions) == ("warning_needs_response", [])
    assert world.v1.disputes.close(inquiry.id).status == "warning_closed"


def test_only_money_that_came_can_be_refunded(world: Any) -> None:
    intent = world.v1.payment_intents.create({"amount": 5000, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        world.v1.refunds.create({"payment_intent": intent.id})
    with pytest.raises(stripe.InvalidRequestError, match="payment_intent or charge"):
        world.v1.refunds.create({})


def test_money_can_be_held_and_taken_later_in_part(world: Any) -> None:
    held = world.pays("pm_card_visa", capture_method="manual", expand=["latest_charge"])
    assert (held.status, held.amount_capturable, held.latest_charge.captured) == ("requires_capture", 5000, False)
    with pytest.raises(stripe.InvalidRequestError):
        world.v1.payment_intents.capture(held.id, {"amount_to_capture": 5001})
    taken = world.v1.payment_intents.capture(held.id, {"amount_to_capture": 3000, "expand": ["latest_charge"]})
    assert (taken.status, taken.amount_received, taken.latest_charge.amount_captured) == ("succeeded", 3000, 3000)
    with pytest.raises(stripe.InvalidRequestError) as done:
        world.v1.payment_intents.cancel(held.id)
    assert done.value.code == "payment_intent_unexpected_state"


def test_an_intent_that_has_not_paid_is_cancelled(world: Any) -> None:
    intent = world.v1.payment_intents.create({"amount": 5000, "currency": "usd"})
    cancelled = world.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (cancelled.status, cancelled.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError):
        world.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})


def test_a_confirmation_on_the_server_needs_a_way_back(world: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        world.v1.payment_intents.create({"amount": 5000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True})
    assert world.v1.payment_intents.list().data == []


def test_the_balance_is_the_sum_of_its_transactions(world: Any) -> None:
    world.v1.refunds.create({"payment_intent": world.pays("pm_card_visa").id, "amount": 1000})
    world.pays("pm_card_bypassPending", amount=700, currency="eur")
    balance = world.v1.balance.retrieve()
    assert {row.currency: row.amount for row in balance.pending} == {"eur": 0, "usd": 5000 - 175}
    assert {row.currency: row.amount for row in balance.available} == {"eur": 700 - 50, "usd": -1000}
    world.clock.move(days=2)
    assert {row.currency: row.amount for row in world.v1.balance.retrieve().available} == {"eur": 650, "usd": 3825}
    assert [row.type for row in world.v1.balance_transactions.list().data] == ["charge", "refund", "charge"]


def test_a_price_is_found_by_its_lookup_key_and_replaced(world: Any) -> None:
    world.v1.products.create({"id": "box", "name": "Box"})
    old = world.v1.prices.create({"product": "box", "currency": "usd", "unit_amount": 900, "lookup_key": "box"})
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        world.v1.prices.create({"product": "box", "currency": "usd", "unit_amount": 990, "lookup_key": "box"})
    params = {"product": "box", "currency": "usd", "unit_amount": 990, "lookup_key": "box", "transfer_lookup_key": True}
    new = world.v1.prices.create(params)
    assert [price.id for price in world.v1.prices.list({"lookup_keys": ["box"]}).data] == [new.id]
    assert world.v1.prices.retrieve(old.id).lookup_key is None
    assert world.v1.prices.update(old.id, {"active": False}).active is False
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter"):
        world.v1.prices.update(old.id, {"unit_amount": 1})
    with pytest.raises(stripe.InvalidRequestError, match="cannot be deleted"):
        world.v1.products.delete("box")


def test_a_fraction_of_a_cent_has_no_whole_amount(world: Any) -> None:
    world.v1.products.create({"id": "tokens", "name": "Tokens"})
    price = world.v1.prices.create({"product": "tokens", "currency": "usd", "unit_amount_decimal": Decimal("0.05")})
    assert (price.unit_amount, price.unit_amount_decimal, price.type) == (None, Decimal("0.05"), "one_time")
    tiers: Any = [{"up_to": 10, "unit_amount": 0}, {"up_to": "inf", "unit_amount_decimal": Decimal("0.5")}]
    params = {"product": "tokens", "currency": "usd", "billing_scheme": "tiered", "tiers_mode": "volume", "tiers": tiers}
    tiered = world.v1.prices.create({**params, "expand": ["tiers"]})
    assert [tier.up_to for tier in tiered.tiers] == [10, None]
    assert not hasattr(world.v1.prices.retrieve(tiered.id), "tiers")


def test_a_deleted_customer_leaves_a_tombstone(world: Any) -> None:
    ada = world.customer(email="ada@x.test")
    world.card_of("pm_card_visa", ada)
    assert world.v1.customers.delete(ada.id).deleted is True
    assert world.v1.customers.retrieve(ada.id).to_dict() == {"id": ada.id, "object": "customer", "deleted": True}
    assert world.v1.customers.list({"email": "ada@x.test"}).data == []
    for late in (world.v1.customers.delete, world.v1.customers.update):
        with pytest.raises(stripe.InvalidRequestError) as gone:
            late(ada.id)
        assert (gone.value.http_status, gone.value.code) == (404, "resource_missing")
