"""Accounts: registered once, logged in to with a password, known by a session until it ends; what is kept is hashes."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.accounts import IDLE_MAX, TRIES_MAX, TRY_WINDOW, Account, CountedBy, Role, Session
from tallystick.domain.customers import Customer
from tallystick.flows.context import Context
from tallystick.values.errors import Busy, Conflict, InvalidInput, NotFound, RateLimited, Unauthorized
from tallystick.values.ids import AccountId

_SALT_SIZE, _TOKEN_SIZE, _PASSWORD_SIZE = 16, 32, 15


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """An account with a new session; its token is in here and nowhere else."""

    account: Account
    ends_at: datetime
    token: str = field(repr=False)


def register(ctx: Context, email: str, password: str, *, role: Role = Role.USER, address: str = "", actor: str = "") -> Account:
    """A new account, and the customer that they are. Raises Conflict where the e-mail address has one already.

    `address` is where the request came from, whose tries are counted; `actor` who does it, if it is not themselves.
    """
    now = ctx.clock.now()
    known_as = domain.accounts.checked_email(email)
    secret = domain.accounts.checked_password(password, email=known_as)
    if address:
        with ctx.database.transaction("count try") as conn:
            refused = _counted(conn, {CountedBy.REGISTER_ADDRESS: domain.accounts.network(address)}, now)
        _raise_if(refused)
    kept = domain.accounts.hashed_password(secret, salt=ctx.ids.secret(_SALT_SIZE))
    account = Account(AccountId(ctx.ids.new("acc")), known_as, role, now, kept)
    with ctx.database.transaction("register") as conn:
        if not storage.accounts.add(conn, account):
            raise Conflict("email: has an account already; log in with it", field="email", code="email_taken")
        if role is Role.USER:
            storage.customers.add(conn, Customer(account.customer_id, now, email=known_as))
        act = storage.audit.Act(actor or account.actor, "account.registered", account.id, after={"role": role.value})
        storage.audit.append(conn, act, at=now)
    return account


def log_in(ctx: Context, email: str, password: str, *, address: str = "") -> LoggedIn:
    """A new session. Raises Unauthorized, in the same words and after the same time whether the account or the password is wrong.

    Five wrong passwords in fifteen minutes, for one account or from one address: RateLimited, which says when to come again.
    """
    now, named = ctx.clock.now(), _known_as(email)
    counted = {CountedBy.LOG_IN_ACCOUNT: named} | (
        {CountedBy.LOG_IN_ADDRESS: domain.accounts.network(address)} if address else {}
    )
    # Counted before the password is looked at, and kept whatever comes: a hundred at once are a hundred tries.
    with ctx.database.transaction("count try") as conn:
        storage.accounts.forget_tries(conn, before=now - TRY_WINDOW)
        refused = _counted(conn, counted, now)
    _raise_if(refused)
    with ctx.database.reading() as conn:
        account = storage.accounts.by_email(conn, named)
    kept = domain.accounts.NOBODYS_HASH if account is None else account.password_hash
    if not domain.accounts.is_password_of(password, kept) or account is None:
        raise _wrong()
    with ctx.database.transaction("log in") as conn:
        storage.accounts.forget_tries(conn, counted_by=domain.accounts.counted_by(CountedBy.LOG_IN_ACCOUNT, named))
        if address:
            storage.accounts.take_back_try(
                conn, domain.accounts.counted_by(CountedBy.LOG_IN_ADDRESS, counted[CountedBy.LOG_IN_ADDRESS])
            )
        storage.accounts.forget_sessions(conn, before=now - IDLE_MAX)
        stands = storage.accounts.locked(conn, account.id)
        if stands is None or stands != account:  # somebody has just changed its password, and ended its sessions
            raise _wrong()
        return _begun(ctx, conn, account, now)


def log_out(ctx: Context, token: str) -> None:
    """The session is over; ended twice is ended once, and what is no session is none afterwards."""
    digest = domain.accounts.digest_of(token)
    if digest is not None:
        with ctx.database.transaction("log out") as conn:
            storage.accounts.end_session(conn, digest)


def known(ctx: Context, token: str) -> Account:
    """Whose session it is. Raises Unauthorized where there is none, or it is over."""
    now, digest = ctx.clock.now(), domain.accounts.digest_of(token)
    with ctx.database.reading() as conn:
        found = None if digest is None else storage.accounts.session(conn, digest)
    if found is None or found[0].is_over(now):
        raise Unauthorized("session: there is none, or it is over; log in again", code="logged_out")
    session, account = found
    if session.is_to_be_noted(now):
        _note(ctx, session, now)
    return account


def set_role(ctx: Context, email: str, role: Role, *, actor: str) -> Account:
    """The account with another role; its sessions are over. Raises NotFound, and Conflict where nobody would be admin then."""
    now = ctx.clock.now()
    with ctx.database.transaction("set role") as conn:
        admins = storage.accounts.admins(conn)
        account = _found(conn, email)
        if account.role is role:
            return account
        if admins == [account.id]:
            raise Conflict("role: is the last admin; make another one first", field="role", code="last_admin")
        storage.accounts.set_role(conn, account.id, role)
        storage.accounts.end_sessions(conn, account.id)
        before, after = {"role": account.role.value}, {"role": role.value}
        storage.audit.append(conn, storage.audit.Act(actor, "account.role_set", account.id, before, after), at=now)
        return _found(conn, email)


def reset_password(ctx: Context, email: str, password: str | None = None, *, actor: str) -> str:
    """The account's password from now on, made up if none is given; its sessions are over. Raises NotFound."""
    now, known_as = ctx.clock.now(), domain.accounts.checked_email(email)
    chosen = domain.accounts.written_password(ctx.ids.secret(_PASSWORD_SIZE)) if password is None else password
    secret = domain.accounts.checked_password(chosen, email=known_as)
    kept = domain.accounts.hashed_password(secret, salt=ctx.ids.secret(_SALT_SIZE))
    with ctx.database.transaction("reset password") as conn:
        account = _found(conn, email)
        storage.accounts.set_password(conn, account.id, kept)
        storage.accounts.end_sessions(conn, account.id)
        storage.accounts.forget_tries(conn, counted_by=domain.accounts.counted_by(CountedBy.LOG_IN_ACCOUNT, account.email))
        storage.audit.append(conn, storage.audit.Act(actor, "account.password_reset", account.id), at=now)
    return chosen


