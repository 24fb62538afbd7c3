"""Refunds: at most what was paid; who saves one must have read its newest version."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, literal, or_, select, text, tuple_

from tallystick.domain.refunds import Origin, Refund, RefundStatus
from tallystick.storage import schema
from tallystick.storage.database import insert_new
from tallystick.storage.types import Instant, Key
from tallystick.values.ids import CreditNoteId, CustomerId, InvoiceId, PaymentId, RefundId
from tallystick.values.money import Money, currency


def add(conn: Connection, refund: Refund) -> bool:
    """False where this refund is there already."""
    row = _moving(refund) | {
        "customer_id": refund.customer_id,
        "id": refund.id,
        "payment_id": refund.payment_id,
        "invoice_id": refund.invoice_id,
        "credit_note_id": refund.credit_note_id,
        "amount": refund.amount.minor,
        "excess": refund.excess.minor,
        "currency": refund.amount.currency.code,
        "origin": refund.origin.value,
        "reason": refund.reason,
        "created_at": refund.created_at,
    }
    return bool(insert_new(conn, schema.refunds, [row], [schema.refunds.c.id]))


def get(conn: Connection, refund_id: RefundId) -> Refund | None:
    return _one(conn, select(schema.refunds).where(schema.refunds.c.id == refund_id))


def by_ref(conn: Connection, ref: str) -> Refund | None:
    """The refund that the provider has under this id."""
    return _one(conn, select(schema.refunds).where(schema.refunds.c.ref == ref))


def of_invoice(conn: Connection, customer_id: CustomerId, invoice_id: InvoiceId) -> list[Refund]:
    """Oldest first."""
    table = schema.refunds.c
    asked = select(schema.refunds).where(table.customer_id == customer_id, table.invoice_id == invoice_id)
    return [_refund(row) for row in conn.execute(asked.order_by(table.created_at, table.id))]


def move(conn: Connection, before: Refund, after: Refund) -> bool:
    """Saves `after`, whose version is the next one. False, and nothing written, where someone was faster."""
    assert after.version == before.version + 1, f"{before.id}: each save is the next version"
    table = schema.refunds
    moved = (
        table.update()
        .where(
            table.c.customer_id == before.customer_id,
            table.c.id == before.id,
            table.c.status == before.status.value,
            table.c.version == before.version,
        )
        .values(_moving(after))
        .returning(table.c.id)
    )
    return conn.execute(moved).one_or_none() is not None


def to_compare(conn: Connection, *, since: datetime) -> list[Refund]:
    """Those that the provider has and that are not over, as far as they were made since."""
    table = schema.refunds.c
    asked = select(schema.refunds).where(text(schema.ALIVE), table.ref.is_not(None), table.created_at >= since)
    return [_refund(row) for row in conn.execute(asked.order_by(table.created_at, table.id))]


def stale(conn: Connection, *, waiting: datetime, done: datetime, made: datetime, limit: int) -> list[Refund]:
    """Not heard of since `waiting`; of those that succeeded, since `done`, unless they were made before `made`."""
    table = schema.refunds.c
    is_waiting = and_(table.status == RefundStatus.PENDING.value, table.updated_at < waiting)
    is_done = and_(table.status == RefundStatus.SUCCEEDED.value, table.updated_at < done, table.created_at >= made)
    asked = select(schema.refunds).where(text(schema.ALIVE), or_(is_waiting, is_done))
    return [_refund(row) for row in conn.execute(asked.order_by(table.updated_at, table.id).limit(limit))]


def page(conn: Connection, *, customer_id: CustomerId | None = None, after: RefundId | None = None, limit: int) -> list[Refund]:
    """Newest first, beginning behind `after`."""
    table = schema.refunds.c
    asked = select(schema.refunds)
    if customer_id is not None:
        asked = asked.where(table.customer_id == customer_id)
    if after is not None:
        last = conn.execute(select(table.created_at).where(table.id == after)).scalar_one_or_none()
        if last is None:
            return []
        asked = asked.where(tuple_(table.created_at, table.id) < tuple_(literal(last, Instant()), literal(after, Key())))
    return [_refund(row) for row in conn.execute(asked.order_by(table.created_at.desc(), table.id.desc()).limit(limit))]


def _one(conn: Connection, asked: Select[Any]) -> Refund | None:
    row = conn.execute(asked).one_or_none()
    return None if row is None else _refund(row)


def _moving(refund: Refund) -> dict[str, Any]:
    """What changes in the life of a refund."""
    return {
        "status": refund.status.value,
        "updated_at": refund.updated_at,
        "ref": refund.ref,
        "failure": refund.failure,
        "round": refund.round,
        "look_first": refund.look_first,
        "asked_at": refund.asked_at,
        "version": refund.version,
    }


def _refund(row: Row[Any]) -> Refund:
    of = currency(row.currency)
    return Refund(
        id=RefundId(row.id),
        payment_id=PaymentId(row.payment_id),
        invoice_id=InvoiceId(row.invoice_id),
        customer_id=CustomerId(row.customer_id),
        credit_note_id=None if row.credit_note_id is None else CreditNoteId(row.credit_note_id),
        amount=Money(row.amount, of),
        excess=Money(row.excess, of),
        status=RefundStatus(row.status),
        origin=Origin(row.origin),
        reason=row.reason,
        created_at=row.created_at,
        updated_at=row.updated_at,
        ref=row.ref,
        failure=row.failure,
        round=row.round,
        look_first=row.look_first,
        asked_at=row.asked_at,
        version=row.version,
    )
