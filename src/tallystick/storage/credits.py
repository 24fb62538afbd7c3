"""Credit grants: what remains of each, changed by one guarded statement, and every change of it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, select, text

from tallystick.domain.credits import Burn, CreditGrant, GrantKind, Movement, Reason
from tallystick.storage import schema
from tallystick.storage.database import insert_new
from tallystick.values.errors import Conflict
from tallystick.values.ids import CustomerId, GrantId, InvoiceId
from tallystick.values.money import Currency, Money, currency

_GRANTS, _BURNS = schema.credit_grants, schema.credit_burns
# Asked with each invoice, and therefore kept: most of a small statement's time is its making.
_LIVE = (
    select(_GRANTS)
    .where(_GRANTS.c.customer_id == bindparam("customer"), _GRANTS.c.currency == bindparam("code"), _GRANTS.c.remaining > 0)
    .order_by(_GRANTS.c.granted_at, _GRANTS.c.id)
)


def add(conn: Connection, grant: CreditGrant) -> bool:
    """False where a grant of this id is there already; then that one stands."""
    row = {
        "customer_id": grant.customer_id,
        "id": grant.id,
        "currency": grant.amount.currency.code,
        "amount": grant.amount.minor,
        "remaining": grant.remaining.minor,
        "kind": grant.kind.value,
        "priority": grant.priority,
        "name": grant.name,
        "granted_at": grant.granted_at,
        "expires_at": grant.expires_at,
        "moves": 0,
    }
    return bool(insert_new(conn, _GRANTS, [row], [_GRANTS.c.id]))


def get(conn: Connection, customer_id: CustomerId, grant_id: GrantId) -> CreditGrant | None:
    row = conn.execute(select(_GRANTS).where(_GRANTS.c.customer_id == customer_id, _GRANTS.c.id == grant_id)).one_or_none()
    return None if row is None else _grant(row)


def grants(conn: Connection, customer_id: CustomerId) -> list[CreditGrant]:
    """All that the customer was ever granted, oldest first."""
    asked = select(_GRANTS).where(_GRANTS.c.customer_id == customer_id)
    return [_grant(row) for row in conn.execute(asked.order_by(_GRANTS.c.granted_at, _GRANTS.c.id))]


def live(conn: Connection, customer_id: CustomerId, currency: Currency, *, now: datetime) -> list[CreditGrant]:
    """What can be burned now. Whoever burns it holds the customer's lock."""
    rows = conn.execute(_LIVE, {"customer": customer_id, "code": currency.code})
    return [_grant(row) for row in rows if row.expires_at is None or row.expires_at > now]


def burn(conn: Connection, invoice_id: InvoiceId, burns: Sequence[Burn], *, at: datetime) -> None:
    """Takes what an invoice that is stored already uses up. Raises Conflict where that much does not remain any more."""
    for each in sorted(burns, key=lambda each: each.grant_id):
        _move(conn, each.grant_id, Reason.BURNED, -each.amount, invoice_id=invoice_id, at=at)


def burned_by(conn: Connection, invoice_id: InvoiceId) -> tuple[Burn, ...]:
    """What the invoice uses up: nothing once it has given it back."""
    rows = conn.execute(_net(_BURNS.c.invoice_id == invoice_id)).all()
    return tuple(Burn(GrantId(row.grant_id), Money(-int(row.net), currency(row.currency))) for row in rows)


def burned_by_all(conn: Connection, invoice_ids: Collection[InvoiceId]) -> dict[InvoiceId, Money]:
    """What each of a page of invoices was paid with from grants; those that used none are not among the keys."""
    rows = conn.execute(_net(_BURNS.c.invoice_id.in_(sorted(invoice_ids)))).all()
    found: dict[InvoiceId, Money] = {}
    for row in rows:
        invoice_id, part = InvoiceId(row.invoice_id), Money(-int(row.net), currency(row.currency))
        found[invoice_id] = found[invoice_id] + part if invoice_id in found else part
    return found


def give_back(conn: Connection, invoice_id: InvoiceId) -> tuple[Burn, ...]:
    """What an invoice that is stored as void had used up remains again; the next sweep takes what has expired. Twice is once."""
    given = burned_by(conn, invoice_id)
    if not given:
        return ()
    at = conn.execute(select(schema.invoices.c.closed_at).where(schema.invoices.c.id == invoice_id)).scalar_one()
    assert at is not None, f"{invoice_id}: is stored as void before it gives back"
    for each in sorted(given, key=lambda each: each.grant_id):
        _move(conn, each.grant_id, Reason.GIVEN_BACK, each.amount, invoice_id=invoice_id, at=at)
    return given


