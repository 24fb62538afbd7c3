"""The headers of a webhook, in the form of Standard Webhooks: an id, a time, and a signature under each secret that is valid."""

from collections.abc import Iterable
from datetime import datetime

from standardwebhooks import Webhook

from tallystick.values.time import EPOCH, to_micros

_MICROS = 1_000_000


def signed_headers(message_id: str, at: datetime, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """Over `id.timestamp.body`, exactly as they are sent."""
    assert "." not in message_id, "what is signed is parted by dots"
    assert at >= EPOCH, "no message is from before 1970"
    signatures = [Webhook(secret).sign(message_id, at, body.decode()) for secret in secrets]
    return {
        "content-type": "application/json",
        "user-agent": "Tallystick",
        "webhook-id": message_id,
        "webhook-timestamp": str(to_micros(at) // _MICROS),
        "webhook-signature": " ".join(signatures),
    }
