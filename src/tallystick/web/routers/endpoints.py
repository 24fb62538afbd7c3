"""Endpoints of others, to which messages are sent: made, changed, tested, removed."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel
from starlette.responses import Response

from tallystick.app import Tallystick
from tallystick.domain.messages import IssuedEndpoint
from tallystick.web.door import Billing, Caller, Scope, router
from tallystick.web.message_schemas import (
    EndpointBody,
    EndpointChange,
    EndpointShown,
    IssuedEndpointShown,
    MessageShown,
    RemovedEndpoint,
    RotationBody,
)
from tallystick.web.once import IdempotencyKey, answered_once
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.schemas import Key
from tallystick.web.security import needs

routes = router("webhook_endpoints")
_KIND = "webhook_endpoints"
_ADMIN = [needs(Scope.ADMIN)]
_PATH = "/v1/webhook-endpoints"
_Id = Annotated[Key, Path()]


@routes.post(_PATH, dependencies=_ADMIN, summary="Tell this address", response_model=IssuedEndpointShown, status_code=201)
def create_webhook_endpoint(billing: Billing, caller: Caller, body: EndpointBody, key: IdempotencyKey = None) -> Response:
    """Its secret is in this answer and nowhere else; what is kept under an idempotency key has none."""

    def make() -> IssuedEndpoint:
        return billing.create_endpoint(body.url, body.types, customer_id=body.customer, actor=caller.actor)

    return _issued(billing, key, f"POST {_PATH}", body, make)


@routes.get(_PATH, dependencies=_ADMIN, summary="Every endpoint, without its secret")
def list_webhook_endpoints(billing: Billing, asked: AskedPage) -> Page[EndpointShown]:
    place = asked.place(_KIND)
    rows = billing.endpoints(after=None if place is None else str(place[0]), limit=asked.limit + 1)
    return page(rows, asked.limit, EndpointShown.of, lambda found: (found.id,), kind=_KIND)


@routes.get(f"{_PATH}/{{endpoint_id}}", dependencies=_ADMIN, summary="One endpoint")
def get_webhook_endpoint(billing: Billing, endpoint_id: _Id) -> EndpointShown:
    return EndpointShown.of(billing.endpoint(endpoint_id))


@routes.patch(f"{_PATH}/{{endpoint_id}}", dependencies=_ADMIN, summary="Change an endpoint, or switch it on or off")
def update_webhook_endpoint(billing: Billing, caller: Caller, endpoint_id: _Id, body: EndpointChange) -> EndpointShown:
    """One that was disabled because it failed is enabled here, and what it missed is sent again by hand."""
    changed = billing.update_endpoint(endpoint_id, url=body.url, types=body.types, enabled=body.enabled, actor=caller.actor)
    return EndpointShown.of(changed)


@routes.delete(f"{_PATH}/{{endpoint_id}}", dependencies=_ADMIN, summary="Send nothing more to this address")
def remove_webhook_endpoint(billing: Billing, caller: Caller, endpoint_id: _Id) -> RemovedEndpoint:
    billing.remove_endpoint(endpoint_id, actor=caller.actor)
    return RemovedEndpoint(id=endpoint_id)


@routes.post(
    f"{_PATH}/{{endpoint_id}}/rotate-secret", dependencies=_ADMIN, summary="A new secret", response_model=IssuedEndpointShown
)
def rotate_webhook_secret(
    billing: Billing, caller: Caller, endpoint_id: _Id, body: RotationBody, key: IdempotencyKey = None
) -> Response:
    """Until the overlap is over, messages carry a signature under each of the two."""

    def make() -> IssuedEndpoint:
        return billing.rotate_endpoint_secret(endpoint_id, overlap=body.overlap, actor=caller.actor)

    return _issued(billing, key, f"POST {_PATH}/{endpoint_id}/rotate-secret", body, make, status=200)


@routes.post(f"{_PATH}/{{endpoint_id}}/test", dependencies=_ADMIN, summary="Send a message to try it out", status_code=202)
def try_webhook_endpoint(billing: Billing, caller: Caller, endpoint_id: _Id) -> MessageShown:
    """Of the type `endpoint.test`, whatever types it wants; each call sends another one, so no `Idempotency-Key` is kept."""
    message = billing.test_endpoint(endpoint_id, actor=caller.actor)
    return MessageShown.of(billing.message(message.id))


def _issued(
    billing: Tallystick, key: str | None, route: str, body: BaseModel, make: Callable[[], IssuedEndpoint], *, status: int = 201
) -> Response:
    made: list[IssuedEndpoint] = []

    def effect() -> tuple[int, str]:
        made.append(make())
        return status, IssuedEndpointShown.issued(made[-1]).model_copy(update={"secret": None}).model_dump_json()

    answer, replayed = answered_once(billing, key, route, body, effect)
    if replayed:
        return answer
    return Response(IssuedEndpointShown.issued(made[-1]).model_dump_json(), status, media_type="application/json")
