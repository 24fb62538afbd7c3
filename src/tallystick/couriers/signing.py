"""The headers of a webhook, in the form of Standard Webhooks: an id, a time, and a signature under each secret that is valid."""

import base64
import hmac
from collections.abc import Iterable
from datetime import datetime

from tallystick.values.time import EPOCH, to_micros

_MICROS = 1_000_000
_START = "whsec_"


def signed_headers(message_id: str, at: datetime, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """Over `id.timestamp.body`, exactly as they are sent."""
    assert "." not in message_id, "what is signed is parted by dots"
    assert at >= EPOCH, "no message is from before 1970"
    timestamp = str(to_micros(at) // _MICROS)
    signed = f"{message_id}.{timestamp}.".encode() + body
    return {
        "content-type": "application/json",
        "user-agent": "Tallystick",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_START))
    return f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}"
