"""Stripe's Checkout in subscription mode: a page on which a customer begins a subscription that Stripe bills."""

import stripe
from stripe.params.checkout import SessionCreateParams, SessionCreateParamsLineItem, SessionCreateParamsSubscriptionData

from tallystick.domain.checkouts import CheckoutStatus
from tallystick.domain.provider_subscriptions import ProviderPage
from tallystick.providers.protocol import Refused, SubscriptionRequest
from tallystick.providers.stripe import bodies, subscriptions, translate, transport
from tallystick.providers.stripe.translate import Doc


def opened(client: stripe.StripeClient, request: SubscriptionRequest, key: str) -> ProviderPage | Refused:
    """The page, made once for this key. What is begun on it carries our ids, as one that we begin ourselves does."""
    assert request.page is not None, f"{request.subscription_id}: only who is sent to a page comes back from one"
    prices = subscriptions.prices(client, request.items)
    if isinstance(prices, Refused):
        return prices
    named = subscriptions.our_ids(request)
    begun: SessionCreateParamsSubscriptionData = {"billing_mode": {"type": "flexible"}, "metadata": named}
    if request.trial:
        begun["trial_period_days"] = request.trial.days
    params: SessionCreateParams = {
        "mode": "subscription",
        "customer": request.customer_ref,
        "line_items": [_line(prices[item.lookup_key], item.quantity) for item in request.items],
        "success_url": request.page.success_url,
        "cancel_url": request.page.cancel_url,
        "metadata": named,
        "subscription_data": begun,
    }
    return _page(transport.doc(client.v1.checkout.sessions.create(params, bodies.options(key))))


def fetched(client: stripe.StripeClient, ref: str) -> ProviderPage:
    return _page(transport.doc(client.v1.checkout.sessions.retrieve(ref)))


def closed(client: stripe.StripeClient, ref: str, key: str) -> ProviderPage:
    """Somebody may have completed it meanwhile: then Stripe refuses, and it is told as it stands."""
    try:
        client.v1.checkout.sessions.expire(ref, {}, bodies.options(key))
    except stripe.InvalidRequestError:
        return fetched(client, ref)
    return fetched(client, ref)


def _line(price: str, quantity: int | None) -> SessionCreateParamsLineItem:
    line: SessionCreateParamsLineItem = {"price": price}
    if quantity is not None:
        line["quantity"] = quantity
    return line


def _page(doc: Doc) -> ProviderPage:
    begun = doc.get("subscription")
    return ProviderPage(
        ref=doc["id"],
        status=translate.known(translate.CHECKOUT_STATUSES, doc["status"], CheckoutStatus.OPEN),
        reference=translate.subscription_id(doc),
        url=doc.get("url"),
        subscription_ref=None if begun is None else str(begun),
    )
