"""Plans that the provider bills: asked for, ended, and seen as they stand there; and the invoices that it makes."""

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from tallystick.web.door import Billing, Caller, Scope, router
from tallystick.web.once import IdempotencyKey, answered_once
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.provider_subscription_schemas import (
    EndBody,
    FollowedSubscriptionShown,
    MirroredInvoiceShown,
    ProviderPageBody,
    ProviderSubscribeBody,
)
from tallystick.web.schemas import Key
from tallystick.web.security import needs

routes = router("provider_subscriptions")
_KIND, _INVOICES = "provider_subscriptions", "provider_invoices"
_READS, _WRITES = [needs(Scope.BILLING_READ)], [needs(Scope.BILLING_WRITE)]
_Id = Annotated[Key, Path()]


@routes.post(
    "/v1/provider-subscriptions",
    dependencies=_WRITES,
    summary="Put a customer on a plan that the provider bills",
    response_model=FollowedSubscriptionShown,
    status_code=202,
)
def subscribe_at_provider(billing: Billing, caller: Caller, body: ProviderSubscribeBody, key: IdempotencyKey = None) -> Response:
    """Written down, and asked for after the answer: its `standing` tells what became of it."""

    def effect() -> tuple[int, str]:
        followed = billing.subscribe_at_provider(body.customer, body.plan, actor=caller.actor, **body.wanted)
        return 202, FollowedSubscriptionShown.of(followed).model_dump_json()

    return answered_once(billing, key, "POST /v1/provider-subscriptions", body, effect)[0]


@routes.post(
    "/v1/provider-subscriptions/checkout", dependencies=_WRITES, summary="The provider's page on which a customer begins one"
)  # fmt: skip
def subscribe_on_page(billing: Billing, caller: Caller, body: ProviderPageBody) -> FollowedSubscriptionShown:
    """Send the browser to its `page_url`. The same wish is the same page, so no key is kept; who has subscribed already: 409."""
    followed = billing.subscribe_on_page(body.customer, body.plan, actor=caller.actor, **body.wanted)
    return FollowedSubscriptionShown.of(followed)


@routes.get("/v1/provider-subscriptions", dependencies=_READS, summary="Subscriptions that the provider bills, by id")
def list_provider_subscriptions(
    billing: Billing, asked: AskedPage, customer: Annotated[Key | None, Query()] = None
) -> Page[FollowedSubscriptionShown]:
    place = asked.place(_KIND)
    rows = billing.provider_subscriptions(customer, after=None if place is None else str(place[0]), limit=asked.limit + 1)
    return page(rows, asked.limit, FollowedSubscriptionShown.of, lambda followed: (followed.id,), kind=_KIND)


@routes.get("/v1/provider-subscriptions/{subscription_id}", dependencies=_READS, summary="One that the provider bills")
def get_provider_subscription(billing: Billing, subscription_id: _Id) -> FollowedSubscriptionShown:
    return FollowedSubscriptionShown.of(billing.provider_subscription(subscription_id))


@routes.post(
    "/v1/provider-subscriptions/{subscription_id}/end",
    dependencies=_WRITES,
    summary="End it, or let it go on",
    response_model=FollowedSubscriptionShown,
    status_code=202,
)
def end_provider_subscription(
    billing: Billing, caller: Caller, subscription_id: _Id, body: EndBody, key: IdempotencyKey = None
) -> Response:
    """A wish, told to the provider after the answer. The last one counts, until it has ended."""

    def effect() -> tuple[int, str]:
        followed = billing.end_at_provider(subscription_id, body.end, actor=caller.actor)
        return 202, FollowedSubscriptionShown.of(followed).model_dump_json()

    return answered_once(billing, key, f"POST /v1/provider-subscriptions/{subscription_id}/end", body, effect)[0]


@routes.get("/v1/provider-invoices", dependencies=_READS, summary="Invoices that the provider has made, newest first")
def list_provider_invoices(billing: Billing, asked: AskedPage, customer: Annotated[Key, Query()]) -> Page[MirroredInvoiceShown]:
    """Of one customer's subscriptions, as they stood at the provider when it was asked."""
    place = asked.place(_INVOICES)
    rows = billing.provider_invoices(customer, after=None if place is None else str(place[0]), limit=asked.limit + 1)
    return page(rows, asked.limit, MirroredInvoiceShown.of, lambda mirrored: (mirrored.invoice.ref,), kind=_INVOICES)
