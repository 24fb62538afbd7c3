"""Redeem a coupon for a customer: once for them and a subscription, and never more often than it may be."""

from dataclasses import dataclass

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.coupons import Coupon, Discount, PromotionCode
from tallystick.flows.context import Context
from tallystick.values.errors import Conflict, NotFound
from tallystick.values.ids import CustomerId


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who redeems what, and for which of their subscriptions; none: for every invoice."""

    customer_id: CustomerId
    code_or_coupon: str
    subscription_id: str


def redeem_coupon(
    ctx: Context, customer_id: CustomerId, code_or_coupon: str, *, subscription_id: str = "", actor: str = "system"
) -> Discount:
    """The discount, which counts from now on; redeemed again while it does, it is the same one, and nothing is counted.

    Raises NotFound where there is no such code or coupon, Conflict where it can be redeemed no more.
    """
    asked = _Asked(customer_id, code_or_coupon, subscription_id)
    return ctx.database.run("redeem coupon", lambda conn: _redeemed(ctx, conn, asked, actor))


def _redeemed(ctx: Context, conn: Connection, asked: "_Asked", actor: str) -> Discount:
    now, customer_id = ctx.clock.now(), asked.customer_id
    # The customer first, as whoever bills does: two that lock the same rows in two orders would wait for each other.
    storage.customers.ensure(conn, [customer_id], at=now)
    storage.customers.lock(conn, customer_id)
    coupon, code = _offered(conn, asked.code_or_coupon)
    wanted = domain.coupons.redeemed(coupon, customer_id=customer_id, subscription_id=asked.subscription_id, now=now)
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
    code = storage.coupons.code(conn, domain.coupons.typed(text) or "")
    coupon = storage.coupons.held_coupon(conn, text if code is None else code.coupon_key)
    if coupon is None:
        raise NotFound("coupon: there is no such code or coupon", field="coupon", code="unknown_coupon")
    return coupon, code


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
