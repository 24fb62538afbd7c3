"""What `POST /v1/events` reads and answers, for the OpenAPI document: its route reads the bytes itself."""

from typing import Any

from tallystick.web.event_bodies import CLOUD, CLOUD_BATCH, EVENTS_MAX, PLAIN

_KEY = {"type": "string", "minLength": 1, "maxLength": 256}
_DECIMAL = {
    "anyOf": [{"type": "string", "pattern": r"^-?[0-9]{1,20}(\.[0-9]{1,12})?$"}, {"type": "integer"}],
    "examples": ["1.25"],
}
_TIME = {"type": "string", "format": "date-time", "maxLength": 40}
_PROPERTIES = {
    "type": "object",
    "maxProperties": 50,
    "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "boolean"}]},
}
_PLAIN_EVENT: dict[str, Any] = {
    "type": "object",
    "title": "Event",
    "required": ["customer", "id", "meter", "quantity"],
    "additionalProperties": False,
    "properties": {
        "customer": _KEY,
        "id": _KEY,
        "meter": _KEY,
        "quantity": _DECIMAL,
        "at": _TIME,
        "source": _KEY,
        "properties": _PROPERTIES,
        "unit_price": _DECIMAL,
    },
}
_CLOUD_EVENT: dict[str, Any] = {
    "type": "object",
    "title": "CloudEvent",
    "description": "`subject` is the customer and `type` the meter; what else is in `data` becomes properties.",
    "required": ["specversion", "id", "source", "subject", "type", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": _KEY,
        "source": _KEY,
        "subject": _KEY,
        "type": _KEY,
        "time": _TIME,
        "data": {
            "type": "object",
            "properties": {"quantity": _DECIMAL, "value": _DECIMAL, "unit_price": _DECIMAL},
            "oneOf": [{"required": ["quantity"]}, {"required": ["value"]}],
        },
    },
}


def _list_of(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "maxItems": EVENTS_MAX, "items": item}


_ANY = {"anyOf": [_PLAIN_EVENT, _CLOUD_EVENT]}
_BATCH = {"type": "object", "required": ["events"], "additionalProperties": False, "properties": {"events": _list_of(_ANY)}}
_COUNT = {"type": "integer", "minimum": 0}
_RESULT = {
    "type": "object",
    "required": ["id", "verdict", "code", "reason"],
    "properties": {
        "id": {"type": "string"},
        "verdict": {"enum": ["recorded", "duplicate", "conflict", "refused"]},
        "code": {"type": ["string", "null"]},
        "reason": {"type": ["string", "null"]},
    },
}
_VERDICTS = {
    "type": "object",
    "title": "Verdicts",
    "required": ["results", "recorded", "duplicate", "conflict", "refused"],
    "properties": {
        "results": {"type": "array", "items": _RESULT},
        "recorded": _COUNT,
        "duplicate": _COUNT,
        "conflict": _COUNT,
        "refused": _COUNT,
    },
}


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


RECORD_EVENTS: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            PLAIN: {"schema": {"anyOf": [_PLAIN_EVENT, _list_of(_ANY), _BATCH]}},
            CLOUD: {"schema": _CLOUD_EVENT},
            CLOUD_BATCH: {"schema": _list_of(_CLOUD_EVENT)},
        },
    },
    "responses": {
        "200": {"description": "Nothing new: each event was there before, or was not taken.", "content": _content(_VERDICTS)},
        "202": {"description": "What is `recorded` is on disk. In the order sent.", "content": _content(_VERDICTS)},
    },
}
