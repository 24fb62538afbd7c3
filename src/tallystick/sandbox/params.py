"""Text parameters to the types that the SDK's params TypedDict of the endpoint declares; what is not declared is refused."""

import difflib
import inspect
import re
import sys
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin

import stripe
import stripe.params
import stripe.params.v2.core
from typing_extensions import get_type_hints, is_typeddict

from tallystick.sandbox.errors import Refusal, invalid

Reader = Callable[[Any, str], Any]
_OPTIONS = frozenset(stripe.RequestOptions.__annotations__)
_INT = re.compile(r"-?\d{1,18}", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,18}(\.\d{1,12})?", re.ASCII)


def read(endpoint_params: str, sent: dict[str, Any]) -> dict[str, Any]:
    """The parameters in their types. Raises the refusal that Stripe answers for an unknown, missing or ill-typed one."""
    known, required = _fields(_declared(endpoint_params))
    params = _struct(known, required, sent, "")
    _check_metadata(params.get("metadata"))
    return params


def _check_metadata(metadata: Any) -> None:
    if not isinstance(metadata, dict):
        return
    if len(metadata) > 50:
        raise invalid("Metadata can have at most 50 keys.", param="metadata")
    for name, value in metadata.items():
        if len(name) > 40 or len(value) > 500:
            raise invalid("Metadata keys can be up to 40 characters, and values up to 500.", param=f"metadata[{name}]")


@cache
def _declared(name: str) -> Any:
    package: Any = stripe.params
    for part in name.split("."):
        package = getattr(package, part)
    return package


@cache
def _fields(declared: Any) -> tuple[dict[str, Reader], frozenset[str]]:
    # The options of a call are inherited, and name classes that only a type checker imports.
    own = {name: tp for name, tp in declared.__annotations__.items() if name not in _OPTIONS}
    hints = get_type_hints(type("Own", (), {"__annotations__": own}), vars(sys.modules[declared.__module__]), include_extras=True)
    known = {name: _later(tp) for name, tp in hints.items()}
    return known, frozenset(declared.__required_keys__ - _OPTIONS)


def _struct(known: dict[str, Reader], required: frozenset[str], sent: dict[str, Any], path: str) -> dict[str, Any]:
    for name in sent:
        if name not in known:
            raise _unknown(_inner(path, name), name, known)
    for name in sorted(required):
        if name not in sent:
            where = _inner(path, name)
            raise invalid(f"Missing required param: {where}.", param=where, code="parameter_missing")
    return {name: known[name](value, _inner(path, name)) for name, value in sent.items()}


def _unknown(where: str, name: str, known: dict[str, Reader]) -> Refusal:
    if where == "payment_method_types":
        message = "payment_method_types is no longer supported. Leave it out, or use allowed_payment_method_types."
        return invalid(message, param=where, code="payment_method_types_no_longer_supported")
    near = difflib.get_close_matches(name, known, 1)
    hint = f". Did you mean {near[0]}?" if near else ""
    return invalid(f"Received unknown parameter: {where}{hint}", param=where, code="parameter_unknown")


def _inner(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def _later(tp: Any) -> Reader:
    """A reader that is made when it is first needed: some params declare hundreds of nested ones."""
    made: list[Reader] = []

    def read_value(value: Any, path: str) -> Any:
        if not made:
            made.append(_reader(tp))
        return made[0](value, path)

    return read_value


def _reader(tp: Any) -> Reader:  # one branch per form of type that the SDK's params use
    origin, args = get_origin(tp), get_args(tp)
    if origin in (NotRequired, Required):
        return _reader(args[0])
    if origin in (Union, UnionType):
        return _union(args)
    if origin is Literal:
        return _union((tp,))
    if origin is list:
        return _list(_reader(args[0]))
    if is_typeddict(tp):
        return _dict(tp)
    if origin is dict or (inspect.isclass(origin) and issubclass(origin, stripe.StripeObject)):
        return _map(_later(args[-1]))
    return _SCALARS.get(tp, _text)


def _union(args: tuple[Any, ...]) -> Reader:
    literals = [value for arg in args if get_origin(arg) is Literal for value in get_args(arg)]
    named = [value for value in literals if value != ""]
    rest = [arg for arg in args if get_origin(arg) is not Literal and not (arg is str and named)]
    structured = next((_reader(arg) for arg in rest if not _is_scalar(arg)), None)
    plain = next((_reader(arg) for arg in rest if _is_scalar(arg)), None)

    def read_value(value: Any, path: str) -> Any:
        if isinstance(value, dict):
            return (structured or plain or _enum(named))(value, path)
        if value in literals or (value == "" and "" in literals):
            return value
        if str(value) in {"true", "false"} and (value == "true") in literals:
            return value == "true"
        return (plain or (_enum(named) if named else structured) or _text)(value, path)

    return read_value


def _is_scalar(tp: Any) -> bool:
    return tp in _SCALARS or tp is str


def _enum(values: list[Any]) -> Reader:
    def refuse(_: Any, path: str) -> Any:
        raise invalid(f"Invalid {path}: must be one of {', '.join(map(str, values[:-1]))}, or {values[-1]}", param=path)

    return refuse


def _list(item: Reader) -> Reader:
    def read_value(value: Any, path: str) -> Any:
        if value == "":
            return []
        if not isinstance(value, dict):
            raise invalid("Invalid array", param=path)
        return [item(inner, _inner(path, key)) for key, inner in value.items()]

    return read_value


def _dict(tp: Any) -> Reader:
    def read_value(value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise invalid("Invalid object", param=path)
        known, required = _fields(tp)
        return _struct(known, required, value, path)

    return read_value


def _map(item: Reader) -> Reader:
    def read_value(value: Any, path: str) -> Any:
        if value == "":
            return ""
        if not isinstance(value, dict):
            raise invalid("Invalid object", param=path)
        return {key: "" if inner == "" else item(inner, _inner(path, key)) for key, inner in value.items()}

    return read_value


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise invalid("Invalid string: expected a text, not an object", param=path)
    if len(value) > 5000:
        raise invalid(f"Invalid string: {value[:10]}...; must be at most 5000 characters", param=path)
    return value


def _integer(value: Any, path: str) -> int:
    if not isinstance(value, str) or not _INT.fullmatch(value):
        raise invalid(f"Invalid integer: {value}", param=path, code="parameter_invalid_integer")
    return int(value)


def _boolean(value: Any, path: str) -> bool:
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value}", param=path)
    return bool(value == "true")


def _decimal(value: Any, path: str) -> Decimal:
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise invalid(f"Invalid decimal: {value}; a decimal has at most 12 decimal places", param=path)
    return Decimal(value)


_SCALARS: dict[Any, Reader] = {str: _text, int: _integer, bool: _boolean, Decimal: _decimal, float: _decimal}
