"""Coupons: the offers, the codes that people type, and what becomes of one that a customer redeems."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from tallystick.domain.customers import checked_key
from tallystick.domain.periods import Interval, boundary, time_zone
from tallystick.values.decimals import exact_decimal, plain
from tallystick.values.errors import Conflict, InvalidInput
from tallystick.values.ids import CustomerId, DiscountId, derived
from tallystick.values.money import Currency, Money
from tallystick.values.time import rfc3339

MONTHS_MAX = 1200
REDEMPTIONS_MAX = 10**9
PRIORITY_MAX = 10**6
MINOR_MAX = 10**15  # of one amount: sums of many still fit into 64 bits
_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,63}", re.ASCII)


class Duration(StrEnum):
    """How long a coupon goes on reducing invoices."""

    ONCE = "once"  # the first invoice that it reduces
    MONTHS = "months"  # so many calendar months from its redemption on
    FOREVER = "forever"


@dataclass(frozen=True, slots=True)
class Coupon:
    """An offer: so many per cent, or an amount in each currency that it is good for. `charges`: those it reduces; None: all."""

    key: str
    display_name: str = ""
    percent: Decimal | None = None
    amounts: Mapping[Currency, Money] = field(default_factory=dict)
    duration: Duration = Duration.ONCE
    months: int | None = None
    redeem_by: datetime | None = None
    max_redemptions: int | None = None
    priority: int = 0
    charges: frozenset[str] | None = None

    def __post_init__(self) -> None:
        checked_key(self.key, field="key")
        checked_key(self.name, field="name")
        self._check_kind()
        if (self.months is not None) != (self.duration is Duration.MONTHS):
            raise InvalidInput('months: goes with the duration "months", and only with that', field="months")
        check_whole(self.months, "months", 1, MONTHS_MAX)
        check_whole(self.max_redemptions, "max_redemptions", 1, REDEMPTIONS_MAX)
        check_whole(self.priority, "priority", -PRIORITY_MAX, PRIORITY_MAX)
        if self.charges is not None and not self.charges:
            raise InvalidInput("charges: name at least one, or leave it out for all", field="charges")

    def _check_kind(self) -> None:
        if (self.percent is not None) == bool(self.amounts):
            raise InvalidInput("percent: a coupon has either percent or amounts", field="percent")
        if self.percent is not None and not 0 < exact_decimal(self.percent, field="percent") <= 100:
            raise InvalidInput('percent: more than 0 and at most "100"', field="percent")
        for currency, amount in self.amounts.items():
            if amount.currency != currency or not 0 < amount.minor <= MINOR_MAX or amount.minor % currency.step:
                raise InvalidInput(f"amounts: of {currency} is not an amount above zero that can be charged", field="amounts")

    @property
    def name(self) -> str:
        return self.display_name or self.key

    @property
    def offer(self) -> str:
        """What it takes off, for people."""
        if self.percent is not None:
            return f"{plain(self.percent)} %"
        return " or ".join(str(amount) for amount in self.amounts.values())

    @property
    def terms(self) -> tuple[object, ...]:
        """What may not change any more once somebody has redeemed it."""
        return self.percent, dict(self.amounts), self.duration, self.months, self.priority, self.charges


@dataclass(frozen=True, slots=True)
class PromotionCode:
    """What people type to redeem a coupon, in letters of any case; kept in capitals."""

    code: str
    coupon_key: str
    max_redemptions: int | None = None
    expires_at: datetime | None = None
    active: bool = True

    def __post_init__(self) -> None:
        if typed(self.code) != self.code:
            raise InvalidInput("code: 1 to 64 capital letters, digits, - and _", field="code")
        check_whole(self.max_redemptions, "max_redemptions", 1, REDEMPTIONS_MAX)


@dataclass(frozen=True, slots=True)
class Discount:
    """A coupon of one customer, as it was redeemed: of one subscription, or (with none) of every invoice."""

    id: DiscountId
    customer_id: CustomerId
    subscription_id: str
    coupon: Coupon
    redeemed_at: datetime
    ends_at: datetime | None = None
    used_up: bool = False

    @property
    def once(self) -> bool:
        """Whether it is for the first invoice that it reduces, and no other."""
        return self.coupon.duration is Duration.ONCE

    def live(self, at: datetime) -> bool:
        """Whether it reduces an invoice that is drafted then."""
        return not self.used_up and (self.ends_at is None or at < self.ends_at)


def typed(text: str) -> str | None:
    """The code that somebody typed, as it is kept; None where it cannot be one."""
    if not text.isascii():
        return None  # two letters may be one in capitals: ß and SS
    code = text.strip().upper()
    return code if _CODE.fullmatch(code) else None


def check_redeemable(
    coupon: Coupon, code: PromotionCode | None, *, redemptions: int, code_redemptions: int, now: datetime
) -> None:
    """Raises Conflict where this cannot be redeemed any more; its code says why."""
    if coupon.redeem_by is not None and now >= coupon.redeem_by:
        raise Conflict(f"coupon {coupon.key}: could be redeemed until {rfc3339(coupon.redeem_by)}", code="coupon_expired")
    if coupon.max_redemptions is not None and redemptions >= coupon.max_redemptions:
        raise gone(f"coupon {coupon.key}")
    if code is None:
        return
    if code.coupon_key != coupon.key:
        raise InvalidInput("code: is of another coupon", field="code")
    if not code.active:
        raise Conflict(f"code {code.code}: is switched off", code="code_inactive")
    if code.expires_at is not None and now >= code.expires_at:
        raise Conflict(f"code {code.code}: could be used until {rfc3339(code.expires_at)}", code="code_expired")
    if code.max_redemptions is not None and code_redemptions >= code.max_redemptions:
        raise gone(f"code {code.code}")


def gone(what: str) -> Conflict:
    return Conflict(f"{what}: was redeemed as often as it can be; offer another one", code="redemptions_used_up")


def redeemed(coupon: Coupon, *, customer_id: CustomerId, subscription_id: str, now: datetime, zone: str = "UTC") -> Discount:
    """The discount that redeeming makes: of one coupon, one for a customer and subscription, however often it is redeemed.

    Its months are those of the calendar in `zone`, as the periods are that it reduces: so that it reduces just as many.
    """
    ends_at = None if coupon.months is None else boundary(now, coupon.months, Interval.MONTH, 1, time_zone(zone))
    discount_id = DiscountId(derived("dsc", customer_id, subscription_id, coupon.key))
    return Discount(discount_id, customer_id, subscription_id, coupon, now, ends_at)


def check_changeable(stands: Coupon, wanted: Coupon, *, redemptions: int) -> None:
    """Raises Conflict where `wanted` would change what has been redeemed already."""
    if not redemptions:
        return
    if stands.terms != wanted.terms:
        raise Conflict(
            f"coupon {stands.key}: was redeemed, so that only its name, redeem_by, max_redemptions and codes may change; "
            "make another coupon",
            code="coupon_redeemed",
        )
    check_at_least(f"coupon {stands.key}", wanted.max_redemptions, redemptions)


def check_at_least(what: str, max_redemptions: int | None, redemptions: int) -> None:
    """Raises Conflict where fewer would be allowed than there were."""
    if max_redemptions is not None and max_redemptions < redemptions:
        raise Conflict(
            f"{what}: was redeemed {redemptions} times already; max_redemptions cannot be less", code="already_redeemed"
        )


def check_whole(number: int | None, name: str, least: int, most: int) -> None:
    """Raises InvalidInput outside of the two; None is fine."""
    if number is not None and (type(number) is not int or not least <= number <= most):
        raise InvalidInput(f"{name}: a whole number from {least} to {most}", field=name)
