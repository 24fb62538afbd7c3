"""Stripe's payloads in our words. Pure: the same for a reply of the API and for the object of an event."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from tallystick.domain.checkouts import CheckoutStatus, ProviderCheckout
from tallystick.domain.customers import ProviderCustomer
from tallystick.domain.disputes import DisputeStatus, ProviderDispute
from tallystick.domain.payment_methods import SavedMethod
from tallystick.domain.payments import (
    CheckoutCompleted,
    CheckoutExpired,
    CustomerChanged,
    Decline,
    DisputeChanged,
    Ignored,
    MethodsChanged,
    NotFinalized,
    PaymentChanged,
    PaymentRefunded,
    PaymentStatus,
    ProviderFact,
    ProviderPayment,
    RefundChanged,
    SubscriptionChanged,
    SubscriptionInvoiceChanged,
    SubscriptionPageChanged,
)
from tallystick.domain.refunds import ProviderRefund, RefundStatus
from tallystick.providers.protocol import Done, PaymentRequest, Refused
from tallystick.values.ids import CheckoutId, CustomerId, InvoiceId, RefundId, SubscriptionId
from tallystick.values.money import Money, currency
from tallystick.values.time import EPOCH

Doc = Mapping[str, Any]
Word = TypeVar("Word")

INVOICE = "tallystick_invoice"  # the names of our ids in metadata
CUSTOMER = "tallystick_customer"
LINE = "tallystick_line"
CHECKOUT = "tallystick_checkout"
PAYMENT = "tallystick_payment"
REFUND = "tallystick_refund"
SUBSCRIPTION = "tallystick_subscription"

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
_INTENT_STATUSES = dict.fromkeys(_WAITING, PaymentStatus.OPEN) | {
    "succeeded": PaymentStatus.SUCCEEDED,
    "canceled": PaymentStatus.CANCELED,
}
# One that somebody has given up on can still be paid.
_INVOICE_STATUSES = dict.fromkeys(("draft", "open", "uncollectible"), PaymentStatus.OPEN) | {
    "paid": PaymentStatus.SUCCEEDED,
    "void": PaymentStatus.CANCELED,
}
_UNPAID_PAGES = {"open": PaymentStatus.OPEN, "expired": PaymentStatus.CANCELED}
CHECKOUT_STATUSES = {"complete": CheckoutStatus.COMPLETE, "expired": CheckoutStatus.EXPIRED}
_REFUND_STATUSES = {
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.CANCELED,
}
_DISPUTE_STATUSES = {
    "warning_needs_response": DisputeStatus.INQUIRY,
    "warning_under_review": DisputeStatus.INQUIRY,
    "needs_response": DisputeStatus.NEEDS_RESPONSE,
    "appeal_needs_response": DisputeStatus.NEEDS_RESPONSE,
    "under_review": DisputeStatus.UNDER_REVIEW,
    "appeal_under_review": DisputeStatus.UNDER_REVIEW,
    "won": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
    "warning_closed": DisputeStatus.CLOSED,
    "prevented": DisputeStatus.CLOSED,
}


def known(words: Mapping[str, Word], said: object, waiting: Word) -> Word:
    """Our word for one of Stripe's. One that is new to us, or none, is the state in which the object waits: nothing is granted
    by it, nothing is over, and it is asked about again.
    """
    return words.get(said, waiting) if isinstance(said, str) else waiting


def intent(doc: Doc) -> ProviderPayment:
    """A payment intent. What is not known of it is PROCESSING: neither granted nor refused."""
    money = currency(doc["currency"])
    status, received = known(_INTENT_STATUSES, doc["status"], PaymentStatus.PROCESSING), doc.get("amount_received")
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
    """A Checkout session. It is complete once the card on it is known."""
    method = part(doc, "setup_intent").get("payment_method")
    status = known(CHECKOUT_STATUSES, doc["status"], CheckoutStatus.OPEN)
    return ProviderCheckout(
        ref=doc["id"],
        status=CheckoutStatus.OPEN if status is CheckoutStatus.COMPLETE and not method else status,
        reference=_reference(doc),
        customer_ref=doc.get("customer"),
        url=doc.get("url"),
        expires_at=EPOCH + timedelta(seconds=doc["expires_at"]),
        payment_method=method,
    )


def page(doc: Doc) -> ProviderPayment:
    """A Checkout session in payment mode, on which an invoice is paid. Its payment intent is for no other browser to confirm."""
    money, collecting = currency(doc["currency"]), part(doc, "payment_intent")
    status, amount = _page_status(doc, collecting), Money(doc["amount_total"], money)
    error = collecting.get("last_payment_error")
    return ProviderPayment(
        ref=doc["id"],
        status=status,
        amount=amount,
        invoice_id=invoice_id(doc),
        url=doc.get("url"),
        decline=decline(error) if error and status is PaymentStatus.OPEN else None,
        paid=amount if status is PaymentStatus.SUCCEEDED else None,
    )


def saved_method(doc: Doc, *, is_default: bool) -> SavedMethod:
    """A payment method; of one that is no card its kind is all that is told."""
    card = part(doc, "card")
    return SavedMethod(
        ref=doc["id"],
        kind=doc["type"],
        is_default=is_default,
        brand=card.get("brand"),
        last4=card.get("last4"),
        exp_month=card.get("exp_month"),
        exp_year=card.get("exp_year"),
    )


def refund(doc: Doc, *, payment_ref: str | None = None) -> ProviderRefund:
    """A refund, of what the object `payment_ref` collected, where that is known."""
    ours = metadata(doc).get(REFUND)
    return ProviderRefund(
        ref=doc["id"],
        status=known(_REFUND_STATUSES, doc["status"], RefundStatus.PENDING),
        amount=Money(doc["amount"], currency(doc["currency"])),
        refund_id=RefundId(ours) if isinstance(ours, str) and ours else None,
        payment_ref=payment_ref,
        failure=doc.get("failure_reason"),
    )


def dispute(doc: Doc, *, payment_ref: str | None = None) -> ProviderDispute:
    """A dispute, of what the object `payment_ref` collected. What has left our balance and did not come back is withdrawn."""
    moved = sum(movement["amount"] for movement in doc.get("balance_transactions") or ())
    due_by = part(doc, "evidence_details").get("due_by")
    return ProviderDispute(
        ref=doc["id"],
        status=known(_DISPUTE_STATUSES, doc["status"], DisputeStatus.UNDER_REVIEW),
        amount=Money(doc["amount"], currency(doc["currency"])),
        withdrawn=moved < 0,
        reason=doc.get("reason") or "general",
        payment_ref=payment_ref,
        due_by=None if due_by is None else EPOCH + timedelta(seconds=due_by),
    )


def customer(doc: Doc) -> ProviderCustomer:
    """A customer, or what is left of a deleted one: its id."""
    return ProviderCustomer(doc["id"], customer_id(doc), gone=bool(doc.get("deleted")))


def decline(error: Doc) -> Decline:
    """Why the bank said no: the bank's own code where it gave one, and words fit for the buyer."""
    code, by = error.get("decline_code") or error.get("code") or "card_declined", part(error, "payment_method").get("id")
    if code in _ON_SESSION:
        return Decline("authentication_required", CONFIRM, by, error.get("charge"))
    message = error.get("message")
    return Decline(code, DECLINED if code in _NEUTRAL or not message else message, by, error.get("charge"))


