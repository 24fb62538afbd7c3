"""Arithmetic that never rounds: decimals as long as digits end, fractions where they do not."""

from decimal import Decimal
from fractions import Fraction

from tallystick.values.decimals import EXACT, terminating

Exact = Decimal | Fraction
ZERO, ONE = Decimal(0), Decimal(1)


def plus(left: Exact, right: Exact) -> Exact:
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return EXACT.add(left, right)
    return Fraction(left) + Fraction(right)


def minus(left: Exact, right: Exact) -> Exact:
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return EXACT.subtract(left, right)
    return Fraction(left) - Fraction(right)


def times(left: Exact, right: Exact) -> Exact:
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return EXACT.multiply(left, right)
    return Fraction(left) * Fraction(right)


def divided(number: Exact, by: Exact) -> Exact:
    """The quotient: a decimal where its digits end, else a fraction. Raises ZeroDivisionError."""
    quotient = Fraction(number) / Fraction(by)
    whole = terminating(quotient)
    return quotient if whole is None else whole


def percent(of: Exact, rate: Decimal) -> Exact:
    """`rate` hundredths of the amount."""
    return times(of, EXACT.scaleb(rate, -2))


def whole_down(number: Exact) -> Decimal:
    """The greatest whole number that is not above `number`."""
    return Decimal(_floor(number))


def whole_up(number: Exact) -> Decimal:
    """The least whole number that is not below `number`."""
    return Decimal(-_floor(minus(ZERO, number)))


def _floor(number: Exact) -> int:
    # `math.floor` of a decimal works on its digits and asks no context; of a fraction it is a division of integers.
    return number.__floor__()
