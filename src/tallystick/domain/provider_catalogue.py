"""Our catalogue as the provider would hold it, and what it cannot hold. Pure.

An item is a document in words that both sides know, so that what is wanted and what is there are compared field by field."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from tallystick.domain.catalog import (
    FlatPrice,
    GraduatedPrice,
    PackagePrice,
    Price,
    Rounding,
    StairstepPrice,
    UnitPrice,
    VolumePrice,
)
from tallystick.domain.coupons import Coupon, Duration, PromotionCode
from tallystick.domain.periods import Cadence, Interval
from tallystick.domain.plans import BilledBy, ChargeKind, PlanCharge, PlanPrice, PlanVersion
from tallystick.domain.tiers import Tier
from tallystick.domain.usage import Meter
from tallystick.values.decimals import EXACT, plain
from tallystick.values.ids import MeterKey, derived
from tallystick.values.money import Currency
from tallystick.values.time import rfc3339

LOOKUP_LENGTH_MAX = 200
PLACES_MAX = 12  # of a rate, in minor units
_COUNT_MAX = {Interval.DAY: 1095, Interval.WEEK: 156, Interval.MONTH: 36, Interval.YEAR: 3}
_ID = re.compile(r"[A-Za-z0-9_-]{1,60}", re.ASCII)
_REDEEM_MAX = timedelta(days=5 * 365)
_CODE = re.compile(r"[A-Z0-9-]{1,60}", re.ASCII)


class ItemKind(StrEnum):
    """In the order in which they can be made: each needs only what stands before it."""

    METER = "meter"
    PRODUCT = "product"
    PRICE = "price"
    COUPON = "coupon"
    PROMOTION_CODE = "promotion_code"


Document = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """One thing that the provider is to hold. `key` names it here and finds it there."""

    kind: ItemKind
    key: str
    document: Document

    @property
    def fingerprint(self) -> str:
        """The same for the same content, for ever."""
        return derived("fpt", self.kind, self.key, json.dumps(self.document, sort_keys=True))

    @property
    def product_id(self) -> str:
        """Of a product: the id that we give it there, so that it is found without having been noted."""
        return derived("prod", self.key)


@dataclass(frozen=True, slots=True)
class Untold:
    """What of the catalogue the provider cannot hold, and why. It is billed by us as before."""

    kind: ItemKind
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """What the provider holds under an item's key."""

    ref: str
    document: Document


class Act(StrEnum):
    """What is to be done about an item. REPLACE: it never changes there, so that another one takes its name over."""

    CREATE = "create"
    REPLACE = "replace"
    UPDATE = "update"
    ADOPT = "adopt"  # it is there already, and as it should be; only we do not know it yet
    REFUSE = "refuse"  # it is there otherwise, and can be neither changed nor replaced


@dataclass(frozen=True, slots=True)
class ItemChange:
    """One difference between what is wanted and what is there. `old` is the price whose place it takes, or has taken."""

    act: Act
    item: CatalogueItem
    there: Found | None = None
    old: str | None = None


_CHANGES = {
    ItemKind.METER: {"name"},
    ItemKind.PRODUCT: {"name", "active"},
    ItemKind.COUPON: {"name"},
    ItemKind.PROMOTION_CODE: {"active"},
}


def difference(item: CatalogueItem, there: Found | None, *, known: str | None) -> ItemChange | None:
    """What is to be done, if anything. `known` is the provider's id that we have noted for this very content."""
    if there is None:
        return ItemChange(Act.CREATE, item)
    other = {name for name in {*item.document, *there.document} if item.document.get(name) != there.document.get(name)}
    if not other:
        return None if known == there.ref else ItemChange(Act.ADOPT, item, there)
    if item.kind is ItemKind.PRICE:
        return ItemChange(Act.REPLACE, item, there, old=there.ref)
    return ItemChange(Act.UPDATE if other <= _CHANGES[item.kind] else Act.REFUSE, item, there)


def held_back(changes: Sequence[ItemChange]) -> tuple[list[ItemChange], list[Untold]]:
    """The changes without those that stand on what is refused: a price on a meter that adds up otherwise bills something else."""
    refused = {(change.item.kind, change.item.key) for change in changes if change.act is Act.REFUSE}
    firm, held = list[ItemChange](), list[Untold]()
    for change in changes:
        below = next((name for name in _below(change.item) if name in refused), None)
        if below is None:
            firm.append(change)
        else:
            reason = f"the {below[0]} {below[1]} that it stands on is there otherwise; push it once that is settled"
            held.append(Untold(change.item.kind, change.item.key, reason))
    return firm, held


def _below(item: CatalogueItem) -> list[tuple[ItemKind, str]]:
    """What the item names: that has to be there first."""
    named = {ItemKind.METER: item.document.get("meter"), ItemKind.COUPON: item.document.get("coupon")}
    return [(kind, str(key)) for kind, key in named.items() if key is not None]


