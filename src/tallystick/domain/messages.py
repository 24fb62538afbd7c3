"""Messages to programs and people outside: who wants them, how they are signed for, and when they are tried again."""

import base64
import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from tallystick.values.errors import InvalidInput
from tallystick.values.ids import CustomerId, EndpointId, MessageId, derived
from tallystick.values.time import rfc3339

# After each failed try but the last; what fails after all of them is given up.
RETRY_AFTER = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
FAILURES_MAX = 5  # in a row, of one endpoint; then it is left alone for a while, so that it holds up nobody else
PAUSE = timedelta(minutes=5)
OVERLAP_DEFAULT = timedelta(hours=24)
OVERLAP_MAX = timedelta(days=30)
REPLY_LENGTH_MAX = 1024
TYPES_MAX = 50
TEST_TYPE = "endpoint.test"
TO_CUSTOMER, TO_OPERATOR = "mail:customer", "mail:operator"
_GONE = 410
_TYPE = re.compile(r"\*|[a-z][a-z0-9_]{0,40}(\.[a-z][a-z0-9_]{0,40}){0,4}(\.\*)?", re.ASCII)
_UNSHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Channel(StrEnum):
    WEBHOOK = "webhook"
    MAIL = "mail"


class DispatchStatus(StrEnum):
    """Where a message is on its way to one recipient."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"  # given up; it may be sent again by hand


@dataclass(frozen=True, slots=True)
class Message:
    """One piece of news in the words of the API. Its id has no dot, since what is signed is `id.timestamp.body`."""

    id: MessageId
    type: str
    customer_id: CustomerId | None
    body: Mapping[str, object]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A URL of somebody's who wants to be told. `only_for`: of one customer alone; None: of the whole business.

    Its secret is made from a key and `secret_number`; the one before it is signed with too, until `overlap_until`.
    """

    id: EndpointId
    url: str
    types: tuple[str, ...]
    only_for: CustomerId | None
    created_at: datetime
    enabled: bool = True
    disabled_reason: str | None = None
    secret_number: int = 1
    overlap_until: datetime | None = None
    failures: int = 0
    paused_until: datetime | None = None
    delivered_at: datetime | None = None

    def wants(self, message_type: str, customer_id: CustomerId | None) -> bool:
        if not self.enabled or self.only_for not in {None, customer_id}:
            return False
        return any(_fits(pattern, message_type) for pattern in self.types)

    def secret_numbers(self, now: datetime) -> tuple[int, ...]:
        """The newest first; more than one while they overlap."""
        if self.overlap_until is not None and now < self.overlap_until:
            return self.secret_number, self.secret_number - 1
        return (self.secret_number,)


@dataclass(frozen=True, slots=True)
class IssuedEndpoint:
    """An endpoint with its secret, which is shown when it is made, and never again."""

    endpoint: Endpoint
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A message on its way to one recipient: an endpoint's id, or by mail. `attempts` counts the tries since `began_at`."""

    message_id: MessageId
    target: str
    channel: Channel
    began_at: datetime
    status: DispatchStatus = DispatchStatus.WAITING
    attempts: int = 0
    next_at: datetime | None = None
    response_status: int | None = None
    reply: str | None = None
    error: str | None = None
    settled_at: datetime | None = None

    @property
    def job(self) -> str:
        """What the job to send it is about."""
        return f"{self.message_id}/{self.target}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one try: a status with the first of its body, or the reason why there is none."""

    status: int | None = None
    body: str = ""
    error: str | None = None
    final: bool = False  # it would be said again for ever, such as by a mail server that knows no such recipient

    @property
    def accepted(self) -> bool:
        return self.error is None and self.status is not None and 200 <= self.status < 300


def after_try(dispatch: Dispatch, reply: Reply, *, now: datetime) -> Dispatch:
    """The dispatch after one more try: delivered, to be tried again by the schedule, or given up."""
    attempts = dispatch.attempts + 1
    kept = shown(reply.body) or None
    tried = replace(dispatch, attempts=attempts, next_at=None, response_status=reply.status, reply=kept, error=_error(reply))
    if reply.accepted:
        return replace(tried, status=DispatchStatus.DELIVERED, settled_at=now)
    if attempts > len(RETRY_AFTER) or reply.final or reply.status == _GONE:
        return replace(tried, status=DispatchStatus.FAILED, settled_at=now)
    return replace(tried, next_at=now + RETRY_AFTER[attempts - 1])


