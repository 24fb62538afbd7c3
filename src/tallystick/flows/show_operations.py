"""How the business does now: each vital sign measured, and since when it is as it is."""

from tallystick import domain, storage
from tallystick.domain.operations import Watch
from tallystick.flows import _operations
from tallystick.flows.context import Context


def show_operations(ctx: Context) -> list[Watch]:
    """A row for each vital sign; nothing is written, and nothing told."""
    now = ctx.clock.now()
    with ctx.database.reading() as conn:
        before = storage.operations.watches(conn)
        found = _operations.measured(ctx, conn)
    limits = ctx.outgoing.vitals.limits
    return [domain.operations.watched(before.get(each.vital), each, limits[each.vital], now=now) for each in found]
