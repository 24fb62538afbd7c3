"""The life of an invoice: finalised, sent, paid, voided, given up."""

from typing import Any

from tallystick.sandbox.call import Call, public
from tallystick.sandbox.errors import Refusal, conflict
from tallystick.sandbox.objects import (
    amounts,
    customers,
    discounts,
    due,
    payment_flow,
    payment_intents,
    settling,
    subscription_lines,
    subscription_settling,
)
from tallystick.sandbox.state import Doc

# What is not listed cannot happen.
TRANSITIONS = {
    "draft": {"open", "paid"},
    "open": {"paid", "void", "uncollectible"},
    "uncollectible": {"paid", "void"},
    "paid": set(),
    "void": set(),
}
_HOUR, _DAY = 3600, 86400
_RETRIES_AFTER_DAYS = (3, 5, 7)  # each after the one before


def plan(call: Call, invoice: Doc) -> None:
    """A draft that advances by itself is finalised after an hour."""
    if invoice["status"] != "draft" or not invoice["auto_advance"] or invoice["automatically_finalizes_at"]:
        return
    at = invoice["created"] + _HOUR
    next_try = at if invoice["collection_method"] == "charge_automatically" else None
    call.update(invoice, automatically_finalizes_at=at, next_payment_attempt=next_try)
    due.schedule(call, invoice["test_clock"], at, "finalize_invoice", invoice=invoice["id"])


def finalize(call: Call, invoice: Doc) -> Doc:
    """From here on its sums stand. What the customer's balance covers, and what is too small to charge, is paid at once."""
    if invoice["status"] != "draft":
        raise conflict(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.", code="invoice_not_editable"
        )
    invoice = subscription_lines.count_usage(call, invoice)
    customer = call.get("customer", invoice["customer"])
    sequence = customer["next_invoice_sequence"]
    customer = call.update(customer, next_invoice_sequence=sequence + 1)
    amount, ending = _settle_balance(call, invoice, customer)
    if amount:
        amounts.check_charge(amount, invoice["currency"])
    term = invoice["_days_until_due"]
    invoice = call.update(
        invoice, "invoice.finalized", status="open", number=invoice["number"] or f"{customer['invoice_prefix']}-{sequence:04d}",
        amount_due=amount, amount_remaining=amount, ending_balance=ending, effective_at=invoice["effective_at"] or call.now,
        due_date=call.now + term * _DAY if term is not None else invoice["due_date"], automatically_finalizes_at=None,
        hosted_invoice_url=f"{call.public_url}/sandbox/invoice/{invoice['_token']}", status_transitions=_at(invoice,
        "finalized_at", call),
        customer_address=customer["address"], customer_email=customer["email"], customer_name=customer["name"],
        next_payment_attempt=None,
    )  # fmt: skip
    subscription_settling.lose_discounts(call, invoice, discounts.consume(call, invoice))
    if amount == 0:
        return settling.pay(call, invoice, 0)
    _ask_for_payment(call, invoice, customer)
    if invoice.get("_then"):
        return void(call, invoice) if invoice["_then"] == "void" else mark_uncollectible(call, invoice)
    if invoice["due_date"] and invoice.get("_subscription"):
        due.schedule(call, invoice["test_clock"], invoice["due_date"], "invoice_overdue", invoice=invoice["id"])
    if invoice["auto_advance"] and invoice["collection_method"] == "charge_automatically":
        due.schedule(call, invoice["test_clock"], call.now, "collect_invoice", invoice=invoice["id"])
    return call.get("invoice", invoice["id"])


