"""Accounts, their sessions by the hash of their tokens, and how often somebody has tried to log in."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, case, literal, select, type_coerce

from tallystick.domain.accounts import Account, Role, Session
from tallystick.storage import schema
from tallystick.storage.database import insert, insert_new
from tallystick.storage.types import Instant
from tallystick.values.ids import AccountId

_ACCOUNTS, _SESSIONS, _TRIES = schema.accounts, schema.sessions, schema.tries


def add(conn: Connection, account: Account) -> bool:
    """False where there is one of this e-mail address already."""
    row = {
        "id": account.id,
        "email": account.email,
        "password_hash": account.password_hash,
        "role": account.role.value,
        "created_at": account.created_at,
    }
    return bool(insert_new(conn, _ACCOUNTS, [row], [_ACCOUNTS.c.id]))


def get(conn: Connection, account_id: AccountId) -> Account | None:
    row = conn.execute(select(_ACCOUNTS).where(_ACCOUNTS.c.id == account_id)).one_or_none()
    return None if row is None else _account(row)


def locked(conn: Connection, account_id: AccountId) -> Account | None:
    """The account, which nobody changes until the end of the transaction."""
    row = conn.execute(select(_ACCOUNTS).where(_ACCOUNTS.c.id == account_id).with_for_update()).one_or_none()
    return None if row is None else _account(row)


def by_email(conn: Connection, email: str) -> Account | None:
    row = conn.execute(select(_ACCOUNTS).where(_ACCOUNTS.c.email == email)).one_or_none()
    return None if row is None else _account(row)


def page(conn: Connection, *, after: AccountId | None = None, limit: int) -> list[Account]:
    """By id, beginning behind `after`."""
    asked = select(_ACCOUNTS).order_by(_ACCOUNTS.c.id).limit(limit)
    if after is not None:
        asked = asked.where(_ACCOUNTS.c.id > after)
    return [_account(row) for row in conn.execute(asked)]


def admins(conn: Connection) -> list[AccountId]:
    """Every admin, whom nobody changes until the end of the transaction."""
    held = select(_ACCOUNTS.c.id).where(_ACCOUNTS.c.role == Role.ADMIN.value).order_by(_ACCOUNTS.c.id).with_for_update()
    return [AccountId(found) for found in conn.execute(held).scalars()]


def set_role(conn: Connection, account_id: AccountId, role: Role) -> None:
    conn.execute(_ACCOUNTS.update().where(_ACCOUNTS.c.id == account_id).values(role=role.value))


def set_password(conn: Connection, account_id: AccountId, password_hash: str) -> None:
    conn.execute(_ACCOUNTS.update().where(_ACCOUNTS.c.id == account_id).values(password_hash=password_hash))


def begin_session(conn: Connection, session: Session) -> None:
    row = {
        "digest": session.digest,
        "account_id": session.account_id,
        "created_at": session.created_at,
        "seen_at": session.seen_at,
    }
    conn.execute(_SESSIONS.insert(), row)


def session(conn: Connection, digest: str) -> tuple[Session, Account] | None:
    asked = select(_SESSIONS, *(column for column in _ACCOUNTS.c if column.name != "created_at"))
    asked = asked.add_columns(_ACCOUNTS.c.created_at.label("registered_at"))
    asked = asked.join(_ACCOUNTS, _ACCOUNTS.c.id == _SESSIONS.c.account_id).where(_SESSIONS.c.digest == digest)
    row = conn.execute(asked).one_or_none()
    if row is None:
        return None
    account = Account(AccountId(row.id), row.email, Role(row.role), row.registered_at, row.password_hash)
    return Session(row.digest, account.id, row.created_at, row.seen_at), account


def saw_session(conn: Connection, digest: str, *, at: datetime) -> None:
    """It was used; never moved backwards."""
    conn.execute(_SESSIONS.update().where(_SESSIONS.c.digest == digest, _SESSIONS.c.seen_at < at).values(seen_at=at))


def move_sessions(conn: Connection, *, by: timedelta) -> None:
    """As if all that time had passed for nobody who is logged in: where a clock is only set forward."""
    micros, at = by // timedelta(microseconds=1), _SESSIONS.c
    moved = {each.name: type_coerce(type_coerce(each, BigInteger) + micros, Instant) for each in (at.created_at, at.seen_at)}
    conn.execute(_SESSIONS.update().values(moved))


def end_session(conn: Connection, digest: str) -> None:
    conn.execute(_SESSIONS.delete().where(_SESSIONS.c.digest == digest))


def end_sessions(conn: Connection, account_id: AccountId) -> None:
    """All of them: whoever is logged in under this account is so no longer."""
    conn.execute(_SESSIONS.delete().where(_SESSIONS.c.account_id == account_id))


def forget_sessions(conn: Connection, *, before: datetime) -> None:
    """Removes those that were last used before; they are over."""
    conn.execute(_SESSIONS.delete().where(_SESSIONS.c.seen_at < before))


def count_try(conn: Connection, counted_by: str, *, at: datetime, since: datetime) -> tuple[int, datetime]:
    """How many tries there were with this one, and since when: from the first of them, where that was after `since`."""
    row = {"counted_by": counted_by, "began_at": at, "count": 1}
    put = insert(conn, _TRIES).values(row)
    anew = _TRIES.c.began_at <= since
    put = put.on_conflict_do_update(
        index_elements=["counted_by"],
        set_={
            "count": case((anew, 1), else_=_TRIES.c.count + 1),
            "began_at": case((anew, literal(at, Instant())), else_=_TRIES.c.began_at),
        },
    )
    tries, began_at = conn.execute(put.returning(_TRIES.c.count, _TRIES.c.began_at)).one()
    return tries, began_at


def take_back_try(conn: Connection, counted_by: str) -> None:
    """One try less: it was none of the kind that is counted."""
    mine = _TRIES.c.counted_by == counted_by
    conn.execute(_TRIES.update().where(mine, _TRIES.c.count > 1).values(count=_TRIES.c.count - 1))


def forget_tries(conn: Connection, *, before: datetime | None = None, counted_by: str | None = None) -> None:
    """Those that began before, or those that are counted by this name."""
    these = _TRIES.c.began_at < before if counted_by is None else _TRIES.c.counted_by == counted_by
    conn.execute(_TRIES.delete().where(these))


def _account(row: Row[Any]) -> Account:
    return Account(AccountId(row.id), row.email, Role(row.role), row.created_at, row.password_hash)
