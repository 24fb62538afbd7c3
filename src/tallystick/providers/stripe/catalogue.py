"""The catalogue at Stripe: what is there under our names, read in our words; and how it is made, changed and replaced."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, assert_never, cast

import stripe
from stripe.params import (
    CouponCreateParams,
    PriceCreateParams,
    PriceCreateParamsRecurring,
    ProductCreateParams,
    PromotionCodeCreateParams,
)

from tallystick.domain.provider_catalogue import Act, CatalogueItem, Found, ItemChange, ItemKind
from tallystick.providers.stripe import bodies, transport
from tallystick.providers.stripe.translate import Doc
from tallystick.values.decimals import plain
from tallystick.values.time import EPOCH, instant, rfc3339

_AT_ONCE = {ItemKind.PRICE: 10, ItemKind.PRODUCT: 100}
Refs = Mapping[tuple[ItemKind, str], str]  # the provider's id of each item that others are made of


def there(client: stripe.StripeClient, items: Sequence[CatalogueItem]) -> dict[tuple[ItemKind, str], Found]:
    """Of these items, the ones that Stripe has under their names."""
    found: dict[tuple[ItemKind, str], Found] = {}
    for kind in ItemKind:
        wanted = [item for item in items if item.kind is kind]
        size = _AT_ONCE.get(kind, len(wanted) or 1)
        for start in range(0, len(wanted), size):
            found |= {(kind, key): one for key, one in _READERS[kind](client, wanted[start : start + size], found).items()}
    return found


def put(client: stripe.StripeClient, change: ItemChange, refs: Refs, *, key: str) -> str:
    """The provider's id of the item, made or changed under the key; a price that it replaces can be sold no more."""
    match change.act:
        case Act.CREATE | Act.REPLACE:
            ref = _made(client, change.item, refs, bodies.options(key))
            _retire(client, change, key)
            return ref
        case Act.UPDATE:
            assert change.there is not None, "what is changed is there"
            _changed(client, change.item, change.there.ref, bodies.options(key))
            return change.there.ref
        case Act.ADOPT:
            assert change.there is not None, "what is adopted is there"
            _retire(client, change, key)
            return change.there.ref
        case Act.REFUSE:
            raise AssertionError("what is refused is not asked for")
        case _:
            assert_never(change.act)


def _retire(client: stripe.StripeClient, change: ItemChange, key: str) -> None:
    """Subscriptions on the old price stay; nobody new can be put on it."""
    if change.old is not None:
        client.v1.prices.update(change.old, {"active": False}, bodies.options(f"{key}:retire:{change.old}"))


def _made(client: stripe.StripeClient, item: CatalogueItem, refs: Refs, options: stripe.RequestOptions) -> str:
    document = item.document
    match item.kind:
        case ItemKind.METER:
            named = {"display_name": document["name"], "event_name": item.key, "default_aggregation": {"formula": "sum"}}
            return client.v1.billing.meters.create(cast(Any, named), options).id
        case ItemKind.PRODUCT:
            product = cast(ProductCreateParams, {"id": item.product_id, "name": document["name"]})
            return client.v1.products.create(product, options).id
        case ItemKind.PRICE:
            return client.v1.prices.create(_price_params(item, refs), options).id
        case ItemKind.COUPON:
            return client.v1.coupons.create(_coupon_params(item), options).id
        case ItemKind.PROMOTION_CODE:
            return client.v1.promotion_codes.create(_code_params(item), options).id
        case _:
            assert_never(item.kind)


def _changed(client: stripe.StripeClient, item: CatalogueItem, ref: str, options: stripe.RequestOptions) -> None:
    name = cast(str, item.document.get("name"))
    match item.kind:
        case ItemKind.METER:
            client.v1.billing.meters.update(ref, {"display_name": name}, options)
        case ItemKind.PRODUCT:
            client.v1.products.update(ref, {"name": name, "active": True}, options)
        case ItemKind.COUPON:
            client.v1.coupons.update(ref, {"name": name}, options)
        case ItemKind.PROMOTION_CODE:
            client.v1.promotion_codes.update(ref, {"active": bool(item.document["active"])}, options)
        case ItemKind.PRICE:
            raise AssertionError("what a price costs never changes")
        case _:
            assert_never(item.kind)


