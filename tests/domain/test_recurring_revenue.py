"""MRR: fees for a month, less the discounts that recur; and what a month gained and lost of it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.catalog import FlatPrice, UnitPrice
from tallystick.domain.coupons import Coupon, Discount, Duration, redeemed
from tallystick.domain.periods import read_cadence
from tallystick.domain.plans import BilledBy, ChargeKind, PlanCharge, PlanPrice, PlanVersion
from tallystick.domain.recurring_revenue import Seen, Stretch, by_month, courses, monthly, part, seen_months
from tallystick.domain.subscriptions import AddOn, PlanTerms
from tallystick.values.ids import CustomerId, MeterKey, SubscriptionId
from tallystick.values.money import EUR, USD, Money
from tallystick.values.time import Period


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def flat(amount: str) -> FlatPrice:
    return FlatPrice(Decimal(amount), currency=EUR)


def a_plan(key: str, amount: str, *more: PlanCharge, **about) -> PlanVersion:
    base = PlanCharge("base", ChargeKind.RECURRING, (PlanPrice(flat(amount)),))
    every = tuple(map(read_cadence, ("month", "year", "3 months", "30 days", "2 weeks")))
    return PlanVersion(key, 1, (base, *more), cadences=every, **about)


SEATS = PlanCharge("seats", ChargeKind.SEATS, (PlanPrice(UnitPrice(Decimal("4.50"), currency=EUR)),))
CALLS = PlanCharge("calls", ChargeKind.USAGE, (PlanPrice(flat("7")),), meter_key=MeterKey("calls"))
SETUP = PlanCharge("setup", ChargeKind.ONE_TIME, (PlanPrice(flat("500")),))
PLANS = {
    (plan.key, 1): plan
    for plan in (
        a_plan("basic", "10"),
        a_plan("pro", "99", SEATS, CALLS, SETUP),
        a_plan("storage", "3", add_on=True),
        PlanVersion(
            "theirs",
            1,
            (PlanCharge("base", ChargeKind.RECURRING, (PlanPrice(flat("20"), lookup_key="theirs_base"),)),),
            billed_by=BilledBy.PROVIDER,
        ),
    )
}


def terms(plan: str = "basic", interval: str = "month", **more) -> PlanTerms:
    return PlanTerms(plan, 1, EUR, read_cadence(interval), **more)


def coupon(at: str = "2026-01-01", *, of: str = "", **offer) -> Discount:
    kept = Coupon("OFF", **{"duration": Duration.FOREVER, **offer})
    return redeemed(kept, customer_id=CustomerId("ada"), subscription_id=of, now=day(at))


def stretch(since: str, of: PlanTerms | None, *, subscription: str = "sub_1") -> Stretch:
    return Stretch(CustomerId("ada"), SubscriptionId(subscription), day(since), of)


def seen(since: str = "2026-01-01", until: str = "2026-07-01", *, now: str = "2026-12-31") -> list[Seen]:
    return seen_months(Period(day(since), day(until)), now=day(now))


def test_a_months_fees_are_the_recurring_ones_and_neither_usage_nor_what_is_due_once() -> None:
    assert monthly(terms(), PLANS) == Money(10_00, EUR)
    assert monthly(terms("pro", seats=4), PLANS) == Money(117_00, EUR), "99 and four seats at 4.50"
    beside = (AddOn("storage", 1, 2),)
    assert monthly(terms(add_ons=beside), PLANS) == Money(16_00, EUR)
    assert monthly(terms(overrides={"base": flat("8")}), PLANS) == Money(8_00, EUR)
    assert monthly(terms("theirs"), PLANS) == Money(20_00, EUR), "the provider bills it, at a price that is known here"


@pytest.mark.parametrize(
    ("interval", "minor"),
    [("month", 99_00), ("year", 8_25), ("3 months", 33_00), ("30 days", 100_38), ("2 weeks", 215_09)],
)
def test_other_intervals_are_turned_into_a_month_and_rounded_once(interval: str, minor: int) -> None:
    """A year is twelve months and 365 days: 99 for 30 days are 99 x 365 / 360, for 14 days 99 x 365 / 168."""
    assert monthly(terms("pro", interval, seats=0), PLANS) == Money(minor, EUR)


def test_only_discounts_that_recur_count_and_they_are_taken_off_as_on_an_invoice() -> None:
    half, ten = coupon(percent=Decimal(50)), coupon(amounts={EUR: Money(10_00, EUR)})
    assert monthly(terms("pro"), PLANS, [ten, half]) == Money(41_75, EUR), "half of 103.50, then ten"
    assert monthly(terms("pro"), PLANS, [coupon(percent=Decimal(100), charges=frozenset({"seats"}))]) == Money(99_00, EUR)
    assert monthly(terms(), PLANS, [coupon(amounts={EUR: Money(50_00, EUR)})]) == Money(0, EUR), "never below zero"
    assert monthly(terms(), PLANS, [coupon(amounts={USD: Money(5_00, USD)})]) == Money(10_00, EUR), "of another currency"
    once = coupon(percent=Decimal(50), duration=Duration.ONCE)
    assert courses([stretch("2026-01-05", terms())], [once], PLANS)[EUR].amounts == (Money(10_00, EUR),)


def test_a_year_less_a_tenth_is_rounded_at_the_end_and_not_before() -> None:
    assert monthly(terms("basic", "year"), PLANS) == Money(83, EUR), "0.8333 a month"
    assert monthly(terms("basic", "year"), PLANS, [coupon(percent=Decimal(10))]) == Money(75, EUR), "9 a year, not 0.9 x 0.83"


def test_each_month_says_what_was_new_what_grew_what_shrank_what_was_lost_and_what_came_back() -> None:
    ada = courses(
        [
            stretch("2026-01-10", terms()),
            stretch("2026-02-10", terms("pro", seats=0)),
            stretch("2026-03-10", terms()),
            stretch("2026-04-10", None),
            stretch("2026-05-10", terms()),
        ],
        [],
        PLANS,
    )
    found = by_month([ada], seen())
    moved = [[m.new, m.expansion, m.contraction, m.churn, m.reactivation, m.closing] for m in found]
    assert [[each.minor for each in month] for month in moved] == [
        [10_00, 0, 0, 0, 0, 10_00],
        [0, 89_00, 0, 0, 0, 99_00],
        [0, 0, -89_00, 0, 0, 10_00],
        [0, 0, 0, -10_00, 0, 0],
        [0, 0, 0, 0, 10_00, 10_00],
        [0, 0, 0, 0, 0, 10_00],
    ]
    assert [month.customers_after for month in found] == [1, 1, 1, 0, 1, 1]
    assert [month.customer_churn for month in found] == [None, Decimal(0), Decimal(0), Decimal(1), None, Decimal(0)]
    assert found[2].revenue_churn == Decimal("0.8990"), "89 of 99"


def test_a_change_on_the_first_instant_of_a_month_is_of_that_month() -> None:
    ada = courses([stretch("2026-02-01", terms())], [], PLANS)
    assert [month.closing.minor for month in by_month([ada], seen(until="2026-03-01"))] == [0, 10_00]


def test_what_is_free_at_first_is_new_once_it_costs_something() -> None:
    free = coupon("2026-01-01", percent=Decimal(100), duration=Duration.MONTHS, months=2)
    ada = courses([stretch("2026-01-01", terms())], [free], PLANS)
    assert [month.new.minor for month in by_month([ada], seen(until="2026-05-01"))] == [0, 0, 10_00, 0]


def test_the_month_that_is_not_over_shows_what_stands_now() -> None:
    ends = coupon("2026-01-01", percent=Decimal(50), duration=Duration.MONTHS, months=1)
    ada = courses([stretch("2026-01-10", terms())], [ends], PLANS)
    (month,) = by_month([ada], seen(now="2026-01-20"))
    assert month.closing == Money(5_00, EUR)


def test_the_months_are_those_that_a_period_touches_and_that_have_begun() -> None:
    touched = seen("2025-12-15", "2026-02-01", now="2027-01-01")
    assert [each.month for each in touched] == [date(2025, 12, 1), date(2026, 1, 1)]
    assert touched[0].before < day("2025-12-01") <= touched[0].after < day("2026-01-01")
    assert [each.month for each in seen(now="2026-02-01")] == [date(2026, 1, 1), date(2026, 2, 1)]
    assert seen(now="2025-12-31") == []


def test_a_discount_of_one_subscription_leaves_the_others_alone() -> None:
    two = [stretch("2026-01-01", terms()), stretch("2026-01-01", terms("pro", seats=0), subscription="sub_2")]
    found = courses(two, [coupon(of="sub_2", percent=Decimal(50))], PLANS)
    assert found[EUR].at(day("2026-01-01")) == Money(59_50, EUR), "10, and half of 99"


def test_what_the_provider_bills_is_not_reduced_by_our_discounts() -> None:
    assert monthly(terms("theirs"), PLANS, [coupon(percent=Decimal(50))]) == Money(20_00, EUR)


def test_who_never_brought_in_anything_is_not_there() -> None:
    assert courses([stretch("2026-01-01", None)], [], PLANS) == {}
    assert by_month([{}], seen()) == []


def test_a_part_is_rounded_to_four_places_and_there_is_none_of_nothing() -> None:
    assert part(1, 3) == Decimal("0.3333")
    assert part(1, 20_000) == Decimal("0.0001"), "half up"
    assert part(0, 0) is None


_TERMS = st.sampled_from([None, terms(), terms("pro"), terms("basic", "year"), terms("theirs")])
_STRETCHES = st.lists(st.tuples(st.integers(0, 200), st.sampled_from(["sub_1", "sub_2"]), _TERMS), max_size=8)


@given(st.lists(_STRETCHES, max_size=4))
def test_a_month_adds_up_and_begins_where_the_one_before_has_ended(customers) -> None:
    def stretches(told):
        return [
            Stretch(CustomerId("ada"), SubscriptionId(of), day("2026-01-01") + timedelta(days=since), agreed)
            for since, of, agreed in sorted(told, key=lambda each: each[0])
        ]

    found = by_month([courses(stretches(told), [coupon(percent=Decimal(10))], PLANS) for told in customers], seen())
    for month in found:
        moved = month.new + month.expansion + month.contraction + month.churn + month.reactivation
        assert month.opening + moved == month.closing
        assert month.customers_after >= 0
    for before, after in pairwise(found):
        assert (before.closing, before.customers_after) == (after.opening, after.customers_before)
