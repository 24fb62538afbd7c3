"""An effect under a key of the caller's: the key and the effect are kept in one transaction, or neither is."""

from collections.abc import Callable
from dataclasses import dataclass

from tallystick import storage
from tallystick.flows.context import Context
from tallystick.values.errors import InvalidInput

KEY_LENGTH_MAX = 255


@dataclass(frozen=True, slots=True)
class Kept:
    """What is answered; `replayed`: as it was the first time, and nothing was done now."""

    status: int
    body: str
    replayed: bool


def idempotently(ctx: Context, key: str, route: str, fingerprint: str, effect: Callable[[], tuple[int, str]]) -> Kept:
    """What `effect` answers, done once per key; it may write to this database and nothing else.

    Raises Conflict where the key came with another request before. Where the effect raises, nothing is kept, the key
    neither: the caller may mend the request and send the same key again.
    """
    if not 1 <= len(key) <= KEY_LENGTH_MAX or not key.isascii() or not key.isprintable():
        raise InvalidInput(f"Idempotency-Key: 1 to {KEY_LENGTH_MAX} printable ASCII characters", field="Idempotency-Key")
    with ctx.database.transaction("idempotently") as conn:
        before = storage.idempotency.claim(conn, key=key, route=route, fingerprint=fingerprint, at=ctx.clock.now())
        if before is not None:
            return Kept(before.status, before.body, replayed=True)
        with ctx.database.joined(conn):
            status, body = effect()
        storage.idempotency.store(conn, key=key, status=status, body=body)
    return Kept(status, body, replayed=False)
