"""Events, meters, and what each aggregation means."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import assert_never

from tallystick.domain.customers import check_keys, checked_key
from tallystick.values.decimals import EXACT, exact_decimal, from_steps, half_up, plain, to_steps
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.time import Period, rfc3339, to_micros

BACK_MAX = timedelta(days=35)
AHEAD_MAX = timedelta(minutes=5)
PROPERTIES_MAX = 50
PROPERTIES_BYTES_MAX = 32 * 1024
STEPS_MAX = 2**63 - 1
_QUANTITIES_MAX = [EXACT.scaleb(Decimal(STEPS_MAX), -decimals) for decimals in range(13)]
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


class Aggregation(StrEnum):
    """How a meter turns events into a quantity."""

    COUNT = "count"
    SUM = "sum"
    MAX = "max"
    LATEST = "latest"
    UNIQUE = "unique"
    TIME_WEIGHTED = "time_weighted"  # level × seconds / seconds of the period; each event sets the level from its `at` on


EXPORTED = frozenset({Aggregation.SUM, Aggregation.COUNT})
EXPORT_LENGTH_MAX = 100


@dataclass(frozen=True, slots=True)
class Meter:
    """Turns events into a quantity. `decimals` is the number of places its quantities may have, 0 to 12.

    `unique_property` names the property that UNIQUE counts; other aggregations read the event's quantity. `export_as` is the name
    of the provider's meter that is told of each event too; None: none is.
    """

    key: MeterKey
    aggregation: Aggregation = Aggregation.SUM
    decimals: int = 6
    unit: str = "unit"
    allow_negative: bool = False
    unique_property: str | None = None
    export_as: str | None = None

    def __post_init__(self) -> None:
        checked_key(self.key, field="key")
        self._check_export()
        if not 0 <= self.decimals <= 12:
            raise InvalidInput("decimals: must be from 0 to 12", field="decimals")
        if (self.aggregation is Aggregation.UNIQUE) != (self.unique_property is not None):
            raise InvalidInput("unique_property: names what `unique` counts, and goes with nothing else", field="unique_property")

    @property
    def quantity_max(self) -> Decimal:
        return _QUANTITIES_MAX[self.decimals]

    def _check_export(self) -> None:
        if self.export_as is None:
            return
        if not 1 <= len(checked_key(self.export_as, field="export_as")) <= EXPORT_LENGTH_MAX:
            raise InvalidInput(f"export_as: must have 1 to {EXPORT_LENGTH_MAX} characters", field="export_as")
        if self.aggregation not in EXPORTED:
            words = " and ".join(sorted(EXPORTED))
            raise InvalidInput(
                f"export_as: the provider's meters only add up, so that only {words} can be exported, not {self.aggregation}",
                field="export_as",
            )


@dataclass(frozen=True, slots=True)
class Event:
    """One fact of usage, immutable; (customer, source, id) names it for ever. `at` is its own time, UTC.

    `unit_price` is the price that the event carries, in major units of its charge's currency per unit, or None.
    """

    customer_id: CustomerId
    id: EventId
    meter_key: MeterKey
    quantity: Decimal
    at: datetime
    source: str = "api"
    unit_price: Decimal | None = None
    properties: Mapping[str, str] = field(default_factory=dict)

    def fingerprint(self) -> str:
        """What the event says besides its name; two events of one name with two fingerprints are in conflict."""
        price = None if self.unit_price is None else plain(self.unit_price)
        said = [self.meter_key, plain(self.quantity), rfc3339(self.at), price]
        text = json.dumps([*said, sorted(self.properties.items())], ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event, and when it was recorded."""

    event: Event
    at: datetime


@dataclass(frozen=True, slots=True)
class Feed:
    """Some of the newest events, and which stretch of the record was looked at for them; `more` were recorded before that."""

    events: Sequence[Recorded]
    first_at: datetime | None = None
    last_at: datetime | None = None
    more: bool = False


