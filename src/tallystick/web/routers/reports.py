"""Reports: customers at a glance, revenue, and what goes wrong. They read, and change nothing."""

from datetime import date, timedelta
from typing import Annotated, Literal

from fastapi import Query

from tallystick.app import Tallystick
from tallystick.app.figures import MONTHS
from tallystick.domain.ledger import Account
from tallystick.domain.recurring_revenue import first_of_months
from tallystick.storage import reports
from tallystick.values.ids import CustomerId
from tallystick.values.money import Currency, Money
from tallystick.values.time import Period, rfc3339
from tallystick.web.door import Billing, Scope, router
from tallystick.web.own_schemas import ComingShown, DaysShown
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.periods import Until, summed_period
from tallystick.web.report_schemas import (
    AmountShown,
    BusinessShown,
    CustomerRowShown,
    DeclineCount,
    MrrShown,
    PaymentMonthShown,
    PaymentMonthsShown,
    RevenuePart,
    RevenueShown,
    TopCustomerShown,
    TopCustomersShown,
)
from tallystick.web.routers.own import coming, days_shown
from tallystick.web.schemas import Key
from tallystick.web.security import needs

routes = router("reports")
_KIND = "report_customers"
_READS = [needs(Scope.BILLING_READ)]
_DAYS = timedelta(days=29)
_Since = Annotated[str, Query(alias="from", max_length=40, examples=["2026-01-01T00:00:00Z"])]
_SinceOr = Annotated[
    str | None, Query(alias="from", max_length=40, description="RFC 3339; of itself, the first of the month eleven months ago.")
]
_Customer = Annotated[Key, Query(description="Your own id of the customer.")]
_Search = Annotated[str, Query(max_length=256, description="Part of the id, the e-mail address or the name.")]


@routes.get("/v1/reports/customers", dependencies=_READS, summary="Customers, with plan, status and what they owe")
def report_customers(billing: Billing, asked: AskedPage, search: _Search = "") -> Page[CustomerRowShown]:
    place = asked.place(_KIND)
    after = None if place is None else str(place[0])
    with billing.context.database.reading() as conn:
        rows = reports.customer_rows(conn, search=search.replace("\0", ""), after=after, limit=asked.limit + 1)
    return page(rows, asked.limit, CustomerRowShown.of, lambda row: (row.id,), kind=_KIND)


@routes.get("/v1/reports/usage-days", dependencies=_READS, summary="The usage of a meter, day by day")
def report_usage_days(
    billing: Billing, customer: _Customer, meter: Annotated[Key, Query()], since: _Since, until: Until = None
) -> DaysShown:
    """With as long a time before it."""
    billing.customer(customer)
    return days_shown(billing, CustomerId(customer), meter, since, until)


@routes.get("/v1/reports/upcoming", dependencies=_READS, summary="A customer's next invoices, as things stand")
def report_upcoming(billing: Billing, customer: _Customer) -> ComingShown:
    billing.customer(customer)
    return coming(billing, CustomerId(customer))


@routes.get("/v1/reports/revenue", dependencies=_READS, summary="Revenue by day or month")
def report_revenue(
    billing: Billing, since: _SinceOr = None, until: Until = None, by: Annotated[Literal["day", "month"], Query()] = "day"
) -> RevenueShown:
    """As the books have it: in advance is revenue once it is served. Less what was refunded.

    By day, `from` is 29 days ago unless it is said.
    """
    period = _period(billing, since, until, days=_DAYS if by == "day" else None)
    with billing.context.database.reading() as conn:
        booked = [each for account in (Account.REVENUE, Account.REFUNDS) for each in reports.money_by_day(conn, account, period)]
    parts = _summed([(_begin(day, by), money) for day, money in booked])
    totals = _summed([(date.min, money) for _, money in booked])
    return RevenueShown(
        by=by,
        first=_begin(period.start.date(), by).isoformat(),
        last=_begin((period.end - timedelta(microseconds=1)).date(), by).isoformat(),
        data=[RevenuePart(date=day.isoformat(), revenue=AmountShown.of(money)) for (day, _), money in _sorted(parts)],
        totals=[AmountShown.of(money) for _, money in _sorted(totals)],
    )


@routes.get("/v1/reports/mrr", dependencies=_READS, summary="What recurs, and churn, month by month")
def report_mrr(billing: Billing, since: _SinceOr = None, until: Until = None) -> MrrShown:
    """Calendar months in UTC: each that the time touches, up to now; and in each what was new, grew, shrank, left, came back."""
    period = _period(billing, since, until)
    return MrrShown.of(billing.mrr(period.start, period.end))


@routes.get("/v1/reports/payments", dependencies=_READS, summary="How many payments failed, and why, month by month")
def report_payments(billing: Billing, since: _SinceOr = None, until: Until = None) -> PaymentMonthsShown:
    """Calendar months in UTC: each that the time touches, up to now. A payment is of the month in which it was begun."""
    period = _period(billing, since, until)
    return PaymentMonthsShown(data=[PaymentMonthShown.of(each) for each in billing.payment_months(period.start, period.end)])


@routes.get("/v1/reports/top-customers", dependencies=_READS, summary="With whom most was earned")
def report_top_customers(
    billing: Billing, since: _SinceOr = None, until: Until = None, limit: Annotated[int, Query(ge=1, le=100)] = 10
) -> TopCustomersShown:
    """As the books have it, less what was given back; up to `limit` of each currency, the most first."""
    period = _period(billing, since, until)
    found = billing.top_customers(period.start, period.end, limit=limit)
    return TopCustomersShown(data=[TopCustomerShown.of(each) for each in found])


@routes.get("/v1/reports/business", dependencies=_READS, summary="Subscriptions that ended, and payments that failed")
def report_business(billing: Billing, since: _SinceOr = None, until: Until = None) -> BusinessShown:
    period = _period(billing, since, until)
    with billing.context.database.reading() as conn:
        counts, declines = reports.payment_counts(conn, period), reports.declines(conn, period)
        return BusinessShown(
            subscriptions_at_start=reports.subscribers_at(conn, period.start),
            subscriptions_now=reports.subscribers_at(conn, period.end),
            ended=reports.subscriptions_ended(conn, period),
            payments={status.value: count for status, count in counts.items()},
            declines=[DeclineCount(code=code, count=count) for code, count in sorted(declines.items(), key=lambda d: -d[1])],
        )


def _period(billing: Tallystick, since: str | None, until: str | None, *, days: timedelta | None = None) -> Period:
    """From then on, or for so many days, or for twelve months; until now unless another end is said."""
    now = billing.context.clock.now()
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    start = first_of_months(MONTHS, now=now) if days is None else today - days
    return summed_period(since or rfc3339(start), until, now=now + timedelta(microseconds=1))


def _begin(day: date, by: Literal["day", "month"]) -> date:
    return day if by == "day" else day.replace(day=1)


def _summed(parts: list[tuple[date, Money]]) -> dict[tuple[date, Currency], Money]:
    """Revenue stands in the books as a credit, so below zero: here it is what was earned."""
    found: dict[tuple[date, Currency], Money] = {}
    for day, money in parts:
        key = (day, money.currency)
        found[key] = found.get(key, Money(0, money.currency)) - money
    return found


def _sorted(parts: dict[tuple[date, Currency], Money]) -> list[tuple[tuple[date, Currency], Money]]:
    return sorted(parts.items(), key=lambda part: (part[0][0], part[0][1].code))
