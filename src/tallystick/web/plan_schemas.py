"""Plans on the wire: the plan document, field by field, as files have it (docs/reference/plans.md)."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from tallystick.domain.plan_documents import read_plan, write_plan
from tallystick.domain.plans import TRIAL_MAX, PlanVersion
from tallystick.values.fields import Fields
from tallystick.web.quota_schemas import Quantity
from tallystick.web.schemas import Key, Line, Number, Sent

Interval = Annotated[str, Field(min_length=1, max_length=40, examples=["month", "year", "3 months"])]
PlanPrice = Annotated[
    dict[str, Any],
    Field(
        examples=[{"currency": "eur", "model": "flat", "amount": "99", "interval": "month"}],
        description="A price document, and the `interval` that it is for, where it is not for every one.",
    ),
]
_PRO: dict[str, Any] = {
    "name": "Pro",
    "intervals": ["month", "year"],
    "features": ["sso"],
    "charges": [
        {
            "key": "base",
            "kind": "recurring",
            "prices": [
                {"currency": "eur", "model": "flat", "amount": "99", "interval": "month"},
                {"currency": "eur", "model": "flat", "amount": "990", "interval": "year"},
            ],
        }
    ],
}


class PlanChargeBody(Sent):
    """`meter` goes with the kind `usage`, and only with that; usage is asked for in arrears, a fee in advance unless told so."""

    key: Key
    kind: Literal["recurring", "seats", "usage", "one_time"]
    prices: list[PlanPrice] = Field(min_length=1, max_length=1000)
    meter: Key | None = None
    timing: Literal["advance", "arrears"] | None = None
    name: Line = ""


class PlanQuotaBody(Sent):
    meter: Key
    limit: Annotated[Quantity, Field(description='A decimal, or "unlimited".')]
    policy: Literal["hard", "soft"] = "hard"
    reset: Literal["calendar_month", "period", "never"] = "calendar_month"


class PlanBody(Sent):
    """An `add_on` is only sold beside another plan. What is not limited by a quota is not granted either."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PRO]})

    name: Line = ""
    intervals: list[Interval] = Field(default=["month"], min_length=1, max_length=1000)
    trial_days: int = Field(default=0, ge=0, le=TRIAL_MAX.days)
    add_on: bool = False
    billed_by: Literal["tallystick", "provider"] = "tallystick"
    features: list[Key] = Field(default=[], max_length=1000)
    charges: list[PlanChargeBody] = Field(default=[], max_length=1000)
    quotas: list[PlanQuotaBody] = Field(default=[], max_length=1000)

    def to_domain(self, key: str) -> PlanVersion:
        said = self.model_dump(exclude_none=True)
        for charge in said["charges"]:
            _forget_empty(charge, "name")
        _forget_empty(said, "name")
        return read_plan(Fields({"key": key, **said}))


class PlanChargeShown(BaseModel):
    key: str
    kind: str
    meter: str | None = None
    timing: str | None = None
    name: str = ""
    prices: list[PlanPrice]


class PlanQuotaShown(BaseModel):
    meter: str
    limit: Number
    policy: str
    reset: str


class PlanShown(BaseModel):
    """Sent back without `key` and `version`, it is the same plan. The keys of charges are those that lines and coupons name."""

    key: str
    version: int
    name: str = ""
    intervals: list[str]
    trial_days: int = 0
    add_on: bool = False
    billed_by: str = "tallystick"
    features: list[str]
    charges: list[PlanChargeShown]
    quotas: list[PlanQuotaShown]

    @classmethod
    def of(cls, plan: PlanVersion) -> Self:
        return cls.model_validate({"version": plan.version, **write_plan(plan)})


def _forget_empty(said: dict[str, Any], name: str) -> None:
    if not said[name]:
        del said[name]
