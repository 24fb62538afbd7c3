"""A coupon redeemed, in the caller's transaction, under the lock of the customer."""

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.coupons import Coupon, Discount, PromotionCode
from tallystick.domain.customers import checked_key
from tallystick.flows.context import Context
from tallystick.values.errors import Conflict, NotFound
from tallystick.values.ids import CustomerId


def redeem(
    ctx: Context, conn: Connection, customer_id: CustomerId, code_or_coupon: str, *, subscription_id: str, actor: str
) -> Discount:
    """The discount, which counts from now on; redeemed again while it does, it is the same one, and nothing is counted.

    Raises NotFound where there is no such code or coupon, Conflict where it can be redeemed no more.
    """
    now = ctx.clock.now()
    coupon, code = _offered(conn, code_or_coupon)
    zone = _zone(conn, customer_id, subscription_id)
    wanted = domain.coupons.redeemed(coupon, customer_id=customer_id, subscription_id=subscription_id, now=now, zone=zone)
    stood = storage.coupons.discount(conn, customer_id, wanted.id)
    if stood is not None:
        ctx.faults.mark("coupon.redeemed_again")
        return _again(stood, live=stood.live(now))
    coupons, codes = storage.coupons.redeemed(conn, coupon.key, None if code is None else code.code)
    domain.coupons.check_redeemable(coupon, code, redemptions=coupons, code_redemptions=codes, now=now)
    new = storage.coupons.redeem(conn, wanted, code)
    assert new, f"{wanted.id}: under the lock of its customer, what was not there is not there"
    act = storage.audit.Act(actor, "coupon.redeemed", customer_id, after=_document(wanted, code))
    storage.audit.append(conn, act, at=now)
    return wanted


def _offered(conn: Connection, text: str) -> tuple[Coupon, PromotionCode | None]:
    """What was typed is a code, or else the key of a coupon."""
    checked_key(text, field="coupon")
    code = storage.coupons.code(conn, domain.coupons.typed(text) or "")
    coupon = storage.coupons.held_coupon(conn, text if code is None else code.coupon_key)
    if coupon is None:
        raise NotFound("coupon: there is no such code or coupon", field="coupon", code="unknown_coupon")
    return coupon, code


def _zone(conn: Connection, customer_id: CustomerId, subscription_id: str) -> str:
    """Of the subscription; of a customer's newest one, where the discount is for every invoice."""
    own = [kept.subscription for kept in storage.subscriptions.of_customer(conn, customer_id)]
    zones = [each.zone for each in own if not subscription_id or each.id == subscription_id]
    return zones[-1] if zones else "UTC"


def _again(stood: Discount, *, live: bool) -> Discount:
    if live:
        return stood
    raise Conflict(
        f"coupon {stood.coupon.key}: was redeemed by this customer before, and is used up or over; make another coupon",
        code="discount_over",
    )


def _document(discount: Discount, code: PromotionCode | None) -> dict[str, object]:
    said: dict[str, object] = {"discount": discount.id, "coupon": discount.coupon.key, "subscription": discount.subscription_id}
    return said | ({} if code is None else {"code": code.code})
