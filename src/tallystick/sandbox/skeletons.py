"""An object with every attribute that the SDK declares for its kind, so that none is forgotten; made once per kind."""

import inspect
from collections.abc import Hashable
from functools import cache
from types import UnionType
from typing import Any, ClassVar, Literal, Union, cast, get_args, get_origin

import stripe

from tallystick.sandbox.kinds import KINDS
from tallystick.sandbox.state import Doc

_PLAIN: dict[Any, Any] = {str: "", int: 0, bool: False, float: 0}


def skeleton(kind: str) -> Doc:
    """A new dict of the kind's attributes; what is inside is shared, and never to be changed in place."""
    return dict(_template(kind))


@cache
def _template(kind: str) -> Doc:
    described = KINDS[kind]
    dropped = {*described.absent, "deleted", "customer_account" if kind == "invoice_payment" else ""}
    return {name: value for name, value in _object(described.resource).items() if name not in dropped}


@cache
def annotations(resource: Hashable) -> dict[str, Any]:
    """The attributes that a class of the SDK declares, by their name on the wire."""
    assert isinstance(resource, type), "a class of the SDK"
    found: dict[str, Any] = {}
    for base in reversed(resource.__mro__):
        if issubclass(base, stripe.StripeObject) and base is not stripe.StripeObject and "_resource" not in base.__module__:
            found |= inspect.get_annotations(base)
    renamed: dict[str, str] = getattr(resource, "_field_remappings", {})
    return {
        renamed.get(name, name): tp
        for name, tp in found.items()
        if not name.startswith("_") and get_origin(tp) is not ClassVar and tp is not ClassVar
    }


def _object(resource: type[stripe.StripeObject]) -> Doc:
    fields = annotations(cast(Hashable, resource))
    kinds = _literals(fields.get("type"))
    # Of attributes named after the values of `type`, Stripe shows only the one that applies.
    return {name: _empty(tp) for name, tp in fields.items() if name not in kinds}


def _empty(tp: Any) -> Any:
    origin, args = get_origin(tp), get_args(tp)
    if type(None) in args and origin in (Union, UnionType):
        return None
    if origin in (Union, UnionType):
        return _empty(args[0])
    if origin is Literal:
        return args[0]
    if origin is list:
        return []
    if origin is stripe.ListObject:
        return {"object": "list", "data": [], "has_more": False, "url": ""}
    target = origin or tp
    if inspect.isclass(target) and issubclass(target, stripe.StripeObject):
        return _object(target)
    return _PLAIN.get(tp, "0")


def _literals(tp: Any) -> set[str]:
    if get_origin(tp) is Literal:
        return {str(value) for value in get_args(tp)}
    return {value for arg in get_args(tp) for value in _literals(arg)}
