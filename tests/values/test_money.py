"""Money is whole minor units of one currency; it is rounded in one place, and split without losing a unit."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.values.errors import InvalidInput
from tallystick.values.money import EUR, JPY, KWD, USD, Money, Rate, Unrounded, currencies, currency


@pytest.mark.parametrize(
    ("code", "exponent", "step"), [("usd", 2, 1), ("JPY", 0, 1), ("kwd", 3, 1), ("ISK", 2, 100), ("ugx", 2, 100)]
)
def test_a_currency_has_the_places_that_stripe_counts(code: str, exponent: int, step: int) -> None:
    found = currency(code)
    assert (found.exponent, found.step, str(found)) == (exponent, step, code.lower())


@pytest.mark.parametrize("code", ["xxx", "", "us", "us dollars", "ﬁm", "\N{KELVIN SIGN}rw"])
def test_an_unknown_currency_is_refused(code: str) -> None:
    with pytest.raises(InvalidInput, match="currency: not a known ISO 4217 code"):
        currency(code)


def test_all_currencies_are_listed_once_by_code() -> None:
    codes = [one.code for one in currencies()]
    assert codes == sorted(set(codes))
    assert len(codes) > 130
    assert (USD.minimum_charge_minor, currency("bhd").minimum_charge_minor) == (50, None)


@pytest.mark.parametrize("minor", [1.0, 1.5, "1", True, Decimal(1)])
def test_money_takes_whole_units_only(minor: object) -> None:
    with pytest.raises(TypeError, match="whole minor units"):
        Money(minor, USD)  # type: ignore[arg-type]


def test_money_of_one_currency_adds_and_compares() -> None:
    one, two = Money(100, USD), Money(250, USD)
    assert (one + two, one - two, -one) == (Money(350, USD), Money(-150, USD), Money(-100, USD))
    assert one < two
    assert one <= Money(100, USD)
    assert not one < Money(100, USD)
    assert not two <= one


def test_two_currencies_do_not_mix() -> None:
    for mix in (Money.__add__, Money.__sub__, Money.__lt__, Money.__le__):
        with pytest.raises(TypeError, match="usd and eur do not mix"):
            mix(Money(1, USD), Money(1, EUR))


@pytest.mark.parametrize(
    ("minor", "of", "major", "text"),
    [(1234, USD, "12.34", "12.34 USD"), (100, JPY, "100", "100 JPY"), (-5, KWD, "-0.005", "-0.005 KWD")],
)
def test_major_units_have_the_places_of_the_currency(minor: int, of: object, major: str, text: str) -> None:
    money = Money(minor, of)  # type: ignore[arg-type]
    assert (str(money.major), str(money)) == (major, text)


@pytest.mark.parametrize(
    ("amount", "code", "minor"),
    [
        ("0.005", "usd", 1),
        ("-0.005", "usd", -1),
        ("0.0049999", "usd", 0),
        ("0.5", "jpy", 1),
        ("2.5", "jpy", 3),
        ("0.0005", "kwd", 1),
        ("0.5", "isk", 100),
        ("0.49", "isk", 0),
        ("12345678901234567890123456789012345678.905", "usd", 1234567890123456789012345678901234567891),
    ],
)
def test_rounding_is_half_away_from_zero_to_what_can_be_paid(amount: str, code: str, minor: int) -> None:
    of = currency(code)
    assert Unrounded(Decimal(amount), of).rounded() == Money(minor, of)
    assert Unrounded(Fraction(amount), of).rounded() == Money(minor, of)


def test_a_rate_times_a_quantity_is_not_rounded_yet() -> None:
    amount = Rate(Decimal("0.001"), USD).times(Decimal("2.5"))
    assert (amount, str(amount)) == (Unrounded(Decimal("0.0025"), USD), "0.0025 USD")
    assert str(Unrounded(Fraction(1, 3), USD)) == "1/3 USD"


def test_an_hourly_rate_has_a_price_for_a_minute() -> None:
    assert Rate(Decimal(100), JPY).per(Decimal(60)).amount == Fraction(5, 3)


def test_three_friends_share_a_hundred_yen() -> None:
    assert [share.minor for share in Money(100, JPY).split([1, 1, 1])] == [34, 33, 33]
    assert [share.minor for share in Money(-100, JPY).split([1, 1, 1])] == [-34, -33, -33]
    assert [share.minor for share in Money(10, JPY).split([0, 3, 1])] == [0, 8, 2], "of equal remainders the earlier is served"


@pytest.mark.parametrize("weights", [[0], [0, 0], [2, -1]])
def test_weights_that_share_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights must be"):
        Money(1, USD).split(weights)


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 50), min_size=1, max_size=9).filter(any))
def test_a_split_conserves_every_unit_and_is_fair(minor: int, weights: list[int]) -> None:
    shares = Money(minor, EUR).split(weights)
    assert sum(share.minor for share in shares) == minor
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share.minor - Fraction(minor * weight, sum(weights))) < 1


@given(st.fractions(min_value=-(10**9), max_value=10**9), st.sampled_from([USD, JPY, KWD, currency("isk")]))
def test_rounding_moves_by_half_a_step_at_most(amount: Fraction, of: object) -> None:
    assert isinstance(of, type(USD))
    rounded = Unrounded(amount, of).rounded()
    assert rounded.minor % of.step == 0
    assert abs(rounded.minor - amount * 10**of.exponent) <= Fraction(of.step, 2)
