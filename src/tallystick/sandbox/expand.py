"""Ids to whole objects, along the paths that a caller asks for; and what Stripe shows only when asked."""

from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import cache
from inspect import isclass
from types import UnionType
from typing import Any, ForwardRef, Union, get_args, get_origin

import stripe

from tallystick.sandbox.call import Call, public
from tallystick.sandbox.errors import Refusal, invalid
from tallystick.sandbox.kinds import KINDS, kind_of_id
from tallystick.sandbox.skeletons import annotations
from tallystick.sandbox.state import Doc

Included = Callable[[Call, Doc], Any]
_INCLUDED: dict[tuple[str, str], Included] = {}
_DEPTH_MAX = 4


def included(kind: str, name: str) -> Callable[[Included], Included]:
    """Registers how an attribute is made that is absent until expanded."""

    def register(make: Included) -> Included:
        _INCLUDED[kind, name] = make
        return make

    return register


def render(call: Call, doc: Doc, paths: list[str]) -> Doc:
    """What the caller gets to see of an object, or of a list of them."""
    shown = public(doc)
    if doc.get("object") == "list":
        shown["data"] = [public(item) for item in doc["data"]]
    for number, path in enumerate(paths):
        segments = path.split(".")
        if len(segments) > _DEPTH_MAX + (segments[0] == "data"):
            raise invalid("You cannot expand more than 4 levels of a property.", param=f"expand[{number}]")
        shown = _expand(call, shown, segments, _resource(shown), number)
    return shown


def _expand(call: Call, value: Any, segments: list[str], resource: Any, number: int) -> Any:
    if isinstance(value, list):
        return [_expand(call, item, segments, _resource(item) or resource, number) for item in value]
    if not segments or not isinstance(value, dict) or value.get("deleted"):
        return value
    name, *rest = segments
    if value.get("object") == "list":
        if name != "data":
            raise _not_expandable(name, number)
        return {**value, "data": _expand(call, value["data"], rest, resource, number)}
    if (value.get("object", ""), name) in _INCLUDED and name not in value:
        inner: Any = _shown(_INCLUDED[value["object"], name](replace(call, params={}), value))
    else:
        inner = _inner(call, value.get(name), resource, name, number)
    return {**value, name: _expand(call, inner, rest, _resource(inner) or _nested(resource, name), number)}


def _shown(value: Any) -> Any:
    if isinstance(value, dict) and value.get("object") == "list":
        return {**value, "data": [public(item) for item in value["data"]]}
    return value


def _inner(call: Call, value: Any, resource: Any, name: str, number: int) -> Any:
    if resource is not None and not _is_expandable(resource, name):
        raise _not_expandable(name, number)
    if isinstance(value, list):
        return [_inner(call, item, resource, name, number) for item in value]
    if not isinstance(value, str):
        return value
    kind = kind_of_id(value) or _kind_declared(resource, name)
    found = call.state.get(kind, value) if kind else None
    return public(found) if found else value


@cache
def _is_expandable(resource: Hashable, name: str) -> bool:
    return any(isinstance(leaf, ForwardRef) or (isclass(leaf) and issubclass(leaf, stripe.StripeObject))
               for leaf in _leaves(annotations(resource).get(name)))  # fmt: skip


@cache
def _kind_declared(resource: Hashable, name: str) -> str | None:
    """For ids that their caller chose, which say nothing of their kind: of products and coupons."""
    if resource is None:
        return None
    named = [leaf.__forward_arg__ for leaf in _leaves(annotations(resource).get(name)) if isinstance(leaf, ForwardRef)]
    return next((kind.name for kind in KINDS.values() if kind.resource.__name__ in named), None)


@cache
def _nested(resource: Any, name: str) -> Any:
    if resource is None:
        return None
    classes = [
        leaf for leaf in _leaves(annotations(resource).get(name)) if isclass(leaf) and issubclass(leaf, stripe.StripeObject)
    ]
    return classes[0] if classes else None


def _leaves(tp: Any) -> list[Any]:
    origin = get_origin(tp)
    if origin in (Union, UnionType, list):
        return [leaf for arg in get_args(tp) for leaf in _leaves(arg)]
    return [origin or tp]


def _resource(value: Any) -> Any:
    kind = KINDS.get(value.get("object", "")) if isinstance(value, dict) else None
    return kind.resource if kind else None


def _not_expandable(name: str, number: int) -> Refusal:
    return invalid(f"This property cannot be expanded ({name}).", param=f"expand[{number}]")
