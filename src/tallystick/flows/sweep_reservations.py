"""Note which reservations' time is over. Nobody waits for it: whoever asks counts them as released from that instant on."""

from tallystick import storage
from tallystick.flows.context import Context

_BATCH = 200


def sweep_reservations(ctx: Context) -> int:
    """How many were given back."""
    now = ctx.clock.now()
    with ctx.database.reading() as conn:
        found = storage.quotas.expired(conn, now=now, limit=_BATCH)
    released = 0
    for customer_id, meter_key in found:
        with ctx.database.transaction("sweep reservations") as conn:
            meter = storage.catalog.meter(conn, meter_key)
            assert meter is not None, "meters are never removed"
            storage.entitlements.locked(conn, customer_id, meter)
            released += storage.quotas.release_expired(conn, customer_id, meter_key, now=now)
    return released
