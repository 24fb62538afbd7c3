"""Usage that the provider's meters count too: one row for each fact that they are told, and what becomes of it."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from tallystick.domain.payments import is_too_old
from tallystick.domain.usage import AHEAD_MAX, BACK_MAX, Aggregation, Event, Meter
from tallystick.values.decimals import EXACT, plain
from tallystick.values.errors import Conflict, InvalidInput
from tallystick.values.ids import CustomerId, EventId, MeterKey, derived
from tallystick.values.time import EPOCH, Period

DIGITS_MAX = 15
# The provider takes an event back within 24 hours of receiving it, and knows its identifier for as long.
CANCEL_MAX = timedelta(hours=23)
TURN_MAX = timedelta(seconds=1)  # who is held back by our own pace, and by nothing else, waits for less
_CLOCKS_DIFFER = timedelta(minutes=1)  # so far may the provider's clock be behind ours
_MINUTE = timedelta(minutes=1)
_ONE = Decimal(1)
_MONTH = re.compile(r"[1-8]\d{3}-(0[1-9]|1[0-2])", re.ASCII)


class Part(StrEnum):
    """Of which part of an event's life the row tells: that it happened, or, too late to take it back, that it did not."""

    USAGE = "usage"
    REVERSAL = "reversal"


class ExportStatus(StrEnum):
    PENDING = "pending"  # to be sent; the provider may or may not have it
    SENT = "sent"
    CANCELED = "canceled"  # sent, and taken back
    REVERSED = "reversed"  # sent, and made up for by a second row with the sign turned round
    DROPPED = "dropped"  # never sent, and never to be
    REJECTED = "rejected"  # the provider does not count it, or we know that it would not; `code` says why
    UNCLEAR = "unclear"  # nobody can tell whether the provider counts it: a person has to look


TRANSITIONS: dict[ExportStatus, set[ExportStatus]] = {
    ExportStatus.PENDING: {ExportStatus.SENT, ExportStatus.DROPPED, ExportStatus.REJECTED, ExportStatus.UNCLEAR},
    ExportStatus.SENT: {ExportStatus.CANCELED, ExportStatus.REVERSED, ExportStatus.REJECTED, ExportStatus.UNCLEAR},
    ExportStatus.REJECTED: {ExportStatus.PENDING},  # once a person has mended the cause
    ExportStatus.UNCLEAR: {ExportStatus.REJECTED, ExportStatus.SENT, ExportStatus.PENDING},  # the last two by a person's word
    ExportStatus.CANCELED: set(),
    ExportStatus.REVERSED: set(),
    ExportStatus.DROPPED: set(),
}
COUNTED = frozenset({ExportStatus.SENT, ExportStatus.REVERSED})  # what the provider has added up
UNCOUNTED = frozenset({ExportStatus.REJECTED, ExportStatus.UNCLEAR})  # what a person has to look at


class Clearing(StrEnum):
    """What a person says of an unclear row, once they have looked; kept as its `code` while it stands."""

    DELIVERED = "delivered"  # the provider counts it
    SEND_AGAIN = "send_again"  # it does not: once more, under the same identifier


class ExportStep(StrEnum):
    """What is to be done about a row next."""

    SEND = "send"
    LOOK = "look"  # ask what the provider has added up: the old identifier would be counted anew by now
    CANCEL = "cancel"
    REVERSE = "reverse"
    DROP = "drop"
    REJECT = "reject"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Export:
    """One fact for the provider's meter `event_name`. The event (customer, source, event_id) is what it tells of.

    `amended`: the event counts no longer. `asked_at` is when it was first sent, `cancel_asked_at` when it was first taken back,
    each while the outcome is unknown and afterwards. `attempt` is part of the identifier: one that was rejected is sent under
    another. `round` is part of the keys alone: a failure that the provider has stored is asked past.
    """

    customer_id: CustomerId
    source: str
    event_id: EventId
    part: Part
    meter_key: MeterKey
    event_name: str
    quantity: Decimal
    at: datetime
    status: ExportStatus
    created_at: datetime
    updated_at: datetime
    amended: bool = False
    attempt: int = 0
    round: int = 0
    asked_at: datetime | None = None
    cancel_asked_at: datetime | None = None
    code: str | None = None
    reason: str | None = None
    version: int = 0  # of the row: who saves must have read the newest

    @property
    def identifier(self) -> str:
        """By which the provider knows it: from facts alone, the same for every retry."""
        return derived("use", self.customer_id, self.source, self.event_id, self.part.value, str(self.attempt))

    def key(self, step: ExportStep) -> str:
        """The idempotency key; of the first try to send, it is the identifier itself, which late errors quote."""
        name = f"{step.value}:{self.identifier}" if step is ExportStep.CANCEL else self.identifier
        return name if self.round == 0 else f"{name}:{self.round}"

    @property
    def minute(self) -> Period:
        """The smallest period that the provider can be asked about."""
        start = self.at - (self.at - EPOCH) % _MINUTE
        return Period(start, start + _MINUTE)


