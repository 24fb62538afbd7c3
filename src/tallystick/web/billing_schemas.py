"""What an app's user sees of their own bill: where they pay, what they subscribe to, what they have used."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from tallystick.domain.customers import Customer
from tallystick.domain.entitlements import Decision
from tallystick.domain.subscriptions import Subscription
from tallystick.domain.usage import Meter, Usage
from tallystick.values.decimals import EXACT, plain
from tallystick.values.errors import InvalidInput
from tallystick.values.time import Period, rfc3339
from tallystick.web.invoice_schemas import PeriodShown
from tallystick.web.schemas import Key, Number, Sent, moment

Url = Annotated[str, Field(min_length=1, max_length=2048, examples=["https://app.example.com/billing"])]


class CheckoutBody(Sent):
    """`plan`, or `price_id` for one of the prices at Stripe that the settings name. Both addresses on an allowed origin."""

    plan: Key | None = None
    price_id: Key | None = None
    success_url: Url
    cancel_url: Url
    currency: Annotated[str | None, Field(pattern=r"^[A-Za-z]{3}$")] = None
    interval: Annotated[str | None, Field(max_length=40, examples=["month", "year"])] = None

    def plan_key(self, plans_by_price: dict[str, str]) -> str:
        """Raises InvalidInput unless exactly one plan is named."""
        if (self.plan is None) == (self.price_id is None):
            raise InvalidInput("plan: say `plan` or `price_id`, and not both", field="plan")
        if self.plan is not None:
            return self.plan
        plan = plans_by_price.get(self.price_id or "")
        if plan is None:
            raise InvalidInput("price_id: is of no plan; STRIPE_PRICE_BASIC and its like name those that are", field="price_id")
        return plan


class CheckoutShown(BaseModel):
    """Send the browser to `url`. `session_id` is the provider's id of the page."""

    url: str
    session_id: str | None


class PortalBody(Sent):
    return_url: Url


class PortalShown(BaseModel):
    url: str


class SubscriptionShown(BaseModel):
    """`status` is `none`, and everything else null, where there is no subscription."""

    id: str | None = None
    status: Literal["none", "trialing", "active", "past_due", "unpaid", "paused", "canceled"] = "none"
    plan: str | None = None
    plan_name: str | None = None
    plan_version: int | None = None
    currency: str | None = None
    interval: str | None = None
    current_period: PeriodShown | None = None
    started_at: str | None = None
    ended_at: str | None = None
    cancel_at_period_end: bool = False
    next_plan: str | None = Field(default=None, description="What it changes to at the end of the period.")

    @classmethod
    def of(cls, subscription: Subscription | None, plan_names: dict[str, str]) -> Self:
        if subscription is None:
            return cls()
        terms = subscription.terms
        return cls(
            id=subscription.id,
            status=subscription.status.value,
            plan=terms.plan_key,
            plan_name=plan_names.get(terms.plan_key) or terms.plan_key,
            plan_version=terms.plan_version,
            currency=terms.currency.code,
            interval=terms.interval,
            current_period=PeriodShown.of(subscription.period),
            started_at=rfc3339(subscription.started_at),
            ended_at=moment(subscription.ended_at),
            cancel_at_period_end=subscription.cancel_at_period_end,
            next_plan=None if subscription.next_terms is None else subscription.next_terms.plan_key,
        )


class QuotaShown(BaseModel):
    """Null `limit`: unlimited. `percent_used` is whole, rounded down, and may be above 100."""

    meter: str
    unit: str
    limit: Number | None
    used: Number
    reserved: Number
    remaining: Number | None
    percent_used: int | None
    resets_at: str | None

    @classmethod
    def of(cls, meter: Meter, decision: Decision) -> Self:
        return cls(
            meter=meter.key,
            unit=meter.unit,
            limit=None if decision.limit is None else plain(decision.limit),
            used=plain(decision.used),
            reserved=plain(decision.reserved),
            remaining=None if decision.remaining is None else plain(decision.remaining),
            percent_used=_percent(decision),
            resets_at=moment(decision.resets_at),
        )


class QuotasShown(BaseModel):
    plan: str | None
    data: list[QuotaShown]


class UsageOfMeter(BaseModel):
    meter: str
    unit: str
    quantity: Number
    events: int

    @classmethod
    def of(cls, meter: Meter, usage: Usage) -> Self:
        return cls(meter=meter.key, unit=meter.unit, quantity=plain(usage.quantity), events=usage.count)


class UsageOfPeriod(BaseModel):
    period: PeriodShown
    data: list[UsageOfMeter]

    @classmethod
    def of(cls, period: Period, used: list[UsageOfMeter]) -> Self:
        return cls(period=PeriodShown.of(period), data=used)


class UserShown(BaseModel):
    """A customer as an admin sees them."""

    id: str
    email: str | None
    name: str | None
    created_at: str
    subscription: SubscriptionShown
    quotas: list[QuotaShown]

    @classmethod
    def of(cls, customer: Customer, subscription: SubscriptionShown, quotas: Iterable[QuotaShown]) -> Self:
        return cls(
            id=customer.id,
            email=customer.email,
            name=customer.name,
            created_at=rfc3339(customer.created_at),
            subscription=subscription,
            quotas=list(quotas),
        )


def _percent(decision: Decision) -> int | None:
    if decision.limit is None:
        return None
    if not decision.limit:
        return 100
    return int(EXACT.divide_int(EXACT.multiply(decision.used, Decimal(100)), decision.limit))
