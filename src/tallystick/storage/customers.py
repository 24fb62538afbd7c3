"""Customers: who is billed, and the lock that billing and ingestion meet at."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from tallystick.domain.customers import Customer
from tallystick.storage.bulk import insert_rows
from tallystick.storage.database import insert_new
from tallystick.storage.schema import customers
from tallystick.values.errors import NotFound
from tallystick.values.ids import CustomerId
from tallystick.values.time import to_micros

_LOCKED = select(customers.c.id).where(customers.c.id == bindparam("customer_id")).with_for_update()
_GET = select(customers).where(customers.c.id == bindparam("customer_id"))


def ensure(conn: Connection, ids: Iterable[CustomerId], *, at: datetime) -> None:
    """Adds those that are not there yet."""
    # Sorted, so that two transactions that add the same ones wait for each other in one order.
    rows = [(customer_id, to_micros(at)) for customer_id in sorted(set(ids))]
    insert_rows(conn, customers, ("id", "created_at"), rows, conflict="DO NOTHING")


def add(conn: Connection, customer: Customer) -> bool:
    """False where the id is there already; then nothing is changed."""
    row = {
        "id": customer.id,
        "created_at": customer.created_at,
        "email": customer.email,
        "name": customer.name,
        "provider_ref": customer.provider_ref,
        "language": customer.language,
    }
    return bool(insert_new(conn, customers, [row], [customers.c.id]))


def get(conn: Connection, customer_id: CustomerId) -> Customer | None:
    row = conn.execute(_GET, {"customer_id": customer_id}).one_or_none()
    return None if row is None else _customer(row)


def update(conn: Connection, customer: Customer) -> None:
    """Saves email, name and language; the rest of a customer never changes. Raises NotFound."""
    said = {"email": customer.email, "name": customer.name, "language": customer.language}
    saved = customers.update().where(customers.c.id == customer.id).values(said)
    if conn.execute(saved.returning(customers.c.id)).one_or_none() is None:
        raise NotFound(f"{customer.id}: there is no such customer")


def set_provider_ref(conn: Connection, customer_id: CustomerId, ref: str) -> str:
    """The provider's id that stands: the first one that was set."""
    first = customers.update().where(customers.c.id == customer_id, customers.c.provider_ref.is_(None)).values(provider_ref=ref)
    conn.execute(first)
    stands: str | None = conn.execute(select(customers.c.provider_ref).where(customers.c.id == customer_id)).scalar_one_or_none()
    if stands is None:
        raise NotFound(f"{customer_id}: there is no such customer")
    return stands


def of_provider_ref(conn: Connection, ref: str) -> Customer | None:
    """The customer that the provider knows under this id."""
    row = conn.execute(select(customers).where(customers.c.provider_ref == ref)).one_or_none()
    return None if row is None else _customer(row)


def forget_provider_ref(conn: Connection, customer_id: CustomerId, ref: str) -> bool:
    """Of a customer that the provider has no longer: the next one is made anew. False where it is not `ref` that stands."""
    table = customers
    forgotten = table.update().where(table.c.id == customer_id, table.c.provider_ref == ref)
    forgotten = forgotten.values(provider_ref=None, provider_round=table.c.provider_round + 1)
    return conn.execute(forgotten.returning(table.c.id)).one_or_none() is not None


def known_since(conn: Connection) -> datetime | None:
    """When the first of those that the provider knows came to us; None: it knows nobody."""
    found: datetime | None = conn.execute(
        select(customers.c.created_at).where(customers.c.provider_ref.is_not(None)).order_by(customers.c.created_at).limit(1)
    ).scalar_one_or_none()
    return found


def page(conn: Connection, *, after: CustomerId | None = None, limit: int) -> list[Customer]:
    """By id, beginning behind `after`."""
    asked = select(customers).order_by(customers.c.id).limit(limit)
    if after is not None:
        asked = asked.where(customers.c.id > after)
    return [_customer(row) for row in conn.execute(asked)]


def lock(conn: Connection, customer_id: CustomerId) -> bool:
    """Until the end of the transaction nobody bills this customer or records its usage. On SQLite a writer is alone.

    False where there is no such customer: nothing is locked then, and what comes to be there meanwhile must not be read.
    """
    return conn.execute(_LOCKED, {"customer_id": customer_id}).one_or_none() is not None


def _customer(row: Row[Any]) -> Customer:
    known = (CustomerId(row.id), row.created_at, row.email, row.name, row.provider_ref, row.provider_round)
    return Customer(*known, language=row.language)