@dataclass(frozen=True, slots=True)
class Rejection:
    """The provider says, some time after it took an event, that it does not count it. `key` is what it was sent under."""

    key: str
    code: str
    message: str

    @property
    def identifier(self) -> str:
        return self.key.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Held:
    """What one meter of the provider's has for a customer in a period, by our rows; each an exact sum.

    `counted` is what it has surely added up, `unknown` what it may have, `waiting` what it has yet to be told. Until all is told
    and taken back, it may have less than was recorded, by up to `missing`, or more, by up to `leaving`.
    """

    counted: Decimal = Decimal(0)
    unknown: Decimal = Decimal(0)
    waiting: Decimal = Decimal(0)
    rejected: Decimal = Decimal(0)
    missing: Decimal = Decimal(0)
    leaving: Decimal = Decimal(0)

    def unexplained(self, recorded: Decimal, told: Decimal) -> Decimal:
        """How much the provider, which has `told`, has too much, or too little: beyond all that is on its way in or out."""
        gap = EXACT.subtract(told, recorded)
        return EXACT.subtract(gap, max(EXACT.minus(self.missing), min(gap, self.leaving)))


def export(event: Event, meter: Meter, *, now: datetime) -> Export:
    """What the provider is to be told of the event: its quantity, or where events are counted, one."""
    assert meter.export_as is not None, f"{meter.key}: is exported"
    quantity = _ONE if meter.aggregation is Aggregation.COUNT else event.quantity
    return Export(
        customer_id=event.customer_id,
        source=event.source,
        event_id=event.id,
        part=Part.USAGE,
        meter_key=meter.key,
        event_name=meter.export_as,
        quantity=quantity,
        at=event.at,
        status=ExportStatus.PENDING,
        created_at=now,
        updated_at=now,
    )


def reversal(row: Export, *, now: datetime) -> Export:
    """The second row, which takes back at the same time of the same meter what can no longer be canceled."""
    assert row.part is Part.USAGE, "what is made up for once stays so"
    return Export(
        customer_id=row.customer_id,
        source=row.source,
        event_id=row.event_id,
        part=Part.REVERSAL,
        meter_key=row.meter_key,
        event_name=row.event_name,
        quantity=-row.quantity,
        at=row.at,
        status=ExportStatus.PENDING,
        created_at=now,
        updated_at=now,
    )


def next_step(row: Export, *, now: datetime) -> ExportStep:
    """What is to be done now. Whatever may be at the provider is brought to a known end before it is taken back."""
    if row.status is ExportStatus.PENDING:
        return _next_to_send(row, now=now)
    if row.status is not ExportStatus.SENT or not row.amended:
        return ExportStep.NOTHING
    if row.cancel_asked_at is not None:
        return ExportStep.LOOK if is_too_old(row.cancel_asked_at, now=now) else ExportStep.CANCEL
    assert row.asked_at is not None, f"{row.identifier}: was sent, so it was asked"
    return ExportStep.CANCEL if timedelta(0) <= now - row.asked_at < CANCEL_MAX else ExportStep.REVERSE


def _next_to_send(row: Export, *, now: datetime) -> ExportStep:
    if row.asked_at is not None:
        return ExportStep.LOOK if is_too_old(row.asked_at, now=now) else ExportStep.SEND
    if row.amended or not row.quantity:
        return ExportStep.DROP
    return ExportStep.SEND if unsendable(row, now=now) is None else ExportStep.REJECT


def is_unknown(row: Export) -> bool:
    """Whether a call was made for it whose answer nobody has."""
    return row.cancel_asked_at is not None if row.status is ExportStatus.SENT else row.asked_at is not None


def unsendable(row: Export, *, now: datetime) -> str | None:
    """Why the provider would not count it; None where it would."""
    if row.at < now - BACK_MAX:
        return "timestamp_too_far_in_past"
    # As it is written on the wire: a quantity is kept with all the places of its meter, and idle zeros are no digits.
    if len(Decimal(plain(row.quantity)).as_tuple().digits) > DIGITS_MAX:
        return "meter_event_value_too_many_digits"
    return None