def of_catalogue(
    plans: Iterable[PlanVersion],
    meters: Mapping[MeterKey, Meter],
    offers: Iterable[tuple[Coupon, Sequence[PromotionCode]]],
    *,
    now: datetime,
) -> tuple[list[CatalogueItem], list[Untold]]:
    """Every item, in the order in which they can be made; and what cannot be, or no longer."""
    told: list[CatalogueItem | Untold] = [_meter(meter) for meter in meters.values() if meter.export_as is not None]
    # First those that the provider bills: it finds their prices by the names that the plans give them.
    for plan in sorted(plans, key=lambda plan: plan.billed_by is not BilledBy.PROVIDER):
        if plan.charges:
            told.append(CatalogueItem(ItemKind.PRODUCT, plan.key, {"name": plan.display_name or plan.key, "active": True}))
            told.extend(_prices(plan, meters))
    for coupon, codes in offers:
        told.extend(_offer(coupon, codes, now))
    items, named = [each for each in told if isinstance(each, CatalogueItem)], dict[tuple[ItemKind, str], CatalogueItem]()
    # Of two with one name each would replace the other for ever.
    second = [item for item in items if named.setdefault((item.kind, item.key), item) is not item]
    untold = [each for each in told if isinstance(each, Untold)]
    untold += [Untold(item.kind, item.key, "another one has this name; give it a name of its own") for item in second]
    order = list(ItemKind)
    return sorted(named.values(), key=lambda item: order.index(item.kind)), untold


def _meter(meter: Meter) -> CatalogueItem:
    """It adds up what we export; where we count, we export ones."""
    assert meter.export_as is not None, "only those are told"
    return CatalogueItem(ItemKind.METER, meter.export_as, {"name": meter.key, "formula": "sum"})


def _prices(plan: PlanVersion, meters: Mapping[MeterKey, Meter]) -> Iterator[CatalogueItem | Untold]:
    for charge in plan.charges:
        for priced in charge.prices:
            cadences: Sequence[Cadence | None] = (priced.cadence,) if priced.cadence is not None else plan.cadences
            for cadence in (None,) if charge.kind is ChargeKind.ONE_TIME else cadences:
                key = _lookup_key(plan, charge, priced, cadence)
                told = _price(charge, priced.price, cadence, meters)
                if isinstance(told, str):
                    yield Untold(ItemKind.PRICE, key, told)
                else:
                    yield CatalogueItem(ItemKind.PRICE, key, {"product": plan.key, **told})


def _lookup_key(plan: PlanVersion, charge: PlanCharge, priced: PlanPrice, cadence: Cadence | None) -> str:
    """The name that the plan gives it, else one from what it is; the same for every version, since the newest takes it over."""
    named: str | None = getattr(priced, "lookup_key", None)
    if named is not None:
        return named
    often = "once" if cadence is None else f"{cadence.count}-{cadence.interval}"
    key = f"{plan.key}:{charge.key}:{priced.price.currency.code}:{often}"
    return key if len(key) <= LOOKUP_LENGTH_MAX and key.isascii() else derived("price", key)


def _price(
    charge: PlanCharge, price: Price, cadence: Cadence | None, meters: Mapping[MeterKey, Meter]
) -> dict[str, object] | str:
    """The price in the provider's words, or why it has none for it."""
    if cadence is not None and cadence.count > _COUNT_MAX[cadence.interval]:
        return f"periods of {cadence} are too long there; three years are the most"
    if charge.kind is not ChargeKind.USAGE and not charge.in_advance:
        return "a fee in arrears: fees are asked for in advance there"
    meter = None
    if charge.meter_key is not None:
        meter = meters[charge.meter_key].export_as
        if meter is None:
            return f"its meter {charge.meter_key} is not exported; give the meter an export_as"
    terms = _terms(charge, price)
    if isinstance(terms, str):
        return terms
    said: dict[str, object] = {"currency": price.currency.code, "meter": meter, **terms}
    return said | ({"interval": None} if cadence is None else {"interval": f"{cadence.count} {cadence.interval}"})


def _terms(charge: PlanCharge, price: Price) -> dict[str, object] | str:
    if price.minimum_amount is not None or price.maximum_amount is not None or price.discount_percent:
        return "a minimum, a maximum and a discount within a price cannot be said there"
    is_fee = charge.kind in {ChargeKind.RECURRING, ChargeKind.ONE_TIME}
    match price:
        case FlatPrice(amount=amount) if is_fee:
            return _per_unit(amount, price.currency)
        case UnitPrice(unit_amount=amount) if price.convert is None and (not price.included or not is_fee):
            if not price.included:
                return _per_unit(amount, price.currency)
            return _tiers((Tier(price.included), Tier(None, amount)), "graduated", price)
        case PackagePrice(package_size=size, package_amount=amount, round=how) if not price.included and price.convert is None:
            return _package(size, amount, how, price.currency)
        case GraduatedPrice(tiers=tiers) if not is_fee and price.convert is None:
            return _tiers(_after(price.included, tiers), "graduated", price)
        case VolumePrice(tiers=tiers) | StairstepPrice(tiers=tiers) if (
            not price.included and price.convert is None and not is_fee
        ):
            return _tiers(tiers, "volume", price)
        case _:
            return f"{type(price).__name__} with these terms, for a charge of the kind {charge.kind}, has no like there"


