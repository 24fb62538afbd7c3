"""Give a customer value that is used up before money is asked for: prepaid, or as a present."""

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.credits import CreditGrant
from tallystick.flows.context import Context
from tallystick.values.errors import Conflict
from tallystick.values.time import rfc3339


def grant_credit(ctx: Context, wanted: CreditGrant, *, actor: str = "system") -> CreditGrant:
    """The grant, booked, and burned from the next invoice on. Its id is of one operation: sent again, it stands as it is by now.

    Raises Conflict where the operation was another grant before.
    """
    return ctx.database.run("grant credit", lambda conn: _granted(ctx, conn, wanted, actor))


def _granted(ctx: Context, conn: Connection, wanted: CreditGrant, actor: str) -> CreditGrant:
    storage.customers.ensure(conn, [wanted.customer_id], at=wanted.granted_at)
    storage.customers.lock(conn, wanted.customer_id)
    if not storage.credits.add(conn, wanted):
        stands = storage.credits.get(conn, wanted.customer_id, wanted.id)
        assert stands is not None, "grants are never removed"
        if _asked(stands) != _asked(wanted):
            raise Conflict(
                "op: was used for another grant of this customer; send a new one", field="op", code="operation_conflict"
            )
        ctx.faults.mark("credit.granted_again")
        return stands
    storage.ledger.book(conn, domain.credits.book_grant(wanted))
    act = storage.audit.Act(actor, "credit.granted", wanted.customer_id, after=_document(wanted))
    storage.audit.append(conn, act, at=wanted.granted_at)
    return wanted


def _asked(grant: CreditGrant) -> tuple[object, ...]:
    return grant.amount, grant.kind, grant.priority, grant.name, grant.expires_at


def _document(grant: CreditGrant) -> dict[str, object]:
    return {
        "grant": grant.id,
        "amount": grant.amount.minor,
        "currency": grant.amount.currency.code,
        "kind": grant.kind.value,
        "name": grant.name,
        "expires_at": None if grant.expires_at is None else rfc3339(grant.expires_at),
    }
