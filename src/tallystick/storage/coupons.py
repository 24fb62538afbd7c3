"""Coupons, their codes, and the discounts that redeeming makes. How often is counted in the statement that guards it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, bindparam, literal, not_, or_, select

from tallystick.domain.coupon_documents import read_coupon, write_coupon
from tallystick.domain.coupons import Coupon, Discount, Duration, PromotionCode, check_at_least, check_changeable, gone
from tallystick.domain.discounts import AppliedDiscount
from tallystick.storage import schema
from tallystick.storage.database import insert_new
from tallystick.storage.types import Flag
from tallystick.values.errors import Conflict
from tallystick.values.fields import Fields
from tallystick.values.ids import CustomerId, DiscountId, InvoiceId, LineId
from tallystick.values.money import Money, currency

_COUPONS, _CODES, _DISCOUNTS, _APPLIED = schema.coupons, schema.promotion_codes, schema.discounts, schema.invoice_discounts


def put_coupon(conn: Connection, coupon: Coupon, *, at: datetime) -> None:
    """Adds the coupon, or changes what may be changed of it. Raises Conflict for terms that were redeemed already."""
    row = {
        "key": coupon.key,
        "document": write_coupon(coupon),
        "redeem_by": coupon.redeem_by,
        "max_redemptions": coupon.max_redemptions,
        "updated_at": at,
    }
    if insert_new(conn, _COUPONS, [row | {"redemptions": 0}], [_COUPONS.c.key]):
        return
    stands = conn.execute(select(_COUPONS).where(_COUPONS.c.key == coupon.key).with_for_update()).one()
    check_changeable(_coupon(stands), coupon, redemptions=stands.redemptions)
    conn.execute(_COUPONS.update().where(_COUPONS.c.key == coupon.key).values(row))


def coupon(conn: Connection, key: str) -> Coupon | None:
    row = conn.execute(select(_COUPONS).where(_COUPONS.c.key == key)).one_or_none()
    return None if row is None else _coupon(row)


def held_coupon(conn: Connection, key: str) -> Coupon | None:
    """The coupon, which nobody changes or redeems until the end of the transaction."""
    row = conn.execute(select(_COUPONS).where(_COUPONS.c.key == key).with_for_update()).one_or_none()
    return None if row is None else _coupon(row)


def coupons(conn: Connection) -> dict[str, Coupon]:
    """Every coupon, by key."""
    return {row.key: _coupon(row) for row in conn.execute(select(_COUPONS).order_by(_COUPONS.c.key))}


def redemptions(conn: Connection) -> dict[str, int]:
    """How often each coupon was redeemed."""
    return {row.key: row.redemptions for row in conn.execute(select(_COUPONS.c.key, _COUPONS.c.redemptions))}


def put_code(conn: Connection, code: PromotionCode, *, at: datetime) -> None:
    """Adds the code, or changes it. Raises Conflict where it is another coupon's, or was redeemed more often."""
    row = {
        "code": code.code,
        "coupon_key": code.coupon_key,
        "max_redemptions": code.max_redemptions,
        "expires_at": code.expires_at,
        "active": code.active,
        "updated_at": at,
    }
    if insert_new(conn, _CODES, [row | {"redemptions": 0}], [_CODES.c.code]):
        return
    stands = conn.execute(select(_CODES).where(_CODES.c.code == code.code).with_for_update()).one()
    if stands.coupon_key != code.coupon_key:
        raise Conflict(f"code {code.code}: is of the coupon {stands.coupon_key}; make another code", code="code_in_use")
    check_at_least(f"code {code.code}", code.max_redemptions, stands.redemptions)
    conn.execute(_CODES.update().where(_CODES.c.code == code.code).values(row))


def code(conn: Connection, text: str) -> PromotionCode | None:
    """The code, which is asked for as it is kept: in capitals."""
    row = conn.execute(select(_CODES).where(_CODES.c.code == text)).one_or_none()
    return None if row is None else _code(row)


def codes(conn: Connection) -> dict[str, PromotionCode]:
    """Every code, by itself."""
    return {row.code: _code(row) for row in conn.execute(select(_CODES).order_by(_CODES.c.code))}


def codes_page(conn: Connection, *, after: str | None = None, limit: int) -> list[PromotionCode]:
    """In alphabetical order, beginning behind `after`: there may be one for each customer."""
    asked = select(_CODES).order_by(_CODES.c.code).limit(limit)
    if after is not None:
        asked = asked.where(_CODES.c.code > after)
    return [_code(row) for row in conn.execute(asked)]


