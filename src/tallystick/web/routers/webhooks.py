"""The provider's news arrives: verified, kept and answered at once; what it means is settled afterwards."""

from datetime import timedelta

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tallystick.app import Tallystick
from tallystick.domain.operations import NOTED_FROM
from tallystick.values.errors import InvalidInput, TallystickError
from tallystick.web import bodies, problems
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
    """The answer to a delivery, which is kept by now. Each answer counts, one that refuses it as well."""
    door: Door | None = getattr(request.app.state, "door", None)
    clock = billing.context.clock
    started_at = clock.monotonic()

    def answered(outcome: str, status: int) -> timedelta:
        took = timedelta(seconds=max(clock.monotonic() - started_at, 0))
        if door is not None:
            door.metrics.received(outcome, status, took.total_seconds())
        return took

    try:
        new = await _kept(request, billing)
    except Exception as error:
        status = problems.status_of(error) if isinstance(error, TallystickError) else 500
        answered("refused" if status < 500 else "failed", status)
        raise
    took = answered("new" if new else "duplicate", 200)
    # Noted once the provider has its answer.
    slow = BackgroundTask(billing.observe_answer, took) if took >= NOTED_FROM else None
    return JSONResponse({"received": True}, background=slow)


async def _kept(request: Request, billing: Tallystick) -> bool:
    """Whether it is new. Raises Malformed for one that is forged, stale, or not what it says it is."""
    raw = await bodies.read(request, bodies.BODY_BYTES_MAX)
    try:
        return await run_in_threadpool(billing.receive, raw, dict(request.headers))
    except InvalidInput as refusal:
        raise Malformed(refusal.message, code=refusal.code, field=refusal.field) from None
