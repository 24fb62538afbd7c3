"""A webhook arrives: verified, kept once, and answered; what it means is settled afterwards."""

from collections.abc import Mapping

from tallystick import storage
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName


def receive_provider_event(ctx: Context, body: bytes, headers: Mapping[str, str]) -> bool:
    """Whether the delivery was new. Raises InvalidInput for one that is forged, stale or malformed; nothing is stored then."""
    now = ctx.clock.now()
    delivery = ctx.provider.verify(body, headers, now=now)
    with ctx.database.transaction("receive provider event") as conn:
        new = storage.provider_events.keep(conn, delivery, provider=ctx.provider.name, at=now)
        if new:
            storage.jobs.enqueue(conn, JobName.SETTLE, delivery.id, run_at=now)
        else:
            ctx.faults.mark("provider_event.duplicate")
    return new
