"""Subscriptions on the wire: what was agreed, in which period they are, and what a change of them comes to."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from tallystick.domain.entitlements import Decision, Entitlement
from tallystick.domain.invoices import Invoice
from tallystick.domain.payments import Collection, Method
from tallystick.domain.plan_documents import write_terms
from tallystick.domain.plans import TRIAL_MAX
from tallystick.domain.subscriptions import SEATS_MAX, PlanTerms, Subscription
from tallystick.flows._begin import Begun
from tallystick.flows._change import Changed
from tallystick.flows.list_entitlements import Entitled
from tallystick.values.decimals import plain
from tallystick.values.errors import InvalidInput
from tallystick.values.time import instant, rfc3339
from tallystick.web.credit_schemas import CurrencyCode
from tallystick.web.invoice_schemas import InvoiceShown, PeriodShown
from tallystick.web.plan_schemas import Interval
from tallystick.web.schemas import Key, Moment, Number, PriceDocument, Sent, moment

Seats = Annotated[int, Field(ge=0, le=SEATS_MAX)]
AddOns = Annotated[
    dict[Key, Annotated[int, Field(ge=1, le=SEATS_MAX)]],
    Field(max_length=100, examples=[{"support": 2}], description="How many of each add-on."),
]


class CollectedBody(Sent):
    """How its invoices are to be paid: on the provider's hosted page, or by an intent that a page of yours confirms."""

    method: Literal["hosted", "intent"] = "hosted"
    automatic: bool = True
    payment_method: Key | None = None

    def to_domain(self) -> Collection:
        return Collection(Method(self.method), self.automatic, self.payment_method)


class SubscribeBody(Sent):
    """What is null is the plan's own: its only currency, its first interval, its trial. A customer who is new is made."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"customer": "ada", "plan": "pro", "interval": "year"}]})

    customer: Key
    plan: Key
    currency: CurrencyCode | None = None
    interval: Interval | None = None
    seats: Seats = 1
    add_ons: AddOns = Field(default={})
    overrides: dict[Key, PriceDocument] = Field(default={}, max_length=100, description="Prices of their own, by key of charge.")
    coupon: Key | None = Field(default=None, description="Redeemed for this subscription: a code, or the key of a coupon.")
    trial_days: int | None = Field(default=None, ge=0, le=TRIAL_MAX.days)
    start: Moment | None = Field(default=None, description="Not after now; the periods since then are billed one by one.")
    zone: Annotated[str, Field(max_length=64, examples=["Asia/Tokyo"])] = "UTC"
    anchoring: Literal["anniversary", "calendar"] = "anniversary"
    collection: CollectedBody = CollectedBody()
    op: Key | None = Field(default=None, description="Your own name for it: sent again, it is the same subscription.")

    @property
    def wanted(self) -> dict[str, Any]:
        """The words of `Tallystick.subscribe`, beside customer and plan."""
        said = self.model_dump(exclude={"customer", "plan", "start", "collection"})
        started: datetime | None = None if self.start is None else instant(self.start, field="start")
        return said | {"start": started, "collection": self.collection.to_domain()}


class ChangeBody(Sent):
    """What is null stays as it is. To name the plan, also the same one, moves the subscription to its newest version."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"plan": "pro"}, {"seats": 12, "when": "now"}]})

    plan: Key | None = None
    interval: Interval | None = None
    seats: Seats | None = None
    add_ons: AddOns | None = Field(default=None, description="All that there are to be; those not named are taken away.")
    when: Literal["auto", "now", "period_end"] = Field(
        default="auto", description="auto: upwards at once, downwards at the end of the period."
    )


class CancelBody(Sent):
    at: Literal["period_end", "now"] = "period_end"
    credit_unused: bool = Field(default=False, description="With `now`: the unused rest of the fees is given back.")

    @property
    def now(self) -> bool:
        """Raises InvalidInput where nothing would be unused."""
        if self.credit_unused and self.at != "now":
            raise InvalidInput("credit_unused: goes with now; at the end of its period nothing is unused", field="credit_unused")
        return self.at == "now"


class AddOnShown(BaseModel):
    plan: str
    version: int
    quantity: int


class OverrideShown(BaseModel):
    charge: str
    price: PriceDocument


class TermsShown(BaseModel):
    """What was agreed. `version` is that of the plan."""

    plan: str
    version: int
    currency: str
    interval: str
    seats: int
    add_ons: list[AddOnShown]
    overrides: list[OverrideShown]

    @classmethod
    def of(cls, terms: PlanTerms) -> Self:
        return cls.model_validate(write_terms(terms))


