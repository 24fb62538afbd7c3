"""Endpoints: whom to tell, and how they have answered lately. Their secrets are not here."""

from typing import Any

from sqlalchemy import Connection, Row, bindparam, or_, select

from tallystick.domain.messages import Endpoint
from tallystick.storage import schema
from tallystick.storage.types import Key
from tallystick.values.ids import CustomerId, EndpointId

_ENDPOINTS = schema.endpoints.c
# Asked with each invoice, and therefore kept: most of a small statement's time is its making.
_ENABLED = (
    select(schema.endpoints)
    .where(
        _ENDPOINTS.enabled == True,  # noqa: E712
        or_(_ENDPOINTS.only_for.is_(None), _ENDPOINTS.only_for == bindparam("customer", type_=Key())),
    )
    .order_by(_ENDPOINTS.id)
)


def add(conn: Connection, endpoint: Endpoint) -> None:
    row = _changing(endpoint) | {"id": endpoint.id, "only_for": endpoint.only_for, "created_at": endpoint.created_at}
    conn.execute(schema.endpoints.insert(), row)


def get(conn: Connection, endpoint_id: EndpointId) -> Endpoint | None:
    return _found(conn.execute(_one(endpoint_id)).one_or_none())


def locked(conn: Connection, endpoint_id: EndpointId) -> Endpoint | None:
    """As `get`; until the end of the transaction nobody else changes it."""
    return _found(conn.execute(_one(endpoint_id).with_for_update()).one_or_none())


def save(conn: Connection, endpoint: Endpoint) -> None:
    """What may change of it. Hold `locked` since before it was read."""
    table = schema.endpoints
    conn.execute(table.update().where(table.c.id == endpoint.id).values(_changing(endpoint)))


def remove(conn: Connection, endpoint_id: EndpointId) -> bool:
    """Nothing is sent to it any more. False where there was none."""
    table = schema.endpoints
    return conn.execute(table.delete().where(table.c.id == endpoint_id).returning(table.c.id)).one_or_none() is not None


def wanting(conn: Connection, message_type: str, customer_id: CustomerId | None) -> list[Endpoint]:
    """Who is to be told of this, by id. There are few endpoints, and most often none."""
    found = (_endpoint(row) for row in conn.execute(_ENABLED, {"customer": customer_id}).all())
    return [endpoint for endpoint in found if endpoint.wants(message_type, customer_id)]


def page(conn: Connection, *, after: EndpointId | None = None, limit: int) -> list[Endpoint]:
    """By id, beginning behind `after`."""
    table = schema.endpoints.c
    asked = select(schema.endpoints).order_by(table.id).limit(limit)
    if after is not None:
        asked = asked.where(table.id > after)
    return [_endpoint(row) for row in conn.execute(asked)]


def _one(endpoint_id: EndpointId) -> Any:
    return select(schema.endpoints).where(schema.endpoints.c.id == endpoint_id)


def _changing(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "url": endpoint.url,
        "types": list(endpoint.types),
        "enabled": endpoint.enabled,
        "disabled_reason": endpoint.disabled_reason,
        "secret_number": endpoint.secret_number,
        "overlap_until": endpoint.overlap_until,
        "failures": endpoint.failures,
        "paused_until": endpoint.paused_until,
        "delivered_at": endpoint.delivered_at,
    }


def _found(row: Row[Any] | None) -> Endpoint | None:
    return None if row is None else _endpoint(row)


def _endpoint(row: Row[Any]) -> Endpoint:
    return Endpoint(
        id=EndpointId(row.id),
        url=row.url,
        types=tuple(row.types),
        only_for=None if row.only_for is None else CustomerId(row.only_for),
        created_at=row.created_at,
        enabled=row.enabled,
        disabled_reason=row.disabled_reason,
        secret_number=row.secret_number,
        overlap_until=row.overlap_until,
        failures=row.failures,
        paused_until=row.paused_until,
        delivered_at=row.delivered_at,
    )
