"""`Idempotency-Key`: the answer to a POST is kept with its effect, and given again to whoever sends the same request again."""

import hashlib
from collections.abc import Callable
from typing import Annotated

from fastapi import Header
from pydantic import BaseModel
from starlette.responses import Response

from tallystick.app import Tallystick
from tallystick.flows.idempotently import KEY_LENGTH_MAX, Kept

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=KEY_LENGTH_MAX,
        pattern=r"^[\x20-\x7e]+$",
        description="Your own name for this request: sent again, it is answered as it was, and nothing is done twice.",
    ),
]


def answered_once(
    billing: Tallystick, key: str | None, route: str, asked: BaseModel, effect: Callable[[], tuple[int, str]]
) -> tuple[Response, bool]:
    """What `effect` answers, and whether it was kept from before; without a key it is done each time."""
    if key is None:
        kept = Kept(*effect(), replayed=False)
    else:
        kept = billing.once(key, route, hashlib.sha256(asked.model_dump_json().encode()).hexdigest(), effect)
    headers = {"Idempotent-Replayed": "true"} if kept.replayed else None
    return Response(kept.body, kept.status, headers, "application/json"), kept.replayed
