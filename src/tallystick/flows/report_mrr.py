"""What recurs, month by month: from the history of every subscription, and the discounts that recur."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from tallystick import domain, storage
from tallystick.domain.coupons import Discount
from tallystick.domain.recurring_revenue import Course, Plans, RecurringMonth, Stretch
from tallystick.flows.context import Context
from tallystick.values.ids import CustomerId
from tallystick.values.money import Currency
from tallystick.values.time import Period


def report_mrr(ctx: Context, period: Period) -> list[RecurringMonth]:
    """Every calendar month that the period touches and that has begun, and in each the currencies by code."""
    months = domain.recurring_revenue.seen_months(period, now=ctx.clock.now())
    with ctx.database.reading() as conn:
        stretches, redeemed = storage.recurring_revenue.stretches(conn), storage.coupons.recurring(conn)
        named = {plan for stretch in stretches if stretch.terms is not None for plan in stretch.terms.plans}
        plans = storage.plans.versions(conn, named)
    return domain.recurring_revenue.by_month(_courses(stretches, redeemed, plans), months)


def _courses(stretches: Sequence[Stretch], redeemed: Sequence[Discount], plans: Plans) -> Iterator[Mapping[Currency, Course]]:
    """Customer by customer."""
    discounts: dict[CustomerId, list[Discount]] = {}
    for discount in redeemed:
        discounts.setdefault(discount.customer_id, []).append(discount)
    for customer_id, own in groupby(stretches, key=lambda each: each.customer_id):
        yield domain.recurring_revenue.courses(list(own), discounts.get(customer_id, []), plans)
