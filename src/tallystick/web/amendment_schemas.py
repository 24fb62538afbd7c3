"""Corrections and retractions on the wire; what an event says, with what became of it."""

from dataclasses import replace
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, StringConstraints

from tallystick.domain.amendments import Amendment
from tallystick.domain.usage import Event
from tallystick.values.decimals import exact_decimal
from tallystick.values.ids import EventId
from tallystick.values.time import instant, rfc3339
from tallystick.web.quota_schemas import Quantity
from tallystick.web.schemas import EventShown, Key, Moment, Sent

Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]


class RetractionBody(Sent):
    """Which event counts no longer, and why."""

    customer: Key
    id: Key
    source: Key = "api"
    reason: Reason


class ReplacementBody(Sent):
    """What counts in its place: a field that is left out is as it was. Without an `id` it gets one of its own."""

    id: Key | None = None
    source: Key | None = None
    quantity: Quantity | None = None
    at: Moment | None = None
    unit_price: Annotated[Quantity | None, Field(description="Null takes it away.")] = None
    properties: Annotated[dict[str, str] | None, Field(max_length=50)] = None

    def to_domain(self, first: Event) -> Event:
        said: dict[str, Any] = {}
        if self.id is not None:
            said["id"] = EventId(self.id)
        if self.source is not None:
            said["source"] = self.source
        if self.quantity is not None:
            said["quantity"] = exact_decimal(self.quantity, field="replacement.quantity")
        if self.at is not None:
            said["at"] = instant(self.at, field="replacement.at")
        if "unit_price" in self.model_fields_set:
            said["unit_price"] = (
                None if self.unit_price is None else exact_decimal(self.unit_price, field="replacement.unit_price")
            )
        if self.properties is not None:
            said["properties"] = self.properties
        return replace(first, **said)


class CorrectionBody(RetractionBody):
    """Which event was wrong, what is right, and why."""

    replacement: ReplacementBody


class ReplacementShown(BaseModel):
    source: str
    id: str


class AmendmentShown(BaseModel):
    """`status` is `corrected` or `retracted`; `replacement` is what counts in the event's place, if anything does."""

    customer: str
    source: str
    id: str
    status: str
    at: str
    reason: str
    actor: str
    replacement: ReplacementShown | None

    @classmethod
    def of(cls, amendment: Amendment) -> Self:
        name, by = amendment.event, amendment.replacement
        return cls(
            customer=name.customer_id,
            source=name.source,
            id=name.id,
            status=amendment.word,
            at=rfc3339(amendment.at),
            reason=amendment.reason,
            actor=amendment.actor,
            replacement=None if by is None else ReplacementShown(source=by.source, id=by.id),
        )


class RecordedShown(EventShown):
    """The event as it was recorded; where `amendment` is not null, it counts no longer."""

    amendment: AmendmentShown | None

    @classmethod
    def recorded(cls, event: Event, amendment: Amendment | None) -> Self:
        shown = None if amendment is None else AmendmentShown.of(amendment)
        return cls(**EventShown.of(event).model_dump(), amendment=shown)
