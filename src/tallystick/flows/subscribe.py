"""Put a customer on a plan, from now on or since a day in the past."""

from dataclasses import replace

from tallystick import domain
from tallystick.flows import _begin
from tallystick.flows._begin import Begun, Wanted
from tallystick.flows.context import Context


def subscribe(ctx: Context, wanted: Wanted, *, actor: str = "system") -> Begun:
    """The subscription and its first invoice. Raises InvalidInput for what is not offered, Conflict for a second of one plan."""
    return ctx.database.run("subscribe", lambda conn: _begin.begin(ctx, conn, wanted, actor=actor))


def preview_subscribe(ctx: Context, wanted: Wanted) -> Begun:
    """What `subscribe` would come to now, a coupon that is redeemed with it too; nothing is kept."""
    with ctx.database.rehearsal("preview subscribe") as conn:
        begun = _begin.begin(ctx, conn, wanted, actor="preview")
    return begun if begun.invoice is None else replace(begun, invoice=domain.invoices.undone(begun.invoice))
