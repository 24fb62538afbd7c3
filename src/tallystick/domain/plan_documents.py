"""The plan document, and the terms of a subscription: one form for files, the API and storage, read strictly."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeVar

from tallystick.domain.catalog import Price
from tallystick.domain.customers import checked_key
from tallystick.domain.entitlements import Policy, Quota, Reset
from tallystick.domain.periods import Cadence, read_cadence
from tallystick.domain.plans import TRIAL_MAX, BilledBy, ChargeKind, PlanCharge, PlanPrice, PlanVersion, Timing
from tallystick.domain.price_documents import read_price, write_price
from tallystick.domain.subscriptions import AddOn, PlanTerms
from tallystick.values.decimals import exact_decimal, plain
from tallystick.values.errors import InvalidInput
from tallystick.values.fields import Fields
from tallystick.values.ids import MeterKey
from tallystick.values.money import currency

_LENGTH_MAX = 1000
_UNLIMITED = "unlimited"
_LOOKUP_KEY_LENGTH_MAX = 200
_BESIDE_A_PRICE = frozenset({"interval", "lookup_key"})  # what a plan says of a price, and the price does not

Document = dict[str, object]
Made = TypeVar("Made")


def read_plan(fields: Fields, *, version: int = 1) -> PlanVersion:
    """{"key", "name"?, "intervals"?, "trial_days"?, "add_on"?, "billed_by"?, "features"?, "charges"?, "quotas"?}
    (docs/reference/plans.md).
    """
    key, name = fields.text("key"), fields.text("name", "")
    cadences = [_cadence(text, fields.path("intervals")) for text in _texts(fields, "intervals")] or [read_cadence("month")]
    trial = _read_trial(fields)
    features = frozenset(checked_key(each, field=fields.path("features")) for each in _texts(fields, "features"))
    charges = tuple(_read_charge(each) for each in _objects(fields, "charges"))
    quotas = _read_quotas(fields)
    add_on = fields.flag("add_on")
    billed_by = BilledBy(fields.choice("billed_by", tuple(BilledBy), BilledBy.TALLYSTICK))
    fields.end()
    return _placed(
        fields, lambda: PlanVersion(key, version, charges, tuple(cadences), quotas, features, trial, add_on, name, billed_by)
    )


def checked_plan(plan: PlanVersion) -> PlanVersion:
    """The plan as its document says it, which is how it is kept. Raises InvalidInput for what no document can say."""
    return read_plan(Fields(write_plan(plan)), version=plan.version)


def _read_trial(fields: Fields) -> timedelta:
    days = fields.maybe_count("trial_days") or 0
    if days > TRIAL_MAX.days:  # and may be more than any calendar has
        raise fields.wrong("trial_days", f"from 0 to {TRIAL_MAX.days}")
    return timedelta(days=days)


def write_plan(plan: PlanVersion) -> Document:
    """The document that reads as the same plan; what is at its default is left out."""
    document: Document = {"key": plan.key, "intervals": [str(each) for each in plan.cadences]}
    if plan.display_name:
        document["name"] = plan.display_name
    if plan.trial:
        document["trial_days"] = plan.trial.days
    if plan.add_on:
        document["add_on"] = True
    if plan.billed_by is not BilledBy.TALLYSTICK:
        document["billed_by"] = plan.billed_by.value
    document["features"] = sorted(plan.features)
    document["charges"] = [_write_charge(charge) for charge in plan.charges]
    document["quotas"] = [_write_quota(key, plan.quotas[key]) for key in sorted(plan.quotas)]
    return document


def _read_charge(fields: Fields) -> PlanCharge:
    key = fields.text("key")
    kind = ChargeKind(fields.choice("kind", tuple(ChargeKind)))
    meter = fields.text("meter", "") or None
    timing = _read_timing(fields, kind)
    name = fields.text("name", "")
    priced = fields.items("prices", at_most=_LENGTH_MAX)
    prices = tuple(_read_plan_price(each, fields.path(f"prices[{at}]")) for at, each in enumerate(priced))
    fields.end()
    return _placed(fields, lambda: PlanCharge(key, kind, prices, None if meter is None else MeterKey(meter), timing, name))


def _read_timing(fields: Fields, kind: ChargeKind) -> Timing:
    its_own = Timing.ARREARS if kind is ChargeKind.USAGE else Timing.ADVANCE
    timing = Timing(fields.choice("timing", tuple(Timing), its_own))
    if timing is not its_own and kind in {ChargeKind.USAGE, ChargeKind.ONE_TIME}:
        raise fields.wrong("timing", f"what is {kind} comes in {its_own}; leave it out")
    return timing


def _read_plan_price(document: object, where: str) -> PlanPrice:
    """A price document, and the interval that it is for, where it is not for every one."""
    if not isinstance(document, Mapping):
        raise InvalidInput(f"{where}: must be a price document", field=where)
    interval = document.get("interval")
    if interval is not None and not isinstance(interval, str):
        raise InvalidInput(f'{where}.interval: write it as "month"', field=f"{where}.interval")
    named = document.get("lookup_key")
    if named is not None and (not isinstance(named, str) or not 1 <= len(named) <= _LOOKUP_KEY_LENGTH_MAX):
        message = f"{where}.lookup_key: the provider's name of the price, of at most {_LOOKUP_KEY_LENGTH_MAX} characters"
        raise InvalidInput(message, field=f"{where}.lookup_key")
    price = _priced({name: value for name, value in document.items() if name not in _BESIDE_A_PRICE}, where)
    return PlanPrice(price, None if interval is None else _cadence(interval, f"{where}.interval"), named)


def _cadence(text: str, where: str) -> Cadence:
    try:
        return read_cadence(text)
    except InvalidInput as wrong:
        raise InvalidInput(f"{where}: {wrong.message.removeprefix('interval: ')}", field=where) from None


def _priced(document: Mapping[str, object], where: str) -> Price:
    try:
        return read_price(document)
    except InvalidInput as wrong:
        raise InvalidInput(f"{where}.{wrong.message}", field=f"{where}.{wrong.field}") from None


def _write_charge(charge: PlanCharge) -> Document:
    document: Document = {"key": charge.key, "kind": charge.kind.value}
    if charge.meter_key is not None:
        document["meter"] = charge.meter_key
    elif charge.kind is not ChargeKind.ONE_TIME:
        document["timing"] = charge.timing.value
    if charge.display_name:
        document["name"] = charge.display_name
    document["prices"] = [
        write_price(each.price)
        | ({} if each.cadence is None else {"interval": str(each.cadence)})
        | ({} if each.lookup_key is None else {"lookup_key": each.lookup_key})
        for each in charge.prices
    ]
    return document


def _read_quotas(fields: Fields) -> dict[MeterKey, Quota]:
    found: dict[MeterKey, Quota] = {}
    for each in _objects(fields, "quotas"):
        meter, quota = _read_quota(each)
        if meter in found:
            raise fields.wrong("quotas", f"{meter} stands there twice")
        found[meter] = quota
    return found


def _read_quota(fields: Fields) -> tuple[MeterKey, Quota]:
    """{"meter", "limit": a decimal, or "unlimited", "policy"?, "reset"?}: no limit at all is said, never left out."""
    meter = MeterKey(fields.text("meter"))
    said = fields.required("limit")
    if not isinstance(said, str | int):
        raise fields.wrong("limit", f'a decimal as a string or an integer, or "{_UNLIMITED}"')
    limit = None if said == _UNLIMITED else exact_decimal(said, field=fields.path("limit"))
    policy = Policy(fields.choice("policy", tuple(Policy), Policy.HARD))
    reset = Reset(fields.choice("reset", tuple(Reset), Reset.CALENDAR_MONTH))
    fields.end()
    return meter, _placed(fields, lambda: Quota(limit, policy, reset))


def _write_quota(meter: MeterKey, quota: Quota) -> Document:
    limit = _UNLIMITED if quota.limit is None else plain(quota.limit)
    return {"meter": meter, "limit": limit, "policy": quota.policy.value, "reset": quota.reset.value}


def read_terms(document: Mapping[str, object]) -> PlanTerms:
    """The terms that `write_terms` has written."""
    fields = Fields(document)
    money, cadence = currency(fields.text("currency")), read_cadence(fields.text("interval"))
    add_ons = tuple(_read_add_on(each) for each in _objects(fields, "add_ons"))
    overrides = {}
    for each in _objects(fields, "overrides"):
        price = each.required("price")
        assert isinstance(price, Mapping), "a price is written as a document"
        overrides[each.text("charge")] = _priced(price, "overrides")
    plan, version, seats = fields.text("plan"), fields.maybe_count("version"), fields.maybe_count("seats")
    fields.end()
    return PlanTerms(plan, version or 0, money, cadence, 0 if seats is None else seats, add_ons, overrides)


def _read_add_on(fields: Fields) -> AddOn:
    key, version, quantity = fields.text("plan"), fields.maybe_count("version"), fields.maybe_count("quantity")
    fields.end()
    return AddOn(key, version or 0, 1 if quantity is None else quantity)


def write_terms(terms: PlanTerms) -> Document:
    """The terms as they are kept, and as they are shown."""
    document: Document = {
        "plan": terms.plan_key,
        "version": terms.plan_version,
        "currency": terms.currency.code,
        "interval": str(terms.cadence),
        "seats": terms.seats,
    }
    document["add_ons"] = [
        {"plan": each.plan_key, "version": each.plan_version, "quantity": each.quantity} for each in terms.add_ons
    ]
    document["overrides"] = [{"charge": key, "price": write_price(terms.overrides[key])} for key in sorted(terms.overrides)]
    return document


def _placed(fields: Fields, make: Callable[[], Made]) -> Made:
    """What is made of the fields; an error says where in the document it is."""
    try:
        return make()
    except InvalidInput as wrong:
        if not fields.where:
            raise
        raise InvalidInput(f"{fields.where}: {wrong.message}", field=f"{fields.where}.{wrong.field}") from None


def _texts(fields: Fields, name: str) -> list[str]:
    if not fields.has(name):
        return []
    found = []
    for each in fields.items(name, at_most=_LENGTH_MAX):
        if not isinstance(each, str) or not each:
            raise fields.wrong(name, "must be a list of texts")
        found.append(each)
    return found


def _objects(fields: Fields, name: str) -> list[Fields]:
    if not fields.has(name):
        return []
    return [Fields(each, fields.path(f"{name}[{at}]")) for at, each in enumerate(fields.items(name, at_most=_LENGTH_MAX))]