def _per_unit(amount: Decimal, currency: Currency) -> dict[str, object] | str:
    minor = _minor(amount, currency)
    return _too_fine(amount) if minor is None else {"unit_amount": minor}


def _package(size: Decimal, amount: Decimal, how: Rounding, currency: Currency) -> dict[str, object] | str:
    minor = _minor(amount, currency)
    if minor is None or size != int(size):
        return "packages are of whole units there, at a rate of at most twelve places"
    return {"unit_amount": minor, "package": f"{plain(size)} {how}"}


def _tiers(tiers: Sequence[Tier], mode: str, price: Price) -> dict[str, object] | str:
    """Their first flat amount is owed before anything is used; ours only where the price says so."""
    if any(tier.package_size is not None or tier.maximum_amount is not None for tier in tiers):
        return "packages and maxima within tiers cannot be said there"
    if any(tier.up_to is not None and tier.up_to != int(tier.up_to) for tier in tiers):
        return "tiers end at whole units there"
    if tiers[0].flat_amount and not getattr(price, "zero_usage_flat", False):
        return "a flat amount of the first tier is owed there even at zero; say zero_usage_flat, or begin with a free tier"
    rows = [(tier.up_to, _minor(tier.unit_amount, price.currency), _minor(tier.flat_amount, price.currency)) for tier in tiers]
    if any(unit is None or flat is None for _, unit, flat in rows):
        return "a rate has at most twelve places in minor units there"
    told = [{"up_to": None if end is None else int(end), "unit": unit, "flat": flat} for end, unit, flat in rows]
    return {"mode": mode, "tiers": told}


def _after(included: Decimal, tiers: Sequence[Tier]) -> tuple[Tier, ...]:
    """What is included is a tier of its own, and the others begin behind it."""
    if not included:
        return tuple(tiers)
    moved = (tier if tier.up_to is None else replace(tier, up_to=EXACT.add(tier.up_to, included)) for tier in tiers)
    return (Tier(included), *moved)


def _minor(amount: Decimal, currency: Currency) -> str | None:
    """The amount in minor units; None where it is finer than can be said."""
    minor = EXACT.normalize(EXACT.scaleb(amount, Decimal(currency.exponent)))
    exponent = minor.as_tuple().exponent
    return plain(minor) if isinstance(exponent, int) and exponent >= -PLACES_MAX else None


def _too_fine(amount: Decimal) -> str:
    return f"the rate {plain(amount)} has more than twelve places in minor units"


def _offer(coupon: Coupon, codes: Sequence[PromotionCode], now: datetime) -> Iterator[CatalogueItem | Untold]:
    told = _coupon(coupon, now)
    if isinstance(told, str):
        yield Untold(ItemKind.COUPON, coupon.key, told)
        return
    yield CatalogueItem(ItemKind.COUPON, coupon.key, told)
    for code in codes:
        if _CODE.fullmatch(code.code) is None:
            yield Untold(ItemKind.PROMOTION_CODE, code.code, "codes are letters, digits and dashes there")
            continue
        if code.expires_at is not None and code.expires_at <= now:
            yield Untold(ItemKind.PROMOTION_CODE, code.code, "its time is over")
            continue
        until = None if code.expires_at is None else rfc3339(code.expires_at.replace(microsecond=0))
        said = {"coupon": coupon.key, "active": code.active, "max_redemptions": code.max_redemptions, "expires_at": until}
        yield CatalogueItem(ItemKind.PROMOTION_CODE, code.code, said)


def _coupon(coupon: Coupon, now: datetime) -> dict[str, object] | str:
    if coupon.redeem_by is not None and not now < coupon.redeem_by <= now + _REDEEM_MAX:
        return "its time is over, or more than five years away"
    if _ID.fullmatch(coupon.key) is None:
        return "a coupon's id is of letters, digits, - and _ there"
    if coupon.charges is not None:
        return "it reduces single charges; there it could only reduce whole products"
    if len(coupon.amounts) > 1:
        return "it has amounts in several currencies; make one for each"
    if coupon.percent is not None and coupon.percent != round(coupon.percent, 2):
        return "percents have at most two places there"
    amount = next(iter(coupon.amounts.values()), None)
    return {
        "name": coupon.name[:40],
        "percent": None if coupon.percent is None else plain(coupon.percent),
        "amount": None if amount is None else f"{amount.minor} {amount.currency}",
        "duration": f"{coupon.months} months" if coupon.duration is Duration.MONTHS else coupon.duration.value,
        "redeem_by": None if coupon.redeem_by is None else rfc3339(coupon.redeem_by.replace(microsecond=0)),
        "max_redemptions": coupon.max_redemptions,
    }
