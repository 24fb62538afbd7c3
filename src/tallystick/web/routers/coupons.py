"""What is taken off: coupons, their codes, and the discounts of those who have redeemed them."""

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from tallystick.domain.coupons import Discount
from tallystick.values.errors import NotFound
from tallystick.values.time import to_micros
from tallystick.web.credit_schemas import (
    CouponBody,
    CouponShown,
    DiscountShown,
    PromotionCodeBody,
    PromotionCodeShown,
    RedeemBody,
)
from tallystick.web.door import Billing, Caller, Scope, router
from tallystick.web.once import IdempotencyKey, answered_once
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.schemas import Key
from tallystick.web.security import needs

routes = router("coupons")
_COUPONS, _CODES, _DISCOUNTS = "coupons", "promotion_codes", "discounts"
_READS, _WRITES = [needs(Scope.BILLING_READ)], [needs(Scope.BILLING_WRITE)]
_Key = Annotated[Key, Path()]
_Id = Annotated[Key, Path(description="Your own id of the customer.")]


@routes.put("/v1/coupons/{key:tallystick_key}", dependencies=_WRITES, summary="Make or change a coupon")
def put_coupon(billing: Billing, caller: Caller, key: _Key, body: CouponBody) -> CouponShown:
    """Once redeemed, only its name, `redeem_by` and `max_redemptions` may change, else 409: make another coupon."""
    coupon = body.to_domain(key)
    billing.put_coupon(coupon, actor=caller.actor)
    return CouponShown.of(coupon, billing.redemptions().get(key, 0))


@routes.get("/v1/coupons", dependencies=_READS, summary="Coupons by key")
def list_coupons(billing: Billing, asked: AskedPage) -> Page[CouponShown]:
    place, redemptions = asked.place(_COUPONS), billing.redemptions()
    rows = [coupon for key, coupon in sorted(billing.coupons().items()) if place is None or key > str(place[0])]
    return page(
        rows,
        asked.limit,
        lambda coupon: CouponShown.of(coupon, redemptions.get(coupon.key, 0)),
        lambda coupon: (coupon.key,),
        kind=_COUPONS,
    )


@routes.get("/v1/coupons/{key:tallystick_key}", dependencies=_READS, summary="One coupon")
def get_coupon(billing: Billing, key: _Key) -> CouponShown:
    coupon = billing.coupons().get(key)
    if coupon is None:
        raise NotFound("coupon: there is no such coupon", field="coupon")
    return CouponShown.of(coupon, billing.redemptions().get(key, 0))


@routes.put("/v1/promotion-codes/{code}", dependencies=_WRITES, summary="Make or change a code that redeems a coupon")
def put_promotion_code(billing: Billing, caller: Caller, code: _Key, body: PromotionCodeBody) -> PromotionCodeShown:
    """A code stays with its coupon: 409. With `active` false nobody can redeem by it; what was redeemed stays."""
    wanted = body.to_domain(code)
    billing.put_promotion_code(wanted, actor=caller.actor)
    return PromotionCodeShown.of(wanted)


@routes.get("/v1/promotion-codes", dependencies=_READS, summary="Codes, in alphabetical order")
def list_promotion_codes(billing: Billing, asked: AskedPage) -> Page[PromotionCodeShown]:
    place = asked.place(_CODES)
    rows = billing.promotion_codes(after=None if place is None else str(place[0]), limit=asked.limit + 1)
    return page(rows, asked.limit, PromotionCodeShown.of, lambda code: (code.code,), kind=_CODES)


@routes.get("/v1/promotion-codes/{code}", dependencies=_READS, summary="One code")
def get_promotion_code(billing: Billing, code: _Key) -> PromotionCodeShown:
    return PromotionCodeShown.of(billing.promotion_code(code))


@routes.post(
    "/v1/customers/{customer_id:tallystick_key}/discounts",
    dependencies=_WRITES,
    summary="Redeem a coupon for a customer",
    response_model=DiscountShown,
    status_code=201,
)
def redeem_coupon(billing: Billing, caller: Caller, customer_id: _Id, body: RedeemBody, key: IdempotencyKey = None) -> Response:
    """Once for a customer and subscription: redeemed again it is the same discount. What can be redeemed no more: 409."""

    def effect() -> tuple[int, str]:
        of = body.subscription or ""
        discount = billing.redeem(customer_id, body.coupon, subscription_id=of, actor=caller.actor)
        return 201, DiscountShown.of(discount, billing.context.clock.now()).model_dump_json()

    billing.customer(customer_id)
    return answered_once(billing, key, f"POST /v1/customers/{customer_id}/discounts", body, effect)[0]


@routes.get("/v1/customers/{customer_id:tallystick_key}/discounts", dependencies=_READS, summary="What a customer has redeemed")
def list_discounts(billing: Billing, customer_id: _Id, asked: AskedPage) -> Page[DiscountShown]:
    """Oldest first, also those that are over."""
    billing.customer(customer_id)
    place, now = asked.place(_DISCOUNTS), billing.context.clock.now()
    rows = [discount for discount in billing.discounts(customer_id) if place is None or _place(discount) > tuple(place)]
    return page(rows, asked.limit, lambda discount: DiscountShown.of(discount, now), _place, kind=_DISCOUNTS)


@routes.delete(
    "/v1/customers/{customer_id:tallystick_key}/discounts/{discount_id}", dependencies=_WRITES, summary="End a discount"
)
def remove_discount(billing: Billing, caller: Caller, customer_id: _Id, discount_id: _Key) -> DiscountShown:
    """It reduces no further invoice; what it has taken off stays. Removed twice is removed once."""
    removed = billing.remove_discount(customer_id, discount_id, actor=caller.actor)
    return DiscountShown.of(removed, billing.context.clock.now())


def _place(discount: Discount) -> tuple[int | str, ...]:
    return to_micros(discount.redeemed_at), discount.id