def made_up_password(ctx: Context) -> str:
    """One that nobody guesses, to be told to somebody once."""
    return domain.accounts.written_password(ctx.ids.secret(_PASSWORD_SIZE))


def listed(ctx: Context, *, after: str | None = None, limit: int) -> list[Account]:
    """A page of accounts, in the order of their ids, behind `after`."""
    with ctx.database.reading() as conn:
        return storage.accounts.page(conn, after=None if after is None else AccountId(after), limit=limit)


def _begun(ctx: Context, conn: Connection, account: Account, now: datetime) -> LoggedIn:
    token = domain.accounts.write_token(ctx.ids.secret(_TOKEN_SIZE))
    digest = domain.accounts.digest_of(token)
    assert digest is not None, "what we write we can read"
    session = Session(digest, account.id, now, now)
    storage.accounts.begin_session(conn, session)
    return LoggedIn(account, session.ends_at, token)


def _counted(conn: Connection, counted: dict[CountedBy, str], now: datetime) -> RateLimited | None:
    """Why the try is one too many, or None. It is counted all the same."""
    refused = None
    for by, whose in counted.items():
        counted_by = domain.accounts.counted_by(by, whose)
        tries, since = storage.accounts.count_try(conn, counted_by, at=now, since=now - TRY_WINDOW)
        if tries > TRIES_MAX[by]:
            wait = int((since + TRY_WINDOW - now).total_seconds()) + 1
            refused = RateLimited("too many tries; come again later", code="too_many_tries", retry_after=wait)
    return refused


def _raise_if(refused: RateLimited | None) -> None:
    if refused is not None:
        raise refused


def _known_as(email: str) -> str:
    """The address as accounts keep it; what is none is nobody's."""
    try:
        return domain.accounts.checked_email(email)
    except InvalidInput:
        return ""


def _wrong() -> Unauthorized:
    return Unauthorized("email or password: is wrong", code="wrong_password")


def _found(conn: Connection, email: str) -> Account:
    account = storage.accounts.by_email(conn, domain.accounts.checked_email(email))
    if account is None:
        raise NotFound("email: there is no such account", field="email")
    return account


def _note(ctx: Context, session: Session, now: datetime) -> None:
    try:
        with ctx.database.transaction("see session") as conn:
            storage.accounts.saw_session(conn, session.digest, at=now)
    except Busy:
        ctx.faults.mark("session.not_noted")  # it only ends a little earlier
