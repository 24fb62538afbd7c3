"""Stripe's own subscriptions: begun by the lookup keys of their prices, found again, ended; and what their invoices say."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import assert_never

import stripe
from stripe.params import SubscriptionCreateParams, SubscriptionCreateParamsItem

from tallystick.domain.provider_subscriptions import (
    EXPIRED,
    MIRRORED,
    End,
    InvoiceStanding,
    ItemHeld,
    ItemWanted,
    MirroredLine,
    ProviderInvoice,
    ProviderSubscription,
    Standing,
)
from tallystick.providers.protocol import Refused, SubscriptionRequest
from tallystick.providers.stripe import bodies, customers, translate, transport
from tallystick.providers.stripe.translate import Doc
from tallystick.values.ids import SubscriptionId
from tallystick.values.money import Money, currency
from tallystick.values.time import EPOCH, Period

_KEYS_AT_ONCE = 10  # of lookup keys, in one question
_STANDINGS = {
    "active": Standing.ACTIVE,
    "canceled": Standing.CANCELED,
    "incomplete": Standing.INCOMPLETE,
    EXPIRED: Standing.CANCELED,
    "past_due": Standing.PAST_DUE,
    "paused": Standing.PAUSED,
    "trialing": Standing.TRIALING,
    "unpaid": Standing.UNPAID,
}
_INVOICE_STANDINGS = {standing.value: standing for standing in MIRRORED}


def begun(client: stripe.StripeClient, request: SubscriptionRequest, key: str) -> ProviderSubscription | Refused:
    """The subscription, made once for this key, and incomplete where something is due: to pay is a step of its own."""
    items = _items(client, request.items)
    if isinstance(items, Refused):
        return items
    params: SubscriptionCreateParams = {
        "customer": request.customer_ref,
        "items": items,
        "billing_mode": {"type": "flexible"},
        "payment_behavior": "default_incomplete",
        "payment_settings": {"save_default_payment_method": "on_subscription"},
        "metadata": our_ids(request),
    }
    if request.trial:
        params["trial_period_days"] = request.trial // timedelta(days=1)
    return subscription(transport.doc(client.v1.subscriptions.create(params, bodies.options(key))))


def found(client: stripe.StripeClient, request: SubscriptionRequest) -> ProviderSubscription | None:
    """The one that an earlier call with a lost answer made, or None: there is none."""
    listed = client.v1.subscriptions.list({"customer": request.customer_ref, "status": "all", "limit": 100}).auto_paging_iter()
    carrying = (subscription(transport.doc(one)) for one in listed)
    return next((told for told in carrying if told.reference == request.subscription_id), None)


def fetched(client: stripe.StripeClient, ref: str) -> ProviderSubscription:
    return subscription(transport.doc(client.v1.subscriptions.retrieve(ref)))


def paid(client: stripe.StripeClient, ref: str, key: str) -> ProviderSubscription:
    """One attempt to pay its first invoice by each card that the customer ever has: a key is one card's, and repeats its answer.

    Without a card, and where it is declined, the invoice waits on its page for the customer.
    """
    doc = transport.doc(client.v1.subscriptions.retrieve(ref))
    if doc["status"] != "incomplete":
        return subscription(doc)
    method = customers.method_now(client, doc["customer"])
    if method is None:
        return subscription(doc)
    try:
        client.v1.invoices.pay(doc["latest_invoice"], {"payment_method": method}, bodies.options(f"{key}:{method}"))
    except (stripe.CardError, stripe.InvalidRequestError):  # declined; or paid already, by a call of ours that we lost sight of
        return fetched(client, ref)
    return fetched(client, ref)


def ended(client: stripe.StripeClient, ref: str, end: End, key: str) -> ProviderSubscription:
    """As we want it to end; one that has ended, or is to end so already, stays as it is."""
    told = fetched(client, ref)
    if told.standing is Standing.CANCELED or (end is not End.NOW and told.ends_with_period == (end is End.PERIOD_END)):
        return told
    match end:
        case End.NOW:
            # With what was used and what waits: else it would never be asked for.
            client.v1.subscriptions.cancel(ref, {"invoice_now": True, "prorate": False})
        case End.PERIOD_END:
            client.v1.subscriptions.update(ref, {"cancel_at_period_end": True}, bodies.options(key))
        case End.GO_ON:
            client.v1.subscriptions.update(ref, {"cancel_at_period_end": False}, bodies.options(key))
        case _:
            assert_never(end)
    return fetched(client, ref)


def invoice(client: stripe.StripeClient, ref: str) -> ProviderInvoice | Refused:
    """One of a subscription's invoices, with all of its lines."""
    told = mirrored(transport.doc(client.v1.invoices.retrieve(ref)))
    if told is None:
        return Refused("not_of_a_subscription", f"{ref}: is not the invoice of a subscription")
    lines = client.v1.invoices.line_items.list(ref, {"limit": 100}).auto_paging_iter()
    return replace(told, lines=tuple(_line(transport.doc(line)) for line in lines))


