"""Subscriptions that the provider bills, on the wire; and its invoices of them, as it shows them."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from tallystick.domain.plan_documents import write_terms
from tallystick.domain.plans import TRIAL_MAX
from tallystick.domain.provider_subscriptions import FollowedSubscription, MirroredInvoice, MirroredLine
from tallystick.values.decimals import plain
from tallystick.values.time import rfc3339
from tallystick.web.billing_schemas import Url
from tallystick.web.credit_schemas import CurrencyCode
from tallystick.web.invoice_schemas import PeriodShown
from tallystick.web.plan_schemas import Interval
from tallystick.web.schemas import Key, Number, Sent, moment
from tallystick.web.subscription_schemas import Seats, TermsShown

Standing = Literal[
    "requested", "refused", "incomplete", "trialing", "active", "past_due", "unpaid", "paused", "canceled"
]  # fmt: skip


class ProviderSubscribeBody(Sent):
    """The plan has `billed_by: provider`. What is null is the plan's own: its only currency, its first interval, its trial."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"customer": "ada", "plan": "pro", "seats": 3}]})

    customer: Key
    plan: Key
    currency: CurrencyCode | None = None
    interval: Interval | None = None
    seats: Seats = 1
    trial_days: int | None = Field(default=None, ge=0, le=TRIAL_MAX.days)
    op: Key | None = Field(default=None, description="Your own name for it: sent again, it is the same subscription.")

    @property
    def wanted(self) -> dict[str, Any]:
        """The words of `Tallystick.subscribe_at_provider`, beside customer and plan."""
        return self.model_dump(exclude={"customer", "plan"})


class ProviderPageBody(Sent):
    """The same, on a page of the provider's, which leads back to one of the two addresses."""

    customer: Key
    plan: Key
    success_url: Url
    cancel_url: Url
    currency: CurrencyCode | None = None
    interval: Interval | None = None
    seats: Seats = 1
    trial_days: int | None = Field(default=None, ge=0, le=TRIAL_MAX.days)

    @property
    def wanted(self) -> dict[str, Any]:
        """The words of `Tallystick.subscribe_on_page`, beside customer and plan."""
        return self.model_dump(exclude={"customer", "plan"})


class EndBody(Sent):
    end: Annotated[Literal["period_end", "now", "go_on"], Field(description="go_on: what was said before is off.")]


class FollowedSubscriptionShown(BaseModel):
    """`standing` is by the last that was heard of the provider; `end` is what is wanted, and `told` whether it knows.

    `page_url` is the provider's page on which the customer may still begin it.
    """

    id: str
    customer: str
    standing: Standing
    terms: TermsShown
    trial_days: int
    provider_ref: str | None
    period: PeriodShown | None
    ends_with_period: bool
    end: Literal["period_end", "now", "go_on"]
    told: bool
    reason: str | None
    created_at: str
    ended_at: str | None
    page_url: str | None

    @classmethod
    def of(cls, followed: FollowedSubscription) -> Self:
        return cls.model_validate({
            "id": followed.id,
            "customer": followed.customer_id,
            "standing": followed.standing.value,
            "terms": write_terms(followed.terms),
            "trial_days": followed.trial.days,
            "provider_ref": followed.ref,
            "period": None if followed.period is None else PeriodShown.of(followed.period),
            "ends_with_period": followed.ends_with_period,
            "end": followed.end.value,
            "told": followed.told == followed.wishes,
            "reason": followed.reason,
            "page_url": followed.page_url if followed.is_on_page else None,
            "created_at": rfc3339(followed.created_at),
            "ended_at": moment(followed.ended_at),
        })  # fmt: skip


class MirroredLineShown(BaseModel):
    description: str
    amount: int
    quantity: Number
    period: PeriodShown | None

    @classmethod
    def of(cls, line: MirroredLine) -> Self:
        return cls(
            description=line.description,
            amount=line.amount.minor,
            quantity=plain(line.quantity),
            period=None if line.period is None else PeriodShown.of(line.period),
        )


class MirroredInvoiceShown(BaseModel):
    """An invoice of the provider's own, as it was at `asked_at`. It is neither numbered nor booked here."""

    provider_ref: str
    subscription: str
    customer: str
    standing: Literal["draft", "open", "paid", "uncollectible", "void"]
    number: str | None
    currency: str
    total: int
    amount_due: int
    amount_paid: int
    url: str | None
    lines: list[MirroredLineShown]
    created_at: str
    asked_at: str

    @classmethod
    def of(cls, mirrored: MirroredInvoice) -> Self:
        invoice = mirrored.invoice
        return cls.model_validate({
            "provider_ref": invoice.ref,
            "subscription": mirrored.subscription_id,
            "customer": mirrored.customer_id,
            "standing": invoice.standing.value,
            "number": invoice.number,
            "currency": invoice.total.currency.code,
            "total": invoice.total.minor,
            "amount_due": invoice.amount_due.minor,
            "amount_paid": invoice.amount_paid.minor,
            "url": invoice.url,
            "lines": [MirroredLineShown.of(line) for line in invoice.lines],
            "created_at": rfc3339(invoice.created_at),
            "asked_at": rfc3339(mirrored.asked_at),
        })  # fmt: skip
