"""Let another event count in the place of one that was wrong; both stay as they were recorded."""

from tallystick import domain, storage
from tallystick.domain.amendments import Amendment, EventName
from tallystick.domain.usage import Event, Verdict
from tallystick.flows import _amendments
from tallystick.flows.context import Context
from tallystick.values.errors import Conflict


def correct_event(ctx: Context, name: EventName, said: Event, *, reason: str, actor: str = "system") -> Amendment:
    """The correction as it stands; sent again, the first one. What it changes in closed periods is on the next bill.

    Raises NotFound; InvalidInput where `said` cannot count in its place; and Conflict where the event was amended otherwise.
    """
    with ctx.database.transaction("correct event") as conn:
        first, now = _amendments.locked(conn, name), ctx.clock.now()
        meter = storage.catalog.meter(conn, first.meter_key)
        replacement = domain.amendments.replacement_for(first, said, meter, now=now)
        correction = domain.amendments.correction(first, replacement, reason=reason, actor=actor, at=now)
        stands = storage.usage.amendment(conn, name)
        if stands is not None:
            recorded = storage.usage.get_event(conn, replacement.customer_id, replacement.source, replacement.id)
            same = recorded is not None and recorded.fingerprint() == replacement.fingerprint()
            domain.amendments.check_same(stands, correction, same_content=same)
            return stands
        _amendments.save(ctx, conn, correction, first)
        assert meter is not None, "an event is of a meter"
        (verdict,) = storage.usage.append(conn, [(replacement, meter)], at=now)
        if verdict is not Verdict.RECORDED:
            raise Conflict(
                "replacement: an event of its customer, source and id was recorded before; give it an id of its own",
                code="replacement_recorded",
            )
        storage.audit.append(conn, _amendments.act(correction, first, replacement), at=now)
    return correction
