"""Quotas on the wire: quantities are decimal strings, and an unlimited quota says null."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field

from tallystick.app import Reservation
from tallystick.domain.entitlements import Decision, Entitlement, Policy, Quota, Reset
from tallystick.domain.spend_caps import Spend
from tallystick.flows.list_quotas import QuotaStanding
from tallystick.values.decimals import exact_decimal, plain
from tallystick.values.money import Money, currency
from tallystick.values.time import rfc3339
from tallystick.web.schemas import Key, Number, Sent, moment


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Quantity = Annotated[
    str,
    BeforeValidator(_as_text),
    Field(
        max_length=100,
        examples=["1.5"],
        description="An exact decimal, as a string or a whole number.",
        json_schema_extra={"type": ["string", "integer"]},
    ),
]


class EntitlementBody(Sent):
    """`limit` must be said: null is unlimited, and 0 is nothing."""

    customer: Key
    meter: Key
    limit: Quantity | None
    policy: Literal["hard", "soft"] = "hard"
    reset: Literal["calendar_month", "never"] = "calendar_month"
    zone: Annotated[str, Field(max_length=64, examples=["Asia/Tokyo"])] = "UTC"

    def to_domain(self) -> Quota:
        limit = None if self.limit is None else exact_decimal(self.limit, field="limit")
        return Quota(limit, Policy(self.policy), Reset(self.reset), self.zone)


class EntitlementShown(BaseModel):
    customer: str
    meter: str
    limit: Number | None
    policy: str
    reset: str
    zone: str
    updated_at: str

    @classmethod
    def of(cls, entitlement: Entitlement) -> Self:
        quota = entitlement.quota
        return cls(
            customer=entitlement.customer_id,
            meter=entitlement.meter_key,
            limit=None if quota.limit is None else plain(quota.limit),
            policy=quota.policy.value,
            reset=quota.reset.value,
            zone=quota.zone,
            updated_at=rfc3339(entitlement.updated_at),
        )


class SpendCapBody(Sent):
    """`limit` in minor units of the currency. Months begin at midnight in `zone`."""

    customer: Key
    limit: int = Field(ge=0, le=2**53, examples=[50000])
    currency: Annotated[str, Field(min_length=3, max_length=3, examples=["usd"])]
    policy: Literal["hard", "soft"] = "hard"
    zone: Annotated[str, Field(max_length=64, examples=["Asia/Tokyo"])] = "UTC"

    @property
    def money(self) -> Money:
        return Money(self.limit, currency(self.currency))


class SpendShown(BaseModel):
    """How a cap stands, in minor units. What is reserved counts as spent."""

    customer: str
    limit: int
    currency: str
    policy: str
    zone: str
    spent: int
    remaining: int
    resets_at: str

    @classmethod
    def of(cls, spend: Spend) -> Self:
        cap = spend.cap
        return cls(
            customer=cap.customer_id,
            limit=cap.limit.minor,
            currency=cap.limit.currency.code,
            policy=cap.policy.value,
            zone=cap.zone,
            spent=spend.spent.minor,
            remaining=spend.remaining.minor,
            resets_at=rfc3339(spend.period.end),
        )


class UncappedShown(BaseModel):
    customer: str
    limit: None = None


class CheckBody(Sent):
    customer: Key
    meter: Key
    quantity: Quantity = "1"


class ConsumeBody(CheckBody):
    op: Annotated[Key, Field(description="Your own name for this use: sent again, it takes once.")]


class ReserveBody(ConsumeBody):
    ttl_seconds: int = Field(default=900, ge=1, le=86_400)

    @property
    def ttl(self) -> timedelta:
        return timedelta(seconds=self.ttl_seconds)


class CommitBody(Sent):
    actual: Quantity | None = Field(default=None, description="What was really used; null: all that was reserved.")


class DecisionShown(BaseModel):
    """`reason` says why it is not a plain yes: `overage` is a yes, and `spend_cap` under a soft cap. Null `limit`: unlimited."""

    allowed: bool
    reason: str | None
    limit: Number | None
    used: Number
    reserved: Number
    remaining: Number | None
    resets_at: str | None

    @classmethod
    def of(cls, decision: Decision) -> Self:
        return cls(
            allowed=decision.allowed,
            reason=None if decision.reason is None else decision.reason.value,
            limit=None if decision.limit is None else plain(decision.limit),
            used=plain(decision.used),
            reserved=plain(decision.reserved),
            remaining=None if decision.remaining is None else plain(decision.remaining),
            resets_at=moment(decision.resets_at),
        )


class QuotaShown(BaseModel):
    """One entitlement, and how its quota stands."""

    entitlement: EntitlementShown
    standing: DecisionShown

    @classmethod
    def of(cls, found: QuotaStanding) -> Self:
        return cls(entitlement=EntitlementShown.of(found.entitlement), standing=DecisionShown.of(found.decision))


class QuotasShown(BaseModel):
    """Of one customer, by meter."""

    data: list[QuotaShown]


class ReservationShown(BaseModel):
    """`id` is null where the decision is a no: nothing is held then."""

    id: str | None
    expires_at: str | None
    decision: DecisionShown

    @classmethod
    def of(cls, reservation: Reservation) -> Self:
        ends: datetime | None = reservation.expires_at
        return cls(id=reservation.id, expires_at=moment(ends), decision=DecisionShown.of(reservation.decision))


class ReleasedShown(BaseModel):
    id: str
    status: Literal["released"] = "released"