def _price_params(item: CatalogueItem, refs: Refs) -> PriceCreateParams:
    document = item.document
    params: PriceCreateParams = {
        "product": refs[ItemKind.PRODUCT, cast(str, document["product"])],
        "currency": cast(str, document["currency"]),
        "lookup_key": item.key,
        "transfer_lookup_key": True,
    }
    if "tiers" in document:
        params["billing_scheme"] = "tiered"
        params["tiers_mode"] = cast(Any, document["mode"])
        params["tiers"] = [
            {
                "up_to": "inf" if tier["up_to"] is None else tier["up_to"],
                "unit_amount_decimal": Decimal(tier["unit"]),
                "flat_amount_decimal": Decimal(tier["flat"]),
            }
            for tier in cast(list[dict[str, Any]], document["tiers"])
        ]
    else:
        params["unit_amount_decimal"] = Decimal(cast(str, document["unit_amount"]))
    if "package" in document:
        size, how = cast(str, document["package"]).split(" ")
        params["transform_quantity"] = {"divide_by": int(size), "round": cast(Any, how)}
    if document["interval"] is not None:
        params["recurring"] = _recurring(document, refs)
    return params


def _recurring(document: Mapping[str, object], refs: Refs) -> PriceCreateParamsRecurring:
    count, interval = cast(str, document["interval"]).split(" ")
    recurring: PriceCreateParamsRecurring = {"interval": cast(Any, interval), "interval_count": int(count)}
    if document["meter"] is not None:
        recurring["usage_type"] = "metered"
        recurring["meter"] = refs[ItemKind.METER, cast(str, document["meter"])]
    return recurring


def _coupon_params(item: CatalogueItem) -> CouponCreateParams:
    document = cast(Mapping[str, Any], item.document)
    params: CouponCreateParams = {"id": item.key, "name": document["name"]}
    if document["percent"] is not None:
        params["percent_off"] = float(document["percent"])  # Stripe knows no other form
    else:
        minor, code = document["amount"].split(" ")
        params["amount_off"], params["currency"] = int(minor), code
    months, _, _ = document["duration"].partition(" months")
    params["duration"] = "repeating" if document["duration"].endswith("months") else document["duration"]
    if document["duration"].endswith("months"):
        params["duration_in_months"] = int(months)
    if document["redeem_by"] is not None:
        params["redeem_by"] = _seconds(document["redeem_by"])
    if document["max_redemptions"] is not None:
        params["max_redemptions"] = document["max_redemptions"]
    return params


def _code_params(item: CatalogueItem) -> PromotionCodeCreateParams:
    document = cast(Mapping[str, Any], item.document)
    params: PromotionCodeCreateParams = {
        "code": item.key,
        "promotion": {"type": "coupon", "coupon": document["coupon"]},
        "active": document["active"],
    }
    if document["max_redemptions"] is not None:
        params["max_redemptions"] = document["max_redemptions"]
    if document["expires_at"] is not None:
        params["expires_at"] = _seconds(document["expires_at"])
    return params


def _meters(client: stripe.StripeClient, items: Sequence[CatalogueItem], _: object) -> dict[str, Found]:
    listed = client.v1.billing.meters.list({"status": "active", "limit": 100}).auto_paging_iter()
    docs, names = [transport.doc(meter) for meter in listed], {item.key for item in items}
    return {
        doc["event_name"]: Found(doc["id"], {"name": doc["display_name"], "formula": _formula(doc)})
        for doc in docs
        if doc["event_name"] in names
    }


def _formula(doc: Doc) -> str:
    """How the meter adds up; of one that takes what was added up before, only the last event of each window counts."""
    formula, window = doc["default_aggregation"]["formula"], doc.get("event_time_window")
    return f"{formula} of the last of each {window}" if window else str(formula)


def _products(client: stripe.StripeClient, items: Sequence[CatalogueItem], _: object) -> dict[str, Found]:
    keys = {item.product_id: item.key for item in items}
    listed = client.v1.products.list({"ids": list(keys), "limit": 100}).auto_paging_iter()
    docs = [transport.doc(product) for product in listed]
    return {
        keys[doc["id"]]: Found(doc["id"], {"name": doc["name"], "active": doc["active"]}) for doc in docs if doc["id"] in keys
    }


