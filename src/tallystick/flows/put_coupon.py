"""Say what a coupon offers, and by which codes it is redeemed."""

from collections.abc import Sequence

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.coupons import Coupon, PromotionCode
from tallystick.flows.context import Context


def put_coupon(ctx: Context, coupon: Coupon, codes: Sequence[PromotionCode] = (), *, actor: str = "system") -> None:
    """The coupon as given, and its codes; those that are not named stay as they are. A change is audited.

    Raises Conflict where it would change terms that somebody has redeemed, or take another coupon's code.
    """
    ctx.database.run("put coupon", lambda conn: _put(ctx, conn, coupon, codes, actor))


def _put(ctx: Context, conn: Connection, coupon: Coupon, codes: Sequence[PromotionCode], actor: str) -> None:
    now = ctx.clock.now()
    stood = storage.coupons.coupon(conn, coupon.key)
    before = {code.code: storage.coupons.code(conn, code.code) for code in codes}
    acts = []
    if stood != coupon:
        storage.coupons.put_coupon(conn, coupon, at=now)
        old = None if stood is None else domain.coupon_documents.write_coupon(stood)
        new = domain.coupon_documents.write_coupon(coupon)
        acts.append(storage.audit.Act(actor, "coupon.put", coupon.key, before=old, after=new))
    for code in sorted(codes, key=lambda code: code.code):
        known = before[code.code]
        if known == code:
            continue
        storage.coupons.put_code(conn, code, at=now)
        old = None if known is None else domain.coupon_documents.write_code(known)
        new = domain.coupon_documents.write_code(code)
        acts.append(storage.audit.Act(actor, "promotion_code.put", code.code, before=old, after=new))
    for act in acts:
        storage.audit.append(conn, act, at=now)
