"""Money in whole minor units, rates and exact amounts; `Unrounded.rounded()` is the one rounding door."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Self

from tallystick.values.decimals import EXACT, exact_decimal, from_steps, half_up, plain, to_steps
from tallystick.values.errors import InvalidInput

# Minor units as Stripe counts them: ISK and UGX have none in life, and are sent with two zeros (docs.stripe.com/currencies).
_EXPONENTS = dict.fromkeys(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"), 0
)
_EXPONENTS |= dict.fromkeys(("bhd", "jod", "kwd", "omr", "tnd"), 3)
_EXPONENTS |= dict.fromkeys(
    """aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc cve czk dkk
    dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk jmd kes kgs khr kyd kzt lak lbp lkr lrd
    lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd
    scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah ugx usd uyu uzs wst xcd yer zar zmw""".split(),
    2,
)
_WHOLE_ONLY = frozenset({"isk", "ugx"})
# The least that Stripe charges, in minor units, where the settlement currency is the same (docs.stripe.com/currencies).
_MINIMUM_CHARGES = dict.fromkeys("ars aud brl cad chf cop eur idr ils inr jpy krw nzd php rub sgd usd zar".split(), 50)
_MINIMUM_CHARGES |= {"aed": 200, "bgn": 100, "gbp": 30, "hkd": 400, "myr": 200, "pln": 200, "ron": 200}
_MINIMUM_CHARGES |= {"czk": 1500, "dkk": 250, "huf": 17500, "mxn": 1000, "nok": 300, "sek": 300, "thb": 1000}


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency as the provider counts it: `exponent` places, sums in multiples of `step` minor units."""

    code: str
    exponent: int
    step: int = 1
    minimum_charge_minor: int | None = None

    def __str__(self) -> str:
        return self.code


_CURRENCIES = {
    code: Currency(code, exponent, 100 if code in _WHOLE_ONLY else 1, _MINIMUM_CHARGES.get(code))
    for code, exponent in _EXPONENTS.items()
}


def currency(code: str) -> Currency:
    """The currency of that ISO 4217 code, in any case. Raises InvalidInput for one that Stripe does not list."""
    found = _CURRENCIES.get(code.lower()) if code.isascii() else None
    if found is None:
        raise InvalidInput('currency: not a known ISO 4217 code; write it as "usd"', field="currency")
    return found


def currencies() -> Sequence[Currency]:
    """All that are known, by code."""
    return [_CURRENCIES[code] for code in sorted(_CURRENCIES)]


USD, EUR, JPY, KWD = currency("usd"), currency("eur"), currency("jpy"), currency("kwd")


@dataclass(frozen=True, slots=True)
class Money:
    """A whole number of minor units of one currency: cents of USD, whole yen. The only kind that is stored, added up or sent."""

    minor: int
    currency: Currency

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"Money takes whole minor units, not {type(self.minor).__name__}")

    def __add__(self, other: Self) -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Self) -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Self) -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: Self) -> bool:
        self._same(other)
        return self.minor <= other.minor

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise TypeError(f"{self.currency} and {other.currency} do not mix; there is no conversion")

    def split(self, weights: Sequence[int]) -> list["Money"]:
        """Shares by weight that add up to the whole: largest remainder first, ties to the earlier share."""
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise ValueError("weights must be whole numbers from 0 up, not all 0")
        sign, amount = (-1, -self.minor) if self.minor < 0 else (1, self.minor)
        shares = [amount * weight // total for weight in weights]
        by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % total), i))
        for i in by_remainder[: amount - sum(shares)]:
            shares[i] += 1
        assert sum(shares) == amount, "a split conserves every unit"
        return [Money(sign * share, self.currency) for share in shares]

    @property
    def major(self) -> Decimal:
        """The amount in major units: Money(1234, USD) is 12.34."""
        return from_steps(self.minor, self.currency.exponent)

    def __str__(self) -> str:
        return f"{self.major:f} {self.currency.code.upper()}"


@dataclass(frozen=True, slots=True)
class Unrounded:
    """An exact amount in major units, before the one rounding of its line."""

    amount: Decimal | Fraction
    currency: Currency

    def rounded(self) -> Money:
        """To whole minor units, half away from zero (docs: Money and time, Prices)."""
        amount, currency = self.amount, self.currency
        scaled = EXACT.scaleb(amount, currency.exponent) if isinstance(amount, Decimal) else amount * 10**currency.exponent
        if currency.step == 1:
            return Money(half_up(scaled), currency)
        return Money(half_up(Fraction(scaled) / currency.step) * currency.step, currency)

    def __str__(self) -> str:
        return f"{plain(self.amount)} {self.currency.code.upper()}"


@dataclass(frozen=True, slots=True)
class Rate:
    """Money per unit, exact, in major units of the currency."""

    amount: Decimal
    currency: Currency

    def times(self, quantity: Decimal) -> Unrounded:
        return Unrounded(EXACT.multiply(self.amount, quantity), self.currency)

    def per(self, units: Decimal) -> Unrounded:
        """The rate's share of one of `units` equal parts: an hourly rate per 60 is the price of a minute."""
        return Unrounded(Fraction(self.amount) / Fraction(units), self.currency)


def exact_money(value: str | int | Decimal, of: Currency, *, field: str) -> Money:
    """The amount that a decimal in major units says. Raises InvalidInput for more places than the currency has."""
    number = exact_decimal(value, field=field, places=of.exponent)
    return Money(to_steps(number, of.exponent), of)
