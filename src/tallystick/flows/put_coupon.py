"""Say what a coupon offers, and by which codes it is redeemed."""

from collections.abc import Sequence

from sqlalchemy import Connection

from tallystick import storage
from tallystick.domain.coupon_documents import write_code, write_coupon
from tallystick.domain.coupons import Coupon, PromotionCode
from tallystick.flows.context import Context
from tallystick.storage.audit import Act
from tallystick.values.errors import InvalidInput


def put_coupon(ctx: Context, coupon: Coupon, codes: Sequence[PromotionCode] = (), *, actor: str = "system") -> None:
    """The coupon as given, and its codes; those that are not named stay as they are. A change is audited.

    Raises Conflict where it would change terms that somebody has redeemed, or take another coupon's code.
    """

    def put(conn: Connection) -> None:
        acts = [_coupon(ctx, conn, coupon, actor), *(_code(ctx, conn, code, actor) for code in codes)]
        _note(ctx, conn, acts)

    if any(code.coupon_key != coupon.key for code in codes):
        raise InvalidInput("codes: one of them is of another coupon", field="codes")
    ctx.database.run("put coupon", put)


def put_promotion_code(ctx: Context, code: PromotionCode, *, actor: str = "system") -> None:
    """The code as given. Raises InvalidInput where there is no such coupon, Conflict where it is another coupon's."""

    def put(conn: Connection) -> None:
        if storage.coupons.coupon(conn, code.coupon_key) is None:
            raise InvalidInput("coupon: there is no such coupon; create it first", field="coupon", code="unknown_coupon")
        _note(ctx, conn, [_code(ctx, conn, code, actor)])

    ctx.database.run("put promotion code", put)


def _coupon(ctx: Context, conn: Connection, coupon: Coupon, actor: str) -> Act | None:
    stood = storage.coupons.coupon(conn, coupon.key)
    if stood == coupon:
        return None
    storage.coupons.put_coupon(conn, coupon, at=ctx.clock.now())
    before = None if stood is None else write_coupon(stood)
    return Act(actor, "coupon.put", coupon.key, before=before, after=write_coupon(coupon))


def _code(ctx: Context, conn: Connection, code: PromotionCode, actor: str) -> Act | None:
    stood = storage.coupons.code(conn, code.code)
    if stood == code:
        return None
    storage.coupons.put_code(conn, code, at=ctx.clock.now())
    before = None if stood is None else write_code(stood)
    return Act(actor, "promotion_code.put", code.code, before=before, after={"coupon": code.coupon_key, **write_code(code)})


def _note(ctx: Context, conn: Connection, acts: Sequence[Act | None]) -> None:
    for act in acts:
        if act is not None:
            storage.audit.append(conn, act, at=ctx.clock.now())
