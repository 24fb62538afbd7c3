"""The provider's news arrives: verified, kept and answered at once; what it means is settled afterwards."""

from datetime import timedelta

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tallystick.app import Tallystick
from tallystick.domain.operations import NOTED_FROM
from tallystick.values.errors import InvalidInput
from tallystick.web import bodies
from tallystick.web.door import Door, door_of, router
from tallystick.web.problems import Malformed
from tallystick.web.security import PUBLIC

routes = router("webhooks", plain=True)
DELIVERY = {
    "parameters": [{"name": "Stripe-Signature", "in": "header", "required": True, "schema": {"type": "string"}}],
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
    "responses": {
        "200": {
            "description": "Kept, now or before.",
            "content": {"application/json": {"schema": {"type": "object", "properties": {"received": {"type": "boolean"}}}}},
        }
    },
}


@routes.post("/webhooks/stripe", dependencies=[PUBLIC], summary="Stripe's webhooks", openapi_extra=DELIVERY)
async def receive_webhook(request: Request) -> Response:
    """Open to everybody, since its signature says who speaks. What is forged, stale or malformed is refused, and not kept."""
    return await received(request, door_of(request).billing)


async def received(request: Request, billing: Tallystick) -> Response:
    """The answer to a delivery, which is kept by now."""
    door: Door | None = getattr(request.app.state, "door", None)
    clock = billing.context.clock
    started_at = clock.monotonic()
    raw = await bodies.read(request, bodies.BODY_BYTES_MAX)
    try:
        new = await run_in_threadpool(billing.receive, raw, dict(request.headers))
    except InvalidInput as refusal:
        _count(door, "refused")
        raise Malformed(refusal.message, code=refusal.code, field=refusal.field) from None
    _count(door, "new" if new else "duplicate")
    took = timedelta(seconds=max(clock.monotonic() - started_at, 0))
    if door is not None:
        door.metrics.webhook_seconds.observe(took.total_seconds())
    # Noted once the provider has its answer.
    slow = BackgroundTask(billing.observe_answer, took) if took >= NOTED_FROM else None
    return JSONResponse({"received": True}, background=slow)


def _count(door: Door | None, verdict: str) -> None:
    if door is not None:
        door.metrics.webhooks.labels(verdict).inc()
