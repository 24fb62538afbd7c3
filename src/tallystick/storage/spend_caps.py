"""Spend caps, and the lock that all who spend of one customer's money meet at."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select

from tallystick.domain.entitlements import OperationStatus, Policy
from tallystick.domain.spend_caps import SpendCap
from tallystick.domain.usage import Meter
from tallystick.storage import schema
from tallystick.storage.database import insert
from tallystick.values.decimals import from_steps
from tallystick.values.ids import CustomerId, MeterKey
from tallystick.values.money import Money, currency

# Asked for each use of a quota, and therefore kept: most of a small statement's time is its making.
_ONE = select(schema.spend_caps).where(schema.spend_caps.c.customer_id == bindparam("customer"))
_LOCKED = _ONE.with_for_update()


def put(conn: Connection, cap: SpendCap) -> None:
    """Adds the cap, or replaces it."""
    row = {
        "limit_minor": cap.limit.minor,
        "currency": cap.limit.currency.code,
        "policy": cap.policy.value,
        "zone": cap.zone,
        "updated_at": cap.updated_at,
    }
    added = insert(conn, schema.spend_caps).values(customer_id=cap.customer_id, **row)
    conn.execute(added.on_conflict_do_update(index_elements=["customer_id"], set_=row))


def remove(conn: Connection, customer_id: CustomerId) -> None:
    conn.execute(schema.spend_caps.delete().where(schema.spend_caps.c.customer_id == customer_id))


def get(conn: Connection, customer_id: CustomerId) -> SpendCap | None:
    return _cap(conn.execute(_ONE, {"customer": customer_id}).one_or_none())


def locked(conn: Connection, customer_id: CustomerId) -> SpendCap | None:
    """As `get`; until the end of the transaction nobody else spends under this cap. After the lock of a quota, never before."""
    return _cap(conn.execute(_LOCKED, {"customer": customer_id}).one_or_none())


def held(conn: Connection, customer_id: CustomerId, meters: dict[MeterKey, Meter], *, now: datetime) -> dict[MeterKey, Decimal]:
    """What is reserved of all quotas of the customer, by meter."""
    table = schema.quota_operations.c
    asked = select(table.meter_key, func.sum(table.quantity).label("steps")).where(
        table.customer_id == customer_id, table.status == OperationStatus.RESERVED.value, table.expires_at > now
    )
    rows = conn.execute(asked.group_by(table.meter_key))
    return {MeterKey(row.meter_key): from_steps(int(row.steps), meters[MeterKey(row.meter_key)].decimals) for row in rows}


def _cap(row: Row[Any] | None) -> SpendCap | None:
    if row is None:
        return None
    limit = Money(row.limit_minor, currency(row.currency))
    return SpendCap(CustomerId(row.customer_id), limit, row.updated_at, Policy(row.policy), row.zone)
