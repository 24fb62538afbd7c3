"""Entitlements: what a customer may use of a meter, and the lock that all who take from one quota meet at."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from tallystick.domain.entitlements import Entitlement, Policy, Quota, Reset, Source
from tallystick.domain.periods import read_cadence
from tallystick.domain.usage import Meter
from tallystick.storage import schema
from tallystick.storage.database import insert
from tallystick.values.decimals import from_steps, to_steps
from tallystick.values.ids import CustomerId, MeterKey

# Asked for each use of a quota, and therefore kept: most of a small statement's time is its making.
_ENTITLEMENTS = schema.entitlements.c
_ONE = select(schema.entitlements).where(
    _ENTITLEMENTS.customer_id == bindparam("customer"), _ENTITLEMENTS.meter_key == bindparam("meter")
)
_LOCKED = _ONE.with_for_update()


def put(conn: Connection, entitlement: Entitlement, meter: Meter) -> None:
    """Adds the entitlement, or replaces it; what was used stays used."""
    quota = entitlement.quota
    row = {
        "quota_limit": None if quota.limit is None else to_steps(quota.limit, meter.decimals),
        "policy": quota.policy.value,
        "reset": quota.reset.value,
        "zone": quota.zone,
        "updated_at": entitlement.updated_at,
        "source": entitlement.source.value,
        "anchor": quota.anchor,
        "cadence": None if quota.cadence is None else str(quota.cadence),
        "withdrawn_at": entitlement.withdrawn_at,
    }
    key = {"customer_id": entitlement.customer_id, "meter_key": entitlement.meter_key}
    added = insert(conn, schema.entitlements).values(**key, **row)
    conn.execute(added.on_conflict_do_update(index_elements=list(key), set_=row))


def get(conn: Connection, customer_id: CustomerId, meter: Meter) -> Entitlement | None:
    """What is in force; None where nothing is, or no longer."""
    return _in_force(_found(conn, _ONE, customer_id, meter))


def of_customer(conn: Connection, customer_id: CustomerId, meters: Mapping[MeterKey, Meter]) -> list[Entitlement]:
    """Everything that the customer was ever entitled to, withdrawn or not, by meter."""
    table = schema.entitlements.c
    asked = select(schema.entitlements).where(table.customer_id == customer_id).order_by(table.meter_key)
    found = (_entitlement(row, meters[MeterKey(row.meter_key)]) for row in conn.execute(asked))
    return [entitlement for entitlement in found if entitlement is not None]


def locked(conn: Connection, customer_id: CustomerId, meter: Meter) -> Entitlement | None:
    """As `get`; until the end of the transaction nobody else takes from this quota, or changes it."""
    return _in_force(stands(conn, customer_id, meter))


def stands(conn: Connection, customer_id: CustomerId, meter: Meter) -> Entitlement | None:
    """As `locked`, and also what was withdrawn."""
    return _found(conn, _LOCKED, customer_id, meter)


def _in_force(entitlement: Entitlement | None) -> Entitlement | None:
    return None if entitlement is None or entitlement.withdrawn_at is not None else entitlement


def _found(conn: Connection, asked: Any, customer_id: CustomerId, meter: Meter) -> Entitlement | None:
    return _entitlement(conn.execute(asked, {"customer": customer_id, "meter": meter.key}).one_or_none(), meter)


def _entitlement(row: Row[Any] | None, meter: Meter) -> Entitlement | None:
    if row is None:
        return None
    limit = None if row.quota_limit is None else from_steps(row.quota_limit, meter.decimals)
    cadence = None if row.cadence is None else read_cadence(row.cadence)
    quota = Quota(limit, Policy(row.policy), Reset(row.reset), row.zone, row.anchor, cadence)
    customer_id, meter_key = CustomerId(row.customer_id), MeterKey(row.meter_key)
    return Entitlement(customer_id, meter_key, quota, row.updated_at, Source(row.source), row.withdrawn_at)
