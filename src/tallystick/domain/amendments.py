"""Amendments: what takes an event out of the count, for ever, and the event that counts in its place."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from tallystick.domain.usage import Event, Meter, checked_event
from tallystick.values.errors import Conflict, InvalidInput
from tallystick.values.ids import CustomerId, EventId, derived

REASON_LENGTH_MAX = 500
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class EventName(NamedTuple):
    """Which event, for ever."""

    customer_id: CustomerId
    source: str
    id: EventId

    def __str__(self) -> str:
        return "/".join(self)


@dataclass(frozen=True, slots=True)
class Amendment:
    """`event` counts no longer, since `at` and for a reason. A correction names what counts in its place; a retraction does not.

    The event stays as it was recorded, and is amended once. Its replacement is an event like any other, and can be amended.
    """

    event: EventName
    at: datetime
    reason: str
    actor: str
    replacement: EventName | None = None

    @property
    def word(self) -> str:
        return "retracted" if self.replacement is None else "corrected"


def name_of(event: Event) -> EventName:
    return EventName(event.customer_id, event.source, event.id)


def retraction(first: Event, *, reason: str, actor: str, at: datetime) -> Amendment:
    return Amendment(name_of(first), at, _checked_reason(reason), actor)


def correction(first: Event, replacement: Event, *, reason: str, actor: str, at: datetime) -> Amendment:
    amendment = retraction(first, reason=reason, actor=actor, at=at)
    return replace(amendment, replacement=name_of(replacement))


def replacement_for(first: Event, said: Event, meter: Meter | None, *, now: datetime) -> Event:
    """`said`, as the event that is to count in the place of `first`. Raises InvalidInput where it cannot.

    Without an id, or under the name of the first, it gets one that is made from the first, so that twice is once. It may be as
    old as the first is: a correction is an act of somebody, and is audited.
    """
    if said.customer_id != first.customer_id:
        raise InvalidInput("replacement: is of another customer; retract this event, and record that one", field="customer")
    if said.meter_key != first.meter_key:
        raise InvalidInput("replacement: is of another meter; retract this event, and record that one", field="meter")
    if not said.id or name_of(said) == name_of(first):
        said = replace(said, id=EventId(derived("evt", "replaces", *name_of(first))))
    return checked_event(said, meter, now=now, backfill=True)


def check_same(stands: Amendment, amendment: Amendment, *, same_content: bool = True) -> None:
    """Raises Conflict unless `amendment` is what `stands` already, sent again; its reason may be worded anew."""
    if stands.replacement == amendment.replacement and same_content:
        return
    raise Conflict(f"event: was {stands.word} before, and an event is amended once; look at it again", code="already_amended")


def _checked_reason(text: str) -> str:
    if not 1 <= len(text) <= REASON_LENGTH_MAX or text.isspace() or _CONTROL.search(text):
        raise InvalidInput(f"reason: say it in 1 to {REASON_LENGTH_MAX} characters, on one line", field="reason")
    return text
