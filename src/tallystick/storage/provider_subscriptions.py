"""Subscriptions that the provider bills: one row each, and one for each of its invoices, as it showed it last."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from tallystick.domain.pages import Page
from tallystick.domain.plan_documents import read_terms, write_terms
from tallystick.domain.provider_subscriptions import (
    FINAL,
    End,
    FollowedSubscription,
    InvoiceStanding,
    MirroredInvoice,
    MirroredLine,
    ProviderInvoice,
    Standing,
)
from tallystick.storage import schema
from tallystick.storage.database import insert_new, insert_of
from tallystick.values.decimals import plain
from tallystick.values.errors import Conflict
from tallystick.values.ids import CustomerId, SubscriptionId
from tallystick.values.money import Currency, Money, currency
from tallystick.values.time import Period, from_micros, to_micros

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Query:
    """Which subscriptions: of one customer, standing or plan, or of all."""

    customer_id: CustomerId | None = None
    standing: Standing | None = None
    plan_key: str | None = None


def add(conn: Connection, subscription: FollowedSubscription) -> bool:
    """False where it is there already; then that one stands."""
    table = schema.followed_subscriptions
    return bool(insert_new(conn, table, [_row(subscription)], [table.c.id]))


def get(conn: Connection, subscription_id: SubscriptionId) -> FollowedSubscription | None:
    return _one(conn, select(schema.followed_subscriptions).where(schema.followed_subscriptions.c.id == subscription_id))


def by_ref(conn: Connection, ref: str) -> FollowedSubscription | None:
    """The one that the provider knows by this id."""
    return _one(conn, select(schema.followed_subscriptions).where(schema.followed_subscriptions.c.ref == ref))


def save(conn: Connection, before: FollowedSubscription, after: FollowedSubscription) -> FollowedSubscription:
    """Raises Conflict where it has changed since `before` was read."""
    table = schema.followed_subscriptions
    row = _row(after) | {"version": before.version + 1}
    moved = table.update().where(
        table.c.customer_id == before.customer_id, table.c.id == before.id, table.c.version == before.version
    )
    found = conn.execute(moved.values(row).returning(*table.c)).one_or_none()
    if found is None:
        raise Conflict(f"subscription {before.id}: has changed meanwhile; read it again", code="changed_meanwhile")
    return _subscription(found)


def of_customer(conn: Connection, customer_id: CustomerId) -> list[FollowedSubscription]:
    """All that the customer ever asked for, in the order of their beginning."""
    table = schema.followed_subscriptions.c
    asked = select(schema.followed_subscriptions).where(table.customer_id == customer_id)
    return [_subscription(row) for row in conn.execute(asked.order_by(table.created_at, table.id))]


def page(conn: Connection, query: Query, *, after: SubscriptionId | None = None, limit: int) -> list[FollowedSubscription]:
    """In the order of their ids, beginning behind `after`."""
    table = schema.followed_subscriptions.c
    asked = select(schema.followed_subscriptions)
    if query.customer_id is not None:
        asked = asked.where(table.customer_id == query.customer_id)
    if query.standing is not None:
        asked = asked.where(table.standing == query.standing.value)
    if query.plan_key is not None:
        asked = asked.where(table.plan_key == query.plan_key)
    if after is not None:
        asked = asked.where(table.id > after)
    return [_subscription(row) for row in conn.execute(asked.order_by(table.id).limit(limit))]


def unsettled(conn: Connection, *, after: SubscriptionId | None = None, limit: int) -> list[SubscriptionId]:
    """Those that may still change, by id, beginning behind `after`."""
    table = schema.followed_subscriptions.c
    asked = select(table.id).where(table.standing.not_in(sorted(FINAL)))
    if after is not None:
        asked = asked.where(table.id > after)
    return [SubscriptionId(found) for found in conn.execute(asked.order_by(table.id).limit(limit)).scalars()]


def to_compare(conn: Connection) -> list[FollowedSubscription]:
    """Those that the provider has, and that are not over for us."""
    table = schema.followed_subscriptions
    asked = select(table).where(table.c.standing.not_in(sorted(FINAL)), table.c.ref.is_not(None)).order_by(table.c.id)
    return [_subscription(row) for row in conn.execute(asked)]


def expired(conn: Connection, *, since: datetime) -> list[FollowedSubscription]:
    """Those of which it was known since then, or by now, that their first payment never came."""
    table = schema.followed_subscriptions
    asked = select(table).where(table.c.standing == Standing.CANCELED.value, table.c.ended_at >= since).order_by(table.c.id)
    return [found for found in map(_subscription, conn.execute(asked)) if found.expired]


# Its invoices


def mirror(conn: Connection, mirrored: MirroredInvoice) -> bool:
    """The invoice as it stands at the provider. False where an answer to a later question is there already."""
    table, invoice = schema.mirrored_invoices, mirrored.invoice
    row = {
        "customer_id": mirrored.customer_id,
        "ref": invoice.ref,
        "subscription_id": mirrored.subscription_id,
        "standing": invoice.standing.value,
        "number": invoice.number,
        "currency": invoice.total.currency.code,
        "total": invoice.total.minor,
        "amount_due": invoice.amount_due.minor,
        "amount_paid": invoice.amount_paid.minor,
        "created_at": invoice.created_at,
        "url": invoice.url,
        "lines": [_write_line(line) for line in invoice.lines],
        "asked_at": mirrored.asked_at,
    }
    put = insert_of(conn.dialect.name, table).values(row)
    saved = put.on_conflict_do_update(
        index_elements=["customer_id", "ref"], set_=row, where=table.c.asked_at <= mirrored.asked_at
    )
    return conn.execute(saved.returning(table.c.ref)).one_or_none() is not None


def invoices(
    conn: Connection, customer_id: CustomerId, *, after: MirroredInvoice | None = None, limit: int
) -> list[MirroredInvoice]:
    """The customer's, newest first, beginning behind `after`."""
    table = schema.mirrored_invoices.c
    asked = select(schema.mirrored_invoices).where(table.customer_id == customer_id)
    if after is not None:
        made, ref = after.invoice.created_at, after.invoice.ref
        asked = asked.where((table.created_at < made) | ((table.created_at == made) & (table.ref < ref)))
    return _invoices(conn, asked.order_by(table.created_at.desc(), table.ref.desc()).limit(limit))