def invoice_id(doc: Doc) -> InvoiceId | None:
    """Which of our invoices the object is for, if its metadata says so."""
    named = metadata(doc).get(INVOICE)
    return InvoiceId(named) if isinstance(named, str) and named else None


def customer_id(doc: Doc) -> CustomerId | None:
    """Which of our customers the object is for, if its metadata says so."""
    named = metadata(doc).get(CUSTOMER)
    return CustomerId(named) if isinstance(named, str) and named else None


def is_for(doc: Doc, request: PaymentRequest) -> bool:
    """Whether the object was made for this payment of this invoice, and for no earlier one of it."""
    return invoice_id(doc) == request.invoice_id and metadata(doc).get(PAYMENT) == request.payment_id


def fact(kind: str, doc: Doc) -> ProviderFact:
    """What the event `kind` about `doc` means."""
    if not isinstance(doc.get("id"), str):
        return Ignored(f"{kind}: about something without an id, such as a preview")
    read = _FACTS.get(kind.partition(".")[0], _nothing)
    return read(kind, doc)


def _nothing(kind: str, _doc: Doc) -> ProviderFact:
    return Ignored(f"{kind}: changes nothing here")


def _intent_fact(_kind: str, doc: Doc) -> ProviderFact:
    # An invoice's own payment intent fires too; its invoice tells us, and booking both would book the money twice.
    ours = invoice_id(doc)
    return PaymentChanged(doc["id"], ours) if ours else Ignored("payment intent: not one that we opened")


