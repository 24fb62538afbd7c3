"""Who is on which plan: subscribed, previewed, changed, paused and ended."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import BaseModel
from starlette.responses import Response

from tallystick.app import Tallystick
from tallystick.domain.subscriptions import Subscription
from tallystick.flows._change import Changed
from tallystick.web.door import Billing, Caller, Scope, router
from tallystick.web.once import IdempotencyKey, answered_once
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.schemas import Key, Sent
from tallystick.web.security import needs
from tallystick.web.subscription_schemas import (
    ActPreviewShown,
    AgreementShown,
    BegunShown,
    CancelBody,
    ChangeBody,
    ChangedShown,
    EntitlementsShown,
    SubscribeBody,
    UpcomingShown,
)

routes = router("subscriptions")
_KIND = "subscriptions"
_READS, _WRITES = [needs(Scope.BILLING_READ)], [needs(Scope.BILLING_WRITE)]
_Id = Annotated[Key, Path()]
_Status = Literal["trialing", "active", "past_due", "unpaid", "paused", "canceled"]


@routes.post(
    "/v1/subscriptions", dependencies=_WRITES, summary="Put a customer on a plan", response_model=BegunShown, status_code=201
)
def subscribe(billing: Billing, caller: Caller, body: SubscribeBody, key: IdempotencyKey = None) -> Response:
    """Its first fees are invoiced, and what it grants may be used. A second one of a plan needs an `op` of its own: 409."""

    def effect() -> tuple[int, str]:
        begun = billing.subscribed(body.customer, body.plan, actor=caller.actor, **body.wanted)
        return 201, BegunShown.of(begun).model_dump_json()

    return answered_once(billing, key, "POST /v1/subscriptions", body, effect)[0]


@routes.post("/v1/subscriptions/preview", dependencies=_READS, summary="What subscribing would cost now")
def preview_subscription(billing: Billing, body: SubscribeBody) -> BegunShown:
    """By the very steps of subscribing, its coupon redeemed; nothing is kept."""
    return BegunShown.of(billing.preview_subscribe(body.customer, body.plan, **body.wanted))


@routes.get("/v1/subscriptions", dependencies=_READS, summary="Subscriptions by id")
def list_subscriptions(
    billing: Billing,
    asked: AskedPage,
    customer: Annotated[Key | None, Query()] = None,
    status: Annotated[_Status | None, Query()] = None,
    plan: Annotated[Key | None, Query()] = None,
) -> Page[AgreementShown]:
    place = asked.place(_KIND)
    after = None if place is None else str(place[0])
    rows = billing.subscriptions(customer, status=status, plan=plan, after=after, limit=asked.limit + 1)
    return page(rows, asked.limit, AgreementShown.of, lambda subscription: (subscription.id,), kind=_KIND)


@routes.get("/v1/subscriptions/{subscription_id}", dependencies=_READS, summary="One subscription")
def get_subscription(billing: Billing, subscription_id: _Id) -> AgreementShown:
    return AgreementShown.of(billing.subscription(subscription_id))


@routes.get("/v1/subscriptions/{subscription_id}/upcoming", dependencies=_READS, summary="The invoice at the end of its period")
def get_upcoming_invoice(billing: Billing, subscription_id: _Id) -> UpcomingShown:
    """As it would be if nothing more were used: usage so far, and the fees of the next period. Nothing is kept."""
    return UpcomingShown.of(billing.upcoming(subscription_id))


@routes.post(
    "/v1/subscriptions/{subscription_id}/preview",
    dependencies=_WRITES,
    summary="What a change would cost",
    response_model=ActPreviewShown,
    status_code=201,
)
def preview_change(billing: Billing, subscription_id: _Id, body: ChangeBody, key: IdempotencyKey = None) -> Response:
    """A preview to accept within half an hour: what it shows is what is charged. What is over is invoiced first."""

    return _shown(billing, key, subscription_id, body, lambda: billing.preview_change(subscription_id, **body.model_dump()))


@routes.post(
    "/v1/subscriptions/{subscription_id}/cancel/preview",
    dependencies=_WRITES,
    summary="What an end would come to",
    response_model=ActPreviewShown,
    status_code=201,
)
def preview_cancel(billing: Billing, subscription_id: _Id, body: CancelBody, key: IdempotencyKey = None) -> Response:
    """To accept as that of a change; so are the two below."""

    def previewed() -> Changed:
        return billing.preview_cancel(subscription_id, now=body.now, credit_unused=body.credit_unused)

    return _shown(billing, key, f"{subscription_id}/cancel", body, previewed)


@routes.post(
    "/v1/subscriptions/{subscription_id}/pause/preview",
    dependencies=_WRITES,
    summary="What a pause would come to",
    response_model=ActPreviewShown,
    status_code=201,
)
def preview_pause(billing: Billing, subscription_id: _Id, key: IdempotencyKey = None) -> Response:
    return _shown(billing, key, f"{subscription_id}/pause", Sent(), lambda: billing.preview_pause(subscription_id))


@routes.post(
    "/v1/subscriptions/{subscription_id}/resume/preview",
    dependencies=_WRITES,
    summary="What a return would come to",
    response_model=ActPreviewShown,
    status_code=201,
)
def preview_resume(billing: Billing, subscription_id: _Id, key: IdempotencyKey = None) -> Response:
    return _shown(billing, key, f"{subscription_id}/resume", Sent(), lambda: billing.preview_resume(subscription_id))


@routes.post(
    "/v1/subscription-previews/{preview_id}/accept",
    dependencies=_WRITES,
    summary="Make the change that was shown",
    response_model=ChangedShown,
)
def accept_preview(billing: Billing, caller: Caller, preview_id: _Id, key: IdempotencyKey = None) -> Response:
    """For exactly what was shown. Expired, or overtaken by something else: 409. Accepted twice is accepted once."""

    def effect() -> tuple[int, str]:
        return 200, ChangedShown.of(billing.accept_preview(preview_id, actor=caller.actor)).model_dump_json()

    return answered_once(billing, key, f"POST /v1/subscription-previews/{preview_id}/accept", Sent(), effect)[0]


@routes.post(
    "/v1/subscriptions/{subscription_id}/change",
    dependencies=_WRITES,
    summary="Change a subscription",
    response_model=ChangedShown,
)
def change_subscription(
    billing: Billing, caller: Caller, subscription_id: _Id, body: ChangeBody, key: IdempotencyKey = None
) -> Response:
    """Without a preview: at once, with its cost on one invoice, or agreed for the end of the period."""

    def effect() -> tuple[int, str]:
        changed = billing.change_subscription(subscription_id, actor=caller.actor, **body.model_dump())
        return 200, ChangedShown.of(changed).model_dump_json()

    return answered_once(billing, key, f"POST /v1/subscriptions/{subscription_id}/change", body, effect)[0]


@routes.post(
    "/v1/subscriptions/{subscription_id}/cancel",
    dependencies=_WRITES,
    summary="End a subscription",
    response_model=AgreementShown,
)
def cancel_subscription(
    billing: Billing, caller: Caller, subscription_id: _Id, body: CancelBody, key: IdempotencyKey = None
) -> Response:
    """With its period, which can be undone until then; or now, with an invoice of its usage so far. Twice is once."""

    def ended() -> Subscription:
        return billing.cancel(subscription_id, now=body.now, credit_unused=body.credit_unused, actor=caller.actor)

    return _kept(billing, key, f"{subscription_id}/cancel", body, ended)


@routes.post(
    "/v1/subscriptions/{subscription_id}/undo",
    dependencies=_WRITES,
    summary="Take back what was agreed for the end of the period",
    response_model=AgreementShown,
)
def undo_change(billing: Billing, caller: Caller, subscription_id: _Id, key: IdempotencyKey = None) -> Response:
    """It goes on as it is, neither ended nor changed."""
    return _kept(
        billing, key, f"{subscription_id}/undo", Sent(), lambda: billing.undo_change(subscription_id, actor=caller.actor)
    )


@routes.post(
    "/v1/subscriptions/{subscription_id}/pause",
    dependencies=_WRITES,
    summary="Pause a subscription",
    response_model=AgreementShown,
)
def pause_subscription(billing: Billing, caller: Caller, subscription_id: _Id, key: IdempotencyKey = None) -> Response:
    """Usage so far is invoiced, the unused rest of the fees given back; nothing may be used until it is resumed."""
    return _kept(billing, key, f"{subscription_id}/pause", Sent(), lambda: billing.pause(subscription_id, actor=caller.actor))


@routes.post(
    "/v1/subscriptions/{subscription_id}/resume",
    dependencies=_WRITES,
    summary="Take a paused subscription up again",
    response_model=AgreementShown,
)
def resume_subscription(billing: Billing, caller: Caller, subscription_id: _Id, key: IdempotencyKey = None) -> Response:
    """In a period that begins now, whose fees are invoiced."""
    return _kept(billing, key, f"{subscription_id}/resume", Sent(), lambda: billing.resume(subscription_id, actor=caller.actor))


@routes.get(
    "/v1/customers/{customer_id:tallystick_key}/entitlements",
    dependencies=[needs(Scope.USAGE_READ)],
    summary="What a customer may use now",
)
def list_entitlements(billing: Billing, customer_id: Annotated[Key, Path(description="Your own id.")]) -> EntitlementsShown:
    """The features of their plans, and each quota as it stands, from plans and grants."""
    return EntitlementsShown.of(billing.entitlements(customer_id))


def _shown(billing: Tallystick, key: str | None, what: str, asked: BaseModel, look: Callable[[], Changed]) -> Response:
    """The preview, kept once per key."""

    def effect() -> tuple[int, str]:
        return 201, ActPreviewShown.of(look()).model_dump_json()

    return answered_once(billing, key, f"POST /v1/subscriptions/{what}/preview", asked, effect)[0]


def _kept(billing: Tallystick, key: str | None, what: str, asked: BaseModel, act: Callable[[], Subscription]) -> Response:
    """The subscription after the act, done once per key."""

    def effect() -> tuple[int, str]:
        return 200, AgreementShown.of(act()).model_dump_json()

    return answered_once(billing, key, f"POST /v1/subscriptions/{what}", asked, effect)[0]
