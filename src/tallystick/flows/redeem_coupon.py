"""Redeem a coupon for a customer: once for them and a subscription, and never more often than it may be."""

from sqlalchemy import Connection

from tallystick import storage
from tallystick.domain.coupons import Discount
from tallystick.domain.customers import checked_key
from tallystick.flows import _redemption
from tallystick.flows.context import Context
from tallystick.values.errors import NotFound
from tallystick.values.ids import CustomerId, SubscriptionId


def redeem_coupon(
    ctx: Context, customer_id: CustomerId, code_or_coupon: str, *, subscription_id: str = "", actor: str = "system"
) -> Discount:
    """The discount, which counts from now on; redeemed again while it does, it is the same one, and nothing is counted.

    Raises NotFound where there is no such code, coupon or subscription, Conflict where it can be redeemed no more.
    """

    def redeemed(conn: Connection) -> Discount:
        # The customer first, as whoever bills does: two that lock the same rows in two orders would wait for each other.
        storage.customers.ensure(conn, [customer_id], at=ctx.clock.now())
        storage.customers.lock(conn, customer_id)
        if subscription_id:
            _check_own(conn, customer_id, checked_key(subscription_id, field="subscription"))
        return _redemption.redeem(ctx, conn, customer_id, code_or_coupon, subscription_id=subscription_id, actor=actor)

    return ctx.database.run("redeem coupon", redeemed)


def _check_own(conn: Connection, customer_id: CustomerId, subscription_id: str) -> None:
    kept = storage.subscriptions.get(conn, SubscriptionId(subscription_id))
    if kept is None or kept.subscription.customer_id != customer_id:
        raise NotFound("subscription: the customer has no such subscription", field="subscription", code="unknown_subscription")
