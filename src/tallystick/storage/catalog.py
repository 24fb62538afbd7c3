"""Meters and charges. A price may change here: lines keep the price that they were billed with."""

import json
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, Text, bindparam, select, type_coerce
from sqlalchemy.exc import IntegrityError

from tallystick.domain.catalog import Charge, Price
from tallystick.domain.lines import OF_SUBSCRIPTION
from tallystick.domain.price_documents import read_price, write_price
from tallystick.domain.usage import Aggregation, Meter
from tallystick.storage import schema
from tallystick.storage.database import insert, insert_new
from tallystick.values.errors import Conflict, InvalidInput
from tallystick.values.ids import MeterKey

_METERS = select(schema.meters).order_by(schema.meters.c.key)
_METER = select(schema.meters).where(schema.meters.c.key == bindparam("meter"))
_CHARGES = select(schema.charges, type_coerce(schema.charges.c.price, Text()).label("price_text")).order_by(schema.charges.c.key)


def put_meter(conn: Connection, meter: Meter, *, at: datetime) -> None:
    """Adds the meter, or changes what may be changed of it.

    Raises Conflict where events or quotas are already measured in the old way: what is stored would mean something else.
    """
    row: dict[str, Any] = {
        "key": meter.key,
        "aggregation": meter.aggregation.value,
        "decimals": meter.decimals,
        "unit": meter.unit,
        "allow_negative": meter.allow_negative,
        "unique_property": meter.unique_property,
        "export_as": meter.export_as,
    }
    _check_export(conn, meter)
    since = None if meter.export_as is None else at
    if insert_new(conn, schema.meters, [row | {"created_at": at, "export_since": since}], [schema.meters.c.key]):
        return
    # Locked: an event that is being recorded right now holds the meter's key, and is seen once it is there.
    held = conn.execute(select(schema.meters).where(schema.meters.c.key == meter.key).with_for_update()).one_or_none()
    if held is None:
        raise _exported_already(meter, "another meter")  # since we looked
    stands = _meter(held)
    if stands == meter:
        return
    if _measures(stands) != _measures(meter) and _in_use(conn, meter.key):
        raise Conflict(
            f"meter {meter.key}: has events or quotas, so that its aggregation, decimals and unique_property stay; "
            "create another meter",
            code="meter_in_use",
        )
    if (stands.export_as is None) != (meter.export_as is None):
        row["export_since"] = since
    try:
        conn.execute(schema.meters.update().where(schema.meters.c.key == meter.key).values(row))
    except IntegrityError:
        raise _exported_already(meter, "another meter") from None


def exported(conn: Connection) -> list[tuple[Meter, datetime]]:
    """The meters of which the provider is told, and since when."""
    table = schema.meters.c
    rows = conn.execute(_METERS.where(table.export_as.is_not(None)))
    return [(_meter(row), row.export_since) for row in rows]


def meters(conn: Connection) -> dict[MeterKey, Meter]:
    rows = conn.execute(_METERS)
    return {meter.key: meter for meter in map(_meter, rows)}


def held_meter(conn: Connection, key: MeterKey) -> Meter | None:
    """The meter, which nobody changes until the end of the transaction."""
    held = select(schema.meters).where(schema.meters.c.key == key).with_for_update(read=True, key_share=True)
    row = conn.execute(held).one_or_none()
    return None if row is None else _meter(row)


def meter(conn: Connection, key: MeterKey) -> Meter | None:
    row = conn.execute(_METER, {"meter": key}).one_or_none()
    return None if row is None else _meter(row)


def put_charge(conn: Connection, charge: Charge, *, at: datetime) -> None:
    """Adds the charge, or replaces it. Raises Conflict where it would move to another meter after it was billed."""
    if charge.key.startswith(OF_SUBSCRIPTION):
        raise InvalidInput(f"key: {OF_SUBSCRIPTION}… are keys of subscriptions; name the charge otherwise", field="key")
    if _billed_on(conn, charge.key) not in {None, charge.meter_key}:
        raise Conflict(f"charge {charge.key}: was billed on another meter; make a charge of another key for {charge.meter_key}")
    row = {
        "meter_key": charge.meter_key,
        "price": write_price(charge.price),
        "display_name": charge.display_name,
        "updated_at": at,
    }
    put = insert(conn, schema.charges).values(key=charge.key, **row)
    conn.execute(put.on_conflict_do_update(index_elements=["key"], set_=row))


def charges(conn: Connection) -> dict[str, Charge]:
    rows = conn.execute(_CHARGES)
    return {charge.key: charge for charge in map(_charge, rows)}


def charges_of(conn: Connection, meter_keys: Iterable[MeterKey]) -> dict[str, Charge]:
    """The charges on these meters."""
    asked = _CHARGES.where(schema.charges.c.meter_key.in_(sorted(meter_keys)))
    return {charge.key: charge for charge in map(_charge, conn.execute(asked))}


def _check_export(conn: Connection, meter: Meter) -> None:
    """Two meters of one name at the provider would be added up there. Raises Conflict."""
    if meter.export_as is None:
        return
    table = schema.meters.c
    asked = select(table.key).where(table.export_as == meter.export_as, table.key != meter.key)
    other = conn.execute(asked).scalar_one_or_none()
    if other is not None:
        raise _exported_already(meter, other)


def _exported_already(meter: Meter, other: str) -> Conflict:
    return Conflict(f"meter {meter.key}: {other} is exported as {meter.export_as} already; each has a name of its own")


def _in_use(conn: Connection, key: MeterKey) -> bool:
    measured = (schema.usage_rollups.c.meter_key, schema.entitlements.c.meter_key)
    asked = [select(of).where(of == key) for of in measured]
    # Where every event was retracted there is no rollup left, and the events still say what they said.
    asked.append(select(schema.events.c.meter_key).join(schema.event_amendments).where(schema.events.c.meter_key == key))
    return any(conn.execute(each.limit(1)).one_or_none() is not None for each in asked)


def _billed_on(conn: Connection, key: str) -> MeterKey | None:
    positions = schema.billing_positions.c
    found: MeterKey | None = conn.execute(
        select(positions.meter_key).where(positions.charge_key == key).limit(1)
    ).scalar_one_or_none()
    return found


def _measures(meter: Meter) -> tuple[object, ...]:
    return meter.aggregation, meter.decimals, meter.unique_property


def _meter(row: Row[Any]) -> Meter:
    return Meter(
        key=MeterKey(row.key),
        aggregation=Aggregation(row.aggregation),
        decimals=row.decimals,
        unit=row.unit,
        allow_negative=row.allow_negative,
        unique_property=row.unique_property,
        export_as=row.export_as,
    )


def _charge(row: Row[Any]) -> Charge:
    return Charge(row.key, MeterKey(row.meter_key), _price(row.price_text), row.display_name)


@lru_cache(maxsize=1024)
def _price(text: str) -> Price:
    """The price of that document: a price never changes, and reading one takes longer than loading it."""
    return read_price(json.loads(text))
