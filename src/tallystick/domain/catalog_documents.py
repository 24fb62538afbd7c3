"""The catalogue as a document: meters, charges, plans and coupons, read strictly, and compared with what is there."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from tallystick.domain.catalog import Charge
from tallystick.domain.coupon_documents import read_coupon, write_code, write_coupon
from tallystick.domain.coupons import Coupon, PromotionCode
from tallystick.domain.entitlements import checked_quota
from tallystick.domain.plan_documents import checked_plan, read_plan, write_plan
from tallystick.domain.plans import PlanVersion
from tallystick.domain.price_documents import read_price, write_price
from tallystick.domain.usage import Aggregation, Meter
from tallystick.values.errors import InvalidInput
from tallystick.values.fields import Fields
from tallystick.values.ids import MeterKey

_LENGTH_MAX = 1000

Kind = Literal["meter", "charge", "coupon", "promotion_code", "plan"]
Key = TypeVar("Key", bound=str)
Named = TypeVar("Named")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is measured, what it costs, and what is taken off; each by key."""

    meters: Mapping[MeterKey, Meter]
    charges: Mapping[str, Charge]
    coupons: Mapping[str, Coupon] = field(default_factory=dict)
    codes: Mapping[str, PromotionCode] = field(default_factory=dict)
    plans: Mapping[str, PlanVersion] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between the catalogue that is wanted and the one that is there; `before` is None for what is new."""

    kind: Kind
    key: str
    before: dict[str, object] | None
    after: dict[str, object]


def read_catalogue(document: Mapping[str, object]) -> Catalogue:
    """What {"meters": […], "charges": […], "features": […], "plans": […], "coupons": […]} describes.

    Features are named with the plans that have them; where they are also listed by themselves, no plan has another one.
    Raises InvalidInput, which names the field that is wrong.
    """
    fields = Fields(document)
    meters = [read_meter(Fields(each, where)) for where, each in _objects(fields, "meters")]
    charges = [read_charge(Fields(each, where)) for where, each in _objects(fields, "charges")]
    features = [_read_feature(Fields(each, where)) for where, each in _objects(fields, "features")]
    plans = [read_plan(Fields(each, where)) for where, each in _objects(fields, "plans")]
    offers = [read_coupon(Fields(each, where)) for where, each in _objects(fields, "coupons")]
    fields.end()
    for plan in plans:
        if features and (unknown := sorted(plan.features - set(features))):
            raise InvalidInput(f"plans: {plan.key} has the feature {unknown[0]}, which is not listed", field="plans")
    return Catalogue(
        meters=_by_key("meters", meters, lambda meter: meter.key),
        charges=_by_key("charges", charges, lambda charge: charge.key),
        coupons=_by_key("coupons", (coupon for coupon, _ in offers), lambda coupon: coupon.key),
        codes=_by_key("coupons", (code for _, codes in offers for code in codes), lambda code: code.code),
        plans=_by_key("plans", plans, lambda plan: plan.key),
    )


def _by_key(kind: str, listed: Iterable[Named], key: Callable[[Named], Key]) -> dict[Key, Named]:
    found: dict[Key, Named] = {}
    for each in listed:
        if key(each) in found:
            raise InvalidInput(f"{kind}: {key(each)} stands there twice", field=kind)
        found[key(each)] = each
    return found


def _objects(fields: Fields, name: str) -> list[tuple[str, object]]:
    if not fields.has(name):
        return []
    return [(f"{name}[{at}]", each) for at, each in enumerate(fields.items(name, at_most=_LENGTH_MAX))]


def _read_feature(fields: Fields) -> str:
    """{"key", "name"?}"""
    key, _ = fields.text("key"), fields.text("name", "")
    fields.end()
    return key


def read_meter(fields: Fields) -> Meter:
    """{"key", "aggregation"?, "decimals"?, "unit"?, "allow_negative"?, "unique_property"?, "export_as"?}"""
    key = MeterKey(fields.text("key"))
    aggregation = Aggregation(fields.choice("aggregation", [a.value for a in Aggregation], Aggregation.SUM.value))
    decimals = fields.maybe_count("decimals")
    unit = fields.text("unit", "unit")
    allow_negative = fields.flag("allow_negative")
    unique = fields.text("unique_property", "") or None
    export_as = fields.text("export_as", "") or None
    fields.end()
    return Meter(key, aggregation, 6 if decimals is None else decimals, unit, allow_negative, unique, export_as)


def read_charge(fields: Fields) -> Charge:
    """{"key", "meter", "name"?, "price": a price document}"""
    key, meter_key, name = fields.text("key"), MeterKey(fields.text("meter")), fields.text("name", "")
    document = fields.required("price")
    fields.end()
    if not isinstance(document, Mapping):
        raise fields.wrong("price", "must be a price document")
    try:
        price = read_price(document)
    except InvalidInput as wrong:
        raise InvalidInput(f"{fields.path('price')}.{wrong.message}", field=f"{fields.path('price')}.{wrong.field}") from None
    return Charge(key=key, meter_key=meter_key, price=price, display_name=name)


def write_meter(meter: Meter) -> dict[str, object]:
    written: dict[str, object] = {
        "key": meter.key,
        "aggregation": meter.aggregation.value,
        "decimals": meter.decimals,
        "unit": meter.unit,
        "allow_negative": meter.allow_negative,
    }
    named = {"unique_property": meter.unique_property, "export_as": meter.export_as}
    return written | {name: value for name, value in named.items() if value is not None}


def write_charge(charge: Charge) -> dict[str, object]:
    return {"key": charge.key, "meter": charge.meter_key, "name": charge.display_name, "price": write_price(charge.price)}


def differences(wanted: Catalogue, there: Catalogue) -> list[Change]:
    """What applying `wanted` would change; what it does not name stays as it is. Raises InvalidInput for unknown meters."""
    for charge in wanted.charges.values():
        if charge.meter_key not in wanted.meters and charge.meter_key not in there.meters:
            raise InvalidInput(f"charges: {charge.key} is on a meter that does not exist, {charge.meter_key}", field="charges")
    known = {**there.meters, **wanted.meters}
    plans = {key: checked_plan(plan) for key, plan in wanted.plans.items()}
    for plan in plans.values():
        check_meters(plan, known)
    check_lookup_keys({**there.plans, **plans})
    standing = {key: replace(plan, version=1) for key, plan in there.plans.items()}
    return [
        *_changes("meter", wanted.meters, there.meters, write_meter),
        *_changes("charge", wanted.charges, there.charges, write_charge),
        *_changes("plan", plans, standing, write_plan),
        *_changes("coupon", wanted.coupons, there.coupons, write_coupon),
        *_changes("promotion_code", wanted.codes, there.codes, lambda code: {"coupon": code.coupon_key, **write_code(code)}),
    ]


def check_meters(plan: PlanVersion, known: Mapping[MeterKey, Meter]) -> None:
    """Whether every meter of the plan exists, and can have the quota that the plan gives. Raises InvalidInput."""
    named = [charge.meter_key for charge in plan.charges if charge.meter_key is not None]
    for key in [*named, *plan.quotas]:
        if key not in known:
            raise InvalidInput(f"plan {plan.key}: is on a meter that does not exist, {key}", field="meter", code="unknown_meter")
    for key, quota in plan.quotas.items():
        checked_quota(quota, known[key])


def check_lookup_keys(plans: Mapping[str, PlanVersion]) -> None:
    """Whether each price has a name of its own at the provider: one that two have is billed as either. Raises InvalidInput."""
    owners: dict[str, str] = {}
    for plan in sorted(plans.values(), key=lambda plan: plan.key):
        for key in sorted({priced.lookup_key for charge in plan.charges for priced in charge.prices if priced.lookup_key}):
            if owners.setdefault(key, plan.key) != plan.key:
                message = f"plan {plan.key}: the lookup_key {key} is that of a price of plan {owners[key]}; give it another one"
                raise InvalidInput(message, field="plans", code="lookup_key_taken")


def _changes(
    kind: Kind, wanted: Mapping[Key, Named], there: Mapping[Key, Named], write: Callable[[Named], dict[str, object]]
) -> Iterator[Change]:
    for key, value in wanted.items():
        stands = there.get(key)
        if stands != value:
            yield Change(kind, key, None if stands is None else write(stands), write(value))
