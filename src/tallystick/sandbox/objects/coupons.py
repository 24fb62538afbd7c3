"""Coupons, and the promotion codes by which customers redeem them."""

import re
from typing import Any

from tallystick.sandbox.call import Call, merged, unset
from tallystick.sandbox.errors import conflict, invalid
from tallystick.sandbox.expand import included
from tallystick.sandbox.lists import page
from tallystick.sandbox.objects import amounts
from tallystick.sandbox.objects.uncovered import refuse_uncovered
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc

routes = Routes()
_REDEEMABLE_SECONDS_MAX = 5 * 366 * 86400
_CODE = re.compile(r"[A-Za-z0-9-]{1,500}", re.ASCII)
_RESTRICTIONS = {"first_time_transaction": False, "minimum_amount": None, "minimum_amount_currency": None}


@routes.add("POST", "/v1/coupons", "CouponCreateParams")
def create(call: Call) -> Doc:
    params = call.params
    refuse_uncovered(params, ("currency_options",))
    _check_worth(params)
    _check_duration(params)
    until = params.get("redeem_by")
    if until is not None and not call.now < until <= call.now + _REDEEMABLE_SECONDS_MAX:
        raise invalid("redeem_by must be in the future, and within five years.", param="redeem_by")
    coupon = call.new(
        "coupon", amount_off=params.get("amount_off"), currency=params.get("currency", "").lower() or None,
        duration=params.get("duration", "once"), duration_in_months=params.get("duration_in_months"),
        max_redemptions=params.get("max_redemptions"), metadata=merged({}, params.get("metadata", {})), name=params.get("name"),
        percent_off=_percent(params), redeem_by=until, valid=True, _products=params.get("applies_to", {}).get("products"),
    )  # fmt: skip
    if "id" in params:
        if call.state.get("coupon", params["id"]):
            raise invalid("Coupon already exists.", param="id", code="resource_already_exists")
        coupon["id"] = params["id"]
    return call.save(coupon, "coupon.created")


@routes.add("GET", "/v1/coupons/{id}", "CouponRetrieveParams")
def retrieve(call: Call) -> Doc:
    return _as_of(call, call.get("coupon", call.ids[0], param="coupon"))


@routes.add("GET", "/v1/coupons", "CouponListParams")
def list_page(call: Call) -> Doc:
    found = page(call, "coupon")
    return {**found, "data": [_as_of(call, coupon) for coupon in found["data"]]}


@routes.add("POST", "/v1/coupons/{id}", "CouponUpdateParams")
def update(call: Call) -> Doc:
    """Only its name and metadata; what it is worth never changes."""
    coupon, params = call.get("coupon", call.ids[0], param="coupon"), call.params
    refuse_uncovered(params, ("currency_options",))
    changes: Doc = {"name": unset(params["name"])} if "name" in params else {}
    if "metadata" in params:
        changes["metadata"] = merged(coupon["metadata"], params["metadata"])
    return call.update(coupon, "coupon.updated", **changes)


@routes.add("DELETE", "/v1/coupons/{id}", "CouponDeleteParams")
def delete(call: Call) -> Doc:
    """Nobody can redeem it any more; who has, keeps the discount."""
    coupon = call.get("coupon", call.ids[0], param="coupon")
    for code in call.list("promotion_code", ("_coupon", coupon["id"])):
        call.update(code, "promotion_code.updated", active=False)
    return call.bury(coupon, "coupon.deleted")


@included("coupon", "applies_to")
def _applies_to(call: Call, doc: Doc) -> Any:
    found = call.state.get("coupon", doc["id"])
    return {"products": found["_products"]} if found and found.get("_products") else None


@routes.add("POST", "/v1/promotion_codes", "PromotionCodeCreateParams")
def create_code(call: Call) -> Doc:
    params = call.params
    refuse_uncovered(params, ("customer_account",))
    refuse_uncovered(params.get("restrictions", {}), ("currency_options", "minimum_amount"))
    coupon = call.get("coupon", params["promotion"].get("coupon", ""), param="promotion[coupon]")
    if params.get("customer"):
        call.get("customer", params["customer"], param="customer")
    text = params.get("code") or call.text(8).upper()
    if not _CODE.fullmatch(text):
        raise invalid("The promotion code may only contain letters, digits and dashes.", param="code")
    _refuse_second(call, text, is_active=params.get("active", True))
    return call.create(
        "promotion_code", "promotion_code.created", active=params.get("active", True), code=text,
        customer=params.get("customer"), expires_at=params.get("expires_at"), max_redemptions=params.get("max_redemptions"),
        metadata=merged({}, params.get("metadata", {})), promotion={"coupon": coupon["id"], "type": "coupon"},
        restrictions={**_RESTRICTIONS, **params.get("restrictions", {})}, _code=text.lower(), _coupon=coupon["id"],
    )  # fmt: skip


