"""Refunds at Stripe: made, found again, and traced to the payment of ours that they give back."""

from collections.abc import Sequence

import stripe

from tallystick.domain.payments import Method
from tallystick.domain.refunds import LIVE, ProviderRefund
from tallystick.providers.protocol import Done, Refunded, RefundRequest, Refused
from tallystick.providers.stripe import bodies, pages, translate, transport
from tallystick.providers.stripe.translate import Doc


def made(client: stripe.StripeClient, request: RefundRequest, key: str) -> Refunded | Refused:
    """The refund, made once for this key."""
    intent = _paying_intent(client, request)
    if isinstance(intent, Refused):
        return intent
    doc = transport.doc(client.v1.refunds.create(bodies.refund(intent, request), bodies.options(key)))
    return Refunded(translate.refund(doc, payment_ref=request.payment_ref))


def found(client: stripe.StripeClient, request: RefundRequest) -> Refunded | Refused | None:
    """Of those that carry our refund's id, one that gives the money back, else the newest."""
    intent = _paying_intent(client, request)
    if isinstance(intent, Refused):
        return intent
    carrying = [told for told in _all(client, intent, request.payment_ref) if told.refund_id == request.refund_id]
    living = [told for told in carrying if told.status in LIVE]
    return next((Refunded(told) for told in (*living, *carrying)), None)


def fetched(client: stripe.StripeClient, ref: str) -> Refunded:
    """The refund as it stands."""
    doc = transport.doc(client.v1.refunds.retrieve(ref, {"expand": ["payment_intent"]}))
    return Refunded(translate.refund(doc, payment_ref=collector(client, translate.part(doc, "payment_intent"))))


def listed(client: stripe.StripeClient, intent_ref: str) -> Sequence[ProviderRefund]:
    """Every refund of what the payment intent collected."""
    intent = transport.doc(client.v1.payment_intents.retrieve(intent_ref))
    return _all(client, intent_ref, collector(client, intent))


def _all(client: stripe.StripeClient, intent_ref: str, payment_ref: str | None) -> list[ProviderRefund]:
    refunds = client.v1.refunds.list({"payment_intent": intent_ref, "limit": 100}).auto_paging_iter()
    return [translate.refund(transport.doc(refund), payment_ref=payment_ref) for refund in refunds]


def _paying_intent(client: stripe.StripeClient, request: RefundRequest) -> str | Refused:
    """The payment intent that collected the money: the object itself, or the one by which the page or hosted invoice was
    paid.
    """
    if pages.is_page(request.payment_ref):
        paid_by = pages.intent_of(client, request.payment_ref)
        return paid_by or Refused("not_collected", f"{request.payment_ref}: nothing was paid on that page")
    if request.method is Method.INTENT:
        return request.payment_ref
    invoice = transport.doc(
        client.v1.invoices.retrieve(request.payment_ref, {"expand": ["payments.data.payment.payment_intent"]})
    )
    told = translate.invoice(invoice)
    intent = told.payment.intent_ref if isinstance(told, Done) else None
    return intent or Refused("not_collected", f"{request.payment_ref}: was paid outside of Stripe, and goes back there")


def collector(client: stripe.StripeClient, intent: Doc) -> str | None:
    """Our object that the intent collected for: itself, or the page or hosted invoice that it belongs to; None: none of ours."""
    if not intent:
        return None
    if translate.invoice_id(intent):
        return str(intent["id"])
    if translate.metadata(intent).get(translate.PAYMENT):
        return pages.paid_by(client, intent["id"])
    asked = client.v1.invoice_payments.list({"payment": {"type": "payment_intent", "payment_intent": intent["id"]}, "limit": 1})
    return next((str(transport.doc(payment)["invoice"]) for payment in asked.data), None)
