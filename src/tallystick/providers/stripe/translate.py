"""Stripe's payloads in our words. Pure: the same for a reply of the API and for the object of an event."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tallystick.domain.checkouts import CheckoutStatus, ProviderCheckout
from tallystick.domain.payments import (
    CheckoutCompleted,
    CheckoutExpired,
    Decline,
    Ignored,
    PaymentChanged,
    PaymentRefunded,
    PaymentStatus,
    ProviderFact,
    ProviderPayment,
    RefundChanged,
)
from tallystick.domain.refunds import ProviderRefund, RefundStatus
from tallystick.providers.protocol import Done, PaymentRequest, Refused
from tallystick.values.ids import CheckoutId, InvoiceId, RefundId
from tallystick.values.money import Money, currency
from tallystick.values.time import EPOCH

Doc = Mapping[str, Any]

INVOICE = "tallystick_invoice"  # the names of our ids in metadata
CUSTOMER = "tallystick_customer"
LINE = "tallystick_line"
CHECKOUT = "tallystick_checkout"
PAYMENT = "tallystick_payment"
REFUND = "tallystick_refund"

DECLINED = "Your card was declined."
CONFIRM = "Your bank asks you to confirm this payment."
# Why, is not told to whoever holds the card (docs.stripe.com/declines/codes).
_NEUTRAL = frozenset({
    "fraudulent", "highest_risk_level", "lost_card", "merchant_blacklist", "pickup_card", "restricted_card",
    "security_violation", "stolen_card",
})  # fmt: skip
# The same answer has one name for a payment intent and another for an invoice.
_ON_SESSION = frozenset({"authentication_required", "invoice_payment_intent_requires_action"})
_WAITING = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
_REFUND_STATUSES = {
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.CANCELED,
}  # any other waits for somebody
_REFUNDS = ("refund.", "charge.refund")
_NOT_YET = ("charge.dispute.", "credit_note.", "radar.")


def intent(doc: Doc) -> ProviderPayment:
    """A payment intent. A status that we do not know is PROCESSING: neither granted nor refused."""
    money = currency(doc["currency"])
    status, received = _intent_status(doc["status"]), doc.get("amount_received")
    error = doc.get("last_payment_error")
    return ProviderPayment(
        ref=doc["id"],
        status=status,
        amount=Money(doc["amount"], money),
        invoice_id=invoice_id(doc),
        intent_ref=doc["id"],
        client_secret=doc.get("client_secret") if status is PaymentStatus.OPEN else None,
        decline=decline(error) if error and status is PaymentStatus.OPEN else None,
        paid=Money(received, money) if received is not None and status is PaymentStatus.SUCCEEDED else None,
    )


def invoice(doc: Doc) -> Done | Refused:
    """An invoice of Stripe's. Paid out of band counts as paid; `paid` without money, which is what Stripe makes of one below
    its minimum, does not.
    """
    money = currency(doc["currency"])
    paid = (doc["amount_paid"] or 0) or (doc.get("amount_paid_off_stripe") or 0)
    if doc["status"] == "paid" and doc["total"] > 0 and paid == 0:
        total = Money(doc["total"], money)
        return Refused("below_minimum", f"{doc['id']}: Stripe marked {total} paid without collecting it; it is below the minimum")
    collecting = _collecting_intent(doc)
    status = _invoice_status(doc["status"], collecting)
    error = collecting.get("last_payment_error")
    return Done(
        ProviderPayment(
            ref=doc["id"],
            status=status,
            amount=Money(doc["total"], money),
            invoice_id=invoice_id(doc),
            url=doc.get("hosted_invoice_url"),
            intent_ref=collecting.get("id"),
            client_secret=collecting.get("client_secret") if status is PaymentStatus.OPEN else None,
            decline=decline(error) if error and status is PaymentStatus.OPEN else None,
            paid=Money(paid, money) if status is PaymentStatus.SUCCEEDED else None,
        )
    )


def checkout(doc: Doc) -> ProviderCheckout:
    """A Checkout session. It is complete once the card on it is known; a status that we do not know is OPEN."""
    method = part(doc, "setup_intent").get("payment_method")
    status = CheckoutStatus.EXPIRED if doc["status"] == "expired" else CheckoutStatus.OPEN
    return ProviderCheckout(
        ref=doc["id"],
        status=CheckoutStatus.COMPLETE if doc["status"] == "complete" and method else status,
        reference=_reference(doc),
        customer_ref=doc.get("customer"),
        url=doc.get("url"),
        expires_at=EPOCH + timedelta(seconds=doc["expires_at"]),
        payment_method=method,
    )


def refund(doc: Doc, *, payment_ref: str | None = None) -> ProviderRefund:
    """A refund, of what the object `payment_ref` collected, where that is known."""
    ours = metadata(doc).get(REFUND)
    return ProviderRefund(
        ref=doc["id"],
        status=_REFUND_STATUSES.get(doc["status"], RefundStatus.PENDING),
        amount=Money(doc["amount"], currency(doc["currency"])),
        refund_id=RefundId(ours) if isinstance(ours, str) and ours else None,
        payment_ref=payment_ref,
        failure=doc.get("failure_reason"),
    )


def decline(error: Doc) -> Decline:
    """Why the bank said no: the bank's own code where it gave one, and words fit for the buyer."""
    code = error.get("decline_code") or error.get("code") or "card_declined"
    if code in _ON_SESSION:
        return Decline("authentication_required", CONFIRM)
    message = error.get("message")
    return Decline(code, DECLINED if code in _NEUTRAL or not message else message)


