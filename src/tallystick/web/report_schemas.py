"""Reports on the wire: what the admin's dashboard shows of the whole business."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, Self

from pydantic import BaseModel

from tallystick.domain.recurring_revenue import RecurringMonth
from tallystick.storage.reports import CustomerRow, PaymentMonth, TopCustomer
from tallystick.values.decimals import plain
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
    """From `first` to `last`, days or months; those without any revenue are not in `data`."""

    by: Literal["day", "month"]
    first: str
    last: str
    data: list[RevenuePart]
    totals: list[AmountShown]


class RecurringMonthShown(BaseModel):
    """A month of one currency: what it began with, what each kind of change came to, and what it ended with, in minor units.

    `contraction` and `churn` are below zero. The month that is not over shows what stands now. Shares are decimals, 0 to 1,
    to four places; null where the month began with nothing.
    """

    month: str
    currency: str
    opening: int
    new: int
    expansion: int
    contraction: int
    churn: int
    reactivation: int
    mrr: int
    customers_before: int
    customers_new: int
    customers_lost: int
    customers_back: int
    customers_after: int
    customer_churn: str | None
    revenue_churn: str | None

    @classmethod
    def of(cls, found: RecurringMonth) -> Self:
        return cls(
            month=found.month.isoformat(),
            currency=found.closing.currency.code,
            opening=found.opening.minor,
            new=found.new.minor,
            expansion=found.expansion.minor,
            contraction=found.contraction.minor,
            churn=found.churn.minor,
            reactivation=found.reactivation.minor,
            mrr=found.closing.minor,
            customers_before=found.customers_before,
            customers_new=found.customers_new,
            customers_lost=found.customers_lost,
            customers_back=found.customers_back,
            customers_after=found.customers_after,
            customer_churn=_share(found.customer_churn),
            revenue_churn=_share(found.revenue_churn),
        )


class MrrShown(BaseModel):
    """`mrr` is that of the last of the months, by currency."""

    mrr: list[AmountShown]
    data: list[RecurringMonthShown]

    @classmethod
    def of(cls, found: Sequence[RecurringMonth]) -> Self:
        last = [each.closing for each in found if each.month == found[-1].month]
        return cls(mrr=[AmountShown.of(money) for money in last], data=[RecurringMonthShown.of(each) for each in found])


class DeclineCount(BaseModel):
    code: str
    count: int


class PaymentMonthShown(BaseModel):
    """Of the payments begun in the month: `tried`; of these `failed` at least once; of those `recovered`, paid in the end.

    `failure_rate` is a decimal, 0 to 1, to four places; null where none was tried. `reasons`: by the code of the newest decline.
    """

    month: str
    tried: int
    failed: int
    recovered: int
    failure_rate: str | None
    reasons: list[DeclineCount]

    @classmethod
    def of(cls, found: PaymentMonth) -> Self:
        return cls(
            month=found.month.isoformat(),
            tried=found.tried,
            failed=found.failed,
            recovered=found.recovered,
            failure_rate=_share(found.failure_rate),
            reasons=[DeclineCount(code=code, count=count) for code, count in found.reasons],
        )


class PaymentMonthsShown(BaseModel):
    data: list[PaymentMonthShown]


class TopCustomerShown(BaseModel):
    id: str
    email: str | None
    name: str | None
    revenue: AmountShown

    @classmethod
    def of(cls, found: TopCustomer) -> Self:
        return cls(id=found.id, email=found.email, name=found.name, revenue=AmountShown.of(found.revenue))


class TopCustomersShown(BaseModel):
    data: list[TopCustomerShown]


class BusinessShown(BaseModel):
    """`ended` of the subscriptions that went on at the beginning, or began since, are over; payments by how they stand now."""

    subscriptions_at_start: int
    subscriptions_now: int
    ended: int
    payments: dict[str, int]
    declines: list[DeclineCount]


def _share(part: Decimal | None) -> str | None:
    return None if part is None else plain(part)
