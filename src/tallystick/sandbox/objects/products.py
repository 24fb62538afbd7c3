"""Products and their prices. What a price costs never changes; it is replaced by another."""

from decimal import Decimal
from typing import Any

from tallystick.sandbox.call import Call, merged, unset
from tallystick.sandbox.errors import conflict, invalid
from tallystick.sandbox.expand import included
from tallystick.sandbox.lists import page
from tallystick.sandbox.objects import amounts
from tallystick.sandbox.objects.uncovered import refuse_uncovered
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc
from tallystick.values.decimals import plain

routes = Routes()
_TOLD = ("name", "default_price", "description", "statement_descriptor", "tax_code", "unit_label", "url", "active",
  "shippable", "images",
          "marketing_features")  # fmt: skip


@routes.add("POST", "/v1/products", "ProductCreateParams")
def create(call: Call) -> Doc:
    params = call.params
    refuse_uncovered(params, ("package_dimensions",))
    doc = call.new("product", active=True, type=params.get("type", "service"), updated=call.now)
    if "id" in params:
        if call.state.get("product", params["id"]):
            raise invalid(f"Product already exists: {params['id']}", param="id", code="resource_already_exists")
        doc["id"] = params["id"]
    doc.update(_told(params), metadata=merged({}, params.get("metadata", {})))
    call.save(doc, "product.created")
    if "default_price_data" in params:
        price = new_price(call, {**params["default_price_data"], "product": doc["id"]})
        doc = call.update(doc, default_price=price["id"])
    return doc


@routes.add("POST", "/v1/products/{id}", "ProductUpdateParams")
def update(call: Call) -> Doc:
    doc, params = call.get("product", call.ids[0]), call.params
    refuse_uncovered(params, ("package_dimensions",))
    changes = _told(params)
    if "metadata" in params:
        changes["metadata"] = merged(doc["metadata"], params["metadata"])
    return call.update(doc, "product.updated", **changes, updated=call.now)


@routes.add("DELETE", "/v1/products/{id}", "ProductDeleteParams")
def delete(call: Call) -> Doc:
    doc = call.get("product", call.ids[0])
    if next(call.state.scan("price", ("product", doc["id"])), None):
        raise conflict("This product cannot be deleted because it has one or more user-created prices.")
    return call.remove(doc, "product.deleted")


@routes.add("GET", "/v1/products/{id}", "ProductRetrieveParams")
def retrieve(call: Call) -> Doc:
    return call.get("product", call.ids[0])


@routes.add("GET", "/v1/products", "ProductListParams")
def list_page(call: Call) -> Doc:
    params = call.params
    return page(
        call, "product",
        where=lambda doc: params.get("active") in (None, doc["active"]) and doc["id"] in params.get("ids", [doc["id"]]),
    )  # fmt: skip


@routes.add("POST", "/v1/prices", "PriceCreateParams")
def create_price(call: Call) -> Doc:
    params = dict(call.params)
    if ("product" in params) == ("product_data" in params):
        raise invalid(
            "You must specify either `product` or `product_data` when creating a price.",
            param="product",
            code="parameter_missing",
        )
    if "product_data" in params:
        data = params.pop("product_data")
        product = call.new("product", active=True, type="service", updated=call.now, name=data["name"])
        params["product"] = call.save({**product, "id": data.get("id", product["id"])}, "product.created")["id"]
    return new_price(call, params)


@routes.add("POST", "/v1/prices/{id}", "PriceUpdateParams")
def update_price(call: Call) -> Doc:
    doc, params = call.get("price", call.ids[0]), call.params
    changes: Doc = {name: unset(params[name]) for name in ("active", "nickname", "lookup_key") if name in params}
    if "metadata" in params:
        changes["metadata"] = merged(doc["metadata"], params["metadata"])
    if "tax_behavior" in params:
        if doc["tax_behavior"] not in ("unspecified", params["tax_behavior"]):
            raise conflict("The tax behavior of this price cannot be changed any more.", param="tax_behavior")
        changes["tax_behavior"] = params["tax_behavior"]
    if changes.get("lookup_key") and changes["lookup_key"] != doc["lookup_key"]:
        _claim_lookup_key(call, changes["lookup_key"], transfer=params.get("transfer_lookup_key", False))
    return call.update(doc, "price.updated", **changes)


@routes.add("GET", "/v1/prices/{id}", "PriceRetrieveParams")
def retrieve_price(call: Call) -> Doc:
    return call.get("price", call.ids[0], param="price")


@routes.add("GET", "/v1/prices", "PriceListParams")
def list_prices(call: Call) -> Doc:
    params = call.params
    keys, product = params.get("lookup_keys"), params.get("product")
    by = ("product", product) if product else ("lookup_key", keys[0]) if keys and len(keys) == 1 else None

    def is_wanted(doc: Doc) -> bool:
        return (
            (keys is None or doc["lookup_key"] in keys)
            and all(params.get(name) in (None, doc[name]) for name in ("active", "currency", "type", "product"))
            and all((doc["recurring"] or {}).get(name) == value for name, value in params.get("recurring", {}).items())
        )

    return page(call, "price", by=by, where=is_wanted)