def named(doc: Doc) -> SubscriptionId | None:
    """Of an invoice: which of our subscriptions it was made of, if the metadata of that said so."""
    return _reference(translate.part(translate.part(doc, "parent"), "subscription_details"))


def mirrored(doc: Doc) -> ProviderInvoice | None:
    """The same without its lines, of which a reply shows only the first; None where it is of no subscription."""
    details = translate.part(translate.part(doc, "parent"), "subscription_details")
    if not details:
        return None
    money, subscription = currency(doc["currency"]), details["subscription"]
    return ProviderInvoice(
        ref=doc["id"],
        subscription_ref=subscription if isinstance(subscription, str) else subscription["id"],
        reference=named(doc),
        standing=translate.known(_INVOICE_STANDINGS, doc["status"], InvoiceStanding.UNKNOWN),
        number=doc.get("number"),
        total=Money(doc["total"], money),
        amount_due=Money(doc["amount_remaining"], money),
        amount_paid=Money(doc["amount_paid"], money),
        created_at=EPOCH + timedelta(seconds=doc["created"]),
        url=doc.get("hosted_invoice_url"),
        lines=(),
    )


def our_ids(request: SubscriptionRequest) -> dict[str, str]:
    """By which it is known again for ours."""
    return {translate.SUBSCRIPTION: request.subscription_id, translate.CUSTOMER: request.customer_id}


def prices(client: stripe.StripeClient, wanted: Sequence[ItemWanted]) -> dict[str, str] | Refused:
    """Of each lookup key the price that is active."""
    ids: dict[str, str] = {}
    keys = [item.lookup_key for item in wanted]
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        asked = client.v1.prices.list({"lookup_keys": keys[start : start + _KEYS_AT_ONCE], "active": True, "limit": 100})
        ids |= {str(price.lookup_key): price.id for price in asked.auto_paging_iter()}
    missing = sorted(set(keys) - ids.keys())
    if missing:
        return Refused("unknown_price", f"Stripe has no active price of lookup key {', '.join(missing)}; make it there")
    return ids


def _items(client: stripe.StripeClient, wanted: Sequence[ItemWanted]) -> list[SubscriptionCreateParamsItem] | Refused:
    """The prices behind the lookup keys, as the subscription names them."""
    ids = prices(client, wanted)
    if isinstance(ids, Refused):
        return ids
    items: list[SubscriptionCreateParamsItem] = []
    for item in wanted:
        body: SubscriptionCreateParamsItem = {"price": ids[item.lookup_key]}
        if item.quantity is not None:
            body["quantity"] = item.quantity
        items.append(body)
    return items


def subscription(doc: Doc) -> ProviderSubscription:
    """A subscription of Stripe's. What is not known of it is incomplete: nothing is granted on it."""
    items = translate.part(doc, "items").get("data", ())
    held = [ItemHeld(translate.part(item, "price").get("lookup_key"), item.get("quantity")) for item in items]
    spans = [(item["current_period_start"], item["current_period_end"]) for item in items]
    start, end = min(spans, key=lambda span: span[1]) if spans else (0, 0)
    ended_at = doc.get("ended_at")
    return ProviderSubscription(
        ref=doc["id"],
        standing=translate.known(_STANDINGS, doc["status"], Standing.INCOMPLETE),
        reference=_reference(doc),
        period=_period(start, end),
        ends_with_period=bool(doc.get("cancel_at_period_end")),
        ended_at=None if ended_at is None else EPOCH + timedelta(seconds=ended_at),
        expired=doc["status"] == EXPIRED,
        items=tuple(held),
    )


def _reference(doc: Doc) -> SubscriptionId | None:
    named = translate.metadata(doc).get(translate.SUBSCRIPTION)
    return SubscriptionId(named) if isinstance(named, str) and named else None


def _line(doc: Doc) -> MirroredLine:
    span, quantity = translate.part(doc, "period"), doc.get("quantity_decimal")
    return MirroredLine(
        description=doc.get("description") or "",
        amount=Money(doc["amount"], currency(doc["currency"])),
        quantity=Decimal(1 if quantity is None else str(quantity)),
        period=_period(span["start"], span["end"]) if span else None,
    )


def _period(start: int, end: int) -> Period | None:
    """None for an instant: a line for something that happened once has no period."""
    return Period(EPOCH + timedelta(seconds=start), EPOCH + timedelta(seconds=end)) if start < end else None
