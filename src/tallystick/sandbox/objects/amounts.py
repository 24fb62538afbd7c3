"""Which sums can be charged, in Stripe's words."""

from decimal import Decimal
from fractions import Fraction

from tallystick.sandbox.errors import Refusal, invalid
from tallystick.values.errors import InvalidInput
from tallystick.values.money import Currency, Money
from tallystick.values.money import currency as find_currency

AMOUNT_MAX = 99_999_999


def known(code: str, param: str = "currency") -> Currency:
    try:
        return find_currency(code)
    except InvalidInput:
        raise invalid(f"Invalid currency: {code}. Stripe currently supports these currencies: see docs.", param=param) from None


def check_charge(amount: int, code: str) -> None:
    """Raises where Stripe would not take this sum from a card."""
    unit = known(code)
    if amount < 1:
        raise invalid("This value must be greater than or equal to 1.", param="amount", code="parameter_invalid_integer")
    if amount % unit.step:
        raise invalid(f"Invalid amount: {code} is charged in whole units only, in multiples of {unit.step}.", param="amount")
    if unit.minimum_charge_minor and amount < unit.minimum_charge_minor:
        raise _limit("amount_too_small", f"Amount must be at least {_shown(unit.minimum_charge_minor, unit)}", unit)
    if amount > AMOUNT_MAX:
        raise _limit("amount_too_large", f"Amount must be no more than {_shown(AMOUNT_MAX, unit)}", unit)


def is_below_minimum(amount: int, code: str) -> bool:
    least = known(code).minimum_charge_minor
    return least is not None and amount < least


def rounded(amount: Decimal) -> int:
    """Whole minor units, a half away from zero: Stripe rounds each line so."""
    return rounded_fraction(Fraction(amount))


def rounded_fraction(amount: Fraction) -> int:
    whole = int(abs(amount) + Fraction(1, 2))
    return whole if amount >= 0 else -whole


def _limit(code: str, message: str, unit: Currency) -> Refusal:
    return invalid(f"{message} {unit.code}", param="amount", code=code)


def _shown(minor: int, unit: Currency) -> str:
    sign = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}.get(unit.code, "")
    return f"{sign}{Money(minor, unit).major:,f}"
