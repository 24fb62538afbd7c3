"""Ask how much of a customer's spend cap is used."""

from tallystick import storage
from tallystick.domain.spend_caps import Spend
from tallystick.flows import _spend
from tallystick.flows.context import Context
from tallystick.values.ids import CustomerId


def check_spend(ctx: Context, customer_id: CustomerId) -> Spend | None:
    """How the cap stands now, rated live; None where nothing caps what the customer spends."""
    with ctx.database.reading() as conn:
        cap = storage.spend_caps.get(conn, customer_id)
        return None if cap is None else _spend.standing(conn, cap, at=ctx.clock.now())
