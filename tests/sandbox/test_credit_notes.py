"""Credit notes: before an invoice is paid they lower it, and after that they give back."""

from typing import Any

import pytest
import stripe

from tests.sandbox.subscribing import Shop


def invoiced(world: Any, *, paid: bool) -> tuple[Shop, Any]:
    shop = Shop(world)
    made = shop.subscribes(shop.price(5000), **({} if paid else {"payment_behavior": "default_incomplete"}))
    return shop, world.v1.invoices.retrieve(made.latest_invoice)


def test_on_an_open_invoice_it_lowers_what_is_owed(world: Any) -> None:
    shop, invoice = invoiced(world, paid=False)
    note = world.v1.credit_notes.create({"invoice": invoice.id, "amount": 2000, "reason": "order_change"})
    assert (note.type, note.pre_payment_amount, note.number) == ("pre_payment", 2000, f"{invoice.number}-CN-01")
    lower = world.v1.invoices.retrieve(invoice.id)
    assert (lower.total, lower.amount_remaining, lower.pre_payment_credit_notes_amount) == (5000, 3000, 2000)
    assert world.v1.credit_notes.void_credit_note(note.id).status == "void"
    world.v1.credit_notes.create({"invoice": invoice.id, "amount": 1000})
    paid = world.v1.invoices.pay(invoice.id)
    assert (paid.status, paid.amount_paid) == ("paid", 4000)
    with pytest.raises(stripe.InvalidRequestError, match="only void"):
        world.v1.credit_notes.void_credit_note(note.id)
    assert len(world.v1.credit_notes.list({"invoice": invoice.id}).data) == 2
    assert shop.told("credit_note") == ["credit_note.created", "credit_note.voided", "credit_note.created"]


def test_credited_whole_it_is_paid(world: Any) -> None:
    _, invoice = invoiced(world, paid=False)
    world.v1.credit_notes.create({"invoice": invoice.id, "amount": 5000})
    again = world.v1.invoices.retrieve(invoice.id)
    assert (again.status, again.amount_paid, again.amount_remaining) == ("paid", 0, 0)


def test_on_a_paid_invoice_it_refunds_credits_or_notes_what_happened_elsewhere(world: Any) -> None:
    shop, invoice = invoiced(world, paid=True)
    line = {"type": "invoice_line_item", "invoice_line_item": invoice.lines.data[0].id, "amount": 600}
    wanted = {"refund_amount": 100, "credit_amount": 200, "out_of_band_amount": 300}
    preview = world.v1.credit_notes.preview({"invoice": invoice.id, "lines": [line], **wanted})
    note = world.v1.credit_notes.create({"invoice": invoice.id, "lines": [line], **wanted})
    assert (preview.total, note.total, note.type, note.lines.data[0].amount) == (600, 600, "post_payment", 600)
    assert world.v1.refunds.retrieve(note.refunds[0].refund).amount == 100
    assert world.v1.customers.retrieve(shop.customer.id).balance == -200
    again = world.v1.invoices.retrieve(invoice.id)
    assert (again.status, again.post_payment_credit_notes_amount, again.amount_paid) == ("paid", 600, 5000)


def test_a_refund_that_was_made_is_linked(world: Any) -> None:
    _, invoice = invoiced(world, paid=True)
    payment = world.v1.invoice_payments.list({"invoice": invoice.id}).data[0].payment.payment_intent
    refund = world.v1.refunds.create({"payment_intent": payment, "amount": 700})
    linked = [{"type": "refund", "refund": refund.id, "amount_refunded": 700}]
    note = world.v1.credit_notes.create({"invoice": invoice.id, "amount": 700, "refunds": linked})
    assert [(one.refund, one.amount_refunded) for one in note.refunds] == [(refund.id, 700)]


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"amount": 5001, "refund_amount": 5001}, "more than what is left"),
        ({"amount": 500, "refund_amount": 400}, "must equal"),
        ({}, "amount or lines"),
        ({"lines": [{"type": "invoice_line_item", "invoice_line_item": "il_none", "amount": 5}]}, "No such"),
    ],
)
def test_more_than_there_is_cannot_be_given_back(world: Any, params: dict[str, Any], why: str) -> None:
    _, invoice = invoiced(world, paid=True)
    before = len(world.events())
    with pytest.raises(stripe.InvalidRequestError, match=why):
        world.v1.credit_notes.create({"invoice": invoice.id, **params})
    assert len(world.events()) == before
