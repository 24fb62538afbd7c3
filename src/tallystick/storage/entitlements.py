"""Entitlements: what a customer may use of a meter, and the lock that all who take from one quota meet at."""

from typing import Any

from sqlalchemy import Connection, Row, select

from tallystick.domain.entitlements import Entitlement, Policy, Quota, Reset
from tallystick.domain.usage import Meter
from tallystick.storage import schema
from tallystick.storage.database import insert
from tallystick.values.decimals import from_steps, to_steps
from tallystick.values.ids import CustomerId, MeterKey


def put(conn: Connection, entitlement: Entitlement, meter: Meter) -> None:
    """Adds the entitlement, or replaces it; what was used stays used."""
    quota = entitlement.quota
    row = {
        "quota_limit": None if quota.limit is None else to_steps(quota.limit, meter.decimals),
        "policy": quota.policy.value,
        "reset": quota.reset.value,
        "zone": quota.zone,
        "updated_at": entitlement.updated_at,
    }
    key = {"customer_id": entitlement.customer_id, "meter_key": entitlement.meter_key}
    added = insert(conn, schema.entitlements).values(**key, **row)
    conn.execute(added.on_conflict_do_update(index_elements=list(key), set_=row))


def get(conn: Connection, customer_id: CustomerId, meter: Meter) -> Entitlement | None:
    return _entitlement(conn.execute(_one(customer_id, meter)).one_or_none(), meter)


def locked(conn: Connection, customer_id: CustomerId, meter: Meter) -> Entitlement | None:
    """As `get`; until the end of the transaction nobody else takes from this quota, or changes it."""
    return _entitlement(conn.execute(_one(customer_id, meter).with_for_update()).one_or_none(), meter)


def _one(customer_id: CustomerId, meter: Meter) -> Any:
    table = schema.entitlements.c
    return select(schema.entitlements).where(table.customer_id == customer_id, table.meter_key == meter.key)


def _entitlement(row: Row[Any] | None, meter: Meter) -> Entitlement | None:
    if row is None:
        return None
    limit = None if row.quota_limit is None else from_steps(row.quota_limit, meter.decimals)
    quota = Quota(limit, Policy(row.policy), Reset(row.reset), row.zone)
    return Entitlement(CustomerId(row.customer_id), MeterKey(row.meter_key), quota, row.updated_at)
