"""Take an event out of the count: it stays as it was recorded, and is on no bill any more."""

from tallystick import domain, storage
from tallystick.domain.amendments import Amendment, EventName
from tallystick.flows import _amendments
from tallystick.flows.context import Context


def retract_event(ctx: Context, name: EventName, *, reason: str, actor: str = "system") -> Amendment:
    """The retraction as it stands; sent again, the first one. What was billed of the event is given back on the next bill.

    Raises NotFound; and Conflict where the event was corrected.
    """
    with ctx.database.transaction("retract event") as conn:
        first = _amendments.locked(conn, name)
        retraction = domain.amendments.retraction(first, reason=reason, actor=actor, at=ctx.clock.now())
        stands = storage.usage.amendment(conn, name)
        if stands is not None:
            domain.amendments.check_same(stands, retraction)
            return stands
        _amendments.save(ctx, conn, retraction, first)
        storage.audit.append(conn, _amendments.act(retraction, first), at=retraction.at)
    return retraction