class Verdict(StrEnum):
    """What became of one event that was sent."""

    RECORDED = "recorded"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict on one event, in the order sent; `code` and `reason` say why it was not recorded."""

    event_id: str
    verdict: Verdict
    code: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """A quantity of one meter for one customer in one period.

    `count` says how many events it was made from; where it is 0, nothing was used. `priced` splits it by the price that events
    carried, as (price or None, quantity); it adds up to a SUM meter's quantity.
    """

    meter_key: MeterKey
    quantity: Decimal
    count: int = 0
    priced: tuple[tuple[Decimal | None, Decimal], ...] = ()


def carried_amounts(usage: Usage) -> tuple[Decimal, ...]:
    """What the events' own prices come to, in major units, one amount per price: enough where amounts are only added up.

    Where an event carries no price, its quantity is the amount.
    """
    return tuple(quantity if price is None else EXACT.multiply(quantity, price) for price, quantity in usage.priced)


def checked_event(event: Event, meter: Meter | None, *, now: datetime, backfill: bool = False) -> Event:
    """The event, if it may be recorded now; raises InvalidInput that says why not (docs: Money and time, Events)."""
    if meter is None:
        raise InvalidInput("meter: there is no such meter; create it first", field="meter", code="unknown_meter")
    checked_key(event.customer_id, field="customer")
    checked_key(event.id, field="id")
    checked_key(event.source, field="source")
    _check_time(event.at, now, backfill=backfill)
    _check_quantity(event, meter)
    _check_properties(event.properties)
    if meter.unique_property is not None and meter.unique_property not in event.properties:
        raise InvalidInput("properties: lacks the property that this meter counts", field="properties", code="missing_property")
    return event


def _check_time(at: datetime, now: datetime, *, backfill: bool) -> None:
    if at > now + AHEAD_MAX:
        raise InvalidInput("at: more than 5 minutes ahead; check the sender's clock", field="at", code="too_early")
    if at < now - BACK_MAX and not backfill:
        raise InvalidInput("at: more than 35 days back; an admin may backfill it", field="at", code="too_late")
    if at.year < 2000:
        raise InvalidInput("at: before the year 2000", field="at", code="too_late")


def _check_quantity(event: Event, meter: Meter) -> None:
    exact_decimal(event.quantity, field="quantity", places=meter.decimals)
    if event.quantity < 0 and not meter.allow_negative:
        raise InvalidInput("quantity: is negative, and this meter does not allow_negative", field="quantity")
    if abs(event.quantity) > meter.quantity_max:
        raise InvalidInput(f"quantity: over {plain(meter.quantity_max)}, the most this meter can hold", field="quantity")
    if event.unit_price is not None:
        exact_decimal(event.unit_price, field="unit_price", places=30)


def _check_properties(properties: Mapping[str, str]) -> None:
    if not properties:
        return
    if len(properties) > PROPERTIES_MAX:
        raise InvalidInput(f"properties: more than {PROPERTIES_MAX}", field="properties")
    names, values = "".join(properties), "".join(properties.values())
    # No character has more than four bytes, so that most need not be encoded to be counted.
    if 4 * (len(names) + len(values)) > PROPERTIES_BYTES_MAX and _size(names + values) > PROPERTIES_BYTES_MAX:
        raise InvalidInput("properties: more than 32 KiB", field="properties")
    check_keys(properties, field="properties")
    if not values.isprintable() and _NO_TEXT.search(values):
        raise InvalidInput("properties: a value has a character that is no text", field="properties")


def _size(text: str) -> int:
    """In bytes of UTF-8."""
    return len(text.encode(errors="surrogatepass"))


def measure(meter: Meter, events: Iterable[Event], period: Period | None = None) -> Usage:
    """What `events` of one meter, customer and period come to: the definition that every faster way must equal.

    Does not depend on the order in which they arrive; LATEST and TIME_WEIGHTED go by (at, source, id). Nothing measured is zero.
    Only TIME_WEIGHTED needs to be told the period: of the events before it, the last one sets the level that it begins with.
    """
    if meter.aggregation is Aggregation.TIME_WEIGHTED:
        assert period is not None, "a level is held for a time: say of which period"
        return _measure_level(meter, sorted(events, key=_place), period)
    listed: Sequence[Event] = tuple(events)
    return Usage(meter.key, _aggregate(meter, listed) if listed else Decimal(0), len(listed), _priced(listed))


def _place(event: Event) -> tuple[datetime, str, str]:
    return event.at, event.source, event.id


def _priced(events: Iterable[Event]) -> tuple[tuple[Decimal | None, Decimal], ...]:
    priced: dict[Decimal | None, Decimal] = {}
    for event in events:
        priced[event.unit_price] = EXACT.add(priced.get(event.unit_price, Decimal(0)), event.quantity)
    return tuple(sorted(priced.items(), key=lambda pair: (pair[0] is not None, pair[0] or Decimal(0))))


def _measure_level(meter: Meter, events: Sequence[Event], period: Period) -> Usage:
    """A level above or below zero that the period begins with is one event more that its quantity is made from."""
    before = [event for event in events if event.at < period.start]
    within = events[len(before) :]
    carried = before[-1:] if before and before[-1].quantity else []
    total = held([(to_micros(event.at), to_steps(event.quantity, meter.decimals)) for event in (*carried, *within)], period)
    return Usage(meter.key, level_of(total, period, meter), len(carried) + len(within), _priced(within))


def held(levels: Iterable[tuple[int, int]], period: Period) -> int:
    """Steps of the level × microseconds over the period, exact; those of its parts add up to those of the whole.

    `levels` are (since which microsecond, how many steps) in the order of time; one from before the period holds from its start.
    """
    total, level, since = 0, 0, to_micros(period.start)
    for at, height in levels:
        if at > since:
            total += level * (at - since)
            since = at
        level = height
    return total + level * (to_micros(period.end) - since)


def level_of(total: int, period: Period, meter: Meter) -> Decimal:
    """What was `held`, as the level that would have come to the same over the whole period: divided once, at the end.

    Rounded half up to the meter's decimals: a quantity with digits without end could neither be stored nor shown, and a line is
    to be its price over the quantity that stands on it (docs: Money and time, Quantities and events).
    """
    return from_steps(half_up(Fraction(total, to_micros(period.end) - to_micros(period.start))), meter.decimals)


def _aggregate(meter: Meter, events: Sequence[Event]) -> Decimal:
    match meter.aggregation:
        case Aggregation.COUNT:
            return Decimal(len(events))
        case Aggregation.SUM:
            total = Decimal(0)
            for event in events:
                total = EXACT.add(total, event.quantity)
            return total
        case Aggregation.MAX:
            return max(event.quantity for event in events)
        case Aggregation.LATEST:
            return max(events, key=_place).quantity
        case Aggregation.UNIQUE:
            return Decimal(len({event.properties[meter.unique_property or ""] for event in events}))
        case Aggregation.TIME_WEIGHTED:
            raise AssertionError("a level is measured over its period")
        case _:
            assert_never(meter.aggregation)
