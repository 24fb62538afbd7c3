"""Alerts, each told once for its period, and the thresholds that a customer's quota has of its own."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, literal, select, tuple_

from tallystick.domain.alerts import THRESHOLDS_DEFAULT, Alert, AlertKind
from tallystick.storage import schema
from tallystick.storage.database import insert, insert_new
from tallystick.storage.types import Instant, Key
from tallystick.values.ids import AlertId, CustomerId, MeterKey

_KNOWN = sorted(AlertKind)


def add(conn: Connection, alert: Alert) -> bool:
    """False where it was told before in this period."""
    table = schema.alerts
    row = {
        "customer_id": alert.customer_id,
        "id": alert.id,
        "kind": alert.kind.value,
        "subject": alert.subject,
        "period_start": alert.period_start,
        "threshold": alert.threshold,
        "at": alert.at,
        "facts": dict(alert.facts),
    }
    return bool(insert_new(conn, table, [row], [table.c.id]))


def get(conn: Connection, alert_id: AlertId) -> Alert | None:
    row = conn.execute(select(schema.alerts).where(schema.alerts.c.id == alert_id)).one_or_none()
    return None if row is None else _alert(row)


def page(
    conn: Connection, *, customer_id: CustomerId | None = None, kind: AlertKind | None = None, after: Alert | None = None,
    limit: int,
) -> list[Alert]:  # fmt: skip
    """Newest first, beginning behind `after`; of kinds that this version knows."""
    table = schema.alerts.c
    asked = select(schema.alerts).where(table.kind.in_(_KNOWN if kind is None else [kind.value]))
    if customer_id is not None:
        asked = asked.where(table.customer_id == customer_id)
    if after is not None:
        place = tuple_(literal(after.at, Instant()), literal(after.id, Key()))
        asked = asked.where(tuple_(table.at, table.id) < place)
    return [_alert(row) for row in conn.execute(asked.order_by(table.at.desc(), table.id.desc()).limit(limit))]


def thresholds(conn: Connection, customer_id: CustomerId, meter_key: MeterKey) -> tuple[int, ...]:
    """At which whole percents the customer is told; the default where nothing else was said."""
    table = schema.alert_thresholds.c
    asked = select(table.percents).where(table.customer_id == customer_id, table.meter_key == meter_key)
    found: list[int] | None = conn.execute(asked).scalar_one_or_none()
    return THRESHOLDS_DEFAULT if found is None else tuple(found)


def put_thresholds(
    conn: Connection, customer_id: CustomerId, meter_key: MeterKey, percents: Sequence[int], *, at: datetime
) -> None:
    key = {"customer_id": customer_id, "meter_key": meter_key}
    row = {"percents": list(percents), "updated_at": at}
    put = insert(conn, schema.alert_thresholds).values(**key, **row)
    conn.execute(put.on_conflict_do_update(index_elements=list(key), set_=row))


def _alert(row: Row[Any]) -> Alert:
    return Alert(
        customer_id=CustomerId(row.customer_id),
        kind=AlertKind(row.kind),
        subject=row.subject,
        period_start=row.period_start,
        threshold=row.threshold,
        at=row.at,
        facts=row.facts,
    )
