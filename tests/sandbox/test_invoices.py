"""The life of an invoice: draft, open, and then paid, void or given up."""

from decimal import Decimal
from typing import Any

import pytest
import stripe


def draft(world: Any, customer: Any, amount: int = 5000, **params: Any) -> Any:
    invoice = world.v1.invoices.create({"customer": customer.id, "currency": "usd", **params})
    if amount:
        item = {"customer": customer.id, "invoice": invoice.id, "amount": amount, "currency": "usd", "description": "Usage"}
        world.v1.invoice_items.create(item)
    return invoice


def payer(world: Any, token: str = "pm_card_visa", **params: Any) -> Any:
    customer = world.customer(**params)
    method = world.card_of(token, customer)
    return world.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})


def test_an_invoice_is_finalised_and_paid_with_the_default_card(world: Any) -> None:
    ada = payer(world, email="ada@x.test")
    invoice = world.v1.invoices.finalize_invoice(draft(world, ada).id, {"expand": ["payments", "confirmation_secret"]})
    assert (invoice.status, invoice.amount_due, invoice.customer_email, invoice.attempted) == ("open", 5000, "ada@x.test", False)
    assert invoice.number.endswith("-0001")
    assert invoice.hosted_invoice_url.startswith("http://localhost:8000/sandbox/invoice/")
    assert invoice.payments.data[0].payment.payment_intent == invoice.confirmation_secret.client_secret.partition("_secret_")[0]
    paid = world.v1.invoices.pay(invoice.id, {"expand": ["payments"]})
    assert (paid.status, paid.amount_paid, paid.amount_remaining, paid.attempt_count) == ("paid", 5000, 0, 1)
    assert (paid.payments.data[0].status, paid.payments.data[0].amount_paid) == ("paid", 5000)
    told = world.events(
        "invoice.created", "invoice.finalized", "invoice_payment.paid", "invoice.paid", "invoice.payment_succeeded"
    )
    assert told == ["invoice.created", "invoice.finalized", "invoice_payment.paid", "invoice.paid", "invoice.payment_succeeded"]


def test_a_payment_intent_tells_its_invoice(world: Any) -> None:
    paid = world.v1.invoices.pay(draft(world, payer(world)).id, {"expand": ["payments"]})
    intent = paid.payments.data[0].payment.payment_intent
    found = world.v1.invoice_payments.list({"payment": {"type": "payment_intent", "payment_intent": intent}}).data
    assert [payment.invoice for payment in found] == [paid.id]


def test_lines_round_half_up_and_only_then_are_added(world: Any) -> None:
    ada = world.customer()
    world.v1.products.create({"id": "compute", "name": "Compute"})
    invoice = draft(world, ada, 0)
    for quantity in ("30", "10", "0"):
        price = {"currency": "usd", "product": "compute", "unit_amount_decimal": Decimal("0.05")}
        item = {"customer": ada.id, "invoice": invoice.id, "price_data": price, "quantity_decimal": Decimal(quantity)}
        world.v1.invoice_items.create(item)
    again = world.v1.invoices.retrieve(invoice.id)
    assert [line.amount for line in again.lines.data] == [2, 1, 0]
    assert (again.subtotal, again.total, again.amount_due) == (3, 3, 3)
    assert again.lines.data[0].pricing.unit_amount_decimal == Decimal("0.05")


def test_the_lines_of_an_invoice_are_listed_in_pages(world: Any) -> None:
    ada = world.customer()
    invoice = draft(world, ada, 0)
    for amount in range(1, 13):
        world.v1.invoice_items.create({"customer": ada.id, "invoice": invoice.id, "amount": amount, "currency": "usd"})
    again = world.v1.invoices.retrieve(invoice.id)
    assert (len(again.lines.data), again.lines.has_more, again.total) == (10, True, 78)
    walked = [line.amount for line in world.v1.invoices.line_items.list(invoice.id, {"limit": 5}).auto_paging_iter()]
    assert walked == list(range(1, 13))


def test_items_wait_for_an_invoice_that_includes_them(world: Any) -> None:
    ada = world.customer()
    item = world.v1.invoice_items.create({"customer": ada.id, "amount": 700, "currency": "usd"})
    assert [i.id for i in world.v1.invoice_items.list({"customer": ada.id, "pending": True}).data] == [item.id]
    assert world.v1.invoices.create({"customer": ada.id}).total == 0
    assert world.v1.invoices.create({"customer": ada.id, "pending_invoice_items_behavior": "include"}).total == 700


