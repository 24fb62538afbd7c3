"""Coupons, discounts and credit grants on the wire: what is taken off is in decimal strings, what is held in minor units."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, StringConstraints

from tallystick.domain.coupon_documents import read_code, read_coupon, write_coupon
from tallystick.domain.coupons import PRIORITY_MAX, REDEMPTIONS_MAX, Coupon, Discount, PromotionCode
from tallystick.domain.credits import MINOR_MAX, CreditGrant
from tallystick.values.fields import Fields
from tallystick.values.money import Money, currency
from tallystick.values.time import instant, rfc3339
from tallystick.web.quota_schemas import Quantity
from tallystick.web.schemas import Key, Line, Moment, Number, Sent, moment

Redemptions = Annotated[int, Field(ge=1, le=REDEMPTIONS_MAX)]
Priority = Annotated[int, Field(ge=-PRIORITY_MAX, le=PRIORITY_MAX, description="The lowest number comes first.")]
CurrencyCode = Annotated[str, StringConstraints(min_length=3, max_length=3), Field(examples=["eur"])]
Amounts = Annotated[
    dict[str, Quantity], Field(examples=[{"eur": "10.00"}], description="So much in each currency, in its major units.")
]


class CouponBody(Sent):
    """Either `percent` or `amounts`. `months` goes with the duration of that name. Null `charges`: every charge."""

    name: Line = ""
    percent: Quantity | None = None
    amounts: Amounts | None = None
    duration: Literal["once", "months", "forever"] = "once"
    months: Annotated[int, Field(ge=1, le=1200)] | None = None
    redeem_by: Moment | None = None
    max_redemptions: Redemptions | None = None
    priority: Priority = 0
    charges: list[Key] | None = Field(default=None, min_length=1, max_length=100)

    def to_domain(self, key: str) -> Coupon:
        said = self.model_dump(exclude_none=True)
        named = {name: value for name, value in said.items() if name != "name" or value}
        return read_coupon(Fields({"key": key, **named}))[0]


class CouponShown(BaseModel):
    key: str
    name: str
    percent: Number | None
    amounts: dict[str, Number] | None
    duration: str
    months: int | None
    redeem_by: str | None
    max_redemptions: int | None
    redemptions: int
    priority: int
    charges: list[str] | None

    @classmethod
    def of(cls, coupon: Coupon, redemptions: int) -> Self:
        nothing = dict.fromkeys(("percent", "amounts", "months", "redeem_by", "max_redemptions", "charges"))
        return cls.model_validate({"name": "", "priority": 0, "redemptions": redemptions, **nothing, **write_coupon(coupon)})


class PromotionCodeBody(Sent):
    coupon: Key
    max_redemptions: Redemptions | None = None
    expires_at: Moment | None = None
    active: bool = True

    def to_domain(self, code: str) -> PromotionCode:
        said = self.model_dump(exclude={"coupon"}, exclude_none=True)
        return read_code(Fields({"code": code, **said}), self.coupon)


class PromotionCodeShown(BaseModel):
    """`code` is in capitals; people may type it in letters of any case."""

    code: str
    coupon: str
    max_redemptions: int | None
    expires_at: str | None
    active: bool

    @classmethod
    def of(cls, code: PromotionCode) -> Self:
        return cls(
            code=code.code,
            coupon=code.coupon_key,
            max_redemptions=code.max_redemptions,
            expires_at=moment(code.expires_at),
            active=code.active,
        )


class RedeemBody(Sent):
    coupon: Annotated[Key, Field(description="A code, in letters of any case, or the key of a coupon.")]
    subscription: Key | None = Field(default=None, description="Null: every invoice of the customer.")


class DiscountShown(BaseModel):
    """The coupon is as it was redeemed. `live`: it reduces the next invoice. Null `ends_at`: no time is set."""

    id: str
    customer: str
    subscription: str | None
    coupon: str
    name: str
    percent: Number | None
    amounts: dict[str, Number] | None
    duration: str
    redeemed_at: str
    ends_at: str | None
    used_up: bool
    live: bool

    @classmethod
    def of(cls, discount: Discount, now: datetime) -> Self:
        said = write_coupon(discount.coupon)
        return cls.model_validate(
            {
                "id": discount.id,
                "customer": discount.customer_id,
                "subscription": discount.subscription_id or None,
                "coupon": discount.coupon.key,
                "name": discount.coupon.name,
                "percent": said.get("percent"),
                "amounts": said.get("amounts"),
                "duration": discount.coupon.duration.value,
                "redeemed_at": rfc3339(discount.redeemed_at),
                "ends_at": moment(discount.ends_at),
                "used_up": discount.used_up,
                "live": discount.live(now),
            }
        )


class GrantBody(Sent):
    """`amount` in minor units. Null `expires_at`: never."""

    amount: Annotated[int, Field(ge=1, le=MINOR_MAX)]
    currency: CurrencyCode
    kind: Literal["prepaid", "promotional"]
    name: Key
    op: Annotated[Key, Field(description="Your own name for this grant: sent again, it is given once.")]
    priority: Priority = 0
    expires_at: Moment | None = None

    @property
    def money(self) -> Money:
        return Money(self.amount, currency(self.currency))

    @property
    def ends_at(self) -> datetime | None:
        return None if self.expires_at is None else instant(self.expires_at, field="expires_at")


class GrantShown(BaseModel):
    """`remaining` is what no invoice has burned yet; from `expires_at` on it cannot be burned any more."""

    id: str
    customer: str
    amount: int
    remaining: int
    currency: str
    kind: str
    priority: int
    name: str
    granted_at: str
    expires_at: str | None

    @classmethod
    def of(cls, grant: CreditGrant) -> Self:
        return cls(
            id=grant.id,
            customer=grant.customer_id,
            amount=grant.amount.minor,
            remaining=grant.remaining.minor,
            currency=grant.amount.currency.code,
            kind=grant.kind.value,
            priority=grant.priority,
            name=grant.name,
            granted_at=rfc3339(grant.granted_at),
            expires_at=moment(grant.expires_at),
        )
