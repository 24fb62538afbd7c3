"""JSON from outside, read strictly: what two readers could understand differently is refused."""

import json
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from tallystick.values.errors import InvalidInput

DEPTH_MAX = 8
_DIGITS_MAX = 100
_NESTING = (dict, list)


def strict_loads(text: str | bytes, *, depth_max: int = DEPTH_MAX) -> object:
    """The value of a JSON text: objects as dicts, whole numbers as ints, numbers with a fraction or exponent as Decimals.

    Where a decimal is expected, ask for a string or an int and refuse the Decimal: what was written in binary on its way here
    is no longer what its sender meant. The caller limits the size. Raises InvalidInput, which never repeats the input, for
    duplicate keys, NaN and Infinity, numbers of more than 100 digits, lone surrogates, NUL, bytes that are not UTF-8, and more
    than `depth_max` levels of nesting.
    """
    decoded = _decoded(text)
    try:
        value: object = _DECODER.decode(decoded)
    except json.JSONDecodeError:
        raise InvalidInput("not valid JSON") from None
    except RecursionError:
        raise _too_deep(depth_max) from None
    _check_depth(value, depth_max, depth_max)
    # JSON itself refuses a bare NUL, and UTF-8 half of a pair: only an escape can have made one.
    if "\\u" in decoded:
        _check_texts(value)
    return value


def _decoded(text: str | bytes) -> str:
    if isinstance(text, str):
        _check_pairs(text)
        return text
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise InvalidInput("not valid UTF-8") from None


def _check_depth(value: object, left: int, depth_max: int) -> None:
    if not isinstance(value, _NESTING):
        return
    if not left:
        raise _too_deep(depth_max)
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, _NESTING):
            _check_depth(part, left - 1, depth_max)


def _too_deep(depth_max: int) -> InvalidInput:
    return InvalidInput(f"nested deeper than {depth_max} levels")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidInput("an object names the same field twice")
    return found


def _refuse_constant(_name: str) -> NoReturn:
    raise InvalidInput("NaN and Infinity are not numbers here")


def _whole(digits: str) -> int:
    if len(digits) > _DIGITS_MAX:
        raise InvalidInput(f"a number has more than {_DIGITS_MAX} digits")
    return int(digits)


def _decimal(digits: str) -> Decimal:
    try:
        if len(digits) <= _DIGITS_MAX:
            return Decimal(digits)
    except InvalidOperation:
        pass  # an exponent beyond all bounds
    raise InvalidInput(f"a number has more than {_DIGITS_MAX} digits")


def _check_texts(value: object) -> None:
    match value:
        case str():
            _check_text(value)
        case dict():
            _check_all(value)
            _check_all(value.values())
        case list():
            _check_all(value)
        case _:
            pass  # numbers, true, false and null hold no text


def _check_all(values: Iterable[object]) -> None:
    for value in values:
        _check_texts(value)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise InvalidInput("a text contains NUL")
    _check_pairs(text)


def _check_pairs(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput("a text contains half of a surrogate pair") from None


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant, parse_int=_whole, parse_float=_decimal)
