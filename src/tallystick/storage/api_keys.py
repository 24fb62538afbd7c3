"""API keys, by the part that may be shown; of the secret only its hash."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from tallystick.storage import schema
from tallystick.storage.database import insert_new


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key as it is stored. It counts from `created_at` until it expires or is revoked."""

    key_id: str
    secret_hash: str
    name: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


def add(conn: Connection, key: ApiKey) -> bool:
    """False where there is one of this id already."""
    row = {
        "key_id": key.key_id,
        "secret_hash": key.secret_hash,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }
    return bool(insert_new(conn, schema.api_keys, [row], [schema.api_keys.c.key_id]))


def by_key_id(conn: Connection, key_id: str) -> ApiKey | None:
    row = conn.execute(select(schema.api_keys).where(schema.api_keys.c.key_id == key_id)).one_or_none()
    return None if row is None else _key(row)


def revoke(conn: Connection, key_id: str, *, at: datetime) -> bool:
    """From now on it opens nothing. False where there is no such key, or it was revoked before."""
    table = schema.api_keys
    revoked = table.update().where(table.c.key_id == key_id, table.c.revoked_at.is_(None)).values(revoked_at=at)
    return conn.execute(revoked.returning(table.c.key_id)).one_or_none() is not None


def touch(conn: Connection, key_id: str, *, at: datetime) -> None:
    """It was used; never moved backwards."""
    table = schema.api_keys
    older = table.c.last_used_at.is_(None) | (table.c.last_used_at < at)
    conn.execute(table.update().where(table.c.key_id == key_id, older).values(last_used_at=at))


def page(conn: Connection, *, after: str | None = None, limit: int) -> list[ApiKey]:
    """By id, beginning behind `after`."""
    table = schema.api_keys.c
    asked = select(schema.api_keys).order_by(table.key_id).limit(limit)
    if after is not None:
        asked = asked.where(table.key_id > after)
    return [_key(row) for row in conn.execute(asked)]


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        key_id=row.key_id,
        secret_hash=row.secret_hash,
        name=row.name,
        scopes=frozenset(row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
