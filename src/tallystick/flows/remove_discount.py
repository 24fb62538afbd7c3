"""End a discount before its time."""

from dataclasses import replace

from tallystick import storage
from tallystick.domain.coupons import Discount
from tallystick.flows.context import Context
from tallystick.values.errors import NotFound
from tallystick.values.ids import CustomerId, DiscountId


def remove_discount(ctx: Context, customer_id: CustomerId, discount_id: DiscountId, *, actor: str = "system") -> Discount:
    """The discount, which reduces no further invoice; what it has reduced stays. Removed twice is removed once."""
    with ctx.database.transaction("remove discount") as conn:
        now = ctx.clock.now()
        storage.customers.lock(conn, customer_id)
        stood = storage.coupons.discount(conn, customer_id, discount_id)
        if stood is None:
            raise NotFound("discount: there is no such discount", field="discount")
        if not stood.live(now):
            return stood
        storage.coupons.end(conn, stood, at=now)
        before = {"discount": stood.id, "coupon": stood.coupon.key, "subscription": stood.subscription_id}
        storage.audit.append(conn, storage.audit.Act(actor, "discount.removed", customer_id, before=before), at=now)
    return replace(stood, ends_at=now)
