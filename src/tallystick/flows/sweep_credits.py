"""Note which credit grants have ended. Nobody waits for it: nothing is burned of them from that instant on."""

from tallystick import domain, storage
from tallystick.flows.context import Context

_BATCH = 200


def sweep_credits(ctx: Context) -> int:
    """How many grants expired with something left of them; it is booked as revenue, or as never given."""
    now = ctx.clock.now()
    with ctx.database.reading() as conn:
        customers = storage.credits.expiring(conn, now=now, limit=_BATCH)
    swept = 0
    for customer_id in customers:
        with ctx.database.transaction("sweep credits") as conn:
            storage.customers.lock(conn, customer_id)
            for grant, movement in storage.credits.expire_due(conn, customer_id, now=now):
                lost = domain.credits.book_expiry(grant, grant.remaining, part=movement.place, at=now)
                storage.ledger.book(conn, lost)
                swept += 1
    return swept
