"""Exact decimals: read strictly, computed without rounding, written plainly."""

import re
from decimal import ROUND_HALF_UP, Clamped, Context, Decimal, DivisionByZero, FloatOperation, Inexact, InvalidOperation, Overflow
from fractions import Fraction

from tallystick.values.errors import InvalidInput

# Never the thread's own context: a host may have set its precision, and the default of 28 digits rounds silently.
EXACT = Context(prec=400, traps=[Inexact, InvalidOperation, Overflow, DivisionByZero, FloatOperation, Clamped])
ROUNDING = Context(prec=400, rounding=ROUND_HALF_UP, traps=[InvalidOperation, Overflow, DivisionByZero])

DIGITS_MAX = 38
_ZERO = Decimal(0)
_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def exact_decimal(value: str | int | Decimal, *, field: str, places: int | None = None) -> Decimal:
    """The decimal that `value` says, digit for digit; at most 38 digits, and `places` behind the point.

    Raises InvalidInput for anything else: floats (they are not what they print), NaN, infinities, spaces, other digits.
    """
    if isinstance(value, str):
        if len(value) > 100 or not _PLAIN.fullmatch(value):
            raise InvalidInput(f'{field}: not a decimal number; write it as "1.25"', field=field)
        value = EXACT.create_decimal(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        if abs(value) >= 10**DIGITS_MAX:
            raise InvalidInput(f"{field}: more than {DIGITS_MAX} digits", field=field)
        value = Decimal(value)
    elif not isinstance(value, Decimal):
        raise InvalidInput(
            f'{field}: send a decimal as a string or an integer, such as "1.25"; not {type(value).__name__}', field=field
        )
    if not value.is_finite():
        raise InvalidInput(f"{field}: must be a finite number", field=field)
    return _within(value, field=field, places=places)


def _within(number: Decimal, *, field: str, places: int | None) -> Decimal:
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int), "a finite decimal has a whole exponent"
    # Asked for every event: as most numbers are written, one look is enough, for without idle zeros they only get shorter.
    if len(digits) > DIGITS_MAX or not -DIGITS_MAX <= exponent <= 0:
        _check_digits(number, field=field)
    number = EXACT.normalize(number) if number else _ZERO
    if places is not None and exponent < -places and (low := int(number.as_tuple().exponent)) < -places:
        raise InvalidInput(
            f"{field}: places behind the point: {-low}; at most {places} are kept, and none is rounded away", field=field
        )
    return number


def _check_digits(number: Decimal, *, field: str) -> None:
    """Whether it has at most 38 digits on either side of the point, whatever its exponent."""
    if not number:
        return
    if number.adjusted() < DIGITS_MAX and int(number.as_tuple().exponent) >= -2 * DIGITS_MAX:
        _, digits, low = EXACT.normalize(number).as_tuple()
        if len(digits) + max(int(low), 0) <= DIGITS_MAX and -int(low) <= DIGITS_MAX:
            return
    raise InvalidInput(f"{field}: more than {DIGITS_MAX} digits", field=field)


def plain(number: Decimal | int | Fraction) -> str:
    """The number without exponent and without idle zeros: 1E+2 is "100"; a fraction without end is "n/d"."""
    if isinstance(number, Fraction):
        whole = terminating(number)
        if whole is None:
            return f"{number.numerator}/{number.denominator}"
        number = whole
    text = format(number, "f") if isinstance(number, Decimal) else str(number)
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def terminating(number: Fraction) -> Decimal | None:
    """The decimal equal to `number`, or None where its digits never end."""
    rest, twos, fives = number.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return None
    places = max(twos, fives)
    scaled = number.numerator * 10**places // number.denominator
    return EXACT.scaleb(Decimal(scaled), -places)


def to_steps(number: Decimal, decimals: int) -> int:
    """`number` as a whole count of its smallest step of 10^-decimals; AssertionError where it does not fit."""
    scaled = EXACT.scaleb(number, decimals)
    whole = int(scaled)
    assert whole == scaled, f"{number} has more than {decimals} places"
    return whole


def from_steps(steps: int, decimals: int) -> Decimal:
    return EXACT.scaleb(Decimal(steps), -decimals)


def half_up(number: Decimal | Fraction) -> int:
    """The nearest whole number; a half goes away from zero (docs: Money and time, Prices)."""
    if isinstance(number, Decimal):
        return int(number.to_integral_value(ROUND_HALF_UP))
    doubled = 2 * abs(number.numerator) + number.denominator
    whole = doubled // (2 * number.denominator)
    return whole if number >= 0 else -whole