def _prices(client: stripe.StripeClient, items: Sequence[CatalogueItem], found: "_Known") -> dict[str, Found]:
    """Whatever product a price is of, it is the one that the lookup key finds; so only what it costs is compared."""
    wanted = {item.key: item for item in items}
    asked = client.v1.prices.list({"lookup_keys": list(wanted), "active": True, "limit": 100, "expand": ["data.tiers"]})
    docs = [transport.doc(price) for price in asked.auto_paging_iter()]
    meters = {one.ref: key for (kind, key), one in found.items() if kind is ItemKind.METER}
    return {
        doc["lookup_key"]: Found(doc["id"], {"product": wanted[doc["lookup_key"]].document["product"], **_terms(doc, meters)})
        for doc in docs
    }


def _terms(doc: Doc, meters: Mapping[str, str]) -> dict[str, object]:
    recurring = doc["recurring"] or {}
    meter = recurring.get("meter")
    terms: dict[str, object] = {
        "currency": doc["currency"],
        "meter": None if meter is None else meters.get(meter, meter),
        "interval": f"{recurring['interval_count']} {recurring['interval']}" if recurring else None,
    }
    if doc["billing_scheme"] == "tiered":
        return terms | {"mode": doc["tiers_mode"], "tiers": [_tier(tier) for tier in doc["tiers"]]}
    terms["unit_amount"] = _exact(doc["unit_amount_decimal"])
    if (package := doc["transform_quantity"]) is not None:
        terms["package"] = f"{package['divide_by']} {package['round']}"
    return terms


def _tier(tier: Doc) -> dict[str, object]:
    unit, flat = tier["unit_amount_decimal"], tier["flat_amount_decimal"]
    return {"up_to": tier["up_to"], "unit": _exact(unit or 0), "flat": _exact(flat or 0)}


def _coupons(client: stripe.StripeClient, items: Sequence[CatalogueItem], _: object) -> dict[str, Found]:
    names = {item.key for item in items}
    listed = (transport.doc(coupon) for coupon in client.v1.coupons.list({"limit": 100}).auto_paging_iter())
    return {doc["id"]: Found(doc["id"], _coupon(doc)) for doc in listed if doc["id"] in names}


def _coupon(doc: Doc) -> dict[str, object]:
    amount, months = doc["amount_off"], doc["duration_in_months"]
    return {
        "name": doc["name"],
        "percent": None if doc["percent_off"] is None else _exact(doc["percent_off"]),
        "amount": None if amount is None else f"{amount} {doc['currency']}",
        "duration": f"{months} months" if doc["duration"] == "repeating" else doc["duration"],
        "redeem_by": _moment(doc["redeem_by"]),
        "max_redemptions": doc["max_redemptions"],
    }


def _codes(client: stripe.StripeClient, items: Sequence[CatalogueItem], _: object) -> dict[str, Found]:
    """Of several with one code the active one, for only one can be."""
    found: dict[str, Found] = {}
    for item in items:
        listed = [transport.doc(code) for code in client.v1.promotion_codes.list({"code": item.key, "limit": 100}).data]
        for doc in sorted(listed, key=lambda doc: bool(doc["active"])):
            found[item.key] = Found(doc["id"], _code(doc))
    return found


def _code(doc: Doc) -> dict[str, object]:
    coupon = doc["promotion"]["coupon"]
    return {
        "coupon": coupon if isinstance(coupon, str) else coupon["id"],
        "active": doc["active"],
        "max_redemptions": doc["max_redemptions"],
        "expires_at": _moment(doc["expires_at"]),
    }


_Known = Mapping[tuple[ItemKind, str], Found]  # of the kinds before it
_Reader = Callable[[stripe.StripeClient, Sequence[CatalogueItem], _Known], dict[str, Found]]
_READERS: Mapping[ItemKind, _Reader] = {
    ItemKind.METER: _meters,
    ItemKind.PRODUCT: _products,
    ItemKind.PRICE: _prices,
    ItemKind.COUPON: _coupons,
    ItemKind.PROMOTION_CODE: _codes,
}


def _exact(number: object) -> str:
    return plain(Decimal(str(number)).normalize())


def _moment(seconds: int | None) -> str | None:
    return None if seconds is None else rfc3339(EPOCH + timedelta(seconds=seconds))


def _seconds(text: str) -> int:
    return (instant(text, field="at") - EPOCH) // timedelta(seconds=1)
