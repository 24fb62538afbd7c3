"""Billing for an app's users: where they pay, what they subscribe to, what they have used; and for its admins, everybody."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

from tallystick.app import Tallystick
from tallystick.domain.entitlements import Quota, Reason
from tallystick.domain.plans import BilledBy
from tallystick.values.ids import CustomerId
from tallystick.values.time import Period
from tallystick.web import background
from tallystick.web.billing_schemas import (
    CheckoutBody,
    CheckoutShown,
    PortalBody,
    PortalShown,
    QuotaShown,
    QuotasShown,
    SubscriptionShown,
    UsageOfMeter,
    UsageOfPeriod,
    UserShown,
)
from tallystick.web.embedding import Embedding, TheEmbedding, TheVisitor, default, embedding_of, router
from tallystick.web.invoice_schemas import InvoiceShown
from tallystick.web.pages import AskedPage, Page, PageQuery, page
from tallystick.web.routers.documents import own_document_routes
from tallystick.web.routers.own import current, own_routes
from tallystick.web.routers.payment_methods import own_method_routes
from tallystick.web.routers.webhooks import DELIVERY, received
from tallystick.web.security import PUBLIC, SIGNED_IN, SIGNED_IN_ADMIN

_INVOICES, _USERS = "billing_invoices", "billing_users"
_UNKNOWN: dict[int | str, dict[str, Any]] = {503: {"description": "The provider's answer is not known; ask again."}}
_NONE = frozenset({Reason.NO_ENTITLEMENT, Reason.UNKNOWN_CUSTOMER, Reason.UNKNOWN_METER})


def billing_routes(embedding: Embedding | None = None) -> APIRouter:
    """The routes; of this embedding, or of the one that their application has. Included, they do the engine's work beside it."""
    routes = router("billing", embedding, lifespan=lambda app: _working(app, embedding))
    mine, all_of_them = [SIGNED_IN], [SIGNED_IN_ADMIN]
    routes.post(
        "/billing/checkout", dependencies=mine, summary="Where to pay for a plan", responses=_UNKNOWN
    )(start_checkout)  # fmt: skip
    routes.post("/billing/portal", dependencies=mine, summary="Where to manage cards", responses=_UNKNOWN)(open_portal)
    routes.post(
        "/billing/portal-session", dependencies=mine, summary="The same, by another name", responses=_UNKNOWN
    )(open_portal_session)  # fmt: skip
    routes.get("/billing/subscription", dependencies=mine, summary="What is subscribed to")(get_own_subscription)
    routes.get("/billing/quota", dependencies=mine, summary="What may be used, and what is left of it")(get_own_quota)
    routes.get("/billing/usage", dependencies=mine, summary="What was used in this period")(get_own_usage)
    routes.get("/billing/invoices", dependencies=mine, summary="Invoices, newest first")(list_own_invoices)
    routes.get("/billing/admin/users", dependencies=all_of_them, summary="Every customer, plan and quota")(list_users)
    routes.get("/billing/admin/invoices", dependencies=all_of_them, summary="Everybody's invoices")(list_all_invoices)
    signed = router("billing", embedding, signed=True)
    signed.post(
        "/billing/webhook", dependencies=[PUBLIC], summary="Stripe's webhooks, by another name", openapi_extra=DELIVERY
    )(receive_billing_webhook)  # fmt: skip
    routes.include_router(signed)
    routes.include_router(own_routes(embedding))
    routes.include_router(own_document_routes(embedding))
    routes.include_router(own_method_routes(embedding))
    return routes


def start_checkout(request: Request, embedding: TheEmbedding, visitor: TheVisitor, body: CheckoutBody) -> CheckoutShown:
    """The provider's page; there a card is saved, and then the subscription begins. The same wish is the same page.

    A plan that the provider bills is subscribed to, and paid, on that page.
    """
    billing, plan = embedding.billing, body.plan_key(embedding.settings.plans_by_price)
    wish: dict[str, Any] = {
        "currency": body.currency, "interval": body.interval, "success_url": body.success_url, "cancel_url": body.cancel_url,
        "allowed_origins": embedding.origins(request),
    }  # fmt: skip
    if (sold := billing.plans().get(plan)) is not None and sold.billed_by is BilledBy.PROVIDER:
        followed = billing.subscribe_on_page(visitor.customer_id, plan, **wish)
        assert followed.page_url is not None, f"{followed.id}: is handed out once it has a page"
        return CheckoutShown(url=followed.page_url, session_id=followed.page_ref)
    checkout = billing.start_checkout(visitor.customer_id, plan=plan, **wish)
    assert checkout.url is not None, f"{checkout.id}: is handed out once it has a page"
    return CheckoutShown(url=checkout.url, session_id=checkout.ref)


def open_portal(request: Request, embedding: TheEmbedding, visitor: TheVisitor, body: PortalBody) -> PortalShown:
    """For one visit, which begins within minutes."""
    origins = embedding.origins(request)
    url = embedding.billing.open_portal(visitor.customer_id, return_url=body.return_url, allowed_origins=origins)
    return PortalShown(url=url)


