"""The inbox: webhook deliveries as they came, kept once, and what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, bindparam, literal, select, tuple_

from tallystick.domain.payments import Delivery
from tallystick.storage import schema
from tallystick.storage.database import insert_new
from tallystick.storage.types import Instant, Key
from tallystick.values.errors import NotFound

_AT_ONCE = 500

# Asked for each delivery, and therefore kept: most of a small statement's time is its making.
_MINE = schema.provider_events.c.id == bindparam("delivery")
_GET = select(schema.provider_events).where(_MINE)
_MARK = schema.provider_events.update().where(_MINE).returning(schema.provider_events.c.id)


class Settlement(StrEnum):
    """What became of a delivery; NEW until it is settled."""

    NEW = "new"
    SETTLED = "settled"
    IGNORED = "ignored"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Stored:
    """A delivery as it came, and what became of it."""

    delivery: Delivery
    provider: str
    received_at: datetime
    settlement: Settlement = Settlement.NEW
    reason: str | None = None
    settled_at: datetime | None = None


def keep(conn: Connection, delivery: Delivery, *, provider: str, at: datetime) -> bool:
    """False where it is kept already: providers deliver again what they think was lost."""
    row = {
        "id": delivery.id,
        "provider": provider,
        "kind": delivery.kind,
        "body": delivery.body,
        "created_at": delivery.created_at,
        "livemode": delivery.livemode,
        "received_at": at,
        "outcome": Settlement.NEW.value,
    }
    return bool(insert_new(conn, schema.provider_events, [row], [schema.provider_events.c.id]))


def get(conn: Connection, delivery_id: str) -> Stored | None:
    row = conn.execute(_GET, {"delivery": delivery_id}).one_or_none()
    return None if row is None else _delivery(row)


def known(conn: Connection, delivery_ids: Sequence[str]) -> set[str]:
    """Which of them are kept."""
    table, found = schema.provider_events, set[str]()
    for start in range(0, len(delivery_ids), _AT_ONCE):
        asked = select(table.c.id).where(table.c.id.in_(delivery_ids[start : start + _AT_ONCE]))
        found.update(conn.execute(asked).scalars())
    return found


def renew(conn: Connection, stored: Stored) -> Stored:
    """The delivery as if it had just come."""
    table = schema.provider_events
    renewed = table.update().where(table.c.id == stored.delivery.id)
    conn.execute(renewed.values(outcome=Settlement.NEW.value, reason=None, settled_at=None))
    return replace(stored, settlement=Settlement.NEW, reason=None, settled_at=None)


def mark(conn: Connection, delivery_id: str, settlement: Settlement, reason: str | None, *, at: datetime) -> None:
    """What became of it, the latest word. Raises NotFound."""
    said = {"delivery": delivery_id, "outcome": settlement.value, "reason": reason, "settled_at": at}
    if conn.execute(_MARK, said).one_or_none() is None:
        raise NotFound(f"{delivery_id}: there is no such delivery")


def page(conn: Connection, *, settlement: Settlement | None = None, after: Stored | None = None, limit: int) -> list[Stored]:
    """Newest first, beginning behind `after`."""
    table = schema.provider_events.c
    asked = select(schema.provider_events)
    if settlement is not None:
        asked = asked.where(table.outcome == settlement.value)
    if after is not None:
        place = tuple_(literal(after.received_at, Instant()), literal(after.delivery.id, Key()))
        asked = asked.where(tuple_(table.received_at, table.id) < place)
    rows = conn.execute(asked.order_by(table.received_at.desc(), table.id.desc()).limit(limit))
    return [_delivery(row) for row in rows]


def _delivery(row: Row[Any]) -> Stored:
    return Stored(
        Delivery(row.id, row.kind, row.body, row.created_at, row.livemode),
        provider=row.provider,
        received_at=row.received_at,
        settlement=Settlement(row.outcome),
        reason=row.reason,
        settled_at=row.settled_at,
    )