def invoice_id(doc: Doc) -> InvoiceId | None:
    """Which of our invoices the object is for, if its metadata says so."""
    named = metadata(doc).get(INVOICE)
    return InvoiceId(named) if isinstance(named, str) and named else None


def is_for(doc: Doc, request: PaymentRequest) -> bool:
    """Whether the object was made for this payment of this invoice, and for no earlier one of it."""
    return invoice_id(doc) == request.invoice_id and metadata(doc).get(PAYMENT) == request.payment_id


def fact(kind: str, doc: Doc) -> ProviderFact:
    """What the event `kind` about `doc` means."""
    if not isinstance(doc.get("id"), str):
        return Ignored(f"{kind}: about something without an id, such as a preview")
    match kind.partition(".")[0]:
        case "payment_intent":
            return _intent_fact(doc)
        case "invoice":
            return _invoice_fact(kind, doc)
        case "checkout":
            return _checkout_fact(kind, doc)
        case _ if kind.startswith(_REFUNDS):
            return _refund_fact(kind, doc)
        case _ if kind.startswith(_NOT_YET):
            return Ignored(f"{kind}: disputes and Stripe's own credit notes are not handled yet")
        case _:
            return Ignored(f"{kind}: changes nothing here")


def _intent_fact(doc: Doc) -> ProviderFact:
    # An invoice's own payment intent fires too; its invoice tells us, and booking both would book the money twice.
    ours = invoice_id(doc)
    return PaymentChanged(doc["id"], ours) if ours else Ignored("payment intent: not one that we opened")


def _invoice_fact(kind: str, doc: Doc) -> ProviderFact:
    if part(doc, "parent").get("type") == "subscription_details":
        return Ignored(f"{kind}: of a subscription that Stripe bills")
    return PaymentChanged(doc["id"], invoice_id(doc))


def _checkout_fact(kind: str, doc: Doc) -> ProviderFact:
    reference = _reference(doc)
    if reference is None:
        return Ignored(f"{kind}: not a checkout that we started")
    match kind:
        case "checkout.session.completed":
            return CheckoutCompleted(doc["id"], reference, doc.get("customer"))
        case "checkout.session.expired":
            return CheckoutExpired(doc["id"], reference)
        case _:
            return Ignored(f"{kind}: changes nothing here")


def _reference(doc: Doc) -> CheckoutId | None:
    """Which of our checkouts the session is for. Not client_reference_id: others may use that for ids of their own."""
    named = metadata(doc).get(CHECKOUT)
    return CheckoutId(named) if isinstance(named, str) and named else None


def _refund_fact(kind: str, doc: Doc) -> ProviderFact:
    if kind != "charge.refunded":
        return RefundChanged(doc["id"])
    intent = doc.get("payment_intent")
    return PaymentRefunded(intent) if isinstance(intent, str) else Ignored(f"{kind}: of no payment intent")


def _intent_status(status: str) -> PaymentStatus:
    if status in _WAITING:
        return PaymentStatus.OPEN
    return {"succeeded": PaymentStatus.SUCCEEDED, "canceled": PaymentStatus.CANCELED}.get(status, PaymentStatus.PROCESSING)


def _invoice_status(status: str, collecting: Doc) -> PaymentStatus:
    if status == "open" and collecting.get("status") == "processing":
        return PaymentStatus.PROCESSING
    known = {"draft": PaymentStatus.OPEN, "open": PaymentStatus.OPEN, "paid": PaymentStatus.SUCCEEDED}
    return known.get(status, PaymentStatus.CANCELED)


def _collecting_intent(doc: Doc) -> Doc:
    """The payment intent by which an invoice is being paid, where the reply was expanded to show it; else nothing."""
    payments = part(doc, "payments").get("data", ())
    intents = (part(part(payment, "payment"), "payment_intent") for payment in payments if payment.get("is_default"))
    return next((found for found in intents if found), {})


def metadata(doc: Doc) -> Doc:
    """What we, or others, have noted on the object."""
    return part(doc, "metadata")


def part(doc: Doc, name: str) -> Doc:
    """The object under that name; an empty one where there is none, or only its id."""
    part = doc.get(name)
    return part if isinstance(part, Mapping) else {}