def _invoice_fact(kind: str, doc: Doc) -> ProviderFact:
    if part(doc, "parent").get("type") == "subscription_details":
        ours = subscription_id(part(part(doc, "parent"), "subscription_details"))
        return SubscriptionInvoiceChanged(doc["id"], ours) if ours else Ignored(f"{kind}: of a subscription that is not ours")
    if kind == "invoice.finalization_failed":
        error = part(doc, "last_finalization_error")
        return NotFinalized(doc["id"], invoice_id(doc), error.get("message") or error.get("code") or "Stripe does not say why")
    return PaymentChanged(doc["id"], invoice_id(doc))


def _method_fact(kind: str, doc: Doc) -> ProviderFact:
    owner = doc.get("customer")
    return MethodsChanged(owner) if isinstance(owner, str) else Ignored(f"{kind}: belongs to nobody, or to nobody any more")


def _checkout_fact(kind: str, doc: Doc) -> ProviderFact:
    reference, ours = _reference(doc), invoice_id(doc)
    if ours is not None:
        return PaymentChanged(doc["id"], ours)
    if (subscription := subscription_id(doc)) is not None:
        return SubscriptionPageChanged(doc["id"], subscription)
    if reference is None:
        return Ignored(f"{kind}: not a checkout that we started")
    match kind:
        case "checkout.session.completed":
            return CheckoutCompleted(doc["id"], reference, doc.get("customer"))
        case "checkout.session.expired":
            return CheckoutExpired(doc["id"], reference)
        case _:
            return _nothing(kind, doc)


def _reference(doc: Doc) -> CheckoutId | None:
    """Which of our checkouts the session is for. Not client_reference_id: others may use that for ids of their own."""
    named = metadata(doc).get(CHECKOUT)
    return CheckoutId(named) if isinstance(named, str) and named else None


def _refund_fact(_kind: str, doc: Doc) -> ProviderFact:
    return RefundChanged(doc["id"])


def _charge_fact(kind: str, doc: Doc) -> ProviderFact:
    if kind.startswith("charge.dispute."):
        return DisputeChanged(doc["id"])
    if kind.startswith("charge.refund."):
        return RefundChanged(doc["id"])
    if kind != "charge.refunded":
        return _nothing(kind, doc)
    intent = doc.get("payment_intent")
    return PaymentRefunded(intent) if isinstance(intent, str) else Ignored(f"{kind}: of no payment intent")


def subscription_id(doc: Doc) -> SubscriptionId | None:
    """Which of our subscriptions the object is, or is of, if its metadata says so."""
    named = metadata(doc).get(SUBSCRIPTION)
    return SubscriptionId(named) if isinstance(named, str) and named else None


def _customer_fact(kind: str, doc: Doc) -> ProviderFact:
    if kind.startswith("customer.subscription."):
        ours = subscription_id(doc)
        return SubscriptionChanged(doc["id"], ours) if ours else Ignored(f"{kind}: not one that we asked for")
    if kind not in {"customer.updated", "customer.deleted"}:
        return _nothing(kind, doc)
    return CustomerChanged(doc["id"], customer_id(doc), gone=kind == "customer.deleted")


# By the first word of the kind.
_FACTS: Mapping[str, Callable[[str, Doc], ProviderFact]] = {
    "charge": _charge_fact,
    "checkout": _checkout_fact,
    "customer": _customer_fact,
    "invoice": _invoice_fact,
    "payment_intent": _intent_fact,
    "payment_method": _method_fact,
    "refund": _refund_fact,
}


def _page_status(doc: Doc, collecting: Doc) -> PaymentStatus:
    """How the page stands: complete, it is paid, or the money takes its time; whatever we do not know is PROCESSING as well."""
    if doc["status"] != "complete":
        return known(_UNPAID_PAGES, doc["status"], PaymentStatus.PROCESSING)
    if doc.get("payment_status") == "paid":
        return PaymentStatus.SUCCEEDED
    # The money has not come after all, and on a page that is complete nobody can try again.
    has_failed = collecting.get("status") in {*_WAITING, "canceled"}
    return PaymentStatus.CANCELED if has_failed else PaymentStatus.PROCESSING


def _invoice_status(status: object, collecting: Doc) -> PaymentStatus:
    if status == "open" and collecting.get("status") == "processing":
        return PaymentStatus.PROCESSING
    return known(_INVOICE_STATUSES, status, PaymentStatus.PROCESSING)


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
