"""The provider's news arrives: verified, kept and answered at once; what it means is settled afterwards."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tallystick.values.errors import InvalidInput
from tallystick.web import bodies
from tallystick.web.door import door_of, router
from tallystick.web.problems import Malformed
from tallystick.web.security import PUBLIC

routes = router("webhooks", plain=True)
_DELIVERY = {
    "parameters": [{"name": "Stripe-Signature", "in": "header", "required": True, "schema": {"type": "string"}}],
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
    "responses": {
        "200": {
            "description": "Kept, now or before.",
            "content": {"application/json": {"schema": {"type": "object", "properties": {"received": {"type": "boolean"}}}}},
        }
    },
}


@routes.post("/webhooks/stripe", dependencies=[PUBLIC], summary="Stripe's webhooks", openapi_extra=_DELIVERY)
async def receive_webhook(request: Request) -> Response:
    """Open to everybody, since its signature says who speaks. What is forged, stale or malformed is refused, and not kept."""
    door = door_of(request)
    raw = await bodies.read(request, bodies.BODY_BYTES_MAX)
    try:
        new = await run_in_threadpool(door.billing.receive, raw, dict(request.headers))
    except InvalidInput as refusal:
        door.metrics.webhooks.labels("refused").inc()
        raise Malformed(refusal.message, code=refusal.code, field=refusal.field) from None
    door.metrics.webhooks.labels("new" if new else "duplicate").inc()
    return JSONResponse({"received": True})


@routes.post("/api/billing/webhook", dependencies=[PUBLIC], summary="Stripe's webhooks, by another name", openapi_extra=_DELIVERY)
async def receive_billing_webhook(request: Request) -> Response:
    """The same inbox as `/webhooks/stripe`."""
    return await receive_webhook(request)