def given_up(dispatch: Dispatch, why: str, *, now: datetime) -> Dispatch:
    """Nobody is there to send it to any more."""
    return replace(dispatch, status=DispatchStatus.FAILED, next_at=None, error=why, settled_at=now)


def begun_anew(dispatch: Dispatch, *, now: datetime) -> Dispatch:
    """As if it had never been tried."""
    return Dispatch(dispatch.message_id, dispatch.target, dispatch.channel, now, next_at=now)


def endpoint_after(endpoint: Endpoint, dispatch: Dispatch, reply: Reply, *, now: datetime) -> Endpoint:
    """The endpoint after that try: paused where it fails again and again, disabled where it is gone.

    Gone is what says so (410), or what accepted nothing in all the time in which this message was tried.
    """
    if reply.accepted:
        return replace(endpoint, failures=0, paused_until=None, delivered_at=now)
    failures = endpoint.failures + 1
    paused_until = now + PAUSE if failures >= FAILURES_MAX else None
    failed = replace(endpoint, failures=failures, paused_until=paused_until)
    if reply.status == _GONE:
        return replace(failed, enabled=False, disabled_reason="it answered 410 Gone")
    silent = endpoint.delivered_at is None or endpoint.delivered_at < dispatch.began_at
    if dispatch.status is DispatchStatus.FAILED and silent:
        return replace(failed, enabled=False, disabled_reason=f"nothing was accepted in {dispatch.attempts} tries")
    return failed


def body(message_type: str, data: Mapping[str, object], *, at: datetime) -> dict[str, object]:
    """What is sent: its type, the time at which it came to be true, and the facts."""
    return {"type": message_type, "timestamp": rfc3339(at), "data": dict(data)}


def secret_of(key: bytes, endpoint_id: EndpointId, number: int) -> str:
    """The secret that this endpoint's messages are signed with. It is made anew each time, so that none need be kept."""
    digest = hmac.new(key, f"{endpoint_id}:{number}".encode(), hashlib.sha256).digest()
    return f"whsec_{base64.b64encode(digest).decode()}"


def rotated(endpoint: Endpoint, *, now: datetime, overlap: timedelta) -> Endpoint:
    """With a new secret; the one before it is signed with too, for as long as `overlap`. Raises InvalidInput."""
    if not timedelta(0) <= overlap <= OVERLAP_MAX:
        raise InvalidInput("overlap_hours: from 0 to 720", field="overlap_hours")
    return replace(endpoint, secret_number=endpoint.secret_number + 1, overlap_until=now + overlap)


def checked_types(types: Collection[str]) -> tuple[str, ...]:
    """Types such as `invoice.paid`, `alert.*` or `*`, each once and in order. Raises InvalidInput."""
    if not 1 <= len(types) <= TYPES_MAX or not all(len(text) <= 200 and _TYPE.fullmatch(text) for text in types):
        raise InvalidInput(f'types: 1 to {TYPES_MAX} of them, such as "invoice.paid", "alert.*" or "*"', field="types")
    return tuple(sorted(set(types)))


def mail_id(dispatch: Dispatch, domain: str) -> str:
    """The Message-ID: the same however often it is sent, so that whoever gets it twice can tell."""
    return f"<{derived('mail', dispatch.message_id, dispatch.target)}@{domain}>"


def shown(text: str) -> str:
    """What is kept of an answer: its first kilobyte, without what no page, log or database can hold."""
    return _UNSHOWN.sub("\ufffd", text[:REPLY_LENGTH_MAX])


def _error(reply: Reply) -> str | None:
    if reply.accepted:
        return None
    return reply.error or f"answered {reply.status}"


def _fits(pattern: str, message_type: str) -> bool:
    if pattern.endswith("*"):
        return message_type.startswith(pattern[:-1])
    return message_type == pattern
