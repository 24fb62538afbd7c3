"""Turn what was asked for in advance into revenue, once its service is rendered."""

from tallystick import domain, storage
from tallystick.flows.context import Context

_AT_ONCE = 500


def recognise_revenue(ctx: Context) -> int:
    """How many lines were recognised; each in one transaction with its booking, once."""
    total = 0
    while True:
        with ctx.database.transaction("recognise revenue") as conn:
            waiting = storage.revenue.due(conn, now=ctx.clock.now(), limit=_AT_ONCE)
            for each in waiting:
                if storage.revenue.recognise(conn, each.customer_id, each.deferred.line_id):
                    storage.ledger.book(conn, domain.invoices.book_recognised(each.customer_id, each.deferred))
        total += len(waiting)
        if len(waiting) < _AT_ONCE:
            return total
