"""Alerts, endpoints and messages on the wire. An endpoint's secret is in two answers only: made, and made anew."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from tallystick.domain.alerts import Alert
from tallystick.domain.messages import Dispatch, Endpoint, IssuedEndpoint, Message
from tallystick.domain.operations import UNITS, Watch
from tallystick.values.decimals import plain
from tallystick.values.time import rfc3339
from tallystick.web.schemas import Key, Sent, moment

Url = Annotated[str, Field(min_length=1, max_length=2048, examples=["https://example.com/tallystick"])]
MessageType = Annotated[str, Field(min_length=1, max_length=200, examples=["invoice.paid", "alert.*", "*"])]
Types = Annotated[list[MessageType], Field(min_length=1, max_length=50)]
Percent = Annotated[int, Field(ge=1, le=1000)]


class AlertShown(BaseModel):
    """`facts` are the figures, as decimal strings; `customer` is null where it is about the business itself."""

    id: str
    kind: str
    customer: str | None
    subject: str
    period_start: str
    threshold: int
    at: str
    facts: dict[str, str | None]

    @classmethod
    def of(cls, alert: Alert) -> Self:
        return cls.model_validate(alert.document)


class VitalShown(BaseModel):
    """`value` and `limit` are decimal strings in `unit`; `value` is null where nothing was observed in the window.

    `count` is how much was: attempts, answers that took a second and more, open invoices.
    """

    vital: str
    ill: bool
    since: str
    measured_at: str
    value: str | None
    limit: str
    unit: str
    count: int

    @classmethod
    def of(cls, watch: Watch) -> Self:
        return cls(
            vital=watch.vital.value,
            ill=watch.ill,
            since=rfc3339(watch.since),
            measured_at=rfc3339(watch.measured_at),
            value=None if watch.value is None else plain(watch.value),
            limit=plain(watch.limit),
            unit=UNITS[watch.vital],
            count=watch.count,
        )


class VitalsShown(BaseModel):
    data: list[VitalShown]


class ThresholdsBody(Sent):
    customer: Key
    meter: Key
    thresholds: list[Percent] = Field(max_length=20, description="Whole percents of the quota; none: nothing is told.")


class ThresholdsShown(BaseModel):
    customer: str
    meter: str
    thresholds: list[int]


class AlertTestBody(Sent):
    endpoint: Key | None = Field(default=None, description="To this endpoint alone.")
    mail: bool = Field(default=False, description="To the operator, by mail; with neither: to whoever is told of alerts.")


class EndpointBody(Sent):
    url: Url
    types: Types = Field(default=["*"])
    customer: Key | None = Field(default=None, description="Told of this customer alone; null: of the whole business.")


class EndpointChange(Sent):
    """What is left out, or null, stays as it is."""

    url: Url | None = None
    types: Types | None = None
    enabled: bool | None = None


class RotationBody(Sent):
    overlap_hours: int = Field(default=24, ge=0, le=720, description="So long the secret before it is signed with too.")

    @property
    def overlap(self) -> timedelta:
        return timedelta(hours=self.overlap_hours)


class EndpointShown(BaseModel):
    """`paused_until`: it failed again and again, and is left alone until then."""

    id: str
    url: str
    types: list[str]
    customer: str | None
    enabled: bool
    disabled_reason: str | None
    failures: int
    paused_until: str | None
    delivered_at: str | None
    overlap_until: str | None
    created_at: str

    @classmethod
    def of(cls, endpoint: Endpoint) -> Self:
        return cls(
            id=endpoint.id,
            url=endpoint.url,
            types=list(endpoint.types),
            customer=endpoint.only_for,
            enabled=endpoint.enabled,
            disabled_reason=endpoint.disabled_reason,
            failures=endpoint.failures,
            paused_until=moment(endpoint.paused_until),
            delivered_at=moment(endpoint.delivered_at),
            overlap_until=moment(endpoint.overlap_until),
            created_at=rfc3339(endpoint.created_at),
        )


class IssuedEndpointShown(EndpointShown):
    """`secret` is shown once: null in a replay, since it is kept nowhere."""

    secret: str | None

    @classmethod
    def issued(cls, issued: IssuedEndpoint) -> Self:
        return cls(**EndpointShown.of(issued.endpoint).model_dump(), secret=issued.secret)


class RemovedEndpoint(BaseModel):
    id: str


class DispatchShown(BaseModel):
    """How the message stands at one of those it goes to: an endpoint's id, or `mail:customer`, `mail:operator`."""

    target: str
    channel: str
    status: str
    attempts: int
    next_at: str | None
    response_status: int | None
    reply: str | None
    error: str | None

    @classmethod
    def of(cls, dispatch: Dispatch) -> Self:
        return cls(
            target=dispatch.target,
            channel=dispatch.channel.value,
            status=dispatch.status.value,
            attempts=dispatch.attempts,
            next_at=moment(dispatch.next_at),
            response_status=dispatch.response_status,
            reply=dispatch.reply,
            error=dispatch.error,
        )


class MessageShown(BaseModel):
    """`body` is what is sent, under `webhook-id: <id>`."""

    id: str
    type: str
    customer: str | None
    created_at: str
    body: dict[str, Any]
    dispatches: list[DispatchShown]

    @classmethod
    def of(cls, found: tuple[Message, Sequence[Dispatch]]) -> Self:
        message, dispatches = found
        return cls(
            id=message.id,
            type=message.type,
            customer=message.customer_id,
            created_at=rfc3339(message.created_at),
            body=dict(message.body),
            dispatches=[DispatchShown.of(dispatch) for dispatch in dispatches],
        )


class ResendBody(Sent):
    endpoint: Key | None = Field(default=None, description="To this one; null: to each that it went to.")