def pay(call: Call, invoice: Doc, params: Doc) -> Doc:
    """Paid, or the reason why not is raised and the invoice stays open."""
    if invoice["status"] == "draft":
        invoice = finalize(call, invoice)
        if invoice["status"] == "paid":
            return invoice
    if "paid" not in TRANSITIONS[invoice["status"]]:
        what = "already paid" if invoice["status"] == "paid" else invoice["status"]
        raise conflict(f"Invoice is {what}", code="invoice_not_payable" if what == "void" else None)
    payment = default_payment(call, invoice)
    assert payment is not None, "an open invoice asks for a payment"
    intent = call.get("payment_intent", payment["_payment_intent"])
    if params.get("paid_out_of_band"):
        settling.close_payment(call, payment)
        payment_flow.cancel(call, call.update(intent, _invoice=None), "automatic")
        return settling.pay(call, invoice, invoice["amount_due"], amount_paid_off_stripe=invoice["amount_due"])
    method = params.get("payment_method") or _default_method(call, invoice)
    if method is None:
        raise _no_method()
    # Stripe leaves an intent that wants authentication with the customer, even where nobody is there to give it.
    intent = payment_flow.confirm(call, intent, {"payment_method": method, "off_session": params.get("off_session", True)})
    if intent["status"] == "requires_action":
        raise Refusal(402, {
            "type": "card_error", "code": "invoice_payment_intent_requires_action", "payment_intent": public(intent),
            "message": "Payment for this invoice requires additional user action before it can be completed successfully. "
            "Payment can be completed using the PaymentIntent associated with the invoice.",
        }, stored=True)  # fmt: skip
    return call.get("invoice", invoice["id"])


def send(call: Call, invoice: Doc) -> Doc:
    if invoice["collection_method"] != "send_invoice":
        raise conflict("You can only manually send an invoice if its collection method is 'send_invoice'.")
    if invoice["status"] == "draft":
        invoice = finalize(call, invoice)
    elif invoice["status"] != "open":
        raise conflict(f"You can only send an invoice that is open; this one is {invoice['status']}.")
    call.emit("invoice.sent", invoice)
    return invoice


def void(call: Call, invoice: Doc) -> Doc:
    """Cancelled for good; the number stays. What was taken from the customer's balance goes back."""
    _check(invoice, "void")
    _cancel_payment(call, invoice, "void_invoice")
    applied = (invoice["ending_balance"] or 0) - invoice["starting_balance"]
    if applied:
        customer = call.get("customer", invoice["customer"])
        customers.adjust_balance(
            call, customer, -applied, invoice["currency"], kind="unapplied_from_invoice", invoice=invoice["id"]
        )
    invoice = call.update(
        invoice, "invoice.voided", status="void", auto_advance=False, next_payment_attempt=None,
        status_transitions=_at(invoice, "voided_at", call),
    )  # fmt: skip
    subscription_settling.paid(call, invoice)
    return invoice


def mark_uncollectible(call: Call, invoice: Doc) -> Doc:
    """Given up on, but it may still be paid."""
    _check(invoice, "uncollectible")
    invoice = call.update(
        invoice, "invoice.marked_uncollectible", status="uncollectible", auto_advance=False, next_payment_attempt=None,
        status_transitions=_at(invoice, "marked_uncollectible_at", call),
    )  # fmt: skip
    subscription_settling.paid(call, invoice)
    return invoice


def default_payment(call: Call, invoice: Doc) -> Doc | None:
    return next((row for row in call.state.scan("invoice_payment", ("invoice", invoice["id"])) if row["is_default"]), None)


@due.task("finalize_invoice")
def _finalize_due(call: Call, facts: Doc) -> None:
    invoice = call.state.get("invoice", facts["invoice"])
    if invoice and invoice["status"] == "draft" and invoice["auto_advance"]:
        finalize(call, invoice)


@due.task("collect_invoice")
def _collect_due(call: Call, facts: Doc) -> None:
    """One automatic attempt; of a subscription's invoice a few more, days apart. Of others the schedule is the caller's."""
    invoice = call.state.get("invoice", facts["invoice"])
    if not invoice or invoice["status"] != "open" or not invoice["auto_advance"]:
        return
    tries = facts.get("tries", 0)
    # Said before the attempt, so that the news of a failure says when the next one is.
    invoice = plan_next_try(call, invoice, tries)
    try:
        pay(call, call.update(invoice, attempt_count=tries + 1), {})
    except Refusal as refusal:
        after = call.get("invoice", invoice["id"])
        if refusal.status < 402:  # there was no card to try
            after = call.update(after, attempted=True)
            call.emit("invoice.payment_failed", after)
            subscription_settling.failed(call, after)
        if after["next_payment_attempt"] is None:
            subscription_settling.given_up(call, after)


