"""API keys: issued once, asked at every request, revoked at once; what is kept of a secret is its hash."""

from collections.abc import Collection
from datetime import datetime, timedelta

from tallystick import domain, storage
from tallystick.domain.api_keys import ApiKey, IssuedKey, Principal, Scope
from tallystick.flows.context import Context
from tallystick.values.errors import Busy, NotFound, Unauthorized

_PEPPER = "api_key_pepper"
# To know that a key is in use, once an hour is enough; each time would be a write for each read.
_TOUCH_EVERY = timedelta(hours=1)


def pepper(ctx: Context, given: str | None) -> bytes:
    """The secret under which keys are hashed: the one that is set, else one made for this database and kept in it."""
    if given:
        return given.encode()
    with ctx.database.reading() as conn:
        kept = storage.settings.get(conn, _PEPPER)
    if kept is None:
        with ctx.database.transaction("pin pepper") as conn:
            kept = storage.settings.pin(conn, _PEPPER, ctx.ids.secret(32).hex())
    return kept.encode()


def issue(
    ctx: Context, name: str, scopes: Collection[str], *, under: bytes, life: timedelta | None = None, actor: str = "system"
) -> IssuedKey:
    """A new key; its token is in the answer and nowhere else."""
    now = ctx.clock.now()
    wanted = domain.api_keys.checked_scopes(scopes)
    expires_at = now + domain.api_keys.checked_life(life)
    with ctx.database.transaction("issue api key") as conn:
        mode = storage.settings.get(conn, "mode") or "test"
        token = domain.api_keys.write_token(mode, domain.api_keys.key_id(ctx.ids.secret(8)), ctx.ids.secret(32))
        parts = domain.api_keys.read_token(token)
        assert parts is not None, "what we write we can read"
        key = storage.api_keys.ApiKey(
            key_id=parts.key_id,
            secret_hash=domain.api_keys.hashed(parts.secret, under),
            name=domain.api_keys.checked_name(name),
            scopes=frozenset(scope.value for scope in wanted),
            created_at=now,
            expires_at=expires_at,
        )
        added = storage.api_keys.add(conn, key)
        assert added, f"{key.key_id}: 59 bits of chance do not come twice"
        after = {"name": key.name, "scopes": sorted(key.scopes)}
        storage.audit.append(conn, storage.audit.Act(actor, "api_key.issued", key.key_id, after=after), at=now)
    return IssuedKey(_shown(key), token)


def revoke(ctx: Context, key_id: str, *, actor: str = "system") -> ApiKey:
    """The key, which opens nothing from now on; revoked twice is revoked once. Raises NotFound."""
    now = ctx.clock.now()
    with ctx.database.transaction("revoke api key") as conn:
        if storage.api_keys.revoke(conn, key_id, at=now):
            storage.audit.append(conn, storage.audit.Act(actor, "api_key.revoked", key_id), at=now)
        key = storage.api_keys.by_key_id(conn, key_id)
    if key is None:
        raise NotFound("api key: there is no such key", field="key_id")
    return _shown(key)


def authenticate(ctx: Context, token: str, *, under: bytes) -> Principal:
    """Whose token it is. Raises Unauthorized, in the same words whether the key is unknown or its secret is wrong."""
    parts = domain.api_keys.read_token(token)
    if parts is None:
        raise _unauthorized("is not an API key of this service; was it copied whole?")
    with ctx.database.reading() as conn:
        key = storage.api_keys.by_key_id(conn, parts.key_id)
    kept = key.secret_hash if key is not None else ""
    if not domain.api_keys.is_hash_of(parts.secret, under, kept) or key is None:
        raise _unauthorized("is not an API key of this service")
    now = ctx.clock.now()
    refusal = domain.api_keys.refusal(_shown(key), now=now)
    if refusal is not None:
        raise _unauthorized(f"this API key {refusal}; create another one")
    _touch(ctx, key.key_id, key.last_used_at, now)
    return Principal(key.key_id, key.name, _scopes(key.scopes))


def listed(ctx: Context, *, after: str | None = None, limit: int = 200) -> list[ApiKey]:
    """A page of keys by id, behind `after`; those that are revoked or expired too."""
    with ctx.database.reading() as conn:
        return [_shown(key) for key in storage.api_keys.page(conn, after=after, limit=limit)]


def _touch(ctx: Context, key_id: str, last_used_at: datetime | None, now: datetime) -> None:
    if last_used_at is not None and now < last_used_at + _TOUCH_EVERY:
        return
    try:
        with ctx.database.transaction("touch api key") as conn:
            storage.api_keys.touch(conn, key_id, at=now)
    except Busy:
        ctx.faults.mark("api_key.not_touched")  # a note for people; no reader waits for it


def _unauthorized(reason: str) -> Unauthorized:
    return Unauthorized(f"authorization: {reason}", field="authorization")


def _scopes(words: Collection[str]) -> frozenset[Scope]:
    return frozenset(Scope(word) for word in words)


def _shown(key: storage.api_keys.ApiKey) -> ApiKey:
    return ApiKey(
        key_id=key.key_id,
        name=key.name,
        scopes=_scopes(key.scopes),
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
    )
