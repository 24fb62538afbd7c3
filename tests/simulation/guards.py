"""Where each charge is one too many for the day it is held, until somebody who looks after it lets it go."""

from datetime import timedelta

from sqlalchemy import text

from tallystick.flows import release_payment
from tallystick.values.errors import Busy, Conflict
from tallystick.values.ids import InvoiceId
from tests.simulation.world import Actor

_HELD = """
SELECT invoice_id FROM tallystick_payments
WHERE held IS NOT NULL AND released_at IS NULL AND status NOT IN ('succeeded', 'canceled') ORDER BY id
"""


class Guard(Actor):
    """Looks through what is held every few hours; once it is calm, whenever everybody has done what was due."""

    name = "guard"

    def step(self) -> timedelta | None:
        world = self.world
        with world.database.reading() as conn:
            held = [InvoiceId(row.invoice_id) for row in conn.execute(text(_HELD))]
        for invoice_id in held:
            try:
                release_payment.release_payment(world.context, invoice_id, reason="simulated", actor="guard")
            except (Busy, Conflict) as later:
                world.trace(f"release: {later.message}")
                return timedelta(minutes=5)
        return None if world.is_calm else self.about(12)