def redeemed(conn: Connection, coupon_key: str, code: str | None) -> tuple[int, int]:
    """How often the coupon was redeemed, and how often by this code."""
    coupons = conn.execute(select(_COUPONS.c.redemptions).where(_COUPONS.c.key == coupon_key)).scalar_one_or_none()
    codes = conn.execute(select(_CODES.c.redemptions).where(_CODES.c.code == (code or ""))).scalar_one_or_none()
    return int(coupons or 0), int(codes or 0)


def redeem(conn: Connection, discount: Discount, code: PromotionCode | None) -> bool:
    """False where this discount is there already: then it stands, and nothing is counted.

    Raises Conflict where the coupon or the code can be redeemed no more; the transaction is of no use then.
    """
    row = {
        "customer_id": discount.customer_id,
        "id": discount.id,
        "subscription_id": discount.subscription_id,
        "coupon_key": discount.coupon.key,
        "code": None if code is None else code.code,
        "coupon": write_coupon(discount.coupon),
        "duration": discount.coupon.duration.value,
        "redeemed_at": discount.redeemed_at,
        "ends_at": discount.ends_at,
        "used_up": discount.used_up,
    }
    if not insert_new(conn, _DISCOUNTS, [row], [_DISCOUNTS.c.id]):
        return False
    _count(conn, _COUPONS, _COUPONS.c.key == discount.coupon.key, _until(_COUPONS.c.redeem_by, discount.redeemed_at))
    if code is not None:
        _count(conn, _CODES, _CODES.c.code == code.code, _until(_CODES.c.expires_at, discount.redeemed_at), _is(_CODES.c.active))
    return True


def _count(conn: Connection, table: Table, named: Any, *allowed: Any) -> None:
    """One more, if that is allowed: asked in the statement, since others may be redeeming at this moment."""
    room = or_(table.c.max_redemptions.is_(None), table.c.redemptions < table.c.max_redemptions)
    counted = table.update().where(named, room, *allowed).values(redemptions=table.c.redemptions + 1)
    if conn.execute(counted.returning(table.c.redemptions)).one_or_none() is None:
        raise gone("code" if table is _CODES else "coupon")


def _until(column: Any, at: datetime) -> Any:
    return or_(column.is_(None), column > at)


def discount(conn: Connection, customer_id: CustomerId, discount_id: DiscountId) -> Discount | None:
    found = select(_DISCOUNTS).where(_DISCOUNTS.c.customer_id == customer_id, _DISCOUNTS.c.id == discount_id)
    row = conn.execute(found).one_or_none()
    return None if row is None else _discount(row)


def discounts(conn: Connection, customer_id: CustomerId) -> list[Discount]:
    """All that the customer ever redeemed, oldest first."""
    asked = select(_DISCOUNTS).where(_DISCOUNTS.c.customer_id == customer_id)
    return [_discount(row) for row in conn.execute(asked.order_by(_DISCOUNTS.c.redeemed_at, _DISCOUNTS.c.id))]


def recurring(conn: Connection) -> list[Discount]:
    """Of every customer, those that reduce more than one invoice, over or not; by customer, oldest first."""
    of = _DISCOUNTS.c
    asked = select(_DISCOUNTS).where(of.duration != Duration.ONCE.value).order_by(of.customer_id, of.redeemed_at, of.id)
    return [_discount(row) for row in conn.execute(asked)]


def live(conn: Connection, customer_id: CustomerId, subscription_id: str, *, at: datetime) -> list[Discount]:
    """Those that reduce an invoice of this subscription then: its own, and those of every invoice of the customer."""
    rows = conn.execute(_live(), {"customer": customer_id, "subscription": subscription_id})
    return [discount for discount in map(_discount, rows) if discount.live(at)]


@cache
def _live() -> Select[Any]:
    # Asked with each invoice, and therefore kept: most of a small statement's time is its making.
    of = _DISCOUNTS.c
    mine = of.customer_id == bindparam("customer"), of.subscription_id.in_([bindparam("subscription"), ""])
    return select(_DISCOUNTS).where(*mine, _is(of.used_up, value=False)).order_by(of.redeemed_at, of.id)


