"""The catalogue as a document: meters and charges, read strictly, and compared with what is there."""

from collections.abc import Mapping
from dataclasses import dataclass

from tallystick.domain.catalog import Charge
from tallystick.domain.price_documents import read_price, write_price
from tallystick.domain.usage import Aggregation, Meter
from tallystick.values.errors import InvalidInput
from tallystick.values.fields import Fields
from tallystick.values.ids import MeterKey

_LENGTH_MAX = 1000


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is measured, and what it costs; both by key."""

    meters: Mapping[MeterKey, Meter]
    charges: Mapping[str, Charge]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between the catalogue that is wanted and the one that is there; `before` is None for what is new."""

    kind: str
    key: str
    before: dict[str, object] | None
    after: dict[str, object]


def read_catalogue(document: Mapping[str, object]) -> Catalogue:
    """The catalogue that a document describes: {"meters": […], "charges": […]}; InvalidInput names the field that is wrong."""
    fields = Fields(document)
    meters = [read_meter(Fields(each, where)) for where, each in _objects(fields, "meters")]
    charges = [read_charge(Fields(each, where)) for where, each in _objects(fields, "charges")]
    fields.end()
    for kind, keys in (("meters", [str(m.key) for m in meters]), ("charges", [c.key for c in charges])):
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise InvalidInput(f"{kind}: {', '.join(twice)} stands there twice", field=kind)
    return Catalogue({meter.key: meter for meter in meters}, {charge.key: charge for charge in charges})


def _objects(fields: Fields, name: str) -> list[tuple[str, object]]:
    if not fields.has(name):
        return []
    return [(f"{name}[{at}]", each) for at, each in enumerate(fields.items(name, at_most=_LENGTH_MAX))]


def read_meter(fields: Fields) -> Meter:
    """{"key", "aggregation"?, "decimals"?, "unit"?, "allow_negative"?, "unique_property"?}"""
    key = MeterKey(fields.text("key"))
    aggregation = Aggregation(fields.choice("aggregation", [a.value for a in Aggregation], Aggregation.SUM.value))
    decimals = fields.maybe_count("decimals")
    unit = fields.text("unit", "unit")
    allow_negative = fields.flag("allow_negative")
    unique = fields.text("unique_property", "") or None
    fields.end()
    return Meter(key, aggregation, 6 if decimals is None else decimals, unit, allow_negative, unique)


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
    return written if meter.unique_property is None else written | {"unique_property": meter.unique_property}


def write_charge(charge: Charge) -> dict[str, object]:
    return {"key": charge.key, "meter": charge.meter_key, "name": charge.display_name, "price": write_price(charge.price)}


def differences(wanted: Catalogue, there: Catalogue) -> list[Change]:
    """What applying `wanted` would change; what it does not name stays as it is. Raises InvalidInput for unknown meters."""
    for charge in wanted.charges.values():
        if charge.meter_key not in wanted.meters and charge.meter_key not in there.meters:
            raise InvalidInput(f"charges: {charge.key} is on a meter that does not exist, {charge.meter_key}", field="charges")
    changes = []
    for meter in wanted.meters.values():
        old_meter = there.meters.get(meter.key)
        if old_meter != meter:
            changes.append(Change("meter", meter.key, None if old_meter is None else write_meter(old_meter), write_meter(meter)))
    for charge in wanted.charges.values():
        old_charge = there.charges.get(charge.key)
        if old_charge != charge:
            changes.append(
                Change("charge", charge.key, None if old_charge is None else write_charge(old_charge), write_charge(charge))
            )
    return changes