@included("price", "tiers")
def _tiers(call: Call, doc: Doc) -> Any:
    return call.get("price", doc["id"])["_tiers"]


@included("price", "currency_options")
def _currency_options(_: Call, doc: Doc) -> Any:
    return {
        doc["currency"]: {
            name: doc[name] for name in ("custom_unit_amount", "tax_behavior", "unit_amount", "unit_amount_decimal")
        }
    }


def _told(params: Doc) -> Doc:
    empty: Doc = {"images": [], "marketing_features": []}
    return {name: params[name] if params[name] != "" else empty.get(name) for name in _TOLD if name in params}


def new_price(call: Call, params: Doc) -> Doc:
    """A price, checked as far as its parameters go together."""
    call.get("product", params["product"], param="product")
    amounts.known(params["currency"])
    is_tiered = params.get("billing_scheme") == "tiered"
    _check_amounts(params, is_tiered=is_tiered)
    if params.get("lookup_key"):
        _claim_lookup_key(call, params["lookup_key"], transfer=params.get("transfer_lookup_key", False))
    amount = unit_amount(params)
    doc = call.new(
        "price", active=params.get("active", True), billing_scheme="tiered" if is_tiered else "per_unit",
        currency=params["currency"].lower(), lookup_key=params.get("lookup_key"), metadata=merged({}, params.get("metadata",
        {})), nickname=params.get("nickname"),
        product=params["product"], recurring=_recurring(params.get("recurring")), tax_behavior=params.get("tax_behavior",
        "unspecified"),
        tiers_mode=params.get("tiers_mode"), transform_quantity=params.get("transform_quantity"),
        type="recurring" if params.get("recurring") else "one_time", unit_amount=_whole(amount),
        unit_amount_decimal=None if amount is None else plain(amount), _tiers=_shown_tiers(params.get("tiers")),
    )  # fmt: skip
    return call.save(doc, "price.created")


def unit_amount(params: Doc) -> Decimal | None:
    """Minor units per unit, whichever of the two parameters says it."""
    given = params.get("unit_amount_decimal", params.get("unit_amount"))
    return None if given is None else Decimal(given)


def _check_amounts(params: Doc, *, is_tiered: bool) -> None:
    given = [name for name in ("unit_amount", "unit_amount_decimal", "custom_unit_amount") if name in params]
    if "custom_unit_amount" in given or "currency_options" in params:
        raise invalid("The sandbox does not cover custom_unit_amount and currency_options.", param="custom_unit_amount")
    if is_tiered != ("tiers" in params) or is_tiered != ("tiers_mode" in params):
        raise invalid("billing_scheme=tiered, tiers and tiers_mode go together.", param="tiers", code="parameter_missing")
    if len(given) != (0 if is_tiered else 1):
        raise invalid(
            "Prices require either an `unit_amount` or `unit_amount_decimal` parameter to be set.", code="parameter_missing"
        )
    if is_tiered and params["tiers"][-1].get("up_to") != "inf":
        raise invalid("The last of tiers must have up_to=inf.", param="tiers")
    amount = unit_amount(params)
    if amount is not None and amount < 0:
        raise invalid("Invalid non-negative integer", param=given[0], code="parameter_invalid_integer")
    recurring = params.get("recurring", {})
    if (recurring.get("usage_type") == "metered") != ("meter" in recurring):
        raise invalid("A metered price needs recurring[meter], and no other has one.", param="recurring[meter]")


def _claim_lookup_key(call: Call, key: str, *, transfer: bool) -> None:
    for other in list(call.state.scan("price", ("lookup_key", key))):
        if not transfer:
            message = f"A price (`{other['id']}`) already uses that lookup key."
            raise invalid(message, param="lookup_key", code="resource_already_exists")
        call.update(other, "price.updated", lookup_key=None)


def _recurring(given: Doc | None) -> Doc | None:
    if given is None:
        return None
    return {"interval_count": 1, "meter": None, "trial_period_days": None, "usage_type": "licensed", **given}


def _shown_tiers(tiers: list[Doc] | None) -> list[Doc] | None:
    if tiers is None:
        return None
    return [
        {
            **{f"{name}_amount": _whole(_tier_amount(tier, name)) for name in ("flat", "unit")},
            **{f"{name}_amount_decimal": _text(_tier_amount(tier, name)) for name in ("flat", "unit")},
            "up_to": None if tier["up_to"] == "inf" else tier["up_to"],
        }
        for tier in tiers
    ]


def _tier_amount(tier: Doc, name: str) -> Decimal | None:
    given = tier.get(f"{name}_amount_decimal", tier.get(f"{name}_amount"))
    return None if given is None else Decimal(given)


def _whole(amount: Decimal | None) -> int | None:
    return int(amount) if amount is not None and amount == int(amount) else None


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)