def end(conn: Connection, discount: Discount, *, at: datetime) -> None:
    """From then on it reduces nothing; one that has ended before stays as it is."""
    named = _DISCOUNTS.update().where(_DISCOUNTS.c.customer_id == discount.customer_id, _DISCOUNTS.c.id == discount.id)
    conn.execute(named.where(or_(_DISCOUNTS.c.ends_at.is_(None), _DISCOUNTS.c.ends_at > at)).values(ends_at=at))


def save_applied(conn: Connection, customer_id: CustomerId, invoice_id: InvoiceId, applied: Sequence[AppliedDiscount]) -> None:
    """What the discounts took off an invoice that is stored already; those for one invoice are used up with `use_up`."""
    rows = [
        {
            "customer_id": customer_id,
            "invoice_id": invoice_id,
            "discount_id": each.discount_id,
            "place": place,
            "coupon_key": each.coupon_key,
            "description": each.description,
            "amount": each.amount.minor,
            "currency": each.amount.currency.code,
            "shares": [[line_id, share.minor] for line_id, share in each.shares],
        }
        for place, each in enumerate(applied)
    ]
    if rows:
        conn.execute(_APPLIED.insert(), rows)


def applied_to(conn: Connection, invoice_id: InvoiceId) -> tuple[AppliedDiscount, ...]:
    """What discounts took off the invoice, in the order in which they did."""
    asked = select(_APPLIED).where(_APPLIED.c.invoice_id == invoice_id).order_by(_APPLIED.c.place)
    return tuple(_applied(row) for row in conn.execute(asked))


def applied_to_all(conn: Connection, invoice_ids: Collection[InvoiceId]) -> dict[InvoiceId, tuple[AppliedDiscount, ...]]:
    """As `applied_to`, for a page of invoices: those without a discount are not among the keys."""
    asked = select(_APPLIED).where(_APPLIED.c.invoice_id.in_(sorted(invoice_ids))).order_by(_APPLIED.c.place)
    found: dict[InvoiceId, tuple[AppliedDiscount, ...]] = {}
    for row in conn.execute(asked) if invoice_ids else ():
        invoice_id = InvoiceId(row.invoice_id)
        found[invoice_id] = (*found.get(invoice_id, ()), _applied(row))
    return found


def use_up(conn: Connection, discount_ids: Collection[DiscountId]) -> int:
    """Those of them that are for one invoice are used up now; how many. The others go on."""
    return _mark(conn, _DISCOUNTS.c.id.in_(sorted(discount_ids)), used_up=True)


def give_back(conn: Connection, invoice_id: InvoiceId) -> int:
    """What a void invoice had used up can reduce another one; how many discounts that were."""
    reduced = select(_APPLIED.c.discount_id).where(_APPLIED.c.invoice_id == invoice_id)
    return _mark(conn, _DISCOUNTS.c.id.in_(reduced), used_up=False)


def _mark(conn: Connection, these: Any, *, used_up: bool) -> int:
    once = _DISCOUNTS.c.duration == Duration.ONCE.value
    marked = _DISCOUNTS.update().where(these, once, not_(_is(_DISCOUNTS.c.used_up, value=used_up))).values(used_up=used_up)
    return len(conn.execute(marked.returning(_DISCOUNTS.c.id)).all())


def _is(flag: Any, *, value: bool = True) -> Any:
    """A flag is a number in the database: compared with a boolean, PostgreSQL refuses it."""
    return flag == literal(value, Flag())


def _coupon(row: Row[Any]) -> Coupon:
    return read_coupon(Fields(row.document))[0]


def _code(row: Row[Any]) -> PromotionCode:
    return PromotionCode(row.code, row.coupon_key, row.max_redemptions, row.expires_at, row.active)


def _discount(row: Row[Any]) -> Discount:
    return Discount(
        id=DiscountId(row.id),
        customer_id=CustomerId(row.customer_id),
        subscription_id=row.subscription_id,
        coupon=read_coupon(Fields(row.coupon))[0],
        redeemed_at=row.redeemed_at,
        ends_at=row.ends_at,
        used_up=row.used_up,
    )


def _applied(row: Row[Any]) -> AppliedDiscount:
    of = currency(row.currency)
    shares = tuple((LineId(line_id), Money(minor, of)) for line_id, minor in row.shares)
    return AppliedDiscount(DiscountId(row.discount_id), row.coupon_key, row.description, Money(row.amount, of), shares)