def test_items_can_be_changed_and_taken_away_while_it_is_a_draft(world: Any) -> None:
    invoice = draft(world, payer(world), 0)
    item = world.v1.invoice_items.create({"customer": invoice.customer, "invoice": invoice.id, "amount": 700, "currency": "usd"})
    world.v1.invoice_items.update(item.id, {"amount": 900})
    assert world.v1.invoices.retrieve(invoice.id).total == 900
    world.v1.invoice_items.delete(item.id)
    assert world.v1.invoices.retrieve(invoice.id).total == 0
    world.v1.invoices.finalize_invoice(invoice.id)
    for late in ({"invoice": invoice.id}, {"invoice": invoice.id, "customer": invoice.customer}):
        with pytest.raises(stripe.InvalidRequestError, match="no longer editable"):
            world.v1.invoice_items.create({"amount": 1, "currency": "usd", **late})


def test_below_the_minimum_it_is_paid_and_owed_with_the_next(world: Any) -> None:
    ada = payer(world)
    small = world.v1.invoices.finalize_invoice(draft(world, ada, 49).id, {"expand": ["payments"]})
    assert (small.status, small.total, small.amount_due, small.amount_paid, small.payments.data) == ("paid", 49, 0, 0, [])
    assert world.v1.customers.retrieve(ada.id).balance == 49
    following = world.v1.invoices.finalize_invoice(draft(world, ada, 100).id)
    assert (following.status, following.starting_balance, following.amount_due, following.ending_balance) == ("open", 49, 149, 0)
    assert world.v1.customers.retrieve(ada.id).balance == 0
    moved = world.v1.customers.balance_transactions.list(ada.id).data
    assert [(row.type, row.amount) for row in moved] == [("applied_to_invoice", -49), ("invoice_too_small", 49)]


def test_a_credit_is_used_up_before_money_is_asked(world: Any) -> None:
    ada = world.customer(balance=-800)
    world.v1.customers.balance_transactions.create(ada.id, {"amount": -200, "currency": "usd"})
    first = world.v1.invoices.finalize_invoice(draft(world, ada, 700).id)
    assert (first.status, first.amount_due, first.ending_balance) == ("paid", 0, -300)
    second = world.v1.invoices.finalize_invoice(draft(world, ada, 700).id)
    assert (second.status, second.amount_due, second.ending_balance) == ("open", 400, 0)
    world.v1.invoices.void_invoice(second.id)
    assert world.v1.customers.retrieve(ada.id).balance == -300


def test_nothing_to_pay_is_paid(world: Any) -> None:
    empty = world.v1.invoices.finalize_invoice(draft(world, world.customer(), 0).id)
    assert (empty.status, empty.amount_due, empty.status_transitions.paid_at) == (
        "paid",
        0,
        empty.status_transitions.finalized_at,
    )


def test_a_declined_card_leaves_the_invoice_open(world: Any) -> None:
    invoice = draft(world, payer(world, "pm_card_chargeCustomerFail"))
    for _ in range(2):
        with pytest.raises(stripe.CardError) as refused:
            world.v1.invoices.pay(invoice.id)
        assert refused.value.error.payment_intent.status == "requires_payment_method"
    again = world.v1.invoices.retrieve(invoice.id)
    assert (again.status, again.attempted, again.attempt_count) == ("open", True, 1)
    assert world.events("invoice.payment_failed") == ["invoice.payment_failed"] * 2
    method = world.card_of("pm_card_visa", world.v1.customers.retrieve(invoice.customer))
    assert world.v1.invoices.pay(invoice.id, {"payment_method": method.id}).status == "paid"


def test_a_wanted_authentication_is_left_to_the_customer(world: Any) -> None:
    invoice = draft(world, payer(world, "pm_card_authenticationRequired"))
    with pytest.raises(stripe.CardError) as refused:
        world.v1.invoices.pay(invoice.id)
    assert refused.value.code == "invoice_payment_intent_requires_action"
    assert world.events("invoice.payment_action_required") == ["invoice.payment_action_required"]
    world.sandbox.authenticate(refused.value.error.payment_intent.id)
    assert world.v1.invoices.retrieve(invoice.id).status == "paid"