def expiring(conn: Connection, *, now: datetime, limit: int) -> list[CustomerId]:
    """Whose grants have ended with something left of them: each customer once."""
    asked = select(_GRANTS.c.customer_id).where(text(schema.LEFT), _GRANTS.c.expires_at <= now).distinct()
    rows = conn.execute(asked.order_by(_GRANTS.c.customer_id).limit(limit))
    return [CustomerId(row.customer_id) for row in rows]


def expire_due(conn: Connection, customer_id: CustomerId, *, now: datetime) -> list[tuple[CreditGrant, Movement]]:
    """Takes what is left of the customer's grants that have ended: each as it was, and the movement."""
    due = select(_GRANTS).where(_GRANTS.c.customer_id == customer_id, _GRANTS.c.remaining > 0, _GRANTS.c.expires_at <= now)
    found = [_grant(row) for row in conn.execute(due.order_by(_GRANTS.c.id))]
    return [(grant, _move(conn, grant.id, Reason.EXPIRED, -grant.remaining, at=now)) for grant in found]


def movements(conn: Connection, customer_id: CustomerId, grant_id: GrantId) -> list[Movement]:
    """Every change of the grant, in order."""
    asked = (
        select(_BURNS, _GRANTS.c.currency)
        .join(_GRANTS, _of_grant())
        .where(_BURNS.c.customer_id == customer_id, _BURNS.c.grant_id == grant_id)
    )
    return [_movement(row) for row in conn.execute(asked.order_by(_BURNS.c.place))]


def _move(
    conn: Connection, grant_id: GrantId, reason: Reason, amount: Money, *, at: datetime, invoice_id: InvoiceId | None = None
) -> Movement:
    # What remains is asked in the statement that changes it: others may have burned it since it was read.
    fits = (_GRANTS.c.remaining + amount.minor).between(0, _GRANTS.c.amount)
    named = _GRANTS.update().where(_GRANTS.c.id == grant_id, _GRANTS.c.currency == amount.currency.code, fits)
    moved = named.values(remaining=_GRANTS.c.remaining + amount.minor, moves=_GRANTS.c.moves + 1)
    row = conn.execute(moved.returning(_GRANTS.c.customer_id, _GRANTS.c.moves)).one_or_none()
    if row is None:
        raise Conflict(f"grant {grant_id}: has changed meanwhile; read it again", code="grant_changed")
    movement = Movement(grant_id, row.moves, reason, invoice_id, amount, at)
    kept = {"grant_id": grant_id, "place": row.moves, "reason": reason.value, "invoice_id": invoice_id, "amount": amount.minor}
    conn.execute(_BURNS.insert(), {"customer_id": row.customer_id, "at": at, **kept})
    return movement


def _net(these: ColumnElement[bool]) -> Any:
    """What invoices used up of each grant and did not give back, below zero."""
    net = func.sum(_BURNS.c.amount)
    asked = select(_BURNS.c.invoice_id, _BURNS.c.grant_id, _GRANTS.c.currency, net.label("net"))
    asked = asked.join(_GRANTS, _of_grant()).where(these).group_by(_BURNS.c.invoice_id, _BURNS.c.grant_id, _GRANTS.c.currency)
    return asked.having(net != 0).order_by(func.min(_BURNS.c.place), _BURNS.c.grant_id)


def _of_grant() -> ColumnElement[bool]:
    return (_GRANTS.c.customer_id == _BURNS.c.customer_id) & (_GRANTS.c.id == _BURNS.c.grant_id)


def _grant(row: Row[Any]) -> CreditGrant:
    of = currency(row.currency)
    return CreditGrant(
        id=GrantId(row.id),
        customer_id=CustomerId(row.customer_id),
        amount=Money(row.amount, of),
        remaining=Money(row.remaining, of),
        kind=GrantKind(row.kind),
        priority=row.priority,
        name=row.name,
        granted_at=row.granted_at,
        expires_at=row.expires_at,
    )


def _movement(row: Row[Any]) -> Movement:
    amount = Money(row.amount, currency(row.currency))
    return Movement(GrantId(row.grant_id), row.place, Reason(row.reason), row.invoice_id, amount, row.at)
