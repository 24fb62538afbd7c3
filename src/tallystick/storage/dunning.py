"""Dunning: how far it has come with each invoice, and every attempt to collect it after the first has failed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, case, select, text, tuple_
from sqlalchemy.sql.expression import literal

from tallystick.domain.dunning import Cause, Dunning, State, Try
from tallystick.storage import schema
from tallystick.storage.database import insert_new
from tallystick.storage.schema.dunning import DUE
from tallystick.storage.types import Instant, Key
from tallystick.values.errors import Conflict
from tallystick.values.ids import CustomerId, InvoiceId, PaymentId, SubscriptionId


def get(conn: Connection, invoice_id: InvoiceId) -> Dunning | None:
    row = conn.execute(select(schema.dunning).where(schema.dunning.c.invoice_id == invoice_id)).one_or_none()
    return None if row is None else _dunning(row)


def begin(conn: Connection, dunning: Dunning) -> bool:
    """False where the invoice is being dunned for already; then that stands."""
    key = {"customer_id": dunning.customer_id, "invoice_id": dunning.invoice_id, "begun_at": dunning.begun_at, "version": 0}
    return bool(insert_new(conn, schema.dunning, [key | _row(dunning)], [schema.dunning.c.invoice_id]))


def save(conn: Connection, before: Dunning, after: Dunning) -> None:
    """Raises Conflict where it has moved since `before` was read."""
    table = schema.dunning
    mine = (table.c.customer_id == before.customer_id, table.c.invoice_id == before.invoice_id)
    moved = table.update().where(*mine, table.c.version == before.version).values(version=before.version + 1, **_row(after))
    if conn.execute(moved.returning(table.c.invoice_id)).one_or_none() is None:
        raise Conflict(f"dunning of {after.invoice_id}: has moved meanwhile; read it again", code="changed_meanwhile")


def hasten(conn: Connection, customer_id: CustomerId, invoice_id: InvoiceId, *, at: datetime) -> bool:
    """Something has happened: it is looked at then, whatever it waited for. False where there is nothing to look at."""
    table = schema.dunning
    mine = (table.c.customer_id == customer_id, table.c.invoice_id == invoice_id, table.c.state != State.OVER.value)
    hastened = table.update().where(*mine).values(next_at=at, version=table.c.version + 1)
    return conn.execute(hastened.returning(table.c.invoice_id)).one_or_none() is not None


def due(conn: Connection, *, now: datetime, limit: int) -> list[InvoiceId]:
    """For which something is to be done, the longest waiting first."""
    table = schema.dunning.c
    asked = select(table.invoice_id).where(text(DUE), table.next_at <= now).order_by(table.next_at, table.invoice_id)
    return [InvoiceId(found) for found in conn.execute(asked.limit(limit)).scalars()]


def states(conn: Connection, customer_id: CustomerId, subscription_id: SubscriptionId) -> list[State]:
    """Of every invoice of the subscription that is being dunned for, or was."""
    table, invoices = schema.dunning.c, schema.invoices.c
    of = (invoices.customer_id == table.customer_id) & (invoices.id == table.invoice_id)
    asked = select(table.state).select_from(schema.dunning.join(schema.invoices, of))
    asked = asked.where(table.customer_id == customer_id, invoices.subscription_id == subscription_id)
    return [State(state) for state in conn.execute(asked).scalars()]


@dataclass(frozen=True, slots=True)
class Query:
    """Which of them: of one customer, in some states, or all."""

    customer_id: CustomerId | None = None
    states: Collection[State] = tuple(State)


def page(conn: Connection, query: Query, *, after: Dunning | None = None, limit: int) -> list[Dunning]:
    """The newest first, beginning behind `after`."""
    table = schema.dunning.c
    asked = select(schema.dunning).where(table.state.in_(sorted(query.states)))
    if query.customer_id is not None:
        asked = asked.where(table.customer_id == query.customer_id)
    if after is not None:
        place = tuple_(literal(after.begun_at, Instant()), literal(after.invoice_id, Key()))
        asked = asked.where(tuple_(table.begun_at, table.invoice_id) < place)
    asked = asked.order_by(table.begun_at.desc(), table.invoice_id.desc())
    return [_dunning(row) for row in conn.execute(asked.limit(limit))]


# Every attempt


def begin_try(conn: Connection, begun: Try) -> None:
    """Raises Conflict where that charge of the payment was begun by somebody else."""
    if not insert_new(conn, schema.dunning_tries, [_try_row(begun)], [schema.dunning_tries.c.charge]):
        raise Conflict(f"{begun.payment_id}: its charge {begun.charge} was begun meanwhile", code="changed_meanwhile")


def fail_try(conn: Connection, failed: Try) -> bool:
    """Notes how a try has ended; one that nobody has noted before is kept whole. False where its end was known.

    A try of a new card stays one of that card, also where the only decline that can be seen is of a card before it.
    """
    table = schema.dunning_tries
    charged = case((table.c.cause == Cause.NEW_CARD.value, table.c.payment_method), else_=failed.payment_method)
    said = {"failed_at": failed.failed_at, "code": failed.code, "message": failed.message}
    ended = _mine(failed).where(table.c.failed_at.is_(None)).values(payment_method=charged, **said)
    if conn.execute(ended.returning(table.c.charge)).one_or_none() is not None:
        return True
    return bool(insert_new(conn, table, [_try_row(failed)], [table.c.charge]))


def rename_try(conn: Connection, begun: Try, *, charge: int) -> None:
    """It never ran, and is made anew as that charge."""
    conn.execute(_mine(begun).values(charge=charge))


def tries(conn: Connection, customer_id: CustomerId, invoice_id: InvoiceId) -> list[Try]:
    """In the order in which they were begun."""
    table = schema.dunning_tries.c
    asked: Select[Any] = select(schema.dunning_tries).where(table.customer_id == customer_id, table.invoice_id == invoice_id)
    return [_try(row) for row in conn.execute(asked.order_by(table.begun_at, table.payment_id, table.charge))]


def _mine(found: Try) -> Any:
    table = schema.dunning_tries
    return table.update().where(
        table.c.customer_id == found.customer_id, table.c.payment_id == found.payment_id, table.c.charge == found.charge
    )


def _row(dunning: Dunning) -> dict[str, Any]:
    """What changes while it goes on."""
    return {
        "state": dunning.state.value,
        "code": dunning.code,
        "failures": dunning.failures,
        "tries": dunning.tries,
        "failed_at": dunning.failed_at,
        "since": dunning.since,
        "next_at": dunning.next_at,
        "updated_at": dunning.updated_at,
    }


def _dunning(row: Row[Any]) -> Dunning:
    return Dunning(
        customer_id=CustomerId(row.customer_id),
        invoice_id=InvoiceId(row.invoice_id),
        state=State(row.state),
        code=row.code,
        failures=row.failures,
        tries=row.tries,
        begun_at=row.begun_at,
        failed_at=row.failed_at,
        since=row.since,
        next_at=row.next_at,
        updated_at=row.updated_at,
        version=row.version,
    )


def _try_row(found: Try) -> dict[str, Any]:
    return {
        "customer_id": found.customer_id,
        "payment_id": found.payment_id,
        "charge": found.charge,
        "invoice_id": found.invoice_id,
        "cause": found.cause.value,
        "due_at": found.due_at,
        "begun_at": found.begun_at,
        "failed_at": found.failed_at,
        "code": found.code,
        "message": found.message,
        "payment_method": found.payment_method,
    }


def _try(row: Row[Any]) -> Try:
    return Try(
        customer_id=CustomerId(row.customer_id),
        invoice_id=InvoiceId(row.invoice_id),
        payment_id=PaymentId(row.payment_id),
        charge=row.charge,
        cause=Cause(row.cause),
        due_at=row.due_at,
        begun_at=row.begun_at,
        failed_at=row.failed_at,
        code=row.code,
        message=row.message,
        payment_method=row.payment_method,
    )
