"""What an app's user sees of their own bill: where they pay, what they subscribe to, what they have used."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from tallystick.domain.customers import Customer
from tallystick.domain.entitlements import Decision
from tallystick.domain.payment_methods import SavedMethod, Saving
from tallystick.domain.payments import Payment
from tallystick.domain.subscriptions import Subscription
from tallystick.domain.usage import Meter, Usage
from tallystick.values.decimals import EXACT, plain
from tallystick.values.errors import InvalidInput
from tallystick.values.time import Period, rfc3339
from tallystick.web.invoice_schemas import PaymentShown, PeriodShown
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


class PageBody(Sent):
    """Where the provider's page leads back to: paid, and not. `{CHECKOUT_SESSION_ID}` in them becomes the id of the page."""

    success_url: Url
    cancel_url: Url


class PageShown(BaseModel):
    """Send the browser to `url`. `session_id` is the provider's id of the page, or of its invoice that has a page of its own."""

    url: str
    session_id: str | None
    payment: PaymentShown

    @classmethod
    def of(cls, payment: Payment) -> Self:
        assert payment.url is not None, f"{payment.id}: is handed out once it has a page"
        return cls(url=payment.url, session_id=payment.ref, payment=PaymentShown.of(payment))


class MethodShown(BaseModel):
    """`is_default`: it is charged unless an invoice or a subscription names another one."""

    id: str
    type: str
    is_default: bool
    brand: str | None
    last4: str | None
    exp_month: int | None
    exp_year: int | None

    @classmethod
    def of(cls, method: SavedMethod) -> Self:
        return cls(
            id=method.ref,
            type=method.kind,
            is_default=method.is_default,
            brand=method.brand,
            last4=method.last4,
            exp_month=method.exp_month,
            exp_year=method.exp_year,
        )


class MethodsShown(BaseModel):
    data: list[MethodShown]

    @classmethod
    def of(cls, methods: Iterable[SavedMethod]) -> Self:
        return cls(data=[MethodShown.of(method) for method in methods])


class DefaultMethodBody(Sent):
    payment_method: Key


class SavingShown(BaseModel):
    """`client_secret` is for the buyer's browser alone: Stripe.js confirms the setup intent with it."""

    id: str
    client_secret: str

    @classmethod
    def of(cls, saving: Saving) -> Self:
        return cls(id=saving.ref, client_secret=saving.client_secret)


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
