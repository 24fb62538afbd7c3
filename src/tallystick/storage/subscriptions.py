"""Subscriptions: what was agreed, the periods that are over, and which usage each of them counts."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, case, literal, select

from tallystick.domain.payments import Collection, Method
from tallystick.domain.plan_documents import read_terms, write_terms
from tallystick.domain.subscriptions import Anchoring, ClosedPeriod, PeriodKind, Status, Subscription
from tallystick.storage import schema
from tallystick.storage.database import insert_new
from tallystick.storage.types import Instant
from tallystick.values.errors import Conflict
from tallystick.values.ids import CustomerId, MeterKey, SubscriptionId
from tallystick.values.time import Period

# Asked with each bill, and therefore kept: most of a small statement's time is its making.
_SUBSCRIPTIONS, _PERIODS, _METERS = schema.subscriptions.c, schema.subscription_periods.c, schema.subscription_meters.c
_GET = select(schema.subscriptions).where(_SUBSCRIPTIONS.id == bindparam("subscription"))
_OF_CUSTOMER = (
    select(schema.subscriptions)
    .where(_SUBSCRIPTIONS.customer_id == bindparam("customer"))
    .order_by(_SUBSCRIPTIONS.started_at, _SUBSCRIPTIONS.id)
)
_SAVE = (
    schema.subscriptions.update()
    .where(
        _SUBSCRIPTIONS.customer_id == bindparam("customer"),
        _SUBSCRIPTIONS.id == bindparam("subscription"),
        _SUBSCRIPTIONS.version == bindparam("read"),
    )
    .returning(_SUBSCRIPTIONS.id)
)
_TO_INVOICE = (
    select(schema.subscription_periods)
    .where(
        _PERIODS.customer_id == bindparam("customer"),
        _PERIODS.subscription_id == bindparam("subscription"),
        _PERIODS.invoiced == False,  # noqa: E712
    )
    .order_by(_PERIODS.period_start)
)
_COVERED = (
    select(schema.subscription_meters)
    .where(_METERS.customer_id == bindparam("customer"))
    .order_by(_METERS.counted_from, _METERS.charge_key)
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A subscription as it is stored: with how its invoices are collected, and when something is to be done for it."""

    subscription: Subscription
    collection: Collection
    due_at: datetime | None


def add(conn: Connection, kept: Kept) -> bool:
    """False where a subscription of this id is there already; then that one stands."""
    table = schema.subscriptions.c
    return bool(insert_new(conn, schema.subscriptions, [_row(kept)], [table.id]))


def get(conn: Connection, subscription_id: SubscriptionId) -> Kept | None:
    row = conn.execute(_GET, {"subscription": subscription_id}).one_or_none()
    return None if row is None else _kept(row)


def save(conn: Connection, before: Subscription, kept: Kept) -> None:
    """Raises Conflict where it has changed since `before` was read."""
    row = _row(kept) | {"version": before.version + 1}
    mine = {"customer": before.customer_id, "subscription": before.id, "read": before.version}
    if conn.execute(_SAVE, mine | row).one_or_none() is None:
        raise Conflict(f"subscription {before.id}: has changed meanwhile; read it again", code="changed_meanwhile")


def of_customer(conn: Connection, customer_id: CustomerId) -> list[Kept]:
    """All that the customer ever had, in the order of their beginning."""
    return [_kept(row) for row in conn.execute(_OF_CUSTOMER, {"customer": customer_id})]


@dataclass(frozen=True, slots=True)
class Query:
    """Which subscriptions: of one customer, status or plan, or of all."""

    customer_id: CustomerId | None = None
    status: Status | None = None
    plan_key: str | None = None


def page(conn: Connection, query: Query, *, after: SubscriptionId | None = None, limit: int) -> list[Subscription]:
    """In the order of their ids, beginning behind `after`."""
    table = schema.subscriptions.c
    asked = select(schema.subscriptions)
    if query.customer_id is not None:
        asked = asked.where(table.customer_id == query.customer_id)
    if query.status is not None:
        asked = asked.where(table.status == query.status.value)
    if query.plan_key is not None:
        asked = asked.where(table.plan_key == query.plan_key)
    if after is not None:
        asked = asked.where(table.id > after)
    return [kept.subscription for kept in _found(conn, asked.order_by(table.id).limit(limit))]


def due(conn: Connection, *, now: datetime, limit: int) -> list[SubscriptionId]:
    """For which something is to be done, the longest waiting first."""
    table = schema.subscriptions.c
    asked = select(table.id).where(table.due_at.is_not(None), table.due_at <= now).order_by(table.due_at, table.id).limit(limit)
    return [SubscriptionId(found) for found in conn.execute(asked).scalars()]


# Periods that are over


def close(conn: Connection, subscription: Subscription, closed: ClosedPeriod, *, invoiced: bool) -> None:
    row = {
        "customer_id": subscription.customer_id,
        "subscription_id": subscription.id,
        "period_start": closed.period.start,
        "period_end": closed.period.end,
        "full_start": closed.full.start,
        "full_end": closed.full.end,
        "terms_since": closed.terms_since,
        "kind": closed.kind.value,
        "terms": write_terms(closed.terms),
        "invoice_at": closed.invoice_at,
        "invoiced": invoiced,
    }
    conn.execute(schema.subscription_periods.insert().values(row))


def to_invoice(conn: Connection, subscription: Subscription) -> list[ClosedPeriod]:
    """The periods that are over and not invoiced yet, in their order."""
    rows = conn.execute(_TO_INVOICE, {"customer": subscription.customer_id, "subscription": subscription.id})
    return [_closed(row) for row in rows]