def open_portal_session(request: Request, embedding: TheEmbedding, visitor: TheVisitor, body: PortalBody) -> PortalShown:
    """As `/billing/portal`."""
    return open_portal(request, embedding, visitor, body)


def get_own_subscription(embedding: TheEmbedding, visitor: TheVisitor) -> SubscriptionShown:
    return _subscription_shown(embedding.billing, visitor.customer_id)


def get_own_quota(embedding: TheEmbedding, visitor: TheVisitor) -> QuotasShown:
    """One for each meter that the plan, or a grant, lets this user use."""
    subscription = current(embedding.billing, visitor.customer_id)
    quotas = _quotas(embedding.billing, visitor.customer_id)
    return QuotasShown(plan=None if subscription is None else subscription.terms.plan_key, data=quotas)


def get_own_usage(embedding: TheEmbedding, visitor: TheVisitor) -> UsageOfPeriod:
    """Of the subscription's period; without one, of this calendar month. Meters that were not used are at 0."""
    billing = embedding.billing
    subscription = current(billing, visitor.customer_id)
    period = _month(billing.context.clock.now()) if subscription is None else subscription.period
    meters = billing.meters().values()
    used = [UsageOfMeter.of(meter, billing.usage(visitor.customer_id, meter.key, period)) for meter in meters]
    return UsageOfPeriod.of(period, used)


def list_own_invoices(embedding: TheEmbedding, visitor: TheVisitor, asked: AskedPage) -> Page[InvoiceShown]:
    return _invoices(embedding.billing, asked, visitor.customer_id)


def list_users(embedding: TheEmbedding, asked: AskedPage) -> Page[UserShown]:
    billing, place = embedding.billing, asked.place(_USERS)
    rows = billing.customers(after=None if place is None else str(place[0]), limit=asked.limit + 1)
    names = _plan_names(billing)

    def shown(customer: Any) -> UserShown:
        subscription = SubscriptionShown.of(current(billing, customer.id), names)
        return UserShown.of(customer, subscription, _quotas(billing, customer.id))

    return page(rows, asked.limit, shown, lambda customer: (customer.id,), kind=_USERS)


def list_all_invoices(embedding: TheEmbedding, asked: AskedPage) -> Page[InvoiceShown]:
    return _invoices(embedding.billing, asked, None)


async def receive_billing_webhook(request: Request) -> Response:
    """The same inbox as `/webhooks/stripe`."""
    return await received(request, embedding_of(request).billing)


def _invoices(billing: Tallystick, asked: PageQuery, customer_id: CustomerId | None) -> Page[InvoiceShown]:
    place = asked.place(_INVOICES)
    after = None if place is None else str(place[0])
    rows = billing.invoices(customer_id=customer_id, after=after, limit=asked.limit + 1)
    notes = billing.credit_notes_of(rows)
    return page(
        rows, asked.limit, lambda row: InvoiceShown.of(row, notes.get(row.id, ())), lambda invoice: (invoice.id,), kind=_INVOICES
    )


def _subscription_shown(billing: Tallystick, customer_id: CustomerId) -> SubscriptionShown:
    return SubscriptionShown.of(current(billing, customer_id), _plan_names(billing))


def _plan_names(billing: Tallystick) -> dict[str, str]:
    return {key: plan.display_name for key, plan in billing.plans().items()}


def _quotas(billing: Tallystick, customer_id: CustomerId) -> list[QuotaShown]:
    asked = ((meter, billing.check(customer_id, meter.key)) for meter in billing.meters().values())
    return [QuotaShown.of(meter, decision) for meter, decision in asked if decision.reason not in _NONE]


def _month(now: datetime) -> Period:
    period = Quota(None).period(now)
    assert period is not None, "a quota without more said is by the calendar month"
    return period


@asynccontextmanager
async def _working(app: FastAPI, embedding: Embedding | None) -> AsyncIterator[None]:
    """Jobs, and the sandbox where it stands for Stripe, beside a host's application; not where the engine works there already."""
    if embedding is None and (hasattr(app.state, "door") or hasattr(app.state, "tallystick")):
        yield
        return
    ours = await run_in_threadpool(default) if embedding is None else embedding
    mount_sandbox(app, ours)
    threads = background.started(ours.billing, ours.settings, None)
    try:
        yield
    finally:
        await run_in_threadpool(threads.stop)


def mount_sandbox(app: FastAPI, embedding: Embedding) -> None:
    """The pages of the sandbox, and where it sends its news; before the host's own routes, of which one may take everything.

    Not where Stripe is asked, nor where they are already.
    """
    billing = embedding.billing
    if billing.sandbox is None or any(getattr(route, "name", "") == "tallystick-sandbox" for route in app.router.routes):
        return
    from tallystick.wiring import sandbox_face

    news = router("billing", embedding, signed=True)
    news.post("/webhooks/stripe", dependencies=[PUBLIC], include_in_schema=False)(receive_billing_webhook)
    app.router.routes[:0] = [Mount("/sandbox", sandbox_face(billing.sandbox), name="tallystick-sandbox"), *news.routes]
