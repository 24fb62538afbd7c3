"""Ask whether so much may be used now. Nothing is taken: who means to use it consumes or reserves."""

from tallystick.domain.entitlements import Decision
from tallystick.flows import _quota, _spend
from tallystick.flows._quota import Standing, Use
from tallystick.flows.context import Context


def check_quota(ctx: Context, use: Use) -> Decision:
    """The decision as it would be at this instant, and how the quota stands."""
    with ctx.database.reading() as conn:
        found = _quota.standing(ctx, conn, use.customer_id, use.meter_key)
        if not isinstance(found, Standing):
            return _quota.denied(found)
        return _spend.capped(conn, found, found.decide(use.quantity), use.quantity, lock=False).decision
