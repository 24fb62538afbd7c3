"""Keys that open /v1."""

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from tallystick.domain.api_keys import IssuedKey
from tallystick.web.door import Billing, Caller, Scope, TheDoor, router
from tallystick.web.once import IdempotencyKey, answered_once
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.schemas import ApiKeyBody, ApiKeyShown, IssuedKeyShown, Key
from tallystick.web.security import needs

routes = router("api_keys")
_KIND = "api_keys"
_ADMIN = [needs(Scope.ADMIN)]


@routes.post("/v1/api-keys", dependencies=_ADMIN, summary="Make a key", response_model=IssuedKeyShown, status_code=201)
def create_api_key(billing: Billing, caller: Caller, body: ApiKeyBody, key: IdempotencyKey = None) -> Response:
    """Its token is in this answer and nowhere else; what is kept under an idempotency key has none."""
    made: list[IssuedKey] = []

    def effect() -> tuple[int, str]:
        made.append(billing.create_api_key(body.name, body.scopes, life=body.life, actor=caller.actor))
        return 201, IssuedKeyShown.issued(made[-1]).model_copy(update={"token": None}).model_dump_json()

    answer, replayed = answered_once(billing, key, "POST /v1/api-keys", body, effect)
    if replayed:
        return answer
    return Response(IssuedKeyShown.issued(made[-1]).model_dump_json(), 201, media_type="application/json")


@routes.get("/v1/api-keys", dependencies=_ADMIN, summary="Every key, without its secret")
def list_api_keys(billing: Billing, asked: AskedPage) -> Page[ApiKeyShown]:
    place = asked.place(_KIND)
    rows = billing.api_keys(after=None if place is None else str(place[0]), limit=asked.limit + 1)
    return page(rows, asked.limit, ApiKeyShown.of, lambda found: (found.key_id,), kind=_KIND)


@routes.delete("/v1/api-keys/{key_id}", dependencies=_ADMIN, summary="Close the door to a key, at once")
def revoke_api_key(door: TheDoor, caller: Caller, key_id: Annotated[Key, Path()]) -> ApiKeyShown:
    revoked = door.billing.revoke_api_key(key_id, actor=caller.actor)
    door.keys.forget(key_id)
    return ApiKeyShown.of(revoked)