def test_without_a_card_it_cannot_be_paid_but_the_money_may_come_otherwise(world: Any) -> None:
    invoice = world.v1.invoices.finalize_invoice(draft(world, world.customer()).id)
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        world.v1.invoices.pay(invoice.id)
    paid = world.v1.invoices.pay(invoice.id, {"paid_out_of_band": True, "expand": ["payments"]})
    assert (paid.status, paid.amount_paid_off_stripe, paid.payments.data[0].status) == ("paid", 5000, "canceled")
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        world.v1.invoices.pay(invoice.id)


def test_the_customer_pays_on_the_site_with_the_confirmation_secret(world: Any) -> None:
    invoice = world.v1.invoices.finalize_invoice(draft(world, world.customer()).id, {"expand": ["confirmation_secret"]})
    intent = invoice.confirmation_secret.client_secret.partition("_secret_")[0]
    world.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})
    assert world.v1.invoices.retrieve(invoice.id).status == "paid"
    with pytest.raises(stripe.InvalidRequestError, match="void the invoice"):
        world.v1.payment_intents.cancel(intent)


def test_a_sent_invoice_has_a_term(world: Any) -> None:
    ada = world.customer()
    with pytest.raises(stripe.InvalidRequestError, match="days_until_due"):
        draft(world, ada, collection_method="send_invoice")
    with pytest.raises(stripe.InvalidRequestError, match="days_until_due"):
        draft(world, ada, days_until_due=14)
    sent = world.v1.invoices.send_invoice(draft(world, ada, collection_method="send_invoice", days_until_due=14).id)
    assert (sent.status, sent.due_date - sent.status_transitions.finalized_at) == ("open", 14 * 86400)
    assert world.events("invoice.sent") == ["invoice.sent"]


def test_an_open_invoice_is_voided_or_given_up(world: Any) -> None:
    ada = payer(world)
    invoice = world.v1.invoices.finalize_invoice(draft(world, ada).id)
    assert world.v1.invoices.mark_uncollectible(invoice.id).status == "uncollectible"
    voided = world.v1.invoices.void_invoice(invoice.id, {"expand": ["payments"]})
    assert (voided.status, voided.number, voided.payments.data[0].status) == ("void", invoice.number, "canceled")
    for late in (world.v1.invoices.pay, world.v1.invoices.void_invoice, world.v1.invoices.mark_uncollectible):
        with pytest.raises(stripe.InvalidRequestError):
            late(invoice.id)
    given_up = world.v1.invoices.mark_uncollectible(world.v1.invoices.finalize_invoice(draft(world, ada).id).id)
    assert world.v1.invoices.pay(given_up.id).status == "paid"


def test_only_a_draft_is_deleted_or_changed(world: Any) -> None:
    ada = world.customer()
    gone = draft(world, ada)
    assert world.v1.invoices.delete(gone.id).deleted is True
    with pytest.raises(stripe.InvalidRequestError, match="No such invoice"):
        world.v1.invoices.retrieve(gone.id)
    invoice = world.v1.invoices.finalize_invoice(draft(world, ada).id)
    assert world.v1.invoices.update(invoice.id, {"metadata": {"a": "b"}}).metadata["a"] == "b"
    with pytest.raises(stripe.InvalidRequestError, match="can't be updated"):
        world.v1.invoices.update(invoice.id, {"description": "later"})
    with pytest.raises(stripe.InvalidRequestError, match="only delete draft"):
        world.v1.invoices.delete(invoice.id)
    with pytest.raises(stripe.InvalidRequestError, match="already finalized"):
        world.v1.invoices.finalize_invoice(invoice.id)


def test_invoices_are_listed_by_customer_and_status(world: Any) -> None:
    ada, bob = world.customer(), world.customer()
    opened = world.v1.invoices.finalize_invoice(draft(world, ada).id)
    waiting = draft(world, ada)
    draft(world, bob)
    assert [i.id for i in world.v1.invoices.list({"customer": ada.id}).data] == [waiting.id, opened.id]
    assert [i.id for i in world.v1.invoices.list({"status": "open"}).data] == [opened.id]
    assert [i.id for i in world.v1.invoices.list({"customer": ada.id, "status": "draft"}).data] == [waiting.id]
