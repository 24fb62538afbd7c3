"""Where each charge is one too many for the day it is held, until somebody who looks after it lets it go."""

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from tallystick.flows import release_payment
from tallystick.values.errors import Busy, Conflict
from tallystick.values.ids import InvoiceId
from tests.simulation.world import Actor

if TYPE_CHECKING:
    from tests.simulation.world import World

_HELD = """
SELECT invoice_id FROM tallystick_payments
WHERE held IS NOT NULL AND released_at IS NULL AND status NOT IN ('succeeded', 'canceled') ORDER BY id
"""


class Guard(Actor):
    """Looks through what is held every few hours, and does not rest before all of it is released."""

    name = "guard"

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self.is_done = False

    def step(self) -> timedelta | None:
        world = self.world
        with world.database.reading() as conn:
            held = [InvoiceId(row.invoice_id) for row in conn.execute(text(_HELD))]
        if not held and self.is_done:
            return None
        for invoice_id in held:
            try:
                release_payment.release_payment(world.context, invoice_id, reason="simulated", actor="guard")
            except (Busy, Conflict) as later:
                world.trace(f"release: {later.message}")
                return timedelta(minutes=5)
        return self.about(12)
