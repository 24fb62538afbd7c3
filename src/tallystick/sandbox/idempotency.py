"""What a key did the first time, replayed for 24 hours; the same key for something else is refused."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from tallystick.sandbox.errors import Refusal
from tallystick.sandbox.forms import flatten
from tallystick.sandbox.state import Doc, State

KEPT_SECONDS = 24 * 3600
_KIND = "idempotency"


@dataclass(frozen=True)
class Keyed:
    """One call under its key."""

    key: str
    method: str
    path: str
    params: str

    @classmethod
    def of(cls, key: str, method: str, path: str, sent: dict[str, Any]) -> "Keyed":
        """Only a digest of the parameters is kept: they may hold a card number."""
        digest = hashlib.blake2b(json.dumps(flatten(sent)).encode(), digest_size=16).hexdigest()
        return cls(key, method, path, digest)


def refuse(message: str, *, status: int = 400, code: str | None = None) -> Refusal:
    return Refusal(status, {"type": "idempotency_error", "message": message, "code": code})


def in_use(key: str) -> Refusal:
    """409: a call under the same key is still running."""
    return refuse(
        f"There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, "
        f"and the other request is still going through): {key}. Please try again later.",
        status=409,
        code="idempotency_key_in_use",
    )


def recall(state: State, call: Keyed, now: int) -> dict[str, Any] | None:
    """The stored reply, if the key is known. Raises where it was used for another call."""
    if len(call.key) > 255:
        raise refuse("Idempotency keys must be at most 255 characters.")
    _prune(state, now)
    known = state.get(_KIND, call.key)
    if known is None:
        return None
    if (known["method"], known["path"]) != (call.method, call.path):
        raise refuse(
            f"Keys for idempotent requests can only be used for the same endpoint they were first used for "
            f"('{call.path}' vs '{known['path']}'). Try using a key other than '{call.key}' "
            f"if you meant to execute a different request."
        )
    if known["params"] != call.params:
        raise refuse(
            f"Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{call.key}' if you meant to execute a different request."
        )
    return known


def remember(state: State, call: Keyed, *, status: int, body: str, request_id: str, now: int) -> None:
    """From here on the key answers this."""
    state.put(
        _KIND,
        call.key,
        {
            "_n": state.number(), "key": call.key, "method": call.method, "path": call.path, "params": call.params,
            "status": status, "body": body, "request_id": request_id, "created": now,
        },
    )  # fmt: skip


def _prune(state: State, now: int) -> None:
    """Forgets the oldest keys; a few at a time, so that no call pays for all."""
    old: list[Doc] = []
    for record in state.scan(_KIND, ascending=True):
        if record["created"] > now - KEPT_SECONDS or len(old) == 10:
            break
        old.append(record)
    for record in old:
        state.delete(_KIND, record["key"])
