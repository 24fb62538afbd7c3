"""Ask whether so much may be used now. Nothing is taken: who means to use it consumes or reserves."""

from tallystick.domain.entitlements import Decision
from tallystick.flows import _quota
from tallystick.flows._quota import Standing, Use
from tallystick.flows.context import Context


def check_quota(ctx: Context, use: Use) -> Decision:
    """The decision as it would be at this instant, and how the quota stands."""
    with ctx.database.reading() as conn:
        found = _quota.standing(ctx, conn, use.customer_id, use.meter_key)
    return found.decide(use.quantity) if isinstance(found, Standing) else _quota.denied(found)
