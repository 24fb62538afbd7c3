"""Discounts: a coupon, redeemed by a subscription; and what it takes off the lines of an invoice."""

from collections.abc import Iterable
from fractions import Fraction

from tallystick.sandbox.call import Call
from tallystick.sandbox.errors import invalid
from tallystick.sandbox.objects import amounts, coupons, cycles
from tallystick.sandbox.state import Doc
from tallystick.values.money import Money


def redeem(call: Call, wanted: Iterable[Doc], subscription: Doc) -> list[str]:
    """The ids of the discounts that the parameters ask for: new ones of coupons and codes, and those that stay."""
    return [_redeemed(call, one, subscription)["id"] for one in wanted]


def drop(call: Call, identifiers: Iterable[str]) -> None:
    """Ends them; what they have taken off stays off."""
    for identifier in identifiers:
        call.update(call.get("discount", identifier), "customer.discount.deleted", end=call.now, _is_ended=True)


def running(call: Call, identifiers: Iterable[str]) -> list[str]:
    """Those that have not come to their end."""
    found = [call.get("discount", identifier) for identifier in identifiers]
    return [doc["id"] for doc in found if not doc["_is_ended"] and (doc["end"] is None or call.now < doc["end"])]


def consume(call: Call, invoice: Doc) -> list[str]:
    """Ends the discounts for one invoice that have now taken something off one; which these are."""
    used = [call.get("discount", row["discount"]) for row in invoice["total_discount_amounts"] or () if row["amount"]]
    once = [doc["id"] for doc in used if doc["_duration"] == "once" and not doc["_is_ended"]]
    drop(call, once)
    return once


def applied(call: Call, identifiers: Iterable[str], lines: list[Doc]) -> list[Doc]:
    """The lines with what each discount takes off them, one discount after the other."""
    left = [line["amount"] for line in lines]
    taken: list[list[Doc]] = [[] for _ in lines]
    for identifier in identifiers:
        discount = call.get("discount", identifier)
        shares = _shares(discount, lines, left)
        for number, share in shares.items():
            left[number] -= share
            taken[number].append({"amount": share, "discount": identifier})
    return [
        {**line, "discount_amounts": rows, "discounts": [row["discount"] for row in rows]}
        for line, rows in zip(lines, taken, strict=True)
    ]


def totals(lines: list[Doc]) -> list[Doc]:
    """What each discount takes off all lines together."""
    sums: dict[str, int] = {}
    for line in lines:
        for row in line["discount_amounts"] or ():
            sums[row["discount"]] = sums.get(row["discount"], 0) + row["amount"]
    return [{"amount": amount, "discount": discount} for discount, amount in sums.items()]


def _shares(discount: Doc, lines: list[Doc], left: list[int]) -> dict[int, int]:
    """By line: the whole is rounded once, and then spread over the lines by what is left of them."""
    products = discount["_products"]
    covered = [
        number for number, line in enumerate(lines)
        if line["discountable"] and left[number] > 0 and (not products or _product(line) in products)
    ]  # fmt: skip
    whole = sum(left[number] for number in covered)
    if not whole:
        return {}
    currency = amounts.known(lines[0]["currency"])
    if discount["_percent_off"] is not None:
        off = amounts.rounded_fraction(Fraction(whole) * Fraction(str(discount["_percent_off"])) / 100)
    else:
        off = min(whole, discount["_amount_off"])
    parts = Money(off, currency).split([left[number] for number in covered])
    return {number: part.minor for number, part in zip(covered, parts, strict=True)}


def _product(line: Doc) -> str | None:
    details = line["pricing"]["price_details"]
    product: str | None = details["product"] if details else None
    return product


def _redeemed(call: Call, wanted: Doc, subscription: Doc) -> Doc:
    if wanted.get("discount"):
        kept = call.get("discount", wanted["discount"], param="discounts")
        if kept["id"] not in subscription["discounts"]:
            raise invalid(f"The discount {kept['id']} is not one of this subscription.", param="discounts")
        return kept
    code = None
    if wanted.get("promotion_code"):
        code = call.get("promotion_code", wanted["promotion_code"], param="discounts[promotion_code]")
        coupon = coupons.redeemed_code(call, code, subscription["customer"])
    elif wanted.get("coupon"):
        coupon = call.get("coupon", wanted["coupon"], param="discounts[coupon]")
    else:
        raise invalid("Each of discounts needs a coupon, a promotion_code or a discount.", param="discounts")
    if coupon["currency"] not in (None, subscription["currency"]):
        raise invalid(f"Coupon {coupon['id']} is in {coupon['currency']}, not {subscription['currency']}.", param="discounts")
    coupons.redeemed(call, coupon)
    months = coupon["duration_in_months"]
    return call.create(
        "discount", "customer.discount.created", customer=subscription["customer"], start=call.now,
        end=cycles.months_later(call.now, months) if months else None, promotion_code=code["id"] if code else None,
        source={"coupon": coupon["id"], "type": "coupon"}, subscription=subscription["id"], _duration=coupon["duration"],
        _percent_off=coupon["percent_off"], _amount_off=coupon["amount_off"], _products=coupon["_products"], _is_ended=False,
    )  # fmt: skip
