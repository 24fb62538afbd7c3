"""The coupon document: a coupon and its codes in one form for files, API and storage; read strictly, written to read the same."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from tallystick.domain.coupons import Coupon, Duration, PromotionCode, typed
from tallystick.values.decimals import plain
from tallystick.values.errors import InvalidInput
from tallystick.values.fields import Fields
from tallystick.values.money import Currency, Money, currency, exact_money
from tallystick.values.time import instant, rfc3339

CODES_MAX = 1000
CHARGES_MAX = 100
_CURRENCIES_MAX = 200


def read_coupon(fields: Fields) -> tuple[Coupon, list[PromotionCode]]:
    """{"key", "name"?, "percent" | "amounts", "duration"?, "months"?, "redeem_by"?, "max_redemptions"?, "priority"?,
    "charges"?, "codes"?}: the coupon, and the codes that are named with it."""
    key = fields.text("key")
    coupon = _of(
        fields,
        key=key,
        display_name=fields.text("name", ""),
        percent=fields.maybe_number("percent"),
        amounts=_read_amounts(fields),
        duration=Duration(fields.choice("duration", tuple(Duration), Duration.ONCE)),
        months=fields.maybe_count("months"),
        redeem_by=_moment(fields, "redeem_by"),
        max_redemptions=fields.maybe_count("max_redemptions"),
        priority=_whole(fields, "priority"),
        charges=_read_charges(fields),
    )
    codes = [read_code(Fields(each, where), key) for where, each in _objects(fields, "codes")]
    fields.end()
    return coupon, codes


def write_coupon(coupon: Coupon) -> dict[str, object]:
    """The document that reads as the same coupon, without its codes; what is at its default is left out."""
    document: dict[str, object] = {"key": coupon.key, "duration": coupon.duration.value}
    said: dict[str, object | None] = {
        "name": coupon.display_name or None,
        "percent": None if coupon.percent is None else plain(coupon.percent),
        "amounts": {each.currency.code: f"{each.major:f}" for each in coupon.amounts.values()} or None,
        "months": coupon.months,
        "redeem_by": None if coupon.redeem_by is None else rfc3339(coupon.redeem_by),
        "max_redemptions": coupon.max_redemptions,
        "priority": coupon.priority or None,
        "charges": None if coupon.charges is None else sorted(coupon.charges),
    }
    return document | {name: value for name, value in said.items() if value is not None}


def write_offer(coupon: Coupon, codes: Iterable[PromotionCode]) -> dict[str, object]:
    """The document that reads as the coupon and its codes."""
    own = [write_code(code) for code in codes]
    return write_coupon(coupon) | ({"codes": own} if own else {})


def write_code(code: PromotionCode) -> dict[str, object]:
    said: dict[str, object | None] = {
        "max_redemptions": code.max_redemptions,
        "expires_at": None if code.expires_at is None else rfc3339(code.expires_at),
        "active": None if code.active else False,
    }
    return {"code": code.code} | {name: value for name, value in said.items() if value is not None}


def read_code(fields: Fields, coupon_key: str) -> PromotionCode:
    """{"code", "max_redemptions"?, "expires_at"?, "active"?}"""
    text = fields.text("code")
    code = typed(text)
    if code is None:
        raise fields.wrong("code", "1 to 64 letters, digits, - and _")
    expires_at, most = _moment(fields, "expires_at"), fields.maybe_count("max_redemptions")
    active = not fields.has("active") or fields.flag("active")
    fields.end()
    try:
        return PromotionCode(code, coupon_key, most, expires_at, active)
    except InvalidInput as wrong:
        raise _inside(fields, wrong) from None


def _of(fields: Fields, **values: object) -> Coupon:
    """The coupon; what it refuses is refused by the path of its field."""
    try:
        return Coupon(**values)  # type: ignore[arg-type]
    except InvalidInput as wrong:
        raise _inside(fields, wrong) from None


def _inside(fields: Fields, wrong: InvalidInput) -> InvalidInput:
    where = f"{fields.where}." if fields.where else ""
    return InvalidInput(f"{where}{wrong.message}", code=wrong.code, field=f"{where}{wrong.field}")


def _read_amounts(fields: Fields) -> dict[Currency, Money]:
    value = fields.take("amounts")
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not 1 <= len(value) <= _CURRENCIES_MAX:
        raise fields.wrong("amounts", 'must name an amount for each currency, such as {"eur": "10.00"}')
    found: dict[Currency, Money] = {}
    for code, amount in value.items():
        money = _money(fields, code, amount)
        found[money.currency] = money
    if len(found) != len(value):
        raise fields.wrong("amounts", "names the same currency twice")
    return found


def _money(fields: Fields, code: object, amount: object) -> Money:
    if not isinstance(code, str) or not isinstance(amount, str | int | Decimal):
        raise fields.wrong("amounts", 'send each as a decimal string, such as {"eur": "10.00"}')
    try:
        of = currency(code)
    except InvalidInput:
        raise fields.wrong("amounts", "names a currency that is not known") from None
    return exact_money(amount, of, field=fields.path("amounts"))


def _read_charges(fields: Fields) -> frozenset[str] | None:
    if not fields.has("charges"):
        fields.take("charges")
        return None
    keys = fields.items("charges", at_most=CHARGES_MAX)
    if not all(isinstance(key, str) and 1 <= len(key) <= 256 for key in keys):
        raise fields.wrong("charges", "must be a list of keys of charges")
    return frozenset(str(key) for key in keys)


def _moment(fields: Fields, name: str) -> datetime | None:
    value = fields.take(name)
    if value is None:
        return None
    if isinstance(value, datetime) and value.tzinfo is not None:  # as TOML has them
        value = rfc3339(value)
    if not isinstance(value, str):
        raise fields.wrong(name, 'not an RFC 3339 time with an offset; write it as "2026-01-31T09:30:00Z"')
    return instant(value, field=fields.path(name))


def _whole(fields: Fields, name: str) -> int:
    number = fields.number_or(name, Decimal(0))
    if number != number.to_integral_value() or abs(number) >= 10**18:
        raise fields.wrong(name, "must be a whole number")
    return int(number)


def _objects(fields: Fields, name: str) -> list[tuple[str, object]]:
    if not fields.has(name):
        fields.take(name)
        return []
    return [(f"{fields.path(name)}[{at}]", each) for at, each in enumerate(fields.items(name, at_most=CODES_MAX))]
