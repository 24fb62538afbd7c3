"""Decimals are read to the digit, computed without rounding, and written plainly."""

from decimal import Decimal, Inexact, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.values.decimals import EXACT, exact_decimal, from_steps, half_up, plain, terminating, to_steps
from tallystick.values.errors import InvalidInput
from tallystick.values.exact import divided, minus, percent, plus, times, whole_down, whole_up


@pytest.mark.parametrize(
    ("value", "plainly"),
    [
        ("1.25", "1.25"),
        ("+1.250", "1.25"),
        ("-0", "0"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("1E-3", "0.001"),
        (7, "7"),
        (-7, "-7"),
        (Decimal("1E+2"), "100"),
        ("9" * 38, "9" * 38),
        ("0." + "9" * 38, "0." + "9" * 38),
        ("1" + "0" * 60, None),
        ("0e999", "0"),
    ],
)
def test_what_was_said_is_what_is_read(value: str | int | Decimal, plainly: str | None) -> None:
    if plainly is None:
        with pytest.raises(InvalidInput, match="more than 38 digits"):
            exact_decimal(value, field="x")
    else:
        assert plain(exact_decimal(value, field="x")) == plainly


@pytest.mark.parametrize(
    "value",
    [
        "",
        " 1",
        "1 ",
        "1,5",
        "1_000",
        "0x10",
        "NaN",
        "Infinity",
        "-inf",
        "١٢",
        "1e1000",
        "1e-900",
        "--1",
        ".",
        "e5",
        "1" * 101,
        "9" * 39,
    ],
)
def test_a_text_that_is_no_decimal_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match=r"^x: "):
        exact_decimal(value, field="x")


@pytest.mark.parametrize(
    "value",
    [1.5, True, None, b"1", [1], Decimal("NaN"), Decimal("Infinity"), Decimal("1e40"), Decimal("1e-39"), 10**38, -(10**38)],
)
def test_a_value_of_another_kind_or_size_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        exact_decimal(value, field="x")  # type: ignore[arg-type]
    assert refused.value.field == "x"


def test_places_are_kept_or_refused_but_never_rounded_away() -> None:
    assert exact_decimal("1.2500", field="x", places=2) == Decimal("1.25")
    with pytest.raises(InvalidInput, match="x: places behind the point: 3; at most 2 are kept"):
        exact_decimal("1.255", field="x", places=2)


def test_the_precision_of_the_host_changes_nothing() -> None:
    with localcontext() as host:
        host.prec = 3
        assert plain(exact_decimal("1.23456789", field="x")) == "1.23456789"
        assert plain(plus(Decimal("1.23456789"), Decimal(1))) == "2.23456789"
        assert half_up(Decimal("123456.5")) == 123457
        assert to_steps(Decimal("1234.56"), 2) == 123456


def test_exact_arithmetic_says_so_when_it_cannot_be_exact() -> None:
    with pytest.raises(Inexact):
        EXACT.divide(Decimal(1), Decimal(3))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Decimal("1E+2"), "100"),
        (Decimal("-0.00"), "0"),
        (Decimal("1.500"), "1.5"),
        (5, "5"),
        (100, "100"),
        (Fraction(3, 8), "0.375"),
        (Fraction(-1, 3), "-1/3"),
    ],
)
def test_numbers_are_written_plainly(number: Decimal | int | Fraction, text: str) -> None:
    assert plain(number) == text


def test_only_fractions_of_twos_and_fives_end() -> None:
    assert terminating(Fraction(7, 40)) == Decimal("0.175")
    assert terminating(Fraction(-3)) == -3
    assert terminating(Fraction(1, 3)) is None
    assert terminating(Fraction(1, 2**126)) == Decimal(5**126).scaleb(-126, EXACT)


def test_steps_and_decimals_are_one_to_one() -> None:
    assert (to_steps(Decimal("1.5"), 6), from_steps(1_500_000, 6)) == (1_500_000, Decimal("1.5"))
    with pytest.raises(AssertionError, match="more than 1 places"):
        to_steps(Decimal("1.55"), 1)


@pytest.mark.parametrize(
    ("number", "whole"), [("0.5", 1), ("-0.5", -1), ("1.4999999999", 1), ("2.5", 3), ("-2.5", -3), ("0", 0), ("1e50", 10**50)]
)
def test_a_half_goes_away_from_zero(number: str, whole: int) -> None:
    assert half_up(Decimal(number)) == whole
    assert half_up(Fraction(number)) == whole


NUMBERS = st.one_of(st.decimals(min_value=-(10**9), max_value=10**9, places=6), st.fractions(-(10**9), 10**9))


@given(NUMBERS, NUMBERS, st.decimals(min_value=0, max_value=100, places=3))
def test_exact_arithmetic_is_that_of_fractions(one: Decimal | Fraction, other: Decimal | Fraction, rate: Decimal) -> None:
    left, right = Fraction(one), Fraction(other)
    assert plus(one, other) == left + right
    assert minus(one, other) == left - right
    assert times(one, other) == left * right
    assert percent(one, rate) == left * Fraction(rate) / 100
    assert (whole_down(one), whole_up(one)) == (left.__floor__(), left.__ceil__())
    if right:
        assert divided(one, other) == left / right
    else:
        with pytest.raises(ZeroDivisionError):
            divided(one, other)


def test_a_quotient_is_a_decimal_where_its_digits_end() -> None:
    assert isinstance(divided(Decimal(1), Decimal(8)), Decimal)
    assert isinstance(divided(Decimal(1), Decimal(3)), Fraction)
    assert isinstance(whole_up(Fraction(1, 3)), Decimal)
