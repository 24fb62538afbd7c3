"""The kinds of price, and the charge that carries one. A price that could be constructed makes sense; others are refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from tallystick.domain.tiers import Ladder, PercentTier, Tier
from tallystick.values.decimals import exact_decimal
from tallystick.values.errors import InvalidInput
from tallystick.values.exact import ZERO, Exact, divided, times, whole_down, whole_up
from tallystick.values.ids import MeterKey
from tallystick.values.money import Currency

TIERS_MAX = 1000
_HUNDRED = Decimal(100)


class Rounding(StrEnum):
    """How a count of packages, or a converted quantity, becomes whole: `none` leaves it as it is."""

    UP = "up"
    DOWN = "down"
    NONE = "none"

    def whole(self, number: Exact) -> Exact:
        match self:
            case Rounding.UP:
                return whole_up(number)
            case Rounding.DOWN:
                return whole_down(number)
            case Rounding.NONE:
                return number
            case _:
                assert_never(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What a metered quantity is divided or multiplied by before anything else: bytes to gigabytes (docs/reference/prices.md)."""

    divide_by: Decimal | None = None
    multiply_by: Decimal | None = None
    round: Rounding = Rounding.NONE

    def __post_init__(self) -> None:
        if (self.divide_by is None) == (self.multiply_by is None):
            raise InvalidInput("convert: give one of divide_by and multiply_by, not both", field="convert")
        _above_zero(self.divide_by, "convert.divide_by")
        _above_zero(self.multiply_by, "convert.multiply_by")

    def apply(self, quantity: Exact) -> Exact:
        """The converted quantity, exact; made whole only where `round` says so."""
        if self.divide_by is not None:
            return self.round.whole(divided(quantity, self.divide_by))
        assert self.multiply_by is not None, "one of the two is there"
        return self.round.whole(times(quantity, self.multiply_by))


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What any price may carry: a currency, and the steps around its own sum (docs/reference/prices.md); in major units.

    `included` units cost nothing, before the first paid one. The discount comes first, then `maximum_amount` caps, then
    `minimum_amount` is trued up to: where the two contradict each other, the minimum stands.
    Raises InvalidInput, with the field and the remedy, for what makes no sense.
    """

    currency: Currency
    included: Decimal = ZERO
    discount_percent: Decimal = ZERO
    maximum_amount: Decimal | None = None
    minimum_amount: Decimal | None = None
    convert: Conversion | None = None

    def __post_init__(self) -> None:
        _not_negative(self.included, "included")
        _not_negative(self.discount_percent, "discount_percent")
        if self.discount_percent > _HUNDRED:
            raise InvalidInput('discount_percent: at most "100"', field="discount_percent")
        _not_negative(self.maximum_amount, "maximum_amount")
        _not_negative(self.minimum_amount, "minimum_amount")


@dataclass(frozen=True, slots=True)
class FlatPrice(Terms):
    """The same amount whatever was used, and also when nothing was. `included` and `convert` change nothing here."""

    amount: Decimal

    def __post_init__(self) -> None:
        Terms.__post_init__(self)
        _not_negative(self.amount, "amount")


@dataclass(frozen=True, slots=True)
class UnitPrice(Terms):
    """So much for each unit."""

    unit_amount: Decimal

    def __post_init__(self) -> None:
        Terms.__post_init__(self)
        _not_negative(self.unit_amount, "unit_amount")


@dataclass(frozen=True, slots=True)
class GraduatedPrice(Terms):
    """Each slice of the quantity at the rate of its own tier. `zero_usage_flat`: the first flat fee is due at zero too."""

    tiers: tuple[Tier, ...]
    zero_usage_flat: bool = field(default=False, kw_only=True)
    ladder: Ladder = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        Terms.__post_init__(self)
        _check_tiers(self.tiers)
        object.__setattr__(self, "ladder", Ladder.of(self.tiers, zero_usage_flat=self.zero_usage_flat))


@dataclass(frozen=True, slots=True)
class VolumePrice(Terms):
    """The whole quantity at the rate of the tier that it reaches."""

    tiers: tuple[Tier, ...]
    zero_usage_flat: bool = field(default=False, kw_only=True)
    ladder: Ladder = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        Terms.__post_init__(self)
        _check_tiers(self.tiers)
        object.__setattr__(self, "ladder", Ladder.of(self.tiers, zero_usage_flat=self.zero_usage_flat))


@dataclass(frozen=True, slots=True)
class PackagePrice(Terms):
    """So much for each package of `package_size` units; a package begun counts as whole, or not at all with `round` down."""

    package_size: Decimal
    package_amount: Decimal
    round: Rounding = Rounding.UP

    def __post_init__(self) -> None:
        Terms.__post_init__(self)
        _above_zero(self.package_size, "package_size")
        _not_negative(self.package_amount, "package_amount")
        if self.round is Rounding.NONE:
            raise InvalidInput('round: "up" or "down"; a part of a package has no price of its own', field="round")


@dataclass(frozen=True, slots=True)
class StairstepPrice(Terms):
    """One price for the whole range that the quantity reaches: the `flat_amount` of its tier, and of no other.

    As Chargebee and Maxio define it; nothing at zero, as for every tier's flat fee, but for `zero_usage_flat`.
    """

    tiers: tuple[Tier, ...]
    zero_usage_flat: bool = field(default=False, kw_only=True)
    ladder: Ladder = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        Terms.__post_init__(self)
        _check_tiers(self.tiers)
        object.__setattr__(self, "ladder", Ladder.of(self.tiers, zero_usage_flat=self.zero_usage_flat))
        for at, tier in enumerate(self.tiers):
            if tier.unit_amount or tier.package_size is not None or tier.maximum_amount is not None:
                where = f"tiers[{at}]"
                raise InvalidInput(f"{where}: a stairstep tier has up_to and flat_amount only", field=where)


@dataclass(frozen=True, slots=True)
class PercentagePrice(Terms):
    """A percentage of the amount of each event, and a fixed amount for each; `minimum` and `maximum` hold per paid event.

    The free part comes first, in the order of the events: it ends with `free_events` or with `free_amount`, whichever is used up
    first. An event wholly in it costs nothing; one that crosses its end pays for the rest, and its fixed amount
    (docs/reference/prices.md; as Lago's percentage charge).
    """

    rate_percent: Decimal
    fixed_amount_per_event: Decimal = ZERO
    minimum: Decimal | None = field(default=None, kw_only=True)
    maximum: Decimal | None = field(default=None, kw_only=True)
    free_events: int | None = field(default=None, kw_only=True)
    free_amount: Decimal | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        Terms.__post_init__(self)
        _not_negative(self.rate_percent, "rate_percent")
        _not_negative(self.fixed_amount_per_event, "fixed_amount_per_event")
        _not_negative(self.minimum, "minimum")
        _not_negative(self.maximum, "maximum")
        _not_negative(self.free_amount, "free_amount")
        if self.free_events is not None and (type(self.free_events) is not int or self.free_events < 0):
            raise InvalidInput("free_events: a whole number from 0 up", field="free_events")


@dataclass(frozen=True, slots=True)
class GraduatedPercentagePrice(Terms):
    """Each slice of an amount of money at the percentage of its own tier; the quantity is the amount of the whole period."""

    tiers: tuple[PercentTier, ...]
    zero_usage_flat: bool = field(default=False, kw_only=True)
    ladder: Ladder = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        Terms.__post_init__(self)
        _check_tiers(self.tiers)
        object.__setattr__(self, "ladder", Ladder.of(self.tiers, zero_usage_flat=self.zero_usage_flat))


@dataclass(frozen=True, slots=True)
class DynamicPrice(Terms):
    """The events carry their own price, in major units; the sum of them times `multiplier` (as OpenMeter's dynamic price)."""

    multiplier: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        Terms.__post_init__(self)
        _not_negative(self.multiplier, "multiplier")


Price = (
    FlatPrice
    | UnitPrice
    | GraduatedPrice
    | VolumePrice
    | PackagePrice
    | StairstepPrice
    | PercentagePrice
    | GraduatedPercentagePrice
    | DynamicPrice
)
TieredPrice = GraduatedPrice | VolumePrice | StairstepPrice | GraduatedPercentagePrice


@dataclass(frozen=True, slots=True)
class Charge:
    """One component of a plan that produces a line: what `meter_key` measured, at `price`. `display_name` is for the invoice."""

    key: str
    meter_key: MeterKey
    price: Price
    display_name: str = ""


def _number(value: Decimal, name: str) -> None:
    if not isinstance(value, Decimal):
        raise InvalidInput(f"{name}: must be a decimal, such as Decimal('1.25')", field=name)
    exact_decimal(value, field=name)


def _not_negative(value: Decimal | None, name: str) -> None:
    if value is None:
        return
    _number(value, name)
    if value < 0:
        raise InvalidInput(f"{name}: must not be below 0", field=name)


def _above_zero(value: Decimal | None, name: str) -> None:
    if value is None:
        return
    _number(value, name)
    if value <= 0:
        raise InvalidInput(f"{name}: must be above 0", field=name)


def _check_tiers(tiers: Sequence[Tier | PercentTier]) -> None:
    if not 1 <= len(tiers) <= TIERS_MAX:
        raise InvalidInput(f"tiers: from 1 to {TIERS_MAX} of them, the last with up_to null", field="tiers")
    reached = ZERO
    for at, tier in enumerate(tiers):
        where = f"tiers[{at}]"
        _check_tier(tier, where)
        if (tier.up_to is None) != (at == len(tiers) - 1):
            raise InvalidInput(f"{where}.up_to: null in the last tier, and only there", field=f"{where}.up_to")
        if tier.up_to is not None and tier.up_to <= reached:
            raise InvalidInput(f"{where}.up_to: must be above the tier before it, and above 0", field=f"{where}.up_to")
        reached = reached if tier.up_to is None else tier.up_to


def _check_tier(tier: Tier | PercentTier, where: str) -> None:
    _not_negative(tier.up_to, f"{where}.up_to")
    _not_negative(tier.flat_amount, f"{where}.flat_amount")
    _not_negative(tier.maximum_amount, f"{where}.maximum_amount")
    match tier:
        case Tier():
            _not_negative(tier.unit_amount, f"{where}.unit_amount")
            _above_zero(tier.package_size, f"{where}.package_size")
        case PercentTier():
            _not_negative(tier.rate_percent, f"{where}.rate_percent")
        case _:
            assert_never(tier)
