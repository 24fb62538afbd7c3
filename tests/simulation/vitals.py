"""The vital signs at rest: each attempt that came to something was observed, and once."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from tallystick.domain.operations import KEPT
from tallystick.values.time import to_micros

if TYPE_CHECKING:
    from tests.simulation.world import World


def observed(world: "World") -> None:
    """As many good payments as succeeded in the last days, and as many bad ones, at most, as there were tries."""
    since = to_micros(world.at - KEPT + timedelta(days=1))
    asked = f"FROM tallystick_audit WHERE action = 'payment.succeeded' AND at >= {since}"
    succeeded = {f"{payment}:paid" for (payment,) in _rows(world, f"SELECT subject {asked}")}
    good = f"SELECT id FROM tallystick_observations WHERE vital = 'payments' AND good = 1 AND at >= {since}"
    counted = {name for (name,) in _rows(world, good)}
    if counted != succeeded:
        raise world.wrong("each attempt is observed once", f"{sorted(counted ^ succeeded)[:5]}")
    tries = "SELECT coalesce(sum(charges), 0), count(*) FROM tallystick_payments"
    ((charges, payments),) = _rows(world, tries)
    ((bad,),) = _rows(world, "SELECT count(*) FROM tallystick_observations WHERE vital = 'payments' AND good = 0")
    if bad > charges + payments:
        raise world.wrong("each attempt is observed once", f"{bad} declines were observed, of {charges} charges of {payments}")


def _rows(world: "World", statement: str) -> list[Any]:
    with world.database.reading() as conn:
        return [tuple(row) for row in conn.execute(text(statement))]