def plan_next_try(call: Call, invoice: Doc, tries: int) -> Doc:
    """After so many tries: a subscription's invoice is tried again, unless these were all."""
    if not invoice.get("_subscription") or tries >= len(_RETRIES_AFTER_DAYS):
        return call.update(invoice, next_payment_attempt=None)
    at = call.now + _RETRIES_AFTER_DAYS[tries] * _DAY
    due.schedule(call, invoice["test_clock"], at, "collect_invoice", invoice=invoice["id"], tries=tries + 1)
    return call.update(invoice, next_payment_attempt=at)


@due.task("invoice_overdue")
def _overdue(call: Call, facts: Doc) -> None:
    invoice = call.state.get("invoice", facts["invoice"])
    if invoice and invoice["status"] == "open":
        call.emit("invoice.overdue", invoice)
        subscription_settling.failed(call, invoice)


def _settle_balance(call: Call, invoice: Doc, customer: Doc) -> tuple[int, int]:
    """What is left to pay, and the customer's balance afterwards."""
    balance = customer["balance"] if customer["currency"] == invoice["currency"] else 0
    owed = invoice["total"] + balance
    amount, ending = max(0, owed), min(0, owed)
    more: dict[str, Any] = {"invoice": invoice["id"]}
    if ending != balance:
        customers.adjust_balance(call, customer, ending - balance, invoice["currency"], kind="applied_to_invoice", **more)
    if amount and amounts.is_below_minimum(amount, invoice["currency"]):
        customer = call.get("customer", customer["id"])
        customers.adjust_balance(call, customer, amount, invoice["currency"], kind="invoice_too_small", **more)
        return 0, ending + amount
    return amount, ending


def _ask_for_payment(call: Call, invoice: Doc, customer: Doc) -> None:
    method = _default_method(call, invoice)
    saved = {"setup_future_usage": "off_session"} if invoice.get("_subscription") else {}
    intent = payment_intents.new(
        call,
        {"amount": invoice["amount_due"], "currency": invoice["currency"], "customer": customer["id"], "_invoice": invoice["id"],
         "description": invoice["description"] or "Payment for Invoice", **saved},
        call.state.get("payment_method", method) if method else None,
    )  # fmt: skip
    call.create(
        "invoice_payment", amount_requested=invoice["amount_due"], currency=invoice["currency"], invoice=invoice["id"],
        is_default=True, payment={"payment_intent": intent["id"], "type": "payment_intent"}, status="open",
        _payment_intent=intent["id"],
    )  # fmt: skip


def _cancel_payment(call: Call, invoice: Doc, reason: str) -> None:
    payment = default_payment(call, invoice)
    if payment and payment["status"] == "open":
        settling.close_payment(call, payment)
        intent = call.get("payment_intent", payment["_payment_intent"])
        if intent["status"] != "canceled":
            payment_flow.cancel(call, call.update(intent, _invoice=None), reason)


def _default_method(call: Call, invoice: Doc) -> str | None:
    customer = call.get("customer", invoice["customer"])
    own = invoice["default_payment_method"] or subscription_settling.default_method(call, invoice)
    method: str | None = own or customer["invoice_settings"]["default_payment_method"]
    return method


def _check(invoice: Doc, after: str) -> None:
    if after not in TRANSITIONS[invoice["status"]]:
        raise conflict(f"This invoice cannot become {after}: its status is {invoice['status']}.", code="invoice_not_editable")


def _at(invoice: Doc, name: str, call: Call) -> Doc:
    return {**invoice["status_transitions"], name: call.now}


def _no_method() -> Refusal:
    return conflict(
        "This customer has no attached payment source or default payment method. "
        "Please consider adding a default payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority."
    )