class AgreementShown(BaseModel):
    """A subscription. `next_terms` are those that it goes over to at the end of `period`; `full_period` is the one that a
    whole fee is for."""

    id: str
    customer: str
    status: Literal["trialing", "active", "past_due", "unpaid", "paused", "canceled"]
    terms: TermsShown
    next_terms: TermsShown | None
    cancel_at_period_end: bool
    period: PeriodShown
    full_period: PeriodShown
    zone: str
    anchoring: str
    anchor: str
    started_at: str
    trial_end: str | None
    paused_at: str | None
    ended_at: str | None

    @classmethod
    def of(cls, subscription: Subscription) -> Self:
        return cls(
            id=subscription.id,
            customer=subscription.customer_id,
            status=subscription.status.value,
            terms=TermsShown.of(subscription.terms),
            next_terms=None if subscription.next_terms is None else TermsShown.of(subscription.next_terms),
            cancel_at_period_end=subscription.cancel_at_period_end,
            period=PeriodShown.of(subscription.period),
            full_period=PeriodShown.of(subscription.full),
            zone=subscription.zone,
            anchoring=subscription.anchoring.value,
            anchor=rfc3339(subscription.anchor),
            started_at=rfc3339(subscription.started_at),
            trial_end=moment(subscription.trial_end),
            paused_at=moment(subscription.paused_at),
            ended_at=moment(subscription.ended_at),
        )


class BegunShown(BaseModel):
    """The subscription, and its first invoice; null where nothing is asked for yet."""

    subscription: AgreementShown
    invoice: InvoiceShown | None

    @classmethod
    def of(cls, begun: Begun) -> Self:
        return cls(subscription=AgreementShown.of(begun.subscription), invoice=_shown(begun.invoice))


class ChangedShown(BaseModel):
    """The subscription as it is now, and the invoice of the change; null where nothing is asked for at once."""

    subscription: AgreementShown
    invoice: InvoiceShown | None

    @classmethod
    def of(cls, changed: Changed) -> Self:
        return cls(subscription=AgreementShown.of(changed.subscription), invoice=_shown(changed.invoice))


class ActPreviewShown(BaseModel):
    """Accepted until `expires_at`, exactly `invoice` is charged; `subscription` is as it would be. Null `effective_at`: at the
    end of the period."""

    id: str
    act: str
    effective_at: str | None
    expires_at: str
    amount_due: int
    currency: str
    subscription: AgreementShown
    invoice: InvoiceShown | None

    @classmethod
    def of(cls, changed: Changed) -> Self:
        preview = changed.preview
        assert preview is not None, "a preview was asked for"
        return cls(
            id=preview.id,
            act=preview.act.value,
            effective_at=rfc3339(preview.at) if preview.immediate else None,
            expires_at=rfc3339(preview.expires_at),
            amount_due=preview.amount_due,
            currency=preview.currency.code,
            subscription=AgreementShown.of(changed.subscription),
            invoice=_shown(changed.invoice),
        )


class UpcomingShown(BaseModel):
    """The invoice at the end of the current period, as things stand; null where there will be none."""

    invoice: InvoiceShown | None

    @classmethod
    def of(cls, invoice: Invoice | None) -> Self:
        return cls(invoice=_shown(invoice))


class StandingShown(BaseModel):
    """A quota as it stands. Null `limit`: unlimited. `source`: whether a plan gives it, or a grant."""

    meter: str
    limit: Number | None
    used: Number
    reserved: Number
    remaining: Number | None
    resets_at: str | None
    policy: str
    reset: str
    source: str

    @classmethod
    def of(cls, entitlement: Entitlement, decision: Decision) -> Self:
        quota = entitlement.quota
        return cls(
            meter=entitlement.meter_key,
            limit=None if decision.limit is None else plain(decision.limit),
            used=plain(decision.used),
            reserved=plain(decision.reserved),
            remaining=None if decision.remaining is None else plain(decision.remaining),
            resets_at=moment(decision.resets_at),
            policy=quota.policy.value,
            reset=quota.reset.value,
            source=entitlement.source.value,
        )


class EntitlementsShown(BaseModel):
    customer: str
    features: list[str]
    quotas: list[StandingShown]

    @classmethod
    def of(cls, entitled: Entitled) -> Self:
        quotas = [StandingShown.of(entitlement, decision) for entitlement, decision in entitled.quotas]
        return cls(customer=entitled.customer_id, features=sorted(entitled.features), quotas=quotas)


def _shown(invoice: Invoice | None) -> InvoiceShown | None:
    return None if invoice is None else InvoiceShown.of(invoice)
