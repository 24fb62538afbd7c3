"""Messages, and each of them on its way to each recipient. A message never changes; what became of it does."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, literal, select, tuple_

from tallystick.domain.messages import Channel, Dispatch, DispatchStatus, Message
from tallystick.storage import schema
from tallystick.storage.database import insert_new
from tallystick.storage.types import Instant, Key
from tallystick.values.ids import CustomerId, MessageId

_DISPATCHES = schema.dispatches


def add(conn: Connection, message: Message) -> bool:
    """False where there is one of this id already."""
    table = schema.messages
    row = {
        "id": message.id,
        "type": message.type,
        "about": message.customer_id,
        "body": dict(message.body),
        "created_at": message.created_at,
    }
    return bool(insert_new(conn, table, [row], [table.c.id]))


def get(conn: Connection, message_id: MessageId) -> Message | None:
    row = conn.execute(select(schema.messages).where(schema.messages.c.id == message_id)).one_or_none()
    return None if row is None else _message(row)


def those(conn: Connection, message_ids: Collection[MessageId]) -> list[Message]:
    """Those of them that there are, oldest first."""
    table = schema.messages.c
    asked = select(schema.messages).where(table.id.in_(sorted(message_ids))).order_by(table.created_at, table.id)
    return [_message(row) for row in conn.execute(asked)]


def page(conn: Connection, *, customer_id: CustomerId | None = None, after: Message | None = None, limit: int) -> list[Message]:
    """Newest first, beginning behind `after`."""
    table = schema.messages.c
    asked = select(schema.messages)
    if customer_id is not None:
        asked = asked.where(table.about == customer_id)
    if after is not None:
        place = tuple_(literal(after.created_at, Instant()), literal(after.id, Key()))
        asked = asked.where(tuple_(table.created_at, table.id) < place)
    return [_message(row) for row in conn.execute(asked.order_by(table.created_at.desc(), table.id.desc()).limit(limit))]


def dispatch(conn: Connection, dispatched: Dispatch) -> bool:
    """Sets it on its way. False where it is, or was, on it already."""
    key = {"message_id": dispatched.message_id, "target": dispatched.target, "channel": dispatched.channel.value}
    row = key | {"began_at": dispatched.began_at} | _changing(dispatched)
    return bool(insert_new(conn, _DISPATCHES, [row], [_DISPATCHES.c.target]))


def dispatched(conn: Connection, message_id: MessageId, target: str) -> Dispatch | None:
    asked = select(_DISPATCHES).where(_DISPATCHES.c.message_id == message_id, _DISPATCHES.c.target == target)
    row = conn.execute(asked).one_or_none()
    return None if row is None else _dispatch(row)


def move(conn: Connection, before: Dispatch, after: Dispatch) -> bool:
    """False where somebody else has moved it since `before` was read; nothing is changed then."""
    table = _DISPATCHES
    same = (
        table.c.message_id == before.message_id,
        table.c.target == before.target,
        table.c.status == before.status.value,
        table.c.attempts == before.attempts,
        table.c.began_at == before.began_at,
    )
    moved = table.update().where(*same).values(_changing(after) | {"began_at": after.began_at})
    return conn.execute(moved.returning(table.c.target)).one_or_none() is not None


def dispatches_of(conn: Connection, message_ids: Collection[MessageId]) -> dict[MessageId, list[Dispatch]]:
    """Of each message its dispatches, by target."""
    table = _DISPATCHES.c
    asked = select(_DISPATCHES).where(table.message_id.in_(sorted(message_ids))).order_by(table.message_id, table.target)
    found: dict[MessageId, list[Dispatch]] = {}
    for row in conn.execute(asked):
        found.setdefault(MessageId(row.message_id), []).append(_dispatch(row))
    return found


def newest(conn: Connection, channel: Channel, *, limit: int) -> list[Dispatch]:
    """The last that went this way, the newest first."""
    table = _DISPATCHES.c
    asked = select(_DISPATCHES).where(table.channel == channel.value)
    asked = asked.order_by(table.began_at.desc(), table.message_id.desc(), table.target).limit(limit)
    return [_dispatch(row) for row in conn.execute(asked)]


def _changing(dispatched: Dispatch) -> dict[str, Any]:
    return {
        "status": dispatched.status.value,
        "attempts": dispatched.attempts,
        "next_at": dispatched.next_at,
        "response_status": dispatched.response_status,
        "reply": dispatched.reply,
        "error": dispatched.error,
        "settled_at": dispatched.settled_at,
    }


def _message(row: Row[Any]) -> Message:
    about = None if row.about is None else CustomerId(row.about)
    return Message(MessageId(row.id), row.type, about, row.body, row.created_at)


def _dispatch(row: Row[Any]) -> Dispatch:
    return Dispatch(
        message_id=MessageId(row.message_id),
        target=row.target,
        channel=Channel(row.channel),
        began_at=row.began_at,
        status=DispatchStatus(row.status),
        attempts=row.attempts,
        next_at=row.next_at,
        response_status=row.response_status,
        reply=row.reply,
        error=row.error,
        settled_at=row.settled_at,
    )
