"""Reports on the wire: what the admin's dashboard shows of the whole business."""

from typing import Literal, Self

from pydantic import BaseModel

from tallystick.storage.reports import CustomerRow
from tallystick.values.money import Money
from tallystick.values.time import rfc3339


class AmountShown(BaseModel):
    amount: int
    currency: str

    @classmethod
    def of(cls, money: Money) -> Self:
        return cls(amount=money.minor, currency=money.currency.code)


class CustomerRowShown(BaseModel):
    """`plan` and `status` of the newest subscription that goes on; `owed` on open invoices, by currency."""

    id: str
    email: str | None
    name: str | None
    created_at: str
    plan: str | None
    status: str | None
    owed: list[AmountShown]

    @classmethod
    def of(cls, row: CustomerRow) -> Self:
        return cls(
            id=row.id,
            email=row.email,
            name=row.name,
            created_at=rfc3339(row.created_at),
            plan=row.plan_key,
            status=None if row.status is None else row.status.value,
            owed=[AmountShown.of(money) for money in row.owed],
        )


class RevenuePart(BaseModel):
    """One day, or the month that begins on it. What was booked as revenue, less what was given back of it."""

    date: str
    revenue: AmountShown


class RevenueShown(BaseModel):
    by: Literal["day", "month"]
    data: list[RevenuePart]
    totals: list[AmountShown]


class DeclineCount(BaseModel):
    code: str
    count: int


class BusinessShown(BaseModel):
    """`ended` of the subscriptions that went on at the beginning, or began since, are over; payments by how they stand now."""

    subscriptions_at_start: int
    subscriptions_now: int
    ended: int
    payments: dict[str, int]
    declines: list[DeclineCount]


class JobShown(BaseModel):
    id: str
    name: str
    subject: str
    attempts: int
    error: str | None


class JobsShown(BaseModel):
    """`due` are waiting to be done, the oldest for `lag_seconds`; `data` are those that were given up."""

    due: int
    dead: int
    lag_seconds: int
    data: list[JobShown]


class RetriedShown(BaseModel):
    retried: int
