"""Strict JSON: what two readers could understand differently is refused, without repeating it."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.values.errors import InvalidInput
from tallystick.values.json import strict_loads


def test_plain_json_is_read() -> None:
    text = '{"a": [1, -2, "x", true, false, null, {}], "b": "é \\ud83d\\ude00 \\" [[[["}'
    read = {"a": [1, -2, "x", True, False, None, {}], "b": 'é 😀 " [[[['}
    assert strict_loads(text) == read
    assert strict_loads(text.encode()) == read


def test_a_number_with_a_fraction_is_told_from_a_whole_one() -> None:
    assert strict_loads("[1.50, 1e2, 7]") == [Decimal("1.50"), Decimal("1e2"), 7]
    found = strict_loads("[1.0, 1]")
    assert isinstance(found, list)
    assert [type(number) for number in found] == [Decimal, int]


def test_depth_is_counted_outside_of_texts() -> None:
    assert strict_loads("[" * 8 + "]" * 8)
    with pytest.raises(InvalidInput, match="nested deeper than 8 levels"):
        strict_loads("[" * 9 + "]" * 9)
    with pytest.raises(InvalidInput, match="nested deeper than 2 levels"):
        strict_loads('{"a":[{}]}', depth_max=2)
    assert strict_loads('[["]["]]', depth_max=2) == [["]["]]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not valid JSON"),
        ("{'a': 1}", "not valid JSON"),
        ("[1,]", "not valid JSON"),
        ("01", "not valid JSON"),
        ("1 2", "not valid JSON"),
        ('"\t"', "not valid JSON"),
        ('"a', "not valid JSON"),
        ("NaN", "NaN and Infinity"),
        ("[-Infinity]", "NaN and Infinity"),
        ('{"a":1,"\\u0061":2}', "names the same field twice"),
        ('[{"a":{"b":1,"b":1}}]', "names the same field twice"),
        ("1" * 101, "more than 100 digits"),
        ("0." + "1" * 101, "more than 100 digits"),
        ("1e9999999999999999999999", "more than 100 digits"),
        ('"\\ud800"', "surrogate"),
        ('["x\\udfff"]', "surrogate"),
        ('{"\\ud800":1}', "surrogate"),
        ('"\ud800"', "surrogate"),
        ('{"a":["\\u0000"]}', "NUL"),
        ('{"\\u0000":1}', "NUL"),
        (b'"\xff"', "UTF-8"),
        ("\ufeff1", "not valid JSON"),
        ("[" * 100_000, "nested deeper"),
    ],
)
def test_what_could_be_misread_is_refused(text: str | bytes, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        strict_loads(text)


@given(st.text() | st.binary())
def test_any_input_is_read_or_refused(text: str | bytes) -> None:
    with suppress(InvalidInput):
        strict_loads(text)
