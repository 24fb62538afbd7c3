"""Our customers at Stripe: made once, found again, and which of their cards to charge."""

from datetime import timedelta

import stripe

from tallystick.domain.customers import Customer, ProviderCustomer
from tallystick.domain.payment_methods import SavedMethod
from tallystick.providers.stripe import bodies, translate, transport
from tallystick.providers.stripe.translate import Doc
from tallystick.values.ids import derived
from tallystick.values.time import to_micros

CLOCKS_APART = timedelta(hours=1)  # how far ours and Stripe's may differ, at the very most
LOOKED_AT_MAX = 10_000  # one that was made in the last days is among the newest


def ensured(client: stripe.StripeClient, customer: Customer, key: str, *, look_first: bool) -> str:
    """Made with our id alone, which never changes, so that the key fits for ever; name and address are put there after."""
    ref = _with_our_id(client, customer) if look_first else None
    if ref is None:
        # The key may hold a stored failure and repeat it; now that we have looked, another one is safe.
        anew = f"{key}:anew" if look_first else key
        ref = client.v1.customers.create({"metadata": {translate.CUSTOMER: customer.id}}, bodies.options(anew)).id
    if body := bodies.customer(customer):
        named = derived("key", key, ref, customer.email or "", customer.name or "")
        client.v1.customers.update(ref, body, bodies.options(named))
    return ref


def fetched(client: stripe.StripeClient, ref: str) -> ProviderCustomer:
    """The customer as it stands; of a deleted one Stripe keeps the id."""
    return translate.customer(transport.doc(client.v1.customers.retrieve(ref)))


def method_to_charge(client: stripe.StripeClient, customer: Doc, key: str, wanted: str | None) -> str | None:
    """The payment method that was asked for, else the customer's default, else the newest card."""
    if not customer or customer.get("deleted"):
        return None
    if wanted and wanted.startswith("pm_card_"):
        # Stripe's test cards are recipes: attaching one makes a payment method with an id of its own.
        return client.v1.payment_methods.attach(wanted, {"customer": customer["id"]}, bodies.options(f"{key}:attach:{wanted}")).id
    default = translate.part(customer, "invoice_settings").get("default_payment_method")
    if wanted or default:
        return wanted or str(default)
    cards = client.v1.customers.payment_methods.list(customer["id"], {"type": "card", "limit": 1}).data
    return cards[0].id if cards else None


def method_now(client: stripe.StripeClient, ref: str) -> str | None:
    """The payment method that would be charged now."""
    return method_to_charge(client, transport.doc(client.v1.customers.retrieve(ref)), "", None)


def methods(client: stripe.StripeClient, ref: str) -> list[SavedMethod]:
    """All that are saved, the newest first; the default is the one that `method_to_charge` chooses by itself."""
    customer = transport.doc(client.v1.customers.retrieve(ref))
    if customer.get("deleted"):
        return []
    listed = client.v1.customers.payment_methods.list(ref, {"limit": 100}).auto_paging_iter()
    docs = [transport.doc(method) for method in listed]
    cards = [doc["id"] for doc in docs if doc["type"] == "card"]
    default = translate.part(customer, "invoice_settings").get("default_payment_method") or next(iter(cards), None)
    return [translate.saved_method(doc, is_default=doc["id"] == default) for doc in docs]


def _with_our_id(client: stripe.StripeClient, customer: Customer) -> str | None:
    """The newest that carries our id. Listed, for Stripe's search is behind by minutes."""
    since = to_micros(customer.created_at - CLOCKS_APART) // 1_000_000
    listed = client.v1.customers.list({"created": {"gte": since}, "limit": 100}).auto_paging_iter()
    for _, candidate in zip(range(LOOKED_AT_MAX), listed, strict=False):
        if translate.metadata(transport.doc(candidate)).get(translate.CUSTOMER) == customer.id:
            return candidate.id
    return None
