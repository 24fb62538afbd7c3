"""JSON from outside, read strictly: what two readers could understand differently is refused."""

import json
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from tallystick.values.errors import InvalidInput

DEPTH_MAX = 8
_DIGITS_MAX = 100
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def strict_loads(text: str | bytes, *, depth_max: int = DEPTH_MAX) -> object:
    """The value of a JSON text: objects as dicts, whole numbers as ints, numbers with a fraction or exponent as Decimals.

    Where a decimal is expected, ask for a string or an int and refuse the Decimal: what was written in binary on its way here
    is no longer what its sender meant. The caller limits the size. Raises InvalidInput, which never repeats the input, for
    duplicate keys, NaN and Infinity, numbers of more than 100 digits, lone surrogates, NUL, bytes that are not UTF-8, and more
    than `depth_max` levels of nesting.
    """
    decoded = _decoded(text)
    _check_depth(decoded, depth_max)
    try:
        value: object = json.loads(
            decoded, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_int=_whole, parse_float=_decimal
        )
    except (json.JSONDecodeError, RecursionError):
        raise InvalidInput("not valid JSON") from None
    _check_texts(value)
    return value


def _decoded(text: str | bytes) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise InvalidInput("not valid UTF-8") from None


def _check_depth(text: str, depth_max: int) -> None:
    depth = 0
    for found in _BRACKETS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > depth_max:
            raise InvalidInput(f"nested deeper than {depth_max} levels")


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
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput("a text contains half of a surrogate pair") from None