def invoice(conn: Connection, ref: str) -> MirroredInvoice | None:
    found = _invoices(conn, select(schema.mirrored_invoices).where(schema.mirrored_invoices.c.ref == ref))
    return found[0] if found else None


def invoices_to_compare(conn: Connection) -> list[MirroredInvoice]:
    """Those that wait for money, or have yet to ask for it."""
    table, waiting = schema.mirrored_invoices.c, (InvoiceStanding.DRAFT.value, InvoiceStanding.OPEN.value)
    asked = select(schema.mirrored_invoices).where(table.standing.in_(waiting))
    return _invoices(conn, asked.order_by(table.created_at, table.ref))


def _one(conn: Connection, asked: Select[Any]) -> FollowedSubscription | None:
    row = conn.execute(asked).one_or_none()
    return None if row is None else _subscription(row)


def _row(subscription: FollowedSubscription) -> dict[str, Any]:
    period = subscription.period
    return {
        "customer_id": subscription.customer_id,
        "id": subscription.id,
        "plan_key": subscription.terms.plan_key,
        "plan_version": subscription.terms.plan_version,
        "terms": write_terms(subscription.terms),
        "trial_days": subscription.trial // _DAY,
        "standing": subscription.standing.value,
        "created_at": subscription.created_at,
        "asked_at": subscription.asked_at,
        "ref": subscription.ref,
        "period_start": None if period is None else period.start,
        "period_end": None if period is None else period.end,
        "ends_with_period": subscription.ends_with_period,
        "ended_at": subscription.ended_at,
        "ending": subscription.end.value,
        "wishes": subscription.wishes,
        "told": subscription.told,
        "reason": subscription.reason,
        "page": None if subscription.page is None else asdict(subscription.page),
        "page_ref": subscription.page_ref,
        "page_url": subscription.page_url,
        "version": subscription.version,
    }


def _subscription(row: Row[Any]) -> FollowedSubscription:
    return FollowedSubscription(
        id=SubscriptionId(row.id),
        customer_id=CustomerId(row.customer_id),
        terms=read_terms(row.terms),
        trial=row.trial_days * _DAY,
        standing=Standing(row.standing),
        created_at=row.created_at,
        asked_at=row.asked_at,
        ref=row.ref,
        period=None if row.period_start is None else Period(row.period_start, row.period_end),
        ends_with_period=row.ends_with_period,
        ended_at=row.ended_at,
        end=End(row.ending),
        wishes=row.wishes,
        told=row.told,
        reason=row.reason,
        page=None if row.page is None else Page(**row.page),
        page_ref=row.page_ref,
        page_url=row.page_url,
        version=row.version,
    )


def _invoices(conn: Connection, asked: Select[Any]) -> list[MirroredInvoice]:
    table, owners = schema.mirrored_invoices.c, schema.followed_subscriptions.c
    joined = asked.add_columns(owners.ref.label("subscription_ref")).join(
        schema.followed_subscriptions, (owners.customer_id == table.customer_id) & (owners.id == table.subscription_id)
    )
    return [_invoice(row) for row in conn.execute(joined)]


def _invoice(row: Row[Any]) -> MirroredInvoice:
    money, named = currency(row.currency), SubscriptionId(row.subscription_id)
    told = ProviderInvoice(
        ref=row.ref,
        subscription_ref=row.subscription_ref,
        reference=named,
        standing=InvoiceStanding(row.standing),
        number=row.number,
        total=Money(row.total, money),
        amount_due=Money(row.amount_due, money),
        amount_paid=Money(row.amount_paid, money),
        created_at=row.created_at,
        url=row.url,
        lines=_read_lines(row.lines, money),
    )
    return MirroredInvoice(CustomerId(row.customer_id), named, told, row.asked_at)


def _write_line(line: MirroredLine) -> dict[str, object]:
    span = None if line.period is None else [to_micros(line.period.start), to_micros(line.period.end)]
    return {"description": line.description, "amount": line.amount.minor, "quantity": plain(line.quantity), "period": span}


def _read_lines(documents: Sequence[dict[str, Any]], money: Currency) -> tuple[MirroredLine, ...]:
    return tuple(
        MirroredLine(
            document["description"], Money(document["amount"], money), Decimal(document["quantity"]),
            None if document["period"] is None else Period(*map(from_micros, document["period"])),
        )
        for document in documents
    )  # fmt: skip
