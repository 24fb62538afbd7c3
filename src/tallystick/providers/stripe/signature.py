"""Is this webhook from Stripe, fresh, and an event at all? Our own verifier, on the bytes as they came."""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tallystick.domain.payments import Delivery
from tallystick.providers.stripe import thin_events
from tallystick.values.errors import InvalidInput, WrongConfiguration
from tallystick.values.json import strict_loads
from tallystick.values.time import EPOCH

AGE_MAX = timedelta(seconds=300)
BODY_BYTES_MAX = 1 << 20
HEADER_LENGTH_MAX = 4096
SECRET_LENGTH_MIN = 24
SECRETS_MAX = 4  # of the endpoint for snapshots and of the one for thin events, each with its next one
DEPTH_MAX = 32  # an invoice with a prorated line has 11 levels
_TIMESTAMP = re.compile(r"\d{1,11}", re.ASCII)
_CLIENT_SECRET = re.compile(r'("client_secret"\s*:\s*)"[^"]*"')  # it opens a payment: for one browser, and for no database
_EVENT_ID = re.compile(r"evt_\w{1,250}", re.ASCII)
_EVENT_KIND = re.compile(r"[a-z0-9_]{1,100}(\.[a-z0-9_]{1,100}){1,5}", re.ASCII)


class Verifier:
    """Accepts what one of the active secrets has signed within five minutes of now, before or after, and for our mode.

    Without a secret it accepts nothing: so is a process that only asks Stripe, and hears from it elsewhere.
    """

    def __init__(self, secrets: Sequence[str], *, livemode: bool) -> None:
        if len(secrets) > SECRETS_MAX:
            raise WrongConfiguration(
                f"STRIPE_WEBHOOK_SECRET: one secret for each endpoint, two while rotating, with commas; {SECRETS_MAX} at most"
            )
        if any(len(secret) < SECRET_LENGTH_MIN or not secret.isascii() or re.search(r"\s", secret) for secret in secrets):
            raise WrongConfiguration(
                f"STRIPE_WEBHOOK_SECRET: must be the endpoint's signing secret, whsec_ and all: at least {SECRET_LENGTH_MIN} "
                "characters, no spaces"
            )
        self._secrets = tuple(secret.encode() for secret in secrets)
        self._livemode = livemode

    def verify(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Delivery:
        """The delivery. Raises InvalidInput, and nothing else, whatever the bytes."""
        if len(body) > BODY_BYTES_MAX:
            raise _invalid(f"body: has {len(body)} bytes, at most {BODY_BYTES_MAX} are read")
        header = next((value for name, value in headers.items() if name.lower() == "stripe-signature"), "")
        self._check_signature(body, header, now)
        return self._delivery(body)

    def _check_signature(self, body: bytes, header: str, now: datetime) -> None:
        timestamp, given = _parsed(header)
        if abs(now - (EPOCH + timedelta(seconds=int(timestamp)))) > AGE_MAX:
            raise _unsigned("was signed too long ago, or in the future; is this machine's clock right?")
        # Every pair is compared, so that the time taken tells nothing about which one was close.
        matches = [
            hmac.compare_digest(_digest(secret, body, timestamp), signature) for secret in self._secrets for signature in given
        ]
        if not any(matches):
            raise _unsigned("was signed with no secret that is active here; compare STRIPE_WEBHOOK_SECRET with the endpoint's")

    def _delivery(self, body: bytes) -> Delivery:
        event = _strict_json(body)
        if not isinstance(event, dict) or event.get("object") not in ("event", thin_events.OBJECT):  # which may be of any type
            raise _invalid("body: not an event, neither a snapshot nor a thin one")
        identifier, kind, livemode = (event.get(name) for name in ("id", "type", "livemode"))
        if not isinstance(identifier, str) or not _EVENT_ID.fullmatch(identifier):
            raise _invalid('id: must be the id of an event, such as "evt_1"')
        if not isinstance(kind, str) or not _EVENT_KIND.fullmatch(kind):
            raise _invalid('type: must be the type of an event, such as "invoice.paid"')
        created = _created_at(event)
        if livemode is not self._livemode:
            raise _invalid(
                f"livemode: must be {str(self._livemode).lower()} here; is this endpoint registered in the other mode?"
            )
        _check_subject(event)
        return Delivery(identifier, kind, without_secrets(body.decode()), created, livemode)


def without_secrets(body: str) -> str:
    """The body of an event as it may be kept: what opens a payment for a browser is nobody else's."""
    return _CLIENT_SECRET.sub(r"\1null", body)


def sign(secret: str, body: bytes, at: datetime) -> str:
    """The header that Stripe would send with `body`: for tests, and for whoever delivers in its stead."""
    timestamp = str((at - EPOCH) // timedelta(seconds=1))
    return f"t={timestamp},v1={_digest(secret.encode(), body, timestamp).decode()}"


def _parsed(header: str) -> tuple[str, list[bytes]]:
    """The one `t`, and every `v1`; other schemes are not ours to judge."""
    if not header.isascii() or len(header) > HEADER_LENGTH_MAX:
        raise _unsigned("has a header that is not plain, short ASCII")
    pairs = [part.partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    if len(times) != 1 or not _TIMESTAMP.fullmatch(times[0]):
        raise _unsigned("has no Stripe-Signature header with one time in whole seconds")
    return times[0], [value.encode() for name, _, value in pairs if name == "v1"]


def _digest(secret: bytes, body: bytes, timestamp: str) -> bytes:
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest().encode()


def _created_at(event: Mapping[str, Any]) -> datetime:
    if event["object"] == thin_events.OBJECT:
        try:
            return thin_events.created_at(event)
        except InvalidInput as error:
            raise _invalid(error.message) from None
    created = event.get("created")
    if type(created) is not int or not 0 <= created < 1 << 34:
        raise _invalid("created: must be a time in whole seconds since 1970")
    return datetime.fromtimestamp(created, UTC)


def _check_subject(event: Mapping[str, Any]) -> None:
    """A thin event carries nothing; a snapshot carries its object."""
    if event["object"] == thin_events.OBJECT:
        return
    if not isinstance(event.get("data"), dict) or not isinstance(event["data"].get("object"), dict):
        raise _invalid("data.object: must be the object that the event is about")


def _strict_json(body: bytes) -> object:
    try:
        return strict_loads(body, depth_max=DEPTH_MAX)
    except InvalidInput as error:
        raise _invalid(f"body: {error.message}") from None


def _unsigned(why: str) -> InvalidInput:
    return InvalidInput(f"webhook: {why}", code="invalid_signature", field="Stripe-Signature")


def _invalid(why: str) -> InvalidInput:
    return InvalidInput(f"webhook: {why}", code="invalid_webhook")
