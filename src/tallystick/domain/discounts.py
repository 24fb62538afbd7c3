"""Discounts on one invoice: percentages first, one upon the other, then fixed amounts; shared out over its lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from tallystick.domain.coupons import Coupon, Discount, Duration
from tallystick.values.decimals import EXACT
from tallystick.values.exact import ONE, Exact
from tallystick.values.ids import DiscountId, LineId
from tallystick.values.money import Currency, Money, Unrounded


@dataclass(frozen=True, slots=True)
class Discountable:
    """A line that may be reduced. `charge_key` is the plan's own; `amount` is above zero; `share` is that of a full period."""

    line_id: LineId
    charge_key: str
    amount: Money
    share: Exact = ONE


@dataclass(frozen=True, slots=True)
class AppliedDiscount:
    """What a discount takes off one invoice, above zero, and of which of its lines."""

    discount_id: DiscountId
    coupon_key: str
    description: str
    amount: Money
    shares: tuple[tuple[LineId, Money], ...]


def apply(
    lines: Sequence[Discountable], discounts: Sequence[Discount], *, currency: Currency, at: datetime
) -> tuple[AppliedDiscount, ...]:
    """What the discounts that are live take off, in the order in which they do (docs: Money and time, Invoices).

    Each sees what the one before has left of the lines that it is for; none takes more than that. One that has nothing to
    take off, or no amount in this currency, is not among them: it is not used up.
    """
    assert all(line.amount.currency == currency and line.amount.minor > 0 for line in lines), "lines above zero, in one currency"
    left = {line.line_id: line.amount.minor // currency.step for line in lines}
    applied = []
    for discount in sorted((each for each in discounts if each.live(at)), key=order):
        reduced = [line for line in lines if _reduces(discount.coupon, line)]
        own = [line.line_id for line in reduced]
        share = max((Fraction(line.share) for line in reduced), default=Fraction(1))
        steps = _taken(discount.coupon, sum(left[line_id] for line_id in own), currency, share=share)
        if steps == 0:
            continue
        # In whole steps of the currency, by what is left: no share can be more than that.
        parts = [part.minor for part in Money(steps, currency).split([left[line_id] for line_id in own])]
        for line_id, part in zip(own, parts, strict=True):
            left[line_id] -= part
            assert left[line_id] >= 0, f"{line_id}: no line falls below zero"
        applied.append(_applied(discount, zip(own, parts, strict=True), currency))
    return tuple(applied)


def order(discount: Discount) -> tuple[object, ...]:
    coupon = discount.coupon
    return coupon.percent is None, coupon.priority, discount.redeemed_at, discount.id


def _reduces(coupon: Coupon, line: Discountable) -> bool:
    return coupon.charges is None or line.charge_key in coupon.charges


def _taken(coupon: Coupon, left: int, currency: Currency, *, share: Fraction) -> int:
    """How many steps of the currency the coupon takes off so many; it is rounded here, once.

    What goes on for months is so much for a full period: of a part of one, that part. Else each upgrade would take it off anew.
    """
    if coupon.percent is not None:
        whole = Money(left * currency.step, currency).major
        off = Unrounded(EXACT.scaleb(EXACT.multiply(whole, coupon.percent), -2), currency)
        return off.rounded().minor // currency.step
    amount = coupon.amounts.get(currency)
    if amount is None:
        return 0
    if coupon.duration is not Duration.ONCE:
        amount = Unrounded(Fraction(amount.major) * share, currency).rounded()
    return min(amount.minor // currency.step, left)


def _applied(discount: Discount, parts: "zip[tuple[LineId, int]]", currency: Currency) -> AppliedDiscount:
    shares = tuple((line_id, Money(part * currency.step, currency)) for line_id, part in parts if part)
    amount = Money(sum(share.minor for _, share in shares), currency)
    return AppliedDiscount(discount.id, discount.coupon.key, discount.coupon.name, amount, shares)
