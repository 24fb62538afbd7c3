"""Settle a delivery once more: after what it was parked for is mended, or to be sure."""

from tallystick import storage
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName
from tallystick.storage.provider_events import Stored
from tallystick.values.errors import NotFound


def replay_provider_event(ctx: Context, delivery_id: str, *, actor: str = "system") -> Stored:
    """The delivery, new again, with a job to settle it. It asks how things stand now, so that twice is once. Raises NotFound."""
    now = ctx.clock.now()
    with ctx.database.transaction("replay provider event") as conn:
        before = storage.provider_events.get(conn, delivery_id)
        if before is None:
            raise NotFound("delivery: there is no such delivery", field="delivery")
        stored = storage.provider_events.renew(conn, before)
        storage.jobs.enqueue(conn, JobName.SETTLE, delivery_id, run_at=now)
        said = {"was": before.settlement.value, "reason": before.reason}
        storage.audit.append(conn, storage.audit.Act(actor, "delivery.replayed", delivery_id, before=said), at=now)
    return stored
