"""Stripe's form notation, `items[0][price]=p`, to nested dicts; lists stay numbered dicts until a type says so."""

import json
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from tallystick.sandbox.errors import invalid


def decode(text: str) -> dict[str, Any]:
    """The parameters that a query or a body says."""
    root: dict[str, Any] = {}
    if not text:
        return root
    for name, value in parse_qsl(text, keep_blank_values=True):
        *outer, last = _parts(name)
        here = root
        for part in outer:
            inner = here.setdefault(part or str(len(here)), {})
            if not isinstance(inner, dict):
                raise invalid(f"Invalid parameter: {name} is sent both as a value and as an object", param=name)
            here = inner
        here[last or str(len(here))] = value
    return root


def decode_json(text: str) -> dict[str, Any]:
    """What a JSON body says, in the texts and numbered dicts of a form."""
    if not text:
        return {}
    try:
        found = _as_form(json.loads(text))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise invalid("Invalid request body: must be a JSON object")
    return found


def _as_form(value: Any) -> Any:
    match value:
        case dict():
            return {name: _as_form(inner) for name, inner in value.items()}
        case list():
            return {str(place): _as_form(inner) for place, inner in enumerate(value)}
        case bool():
            return "true" if value else "false"
        case None:
            return ""
        case _:
            return str(value)


@lru_cache(maxsize=4096)
def _parts(name: str) -> tuple[str, ...]:
    return tuple(part.removesuffix("]") for part in name.split("["))


def flatten(params: dict[str, Any], path: str = "") -> dict[str, str]:
    """Each leaf by its bracketed name, in order of name: what two calls are compared by."""
    found: dict[str, str] = {}
    for name in sorted(params):
        inner = f"{path}[{name}]" if path else name
        found |= flatten(params[name], inner) if isinstance(params[name], dict) else {inner: params[name]}
    return found