def sendable_until(now: datetime) -> datetime:
    """What lies behind this is too far ahead for the provider, and waits."""
    return now + AHEAD_MAX - _CLOCKS_DIFFER


def is_turn(again_in: timedelta) -> bool:
    """Whether that is no more than waiting for one's turn: nothing has failed, and nothing is asked less and less often."""
    return timedelta(0) < again_in < TURN_MAX


def month(text: str) -> Period:
    """The month that 2026-01 names, by UTC. Raises InvalidInput."""
    if not _MONTH.fullmatch(text):
        raise InvalidInput('month: write it as "2026-01"', field="month")
    year, number = int(text[:4]), int(text[5:])
    following = (year + 1, 1) if number == 12 else (year, number + 1)
    return Period(datetime(year, number, 1, tzinfo=UTC), datetime(*following, 1, tzinfo=UTC))


def asked(row: Export, step: ExportStep, *, now: datetime) -> Export:
    """The row before the provider is asked: from here on the answer may be lost."""
    if step is ExportStep.SEND:
        return replace(row, asked_at=row.asked_at or now, updated_at=now)
    if step is ExportStep.CANCEL:
        return replace(row, cancel_asked_at=row.cancel_asked_at or now, updated_at=now)
    return row


def not_asked(row: Export, before: Export, *, now: datetime) -> Export:
    """The row, of which the provider has surely heard nothing this time."""
    return replace(row, asked_at=before.asked_at, cancel_asked_at=before.cancel_asked_at, updated_at=now)


def moved(row: Export, status: ExportStatus, *, now: datetime, code: str | None = None, reason: str | None = None) -> Export:
    """The row in its next status, and why. That a person had it sent again stays with it."""
    assert status in TRANSITIONS[row.status], f"{row.identifier}: {row.status} does not become {status}"
    if status is ExportStatus.SENT and row.code == Clearing.SEND_AGAIN:
        code, reason = row.code, row.reason
    return replace(row, status=status, updated_at=now, code=code, reason=reason)


def looked(row: Export, *, total: Decimal, others: Held, now: datetime) -> Export:
    """The row once we know what the provider has added up in its minute, and what of that comes of the customer's other rows.

    Where others of the minute are unknown too, only all or none of them can be told from the sum.
    """
    absent, present = others.counted, others.counted + others.unknown + row.quantity
    canceling = row.status is ExportStatus.SENT
    if total == present != absent:
        # What could not be taken back in time is made up for.
        return replace(row, cancel_asked_at=None, updated_at=now) if canceling else moved(row, ExportStatus.SENT, now=now)
    if total == absent != present:
        if canceling:
            return moved(row, ExportStatus.CANCELED, now=now)
        return replace(row, asked_at=None, attempt=row.attempt + 1, round=0, updated_at=now)
    reason = f"the provider has {total} in this minute; without this it should have {absent}, with it {present}"
    return moved(row, ExportStatus.UNCLEAR, now=now, code="unclear", reason=reason)


def rejected_late(row: Export, rejection: Rejection, *, now: datetime) -> Export | None:
    """The row, which the provider took and does not count after all; None where it has come to another end already."""
    if ExportStatus.REJECTED not in TRANSITIONS[row.status]:
        return None
    return moved(row, ExportStatus.REJECTED, now=now, code=rejection.code, reason=rejection.message)


def cleared(row: Export, clearing: Clearing, *, reason: str, now: datetime) -> Export:
    """The unclear row, now that a person has said whether the provider counts it. Said twice, it is the same.

    It keeps its identifier and its keys: an intent has one name for ever. Raises Conflict where nothing about it is unclear.
    """
    if row.status is not ExportStatus.UNCLEAR:
        if row.code == clearing:
            return row
        message = f"event {row.event_id}: its export is {row.status}, and nothing about it is unclear"
        raise Conflict(message, code="not_unclear")
    match clearing:
        case Clearing.DELIVERED:
            sent = moved(row, ExportStatus.SENT, now=now, code=clearing.value, reason=reason)
            return replace(sent, cancel_asked_at=None)
        case Clearing.SEND_AGAIN:
            pending = moved(row, ExportStatus.PENDING, now=now, code=clearing.value, reason=reason)
            return replace(pending, asked_at=None, cancel_asked_at=None)
        case _:
            assert_never(clearing)


def reopened(row: Export, *, now: datetime) -> Export:
    """A rejected row, to be sent once more under another identifier: the old one is taken, although it counts for nothing."""
    pending = moved(row, ExportStatus.PENDING, now=now)
    return replace(pending, attempt=row.attempt + 1, round=0, asked_at=None, cancel_asked_at=None)