@routes.add("GET", "/v1/promotion_codes/{id}", "PromotionCodeRetrieveParams")
def retrieve_code(call: Call) -> Doc:
    return call.get("promotion_code", call.ids[0], param="promotion_code")


@routes.add("GET", "/v1/promotion_codes", "PromotionCodeListParams")
def list_codes(call: Call) -> Doc:
    params = call.params
    text = params.get("code")
    return page(
        call, "promotion_code", by=("_code", text.lower()) if text else None,
        where=lambda doc: all(params.get(name) in (None, doc[name]) for name in ("active", "customer"))
        and params.get("coupon") in (None, doc["_coupon"]),
    )  # fmt: skip


@routes.add("POST", "/v1/promotion_codes/{id}", "PromotionCodeUpdateParams")
def update_code(call: Call) -> Doc:
    code, params = call.get("promotion_code", call.ids[0], param="promotion_code"), call.params
    refuse_uncovered(params, ("restrictions",))
    changes: Doc = {}
    if "active" in params:
        if params["active"] and not code["active"]:
            _refuse_second(call, code["code"], is_active=True)
        changes["active"] = params["active"]
    if "metadata" in params:
        changes["metadata"] = merged(code["metadata"], params["metadata"])
    return call.update(code, "promotion_code.updated", **changes)


def redeemed(call: Call, coupon: Doc) -> None:
    """Counts one more customer of it. Raises where nobody may redeem it any more."""
    if not _is_valid(call, coupon):
        raise conflict(f"Coupon {coupon['id']} is expired or was redeemed as often as it may be.", code="coupon_expired")
    times = coupon["times_redeemed"] + 1
    call.update(coupon, "coupon.updated", times_redeemed=times, valid=_is_valid(call, {**coupon, "times_redeemed": times}))


def redeemed_code(call: Call, code: Doc, customer: str) -> Doc:
    """The coupon behind the code, for this customer. Raises where the code is not for them, or not any more."""
    ended = code["expires_at"] is not None and code["expires_at"] <= call.now
    if not code["active"] or ended:
        raise conflict("This promotion code is inactive or has expired.", param="promotion_code", code="promotion_code_expired")
    if code["customer"] not in (None, customer):
        raise conflict("This promotion code is for another customer.", param="promotion_code")
    if code["restrictions"]["first_time_transaction"] and _has_paid(call, customer):
        raise conflict("This promotion code is for customers without prior transactions only.", param="promotion_code")
    times = code["times_redeemed"] + 1
    is_spent = code["max_redemptions"] is not None and times >= code["max_redemptions"]
    call.update(code, "promotion_code.updated", times_redeemed=times, active=not is_spent)
    return call.get("coupon", code["_coupon"], param="promotion_code")


def _has_paid(call: Call, customer: str) -> bool:
    return any(charge["status"] == "succeeded" for charge in call.state.scan("charge", ("customer", customer)))


def _as_of(call: Call, coupon: Doc) -> Doc:
    return {**coupon, "valid": _is_valid(call, coupon)}


def _is_valid(call: Call, coupon: Doc) -> bool:
    most, until = coupon["max_redemptions"], coupon["redeem_by"]
    return (most is None or coupon["times_redeemed"] < most) and (until is None or call.now < until)


def _check_worth(params: Doc) -> None:
    if ("percent_off" in params) == ("amount_off" in params):
        raise invalid("You must provide exactly one of percent_off and amount_off.", param="percent_off")
    if "amount_off" in params:
        if not params.get("currency"):
            raise invalid("You must pass currency when passing amount_off.", param="currency", code="parameter_missing")
        amounts.known(params["currency"])
        if params["amount_off"] < 1:
            raise invalid("This value must be greater than or equal to 1.", param="amount_off", code="parameter_invalid_integer")
    elif not 0 < params["percent_off"] <= 100:
        raise invalid("percent_off must be greater than 0 and at most 100.", param="percent_off")


def _check_duration(params: Doc) -> None:
    if (params.get("duration") == "repeating") != ("duration_in_months" in params):
        raise invalid("duration=repeating and duration_in_months go together.", param="duration_in_months")
    if params.get("duration_in_months", 1) < 1:
        raise invalid("duration_in_months must be at least 1.", param="duration_in_months")


def _percent(params: Doc) -> float | None:
    return float(params["percent_off"]) if "percent_off" in params else None  # Stripe's own type


def _refuse_second(call: Call, text: str, *, is_active: bool) -> None:
    if is_active and any(code["active"] for code in call.list("promotion_code", ("_code", text.lower()))):
        message = f"An active promotion code with `code: {text}` already exists."
        raise invalid(message, param="code", code="resource_already_exists")
