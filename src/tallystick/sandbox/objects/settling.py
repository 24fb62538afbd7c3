"""What a payment intent's new state means for what it was made for: an invoice, a Checkout session, or both."""

from typing import Any

from tallystick.sandbox.call import Call
from tallystick.sandbox.objects import checkout_settling, subscription_settling
from tallystick.sandbox.state import Doc


def follow(call: Call, intent: Doc) -> None:
    """Brings the invoice and the session of the intent, if it has them, to what the intent now says."""
    if intent["_invoice"]:
        _follow_invoice(call, intent)
    checkout_settling.follow(call, intent)


def _follow_invoice(call: Call, intent: Doc) -> None:
    invoice = call.get("invoice", intent["_invoice"])
    match intent["status"]:
        case "succeeded":
            for payment in call.list("invoice_payment", ("invoice", invoice["id"])):
                if payment["_payment_intent"] == intent["id"]:
                    stamps = {**payment["status_transitions"], "paid_at": call.now}
                    paid = {"status": "paid", "amount_paid": intent["amount_received"], "status_transitions": stamps}
                    call.update(payment, "invoice_payment.paid", **paid)
            subscription_settling.keep_method(call, invoice, intent["payment_method"])
            pay(call, invoice, intent["amount_received"])
        case "requires_action":
            call.emit("invoice.payment_action_required", _attempted(call, invoice))
            subscription_settling.failed(call, invoice)
        case "requires_payment_method":
            call.emit("invoice.payment_failed", _attempted(call, invoice))
            subscription_settling.failed(call, invoice)
        case _:
            pass


def pay(call: Call, invoice: Doc, amount: int, **more: Any) -> Doc:
    """The invoice, paid; both events of it are for the same fact, as at Stripe."""
    invoice = _attempted(call, invoice) if amount else invoice
    invoice = call.update(
        invoice, "invoice.paid", status="paid", amount_paid=amount, amount_remaining=invoice["amount_due"] - amount,
        attempted=True,
        auto_advance=False, next_payment_attempt=None, status_transitions={**invoice["status_transitions"],
        "paid_at": call.now}, **more,
    )  # fmt: skip
    call.emit("invoice.payment_succeeded", invoice)
    subscription_settling.paid(call, invoice)
    return invoice


def close_payment(call: Call, payment: Doc) -> None:
    """Nothing will be paid by this one any more."""
    call.update(payment, status="canceled", status_transitions={**payment["status_transitions"], "canceled_at": call.now})


def _attempted(call: Call, invoice: Doc) -> Doc:
    """The first attempt counts, whoever made it; later ones count only where Stripe itself tries again."""
    return call.update(invoice, attempted=True, attempt_count=max(1, invoice["attempt_count"]))
