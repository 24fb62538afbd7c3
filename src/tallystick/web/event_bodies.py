"""Events as they come over the wire, plain or as CloudEvents 1.0, read into domain events; shape is checked here, once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from tallystick.domain.usage import Answer, Event, Verdict
from tallystick.values.decimals import exact_decimal
from tallystick.values.errors import InvalidInput, TooLarge
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.time import instant
from tallystick.web.problems import field_path

EVENTS_MAX = 1_000
EVENT_BYTES_MAX = 32 * 1024
BODY_BYTES_MAX = 4 * 1024 * 1024
PLAIN, CLOUD, CLOUD_BATCH = "application/json", "application/cloudevents+json", "application/cloudevents-batch+json"
MEDIA_TYPES = frozenset({PLAIN, CLOUD, CLOUD_BATCH})

_PLAIN_FIELDS = frozenset({"customer", "id", "meter", "quantity", "at", "source", "properties", "unit_price"})
_CLOUD_FIELDS = frozenset({"specversion", "data", "subject", "id", "type", "source", "time"})
_EXTENSIONS_MAX = 20
_EXTENSION_LENGTH_MAX = 1024


@dataclass(frozen=True, slots=True)
class Sent:
    """What a body holds: for each place an event, or the answer to what is none. `single`: it was not a list."""

    events: list[Event]
    refused: dict[int, Answer]
    count: int
    single: bool


def read_events(body: object, media_type: str, *, now: datetime) -> Sent:
    """Every event of the body. Raises where the body is no event and no list of events."""
    listed, single = _listed(body, media_type)
    events, refused = [], {}
    for place, item in enumerate(listed):
        try:
            events.append(_event(item, media_type, now))
        except InvalidInput as refusal:
            if single:
                raise
            refused[place] = Answer(said_id(item), Verdict.REFUSED, refusal.code, refusal.message)
    return Sent(events, refused, len(listed), single)


def _listed(body: object, media_type: str) -> tuple[list[object], bool]:
    if media_type == PLAIN and isinstance(body, dict) and "events" in body:
        if len(body) > 1:
            raise InvalidInput("body: beside `events` there is nothing to say", field="events")
        body = body["events"]
        if not isinstance(body, list):
            raise InvalidInput("events: must be a list", field="events")
    if isinstance(body, list) and media_type != CLOUD:
        if not body:
            raise InvalidInput("events: is empty; send at least one", field="events")
        if len(body) > EVENTS_MAX:
            raise TooLarge(
                f"events: more than {EVENTS_MAX} in one body; send them in parts", code="too_many_events", field="events"
            )
        return body, False
    if isinstance(body, dict) and media_type != CLOUD_BATCH:
        return [body], True
    raise InvalidInput("body: must be an event as an object" if media_type == CLOUD else "body: must be a list of events")


def _event(item: object, media_type: str, now: datetime) -> Event:
    if not isinstance(item, dict):
        raise InvalidInput("event: must be an object")
    if media_type != PLAIN or "specversion" in item:
        return _cloud_event(item, now)
    return _plain_event(item, now)


def _plain_event(item: Mapping[str, object], now: datetime) -> Event:
    if not item.keys() <= _PLAIN_FIELDS:
        raise _unknown(item)
    at, price = item.get("at"), item.get("unit_price")
    return Event(
        customer_id=CustomerId(_text(item, "customer")),
        id=EventId(_text(item, "id")),
        meter_key=MeterKey(_text(item, "meter")),
        quantity=_number(item.get("quantity"), "quantity"),
        at=now if at is None else _instant(at, "at"),
        source=_text(item, "source") if item.get("source") is not None else "api",
        unit_price=None if price is None else _number(price, "unit_price"),
        properties=_properties(item.get("properties")),
    )


def _cloud_event(item: Mapping[str, object], now: datetime) -> Event:
    if item.get("specversion") != "1.0":
        raise InvalidInput('specversion: must be "1.0"', field="specversion")
    _check_extensions(item)
    told = item.get("data")
    if not isinstance(told, dict):
        raise InvalidInput("data: must be an object with a quantity", field="data")
    if ("quantity" in told) == ("value" in told):
        raise InvalidInput("data: give the quantity as `quantity` or as `value`, one of the two", field="data.quantity")
    name = "quantity" if "quantity" in told else "value"
    price, at = told.get("unit_price"), item.get("time")
    return Event(
        customer_id=CustomerId(_text(item, "subject")),
        id=EventId(_text(item, "id")),
        meter_key=MeterKey(_text(item, "type")),
        quantity=_number(told[name], f"data.{name}"),
        at=now if at is None else _instant(at, "time"),
        source=_text(item, "source"),
        unit_price=None if price is None else _number(price, "data.unit_price"),
        properties=_properties({key: value for key, value in told.items() if key not in {name, "unit_price"}}),
    )


def _check_extensions(item: Mapping[str, object]) -> None:
    """Attributes that we do not read may stand there, as CloudEvents has it; they are not kept, and must stay small."""
    others = [value for name, value in item.items() if name not in {"data", "subject", "id", "type", "source", "time"}]
    small = all(
        value is None or (isinstance(value, bool | int | str) and len(str(value)) <= _EXTENSION_LENGTH_MAX) for value in others
    )
    if len(others) > _EXTENSIONS_MAX or not small:
        raise InvalidInput("event: has too many attributes, or one that is no short text, number, true or false")


def _is_small(value: object) -> bool:
    return value is None or (isinstance(value, bool | int | str) and len(str(value)) <= _EXTENSION_LENGTH_MAX)


def _text(item: Mapping[str, object], name: str) -> str:
    value = item.get(name)
    if not isinstance(value, str):
        raise InvalidInput(f"{name}: {'is missing' if value is None else 'must be a text'}", field=name)
    return value


def _number(value: object, name: str) -> Decimal:
    if value is None:
        raise InvalidInput(f"{name}: is missing", field=name)
    if type(value) is str:
        return _decimal(value, name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput(f'{name}: send a decimal as a string or an integer, such as "1.25"', field=name)
    return exact_decimal(value, field=name)


@lru_cache(maxsize=1024)
def _decimal(text: str, name: str) -> Decimal:
    # A stream of events says the same few quantities over and over.
    return exact_decimal(text, field=name)


def _instant(value: object, name: str) -> datetime:
    if not isinstance(value, str):
        raise InvalidInput(f'{name}: send an RFC 3339 time, such as "2026-01-31T09:30:00Z"', field=name)
    return instant(value, field=name)


def _properties(value: object) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput("properties: must be an object of texts", field="properties")
    return {name: part if type(part) is str else _as_text(part) for name, part in value.items()}


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, int):
        raise InvalidInput("properties: each is a text, a whole number, true or false", field="properties")
    return str(value)


def _unknown(item: Mapping[str, object]) -> InvalidInput:
    known = ", ".join(sorted(_PLAIN_FIELDS))
    name = field_path([next(name for name in item if name not in _PLAIN_FIELDS)])
    return InvalidInput(f"{name or 'event'}: unknown field; known here: {known}", field=name or None)


def said_id(item: object) -> str:
    """The id that the sender gave, to find the event by; empty where there was none."""
    said = item.get("id") if isinstance(item, dict) else None
    return said if isinstance(said, str) and len(said) <= 256 else ""