def note_invoiced(conn: Connection, subscription: Subscription, closed: ClosedPeriod) -> None:
    """Raises Conflict where somebody else has invoiced it."""
    table = schema.subscription_periods
    noted = table.update().where(
        table.c.customer_id == subscription.customer_id,
        table.c.subscription_id == subscription.id,
        table.c.period_start == closed.period.start,
        table.c.invoiced == False,  # noqa: E712
    )
    if conn.execute(noted.values(invoiced=True).returning(table.c.period_start)).one_or_none() is None:
        raise Conflict(f"subscription {subscription.id}: this period was invoiced meanwhile", code="changed_meanwhile")


# Which usage it counts


@dataclass(frozen=True, slots=True)
class Counting:
    """From when to when a charge of a subscription counts the usage of a meter; None: it still does."""

    subscription_id: SubscriptionId
    charge_key: str
    meter_key: MeterKey
    counted_from: datetime
    counted_until: datetime | None


def count(conn: Connection, customer_id: CustomerId, counting: Counting) -> None:
    """The charge counts from then on; a standing one goes on."""
    row = {
        "customer_id": customer_id,
        "charge_key": counting.charge_key,
        "counted_from": counting.counted_from,
        "subscription_id": counting.subscription_id,
        "meter_key": counting.meter_key,
        "counted_until": counting.counted_until,
    }
    insert_new(conn, schema.subscription_meters, [row], [schema.subscription_meters.c.charge_key])


def stop_counting(conn: Connection, customer_id: CustomerId, charge_key: str, *, until: datetime) -> None:
    """Not before it began: what is paused in its trial, and canceled, has counted nothing."""
    table = schema.subscription_meters
    stopped = table.update().where(
        table.c.customer_id == customer_id, table.c.charge_key == charge_key, table.c.counted_until.is_(None)
    )
    ends = case((table.c.counted_from > until, table.c.counted_from), else_=literal(until, Instant()))
    conn.execute(stopped.values(counted_until=ends))


def counted(conn: Connection, subscription: Subscription) -> list[Counting]:
    """Every charge of it that counts usage, or did."""
    table = schema.subscription_meters.c
    asked = select(schema.subscription_meters).where(
        table.customer_id == subscription.customer_id, table.subscription_id == subscription.id
    )
    return [_counting(row) for row in conn.execute(asked.order_by(table.charge_key, table.counted_from))]


def covered(conn: Connection, customer_id: CustomerId) -> dict[MeterKey, list[Counting]]:
    """By meter: when a subscription counts its usage, so that no charge outside of it may; in the order of time."""
    found: dict[MeterKey, list[Counting]] = defaultdict(list)
    for row in conn.execute(_COVERED, {"customer": customer_id}):
        found[MeterKey(row.meter_key)].append(_counting(row))
    return dict(found)


def _found(conn: Connection, asked: Select[Any]) -> list[Kept]:
    return [_kept(row) for row in conn.execute(asked)]


def _row(kept: Kept) -> dict[str, Any]:
    subscription, collection = kept.subscription, kept.collection
    return {
        "customer_id": subscription.customer_id,
        "id": subscription.id,
        "status": subscription.status.value,
        "plan_key": subscription.terms.plan_key,
        "plan_version": subscription.terms.plan_version,
        "terms": write_terms(subscription.terms),
        "next_terms": None if subscription.next_terms is None else write_terms(subscription.next_terms),
        "zone": subscription.zone,
        "anchoring": subscription.anchoring.value,
        "anchor": subscription.anchor,
        "started_at": subscription.started_at,
        "period_start": subscription.period.start,
        "period_end": subscription.period.end,
        "full_start": subscription.full.start,
        "full_end": subscription.full.end,
        "terms_since": subscription.terms_since,
        "trial_end": subscription.trial_end,
        "cancel_at_period_end": subscription.cancel_at_period_end,
        "paused_at": subscription.paused_at,
        "ended_at": subscription.ended_at,
        "collection": {
            "method": collection.method.value,
            "automatic": collection.automatic,
            "payment_method": collection.payment_method,
        },
        "due_at": kept.due_at,
        "version": subscription.version,
    }


def _kept(row: Row[Any]) -> Kept:
    subscription = Subscription(
        id=SubscriptionId(row.id),
        customer_id=CustomerId(row.customer_id),
        status=Status(row.status),
        terms=read_terms(row.terms),
        zone=row.zone,
        anchoring=Anchoring(row.anchoring),
        anchor=row.anchor,
        started_at=row.started_at,
        period=Period(row.period_start, row.period_end),
        full=Period(row.full_start, row.full_end),
        terms_since=row.terms_since,
        trial_end=row.trial_end,
        next_terms=None if row.next_terms is None else read_terms(row.next_terms),
        cancel_at_period_end=row.cancel_at_period_end,
        paused_at=row.paused_at,
        ended_at=row.ended_at,
        version=row.version,
    )
    said = row.collection
    collection = Collection(Method(said["method"]), said["automatic"], said["payment_method"])
    return Kept(subscription, collection, row.due_at)


def _closed(row: Row[Any]) -> ClosedPeriod:
    return ClosedPeriod(
        period=Period(row.period_start, row.period_end),
        full=Period(row.full_start, row.full_end),
        terms_since=row.terms_since,
        kind=PeriodKind(row.kind),
        terms=read_terms(row.terms),
        invoice_at=row.invoice_at,
    )


def _counting(row: Row[Any]) -> Counting:
    return Counting(
        SubscriptionId(row.subscription_id), row.charge_key, MeterKey(row.meter_key), row.counted_from, row.counted_until
    )
