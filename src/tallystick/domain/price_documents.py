"""The price document: one form of a price for files, API, quotes and storage; read strictly, written to read the same."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypedDict, assert_never

from tallystick.domain.catalog import (
    TIERS_MAX,
    Conversion,
    DynamicPrice,
    FlatPrice,
    GraduatedPercentagePrice,
    GraduatedPrice,
    PackagePrice,
    PercentagePrice,
    Price,
    Rounding,
    StairstepPrice,
    TieredPrice,
    UnitPrice,
    VolumePrice,
)
from tallystick.domain.tiers import PercentTier, Tier
from tallystick.values.decimals import plain
from tallystick.values.exact import ONE, ZERO
from tallystick.values.fields import Fields
from tallystick.values.money import Currency, currency

Document = dict[str, object]


def read_price(document: Mapping[str, object]) -> Price:
    """The price that a document describes (docs/reference/prices.md): decimals as strings or integers, in major units.

    A field that is null counts as absent. Raises InvalidInput for unknown or missing fields, floats, more than 38 digits, and
    whatever makes no sense; `field` is its path within the document.
    """
    fields = Fields(document)
    model = fields.choice("model", tuple(_READERS))
    price = _READERS[model](fields, _read_terms(fields))
    fields.end()
    return price


def write_price(price: Price) -> Document:
    """The document that reads as the same price; what is at its default is left out."""
    document: Document = {"currency": price.currency.code, **_own(price)}
    document |= _numbers(included=price.included or None, discount_percent=price.discount_percent or None)
    document |= _numbers(maximum_amount=price.maximum_amount, minimum_amount=price.minimum_amount)
    if price.convert is not None:
        by = _numbers(divide_by=price.convert.divide_by, multiply_by=price.convert.multiply_by)
        document["convert"] = {**by, "round": price.convert.round.value}
    return document


class _Terms(TypedDict):
    currency: Currency
    included: Decimal
    discount_percent: Decimal
    maximum_amount: Decimal | None
    minimum_amount: Decimal | None
    convert: Conversion | None


def _read_terms(fields: Fields) -> _Terms:
    return _Terms(
        currency=currency(fields.text("currency")),
        included=fields.number_or("included", ZERO),
        discount_percent=fields.number_or("discount_percent", ZERO),
        maximum_amount=fields.maybe_number("maximum_amount"),
        minimum_amount=fields.maybe_number("minimum_amount"),
        convert=_read_convert(fields),
    )


def _read_convert(fields: Fields) -> Conversion | None:
    value = fields.take("convert")
    if value is None:
        return None
    own = Fields(value, fields.path("convert"))
    convert = Conversion(
        divide_by=own.maybe_number("divide_by"),
        multiply_by=own.maybe_number("multiply_by"),
        round=Rounding(own.choice("round", tuple(Rounding), Rounding.NONE)),
    )
    own.end()
    return convert


def _read_tiers(fields: Fields) -> tuple[Tier, ...]:
    return tuple(
        _read_tier(Fields(value, fields.path(f"tiers[{at}]")))
        for at, value in enumerate(fields.items("tiers", at_most=TIERS_MAX))
    )


def _read_tier(own: Fields) -> Tier:
    tier = Tier(
        up_to=own.maybe_number("up_to"),
        unit_amount=own.number_or("unit_amount", ZERO),
        flat_amount=own.number_or("flat_amount", ZERO),
        package_size=own.maybe_number("package_size"),
        maximum_amount=own.maybe_number("maximum_amount"),
    )
    own.end()
    return tier


def _read_percent_tiers(fields: Fields) -> tuple[PercentTier, ...]:
    return tuple(
        _read_percent_tier(Fields(value, fields.path(f"tiers[{at}]")))
        for at, value in enumerate(fields.items("tiers", at_most=TIERS_MAX))
    )


def _read_percent_tier(own: Fields) -> PercentTier:
    tier = PercentTier(
        up_to=own.maybe_number("up_to"),
        rate_percent=own.number("rate_percent"),
        flat_amount=own.number_or("flat_amount", ZERO),
        maximum_amount=own.maybe_number("maximum_amount"),
    )
    own.end()
    return tier


def _read_flat(fields: Fields, terms: _Terms) -> Price:
    return FlatPrice(fields.number("amount"), **terms)


def _read_per_unit(fields: Fields, terms: _Terms) -> Price:
    return UnitPrice(fields.number("unit_amount"), **terms)


def _read_graduated(fields: Fields, terms: _Terms) -> Price:
    return GraduatedPrice(_read_tiers(fields), zero_usage_flat=fields.flag("zero_usage_flat"), **terms)


def _read_volume(fields: Fields, terms: _Terms) -> Price:
    return VolumePrice(_read_tiers(fields), zero_usage_flat=fields.flag("zero_usage_flat"), **terms)


def _read_steps(fields: Fields) -> tuple[Tier, ...]:
    return tuple(
        _read_step(Fields(value, fields.path(f"tiers[{at}]")))
        for at, value in enumerate(fields.items("tiers", at_most=TIERS_MAX))
    )


def _read_step(own: Fields) -> Tier:
    """A step has one amount; `amount` is taken as another name of `flat_amount`, and an idle unit_amount of 0 is let pass."""
    flat = own.number("amount" if own.has("amount") else "flat_amount")
    tier = Tier(up_to=own.maybe_number("up_to"), unit_amount=own.number_or("unit_amount", ZERO), flat_amount=flat)
    own.end()
    return tier


def _read_stairstep(fields: Fields, terms: _Terms) -> Price:
    return StairstepPrice(_read_steps(fields), zero_usage_flat=fields.flag("zero_usage_flat"), **terms)


def _read_package(fields: Fields, terms: _Terms) -> Price:
    size, amount = fields.number("package_size"), fields.number("package_amount")
    up_or_down = fields.choice("round", (Rounding.UP, Rounding.DOWN), Rounding.UP)
    return PackagePrice(size, amount, Rounding(up_or_down), **terms)


def _read_percentage(fields: Fields, terms: _Terms) -> Price:
    return PercentagePrice(
        fields.number("rate_percent"),
        fields.number_or("fixed_amount_per_event", ZERO),
        minimum=fields.maybe_number("minimum"),
        maximum=fields.maybe_number("maximum"),
        free_events=fields.maybe_count("free_events"),
        free_amount=fields.maybe_number("free_amount"),
        **terms,
    )


def _read_graduated_percentage(fields: Fields, terms: _Terms) -> Price:
    tiers = _read_percent_tiers(fields)
    return GraduatedPercentagePrice(tiers, zero_usage_flat=fields.flag("zero_usage_flat"), **terms)


def _read_dynamic(fields: Fields, terms: _Terms) -> Price:
    return DynamicPrice(fields.number_or("multiplier", ONE), **terms)


_READERS: dict[str, Callable[[Fields, _Terms], Price]] = {
    "flat": _read_flat,
    "per_unit": _read_per_unit,
    "graduated": _read_graduated,
    "volume": _read_volume,
    "package": _read_package,
    "stairstep": _read_stairstep,
    "percentage": _read_percentage,
    "graduated_percentage": _read_graduated_percentage,
    "dynamic": _read_dynamic,
}


def _numbers(**values: Decimal | None) -> Document:
    return {name: plain(value) for name, value in values.items() if value is not None}


def _own(price: Price) -> Document:
    """What the model itself adds to the document."""
    match price:
        case GraduatedPrice():
            return _tiered("graduated", price)
        case VolumePrice():
            return _tiered("volume", price)
        case StairstepPrice():
            return _tiered("stairstep", price)
        case GraduatedPercentagePrice():
            return _tiered("graduated_percentage", price)
        case FlatPrice() | UnitPrice() | PackagePrice() | PercentagePrice() | DynamicPrice():
            return _untiered(price)
        case _:
            assert_never(price)


def _untiered(price: FlatPrice | UnitPrice | PackagePrice | PercentagePrice | DynamicPrice) -> Document:
    match price:
        case FlatPrice():
            return {"model": "flat", **_numbers(amount=price.amount)}
        case UnitPrice():
            return {"model": "per_unit", **_numbers(unit_amount=price.unit_amount)}
        case PackagePrice():
            sizes = _numbers(package_size=price.package_size, package_amount=price.package_amount)
            return {"model": "package", **sizes, "round": price.round.value}
        case DynamicPrice():
            return {"model": "dynamic", **_numbers(multiplier=price.multiplier)}
        case PercentagePrice():
            return {"model": "percentage", **_own_percentage(price)}
        case _:
            assert_never(price)


def _own_percentage(price: PercentagePrice) -> Document:
    return _numbers(
        rate_percent=price.rate_percent,
        fixed_amount_per_event=price.fixed_amount_per_event,
        minimum=price.minimum,
        maximum=price.maximum,
        free_events=None if price.free_events is None else Decimal(price.free_events),
        free_amount=price.free_amount,
    )


def _tiered(model: str, price: TieredPrice) -> Document:
    document: Document = {"model": model, "tiers": [_write_tier(tier) for tier in price.tiers]}
    return document | {"zero_usage_flat": True} if price.zero_usage_flat else document


def _write_tier(tier: Tier | PercentTier) -> Document:
    # `up_to` stays, null and all: a reader sees at a glance that the last tier has no end.
    document: Document = {"up_to": None if tier.up_to is None else plain(tier.up_to)}
    match tier:
        case Tier():
            document |= _numbers(unit_amount=tier.unit_amount, package_size=tier.package_size)
        case PercentTier():
            document |= _numbers(rate_percent=tier.rate_percent)
        case _:
            assert_never(tier)
    return document | _numbers(flat_amount=tier.flat_amount, maximum_amount=tier.maximum_amount)
