"""What an app's user sees and does on the dashboard: their own usage, next invoice, payments, plan and limits."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.requests import Request

from tallystick.app import Tallystick
from tallystick.domain.alerts import THRESHOLDS_DEFAULT
from tallystick.domain.catalog import FlatPrice
from tallystick.domain.invoices import Invoice
from tallystick.domain.pace import pace
from tallystick.domain.plans import PlanVersion
from tallystick.domain.subscriptions import Status, Subscription
from tallystick.storage import reports
from tallystick.values.decimals import EXACT
from tallystick.values.errors import NotFound, ProviderRefused
from tallystick.values.ids import CustomerId, MeterKey
from tallystick.values.time import Period
from tallystick.web.billing_schemas import PageBody, PageShown
from tallystick.web.credit_schemas import GrantShown
from tallystick.web.dunning_schemas import DunningShown
from tallystick.web.embedding import Embedding, TheEmbedding, TheVisitor, Visitor, router
from tallystick.web.invoice_schemas import ExplanationShown, PaymentShown
from tallystick.web.message_schemas import AlertShown
from tallystick.web.own_schemas import (
    ComingInvoice,
    ComingShown,
    DaysShown,
    OfferedShown,
    OwnChangeBody,
    OwnCreditsShown,
    OwnLimitsShown,
    OwnThresholdsBody,
    OwnThresholdsShown,
)
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.periods import summed_period
from tallystick.web.plan_schemas import PlanShown
from tallystick.web.quota_schemas import SpendShown
from tallystick.web.schemas import Key
from tallystick.web.security import SIGNED_IN
from tallystick.web.subscription_schemas import (
    ActPreviewShown,
    AgreementShown,
    CancelBody,
    ChangedShown,
    EntitlementsShown,
)

_ALERTS = "billing_alerts"
_Id = Annotated[Key, Path()]
_UNKNOWN: dict[int | str, dict[str, Any]] = {503: {"description": "The provider's answer is not known; ask again."}}


def own_routes(embedding: Embedding | None = None) -> APIRouter:
    """The routes; of this embedding, or of the one that their application has."""
    routes = router("billing", embedding)
    mine = [SIGNED_IN]
    routes.get("/billing/plans", dependencies=mine, summary="The plans that one can choose")(list_offered_plans)
    routes.get("/billing/entitlements", dependencies=mine, summary="Features, and quotas as they stand")(get_own_entitlements)
    routes.get("/billing/usage/days", dependencies=mine, summary="The usage of a meter, day by day")(get_own_days)
    routes.get("/billing/upcoming", dependencies=mine, summary="The next invoice, as things stand")(get_own_upcoming)
    routes.get("/billing/credits", dependencies=mine, summary="Credits that are left")(get_own_credits)
    routes.get("/billing/alerts", dependencies=mine, summary="What one was told of, newest first")(list_own_alerts)
    routes.get("/billing/limits", dependencies=mine, summary="When one is told, and what caps the spending")(get_own_limits)
    routes.put("/billing/alert-thresholds", dependencies=mine, summary="Say when to be told of a quota's use")(put_own_thresholds)
    routes.get("/billing/invoices/{invoice_id}", dependencies=mine, summary="One invoice, explained")(get_own_invoice)
    routes.get(
        "/billing/invoices/{invoice_id}/dunning", dependencies=mine, summary="What happens about a payment that failed"
    )(get_own_dunning)  # fmt: skip
    routes.post(
        "/billing/invoices/{invoice_id}/pay", dependencies=mine, summary="Pay an open invoice", responses=_UNKNOWN
    )(pay_own_invoice)  # fmt: skip
    routes.post(
        "/billing/invoices/{invoice_id}/checkout", dependencies=mine, summary="The provider's page to pay an open invoice on",
        responses=_UNKNOWN,
    )(pay_own_invoice_on_page)  # fmt: skip
    routes.post("/billing/subscription/preview", dependencies=mine, summary="What another plan would cost")(preview_own_change)
    routes.post("/billing/subscription/cancel/preview", dependencies=mine, summary="What the end comes to")(preview_own_cancel)
    routes.post(
        "/billing/subscription/previews/{preview_id}/accept", dependencies=mine, summary="Make the change that was shown"
    )(accept_own_preview)  # fmt: skip
    routes.post("/billing/subscription/undo", dependencies=mine, summary="Take a change back before it comes")(undo_own_change)
    return routes


def list_offered_plans(embedding: TheEmbedding) -> OfferedShown:
    """The smallest fee first."""
    offered = [plan for plan in embedding.billing.plans().values() if not plan.add_on]
    return OfferedShown(data=[PlanShown.of(plan) for plan in sorted(offered, key=_fee)])


def get_own_entitlements(embedding: TheEmbedding, visitor: TheVisitor) -> EntitlementsShown:
    """Nothing, for somebody whom the engine has not met yet."""
    try:
        return EntitlementsShown.of(embedding.billing.entitlements(visitor.customer_id))
    except NotFound:
        return EntitlementsShown(customer=visitor.customer_id, features=[], quotas=[])


def get_own_days(
    embedding: TheEmbedding,
    visitor: TheVisitor,
    meter: Annotated[Key, Query()],
    since: Annotated[str, Query(alias="from", max_length=40)],
    until: Annotated[str | None, Query(max_length=40)] = None,
) -> DaysShown:
    return days_shown(embedding.billing, visitor.customer_id, meter, since, until)


def get_own_upcoming(embedding: TheEmbedding, visitor: TheVisitor) -> ComingShown:
    """By the steps of the invoice itself; nothing is kept."""
    return coming(embedding.billing, visitor.customer_id)


def get_own_credits(embedding: TheEmbedding, visitor: TheVisitor) -> OwnCreditsShown:
    if not _is_known(embedding.billing, visitor.customer_id):
        return OwnCreditsShown(data=[])
    left = [grant for grant in embedding.billing.credits(visitor.customer_id) if grant.remaining.minor]
    return OwnCreditsShown(data=[GrantShown.of(grant) for grant in left])


def list_own_alerts(embedding: TheEmbedding, visitor: TheVisitor, asked: AskedPage) -> Page[AlertShown]:
    place = asked.place(_ALERTS)
    after = None if place is None else str(place[0])
    rows = embedding.billing.alerts(customer_id=visitor.customer_id, after=after, limit=asked.limit + 1)
    return page(rows, asked.limit, AlertShown.of, lambda alert: (alert.id,), kind=_ALERTS)


def get_own_limits(embedding: TheEmbedding, visitor: TheVisitor) -> OwnLimitsShown:
    billing = embedding.billing
    spend = billing.spend(visitor.customer_id) if _is_known(billing, visitor.customer_id) else None
    with billing.context.database.reading() as conn:
        told = reports.thresholds(conn, visitor.customer_id)
    thresholds = [
        OwnThresholdsShown(meter=meter, thresholds=list(told.get(meter, THRESHOLDS_DEFAULT))) for meter in billing.meters()
    ]
    return OwnLimitsShown(cap=None if spend is None else SpendShown.of(spend), thresholds=thresholds)


def put_own_thresholds(embedding: TheEmbedding, visitor: TheVisitor, body: OwnThresholdsBody) -> OwnThresholdsShown:
    """Each is told once in a period."""
    found = embedding.billing.set_alert_thresholds(visitor.customer_id, body.meter, body.thresholds)
    return OwnThresholdsShown(meter=body.meter, thresholds=list(found))


def get_own_invoice(embedding: TheEmbedding, visitor: TheVisitor, invoice_id: _Id) -> ExplanationShown:
    """Down to the first of its events, with its payment as it stands."""
    invoice = _own(embedding.billing, visitor, invoice_id)
    return ExplanationShown.of(embedding.billing.explain(invoice.id, events_max=5))


def get_own_dunning(embedding: TheEmbedding, visitor: TheVisitor, invoice_id: _Id) -> DunningShown:
    """With each try, and when the next one is. 404 where no payment has failed."""
    return DunningShown.of(embedding.billing.dunning(_own(embedding.billing, visitor, invoice_id).id))


def pay_own_invoice(embedding: TheEmbedding, visitor: TheVisitor, invoice_id: _Id) -> PaymentShown:
    """The payment as far as it goes now; its `url` is the page to pay on. Asked twice, it is one payment."""
    invoice = _own(embedding.billing, visitor, invoice_id)
    collected = embedding.billing.collect(invoice.id)
    if collected.refusal is not None:
        raise ProviderRefused(f"the provider will not do it: {collected.refusal.message}", code="provider_refused")
    return PaymentShown.of(collected.payment)


def pay_own_invoice_on_page(
    request: Request, embedding: TheEmbedding, visitor: TheVisitor, invoice_id: _Id, body: PageBody
) -> PageShown:
    """Send the browser to `url`; it comes back to one of the two addresses, which must be on an allowed origin.

    One page at a time, and nothing else collects the invoice while it is open. What is not open: 409.
    """
    payment = embedding.billing.pay_on_page(
        invoice_id,
        success_url=body.success_url,
        cancel_url=body.cancel_url,
        customer_id=visitor.customer_id,
        allowed_origins=embedding.origins(request),
        actor=_actor(visitor),
    )
    return PageShown.of(payment)


def preview_own_change(embedding: TheEmbedding, visitor: TheVisitor, body: OwnChangeBody) -> ActPreviewShown:
    """To accept within half an hour: what it shows is what is charged."""
    subscription = _subscribed(embedding.billing, visitor)
    return ActPreviewShown.of(embedding.billing.preview_change(subscription.id, plan=body.plan, interval=body.interval))


def preview_own_cancel(embedding: TheEmbedding, visitor: TheVisitor, body: CancelBody) -> ActPreviewShown:
    subscription = _subscribed(embedding.billing, visitor)
    return ActPreviewShown.of(embedding.billing.preview_cancel(subscription.id, now=body.now, credit_unused=body.credit_unused))


def accept_own_preview(embedding: TheEmbedding, visitor: TheVisitor, preview_id: _Id) -> ChangedShown:
    """For exactly what was shown; expired or overtaken: 409. Accepted twice is accepted once."""
    with embedding.billing.context.database.reading() as conn:
        if not reports.is_preview_of(conn, visitor.customer_id, preview_id):
            raise NotFound("preview: there is no such preview", field="preview_id")
    return ChangedShown.of(embedding.billing.accept_preview(preview_id, actor=_actor(visitor)))


def undo_own_change(embedding: TheEmbedding, visitor: TheVisitor) -> AgreementShown:
    """The subscription goes on as it is, neither ended nor changed."""
    subscription = _subscribed(embedding.billing, visitor)
    return AgreementShown.of(embedding.billing.undo_change(subscription.id, actor=_actor(visitor)))


def current(billing: Tallystick, customer_id: CustomerId) -> Subscription | None:
    """The one that counts: not ended, if there is such a one; else the newest."""
    found = billing.subscriptions(customer_id=customer_id)
    living = [subscription for subscription in found if subscription.status is not Status.CANCELED]
    return max(living or found, key=lambda subscription: subscription.started_at, default=None)


def coming(billing: Tallystick, customer_id: CustomerId) -> ComingShown:
    """One invoice for each subscription that goes on, and one per currency for what is billed without any."""
    if not _is_known(billing, customer_id):
        return ComingShown(data=[])
    living = [each for each in billing.subscriptions(customer_id=customer_id) if each.status is not Status.CANCELED]
    drafts = [(billing.upcoming(each.id), each.period.end, billing.upcoming(each.id, at_pace=True)) for each in living]
    with_plans = [ComingInvoice.of(draft, end, at_pace) for draft, end, at_pace in drafts if draft is not None]
    return ComingShown(data=[*with_plans, *(ComingInvoice.of(draft) for draft in billing.preview(customer_id))])


def days_shown(billing: Tallystick, customer_id: CustomerId, meter_key: str, since: str, until: str | None) -> DaysShown:
    """Day by day, with as long a time before it to compare with, and what it comes to at this pace."""
    now: datetime = billing.context.clock.now()
    period = summed_period(since, until, now=now)
    before = Period(period.start - (period.end - period.start), period.start)
    meter = billing.meters().get(MeterKey(meter_key))
    if meter is None:
        raise NotFound("meter: there is no such meter", field="meter")
    with billing.context.database.reading() as conn:
        days, days_before = (reports.usage_by_day(conn, customer_id, meter, each) for each in (period, before))
    used = Decimal(0)
    for _, quantity in days:
        used = EXACT.add(used, quantity)
    return DaysShown.of(meter, period, days, days_before, pace=pace(meter, used, period, now=now))


def _fee(plan: PlanVersion) -> Decimal:
    """What stands first on its price list, to sort by: whatever it is in."""
    prices = (priced.price for charge in plan.charges for priced in charge.prices)
    return next((price.amount for price in prices if isinstance(price, FlatPrice)), Decimal(0))


def _is_known(billing: Tallystick, customer_id: CustomerId) -> bool:
    try:
        billing.customer(customer_id)
    except NotFound:
        return False
    return True


def _own(billing: Tallystick, visitor: Visitor, invoice_id: str) -> Invoice:
    """Not theirs and not there look the same."""
    invoice = billing.invoice(invoice_id)
    if invoice.customer_id != visitor.customer_id:
        raise NotFound("invoice: there is no such invoice", field="invoice")
    return invoice


def _subscribed(billing: Tallystick, visitor: Visitor) -> Subscription:
    subscription = current(billing, visitor.customer_id)
    if subscription is None or subscription.status is Status.CANCELED:
        raise NotFound("subscription: there is none yet; choose a plan first", field="subscription")
    return subscription


def _actor(visitor: Visitor) -> str:
    return f"customer:{visitor.customer_id}" if visitor.account is None else f"account:{visitor.account.id}"
