"""What Stripe holds since an instant, all pages of it: for the comparison of its half with ours."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import stripe

from tallystick.domain.customers import ProviderCustomer
from tallystick.domain.disputes import ProviderDispute
from tallystick.domain.payments import Delivery, ProviderPayment
from tallystick.domain.provider_subscriptions import ProviderInvoice, ProviderSubscription
from tallystick.domain.refunds import ProviderRefund
from tallystick.providers.protocol import Done, ListedInvoices
from tallystick.providers.stripe import subscriptions, translate, transport
from tallystick.providers.stripe.signature import without_secrets
from tallystick.providers.stripe.subscribed import EVENTS
from tallystick.providers.stripe.translate import Doc
from tallystick.values.time import EPOCH, to_micros

_TYPES_MAX = 20  # of events, in one question


def customers(client: stripe.StripeClient, at: datetime) -> list[ProviderCustomer]:
    """Those that carry an id of ours."""
    listed = _all(client.v1.customers.list({"created": _since(at), "limit": 100}))
    return [translate.customer(doc) for doc in listed if translate.customer_id(doc)]


def payments(client: stripe.StripeClient, at: datetime) -> list[ProviderPayment]:
    """The intents that carry an id of ours, and the pages on which an invoice of ours is paid."""
    listed = _all(client.v1.payment_intents.list({"created": _since(at), "limit": 100}))
    told = [translate.intent(doc) for doc in listed if translate.invoice_id(doc)]
    listed = _all(client.v1.checkout.sessions.list({"created": _since(at), "limit": 100, "expand": ["data.payment_intent"]}))
    return told + [translate.page(doc) for doc in listed if translate.invoice_id(doc)]


def invoices(client: stripe.StripeClient, at: datetime) -> ListedInvoices:
    """Those that carry an id of ours, or whose subscription does. By which intent one is being paid, no list tells."""
    hosted: list[ProviderPayment] = []
    of_subscriptions: list[ProviderInvoice] = []
    for doc in _all(client.v1.invoices.list({"created": _since(at), "limit": 100})):
        if subscriptions.named(doc) is not None and (told := subscriptions.mirrored(doc)) is not None:
            of_subscriptions.append(told)
        outcome = translate.invoice(doc) if translate.invoice_id(doc) else None
        if isinstance(outcome, Done):
            hosted.append(outcome.payment)
    return ListedInvoices(hosted, of_subscriptions)


def refunds(client: stripe.StripeClient, at: datetime) -> list[ProviderRefund]:
    """All of them; of what, is told by asking for one."""
    return [translate.refund(doc) for doc in _all(client.v1.refunds.list({"created": _since(at), "limit": 100}))]


def disputes(client: stripe.StripeClient, at: datetime) -> list[ProviderDispute]:
    """All of them; of what, is told by asking for one."""
    return [translate.dispute(doc) for doc in _all(client.v1.disputes.list({"created": _since(at), "limit": 100}))]


def begun(client: stripe.StripeClient, at: datetime) -> list[ProviderSubscription]:
    """Those that carry an id of ours, also where they have ended."""
    listed = _all(client.v1.subscriptions.list({"created": _since(at), "status": "all", "limit": 100}))
    return [told for told in map(subscriptions.subscription, listed) if told.reference is not None]


def events(client: stripe.StripeClient, at: datetime) -> list[Delivery]:
    """What an endpoint of ours would have been told, the oldest first. Stripe keeps it for thirty days."""
    found: list[Doc] = []
    for start in range(0, len(EVENTS), _TYPES_MAX):
        types = list(EVENTS[start : start + _TYPES_MAX])
        found += _all(client.v1.events.list({"created": _since(at), "types": types, "limit": 100}))
    return [_delivery(doc) for doc in sorted(found, key=lambda doc: (doc["created"], doc["id"]))]


def _all(page: Any) -> Iterator[Doc]:
    listed: Iterable[stripe.StripeObject] = page.auto_paging_iter()
    return (transport.doc(found) for found in listed)


def _since(at: datetime) -> Any:
    return {"gte": to_micros(at) // 1_000_000}


def _delivery(doc: Doc) -> Delivery:
    created_at = EPOCH + timedelta(seconds=doc["created"])
    return Delivery(doc["id"], doc["type"], without_secrets(json.dumps(doc)), created_at, doc["livemode"])
