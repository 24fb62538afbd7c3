"""Stripe's Checkout in payment mode: one page on which one invoice of ours is paid, by a payment intent that the page makes."""

import stripe

from tallystick.providers.protocol import PaymentRequest
from tallystick.providers.stripe import bodies, transport
from tallystick.providers.stripe.translate import Doc

_EXPANDED = ["payment_intent"]


def is_page(ref: str) -> bool:
    """Whether the object of that id is such a page: Stripe's ids say what they are of."""
    return ref.startswith("cs_")


def opened(client: stripe.StripeClient, request: PaymentRequest, key: str) -> Doc:
    return transport.doc(client.v1.checkout.sessions.create(bodies.page(request), bodies.options(key)))


def fetched(client: stripe.StripeClient, ref: str) -> Doc:
    """With the payment intent: of money that takes its time, the page alone does not tell what became."""
    return transport.doc(client.v1.checkout.sessions.retrieve(ref, {"expand": _EXPANDED}))


def closed(client: stripe.StripeClient, ref: str, key: str) -> Doc:
    """Nobody can pay on it any more. What has been paid on it is refused."""
    client.v1.checkout.sessions.expire(ref, {}, bodies.options(key))
    return fetched(client, ref)


def of_customer(client: stripe.StripeClient, customer_ref: str) -> list[Doc]:
    listed = client.v1.checkout.sessions.list({"customer": customer_ref, "limit": 100, "expand": ["data.payment_intent"]})
    return [transport.doc(session) for session in listed.auto_paging_iter()]


def intent_of(client: stripe.StripeClient, ref: str) -> str | None:
    """The payment intent that collected the money; None: nothing was paid there."""
    intent = transport.doc(client.v1.checkout.sessions.retrieve(ref))["payment_intent"]
    return None if intent is None else str(intent)


def paid_by(client: stripe.StripeClient, intent_ref: str) -> str | None:
    """The page on which that payment intent was made."""
    found = client.v1.checkout.sessions.list({"payment_intent": intent_ref, "limit": 1}).data
    return found[0].id if found else None
