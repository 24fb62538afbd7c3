"""Disputes: as the provider told them last; who saves one must have read its newest version."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, literal, or_, select, tuple_

from tallystick.domain.disputes import OVER, Dispute, DisputeStatus
from tallystick.storage import schema
from tallystick.storage.database import insert_new
from tallystick.storage.types import Instant, Key
from tallystick.values.ids import CustomerId, DisputeId, InvoiceId, PaymentId
from tallystick.values.money import Money, currency


def add(conn: Connection, dispute: Dispute) -> bool:
    """False where this dispute is there already."""
    row = _moving(dispute) | {
        "customer_id": dispute.customer_id,
        "id": dispute.id,
        "payment_id": dispute.payment_id,
        "invoice_id": dispute.invoice_id,
        "ref": dispute.ref,
        "currency": dispute.amount.currency.code,
        "created_at": dispute.created_at,
    }
    return bool(insert_new(conn, schema.disputes, [row], [schema.disputes.c.id]))


def move(conn: Connection, before: Dispute, after: Dispute) -> bool:
    """Saves `after`, whose version is the next one. False, and nothing written, where someone was faster."""
    assert after.version == before.version + 1, f"{before.id}: each save is the next version"
    table = schema.disputes
    mine = (table.c.customer_id == before.customer_id, table.c.id == before.id, table.c.version == before.version)
    return conn.execute(table.update().where(*mine).values(_moving(after)).returning(table.c.id)).one_or_none() is not None


def get(conn: Connection, dispute_id: DisputeId) -> Dispute | None:
    return _one(conn, select(schema.disputes).where(schema.disputes.c.id == dispute_id))


def by_ref(conn: Connection, ref: str) -> Dispute | None:
    """The dispute that the provider has under this id."""
    return _one(conn, select(schema.disputes).where(schema.disputes.c.ref == ref))


def to_compare(conn: Connection, *, since: datetime) -> list[Dispute]:
    """Those that are not over, or whose money is still to come back; and those that were first heard of since."""
    table = schema.disputes.c
    over: Collection[str] = sorted(status.value for status in OVER)
    comes_back = and_(table.withdrawn == True, table.status != DisputeStatus.LOST.value)  # noqa: E712
    asked = select(schema.disputes).where(or_(table.status.not_in(over), comes_back, table.created_at >= since))
    return [_dispute(row) for row in conn.execute(asked.order_by(table.created_at, table.id))]


def page(conn: Connection, *, customer_id: CustomerId | None = None, after: Dispute | None = None, limit: int) -> list[Dispute]:
    """Newest first, beginning behind `after`."""
    table = schema.disputes.c
    asked = select(schema.disputes)
    if customer_id is not None:
        asked = asked.where(table.customer_id == customer_id)
    if after is not None:
        place = tuple_(literal(after.created_at, Instant()), literal(after.id, Key()))
        asked = asked.where(tuple_(table.created_at, table.id) < place)
    return [_dispute(row) for row in conn.execute(asked.order_by(table.created_at.desc(), table.id.desc()).limit(limit))]


def _one(conn: Connection, asked: Select[Any]) -> Dispute | None:
    row = conn.execute(asked).one_or_none()
    return None if row is None else _dispute(row)


def _moving(dispute: Dispute) -> dict[str, Any]:
    """What changes in the life of a dispute."""
    return {
        "amount": dispute.amount.minor,
        "status": dispute.status.value,
        "withdrawn": dispute.withdrawn,
        "reason": dispute.reason,
        "updated_at": dispute.updated_at,
        "due_by": dispute.due_by,
        "version": dispute.version,
    }


def _dispute(row: Row[Any]) -> Dispute:
    return Dispute(
        id=DisputeId(row.id),
        payment_id=PaymentId(row.payment_id),
        invoice_id=InvoiceId(row.invoice_id),
        customer_id=CustomerId(row.customer_id),
        ref=row.ref,
        amount=Money(row.amount, currency(row.currency)),
        status=DisputeStatus(row.status),
        withdrawn=row.withdrawn,
        reason=row.reason,
        created_at=row.created_at,
        updated_at=row.updated_at,
        due_by=row.due_by,
        version=row.version,
    )
