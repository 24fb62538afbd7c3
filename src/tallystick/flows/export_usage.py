"""Bring the provider's meters up to what was recorded of one customer: one at a time, as the provider wants it."""

from dataclasses import dataclass
from datetime import timedelta

from tallystick import domain
from tallystick.flows import _exports
from tallystick.flows.context import Context
from tallystick.providers.protocol import Refused
from tallystick.values.ids import CustomerId

_ROUNDS_MAX = 20


@dataclass(frozen=True, slots=True)
class Exported:
    """How many rows came to an end. `again_in` is when to go on; None: there is nothing more to do."""

    done: int
    again_in: timedelta | None = None
    refusal: Refused | None = None


def export_usage(ctx: Context, customer_id: CustomerId, *, attempt: int = 0) -> Exported:
    """Sends what waits, and takes back what counts no longer. `attempt` counts earlier tries; each lengthens the wait."""
    done = 0
    for _ in range(_ROUNDS_MAX):
        progress = _exports.send_some(ctx, customer_id, _exports.due(ctx))
        done += len(progress.done)
        if progress.refusal is not None:
            return Exported(done, refusal=progress.refusal)
        if progress.again_in is not None and domain.usage_exports.is_turn(progress.again_in):
            return Exported(done, progress.again_in)
        if progress.again_in is not None:
            return Exported(done, max(domain.retries.wait(customer_id, attempt), progress.again_in))
        if not progress.done:
            return Exported(done)
    return Exported(done, timedelta(0))
