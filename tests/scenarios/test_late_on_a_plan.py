"""What is told late, corrected and retracted of a customer on a plan: in open periods, closed ones, and after the end."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tallystick.values.money import EUR, Money
from tests.scenarios.world import World

FLAT = {"currency": "eur", "model": "flat"}
CALLS = {"currency": "eur", "model": "per_unit", "unit_amount": "0.10", "included": "100", "minimum_amount": "2"}
PLANS = {
    "meters": [{"key": "calls", "decimals": 0}],
    "charges": [{"key": "payg", "meter": "calls", "price": {"currency": "eur", "model": "per_unit", "unit_amount": "1"}}],
    "plans": [
        {
            "key": key,
            "intervals": ["month", "day"],
            "charges": [
                {"key": "base", "kind": "recurring", "prices": [{**FLAT, "amount": "31"}]},
                {"key": "calls", "kind": "usage", "meter": "calls", "prices": [{**CALLS, "unit_amount": rate}]},
            ],
        }
        for key, rate in (("pro", "0.10"), ("cheap", "0.01"))
    ],
}
WHY = "told twice"


@pytest.fixture
def shop(world: World) -> World:
    world.billing.apply_catalogue(PLANS)
    return world


def usage(shop: World) -> list[list[tuple[int, Decimal, Money]]]:
    """(part, quantity, amount) of the usage lines of each invoice that has some, the oldest first."""
    invoices = sorted(shop.billing.invoices(customer_id="ada", limit=200), key=lambda invoice: invoice.number or "")
    found = [[(x.part, x.quantity, x.amount) for x in invoice.lines if x.meter_key] for invoice in invoices]
    return [lines for lines in found if lines]


def test_each_late_truth_of_january_is_a_line_of_january_at_its_price(shop: World) -> None:
    named = shop.billing.subscribe("ada", "pro").id
    shop.on("2026-01-10").uses("ada", "calls", 150, name="a")
    shop.on("2026-01-11").uses("ada", "calls", 200, name="b")
    shop.billing.change_subscription(named, plan="cheap", when="period_end")
    shop.on("2026-02-01 01:00").works()
    shop.on("2026-02-03").uses("ada", "calls", 50, at="2026-01-31 23:59", times=2)
    for _ in range(2):
        shop.billing.retract("ada", "api", "b", reason=WHY)
    right = replace(shop.billing.event("ada", "api", "a"), quantity=Decimal(90))
    shop.billing.correct("ada", "api", "a", replacement=right, reason=WHY)
    shop.on("2026-03-01 01:00").works()
    assert usage(shop) == [
        [(0, Decimal(350), Money(25_00, EUR))],
        [(1, Decimal(-210), Money(-21_00, EUR)), (0, Decimal(0), Money(2_00, EUR))],
    ], "140 calls at the price of January are 4.00, where 25.00 were asked for; and the minimum of February"
    shop.proves()


def test_what_is_put_right_after_the_end_is_on_one_more_invoice_and_then_on_the_next_bill(shop: World) -> None:
    named = shop.billing.subscribe("ada", "pro").id
    shop.on("2026-01-10").uses("ada", "calls", 150, name="a")
    shop.on("2026-01-16 12:00").billing.cancel(named, now=True)
    shop.on("2026-01-20").uses("ada", "calls", 100, at="2026-01-12", name="b")
    shop.works()
    shop.on("2026-02-25").works()
    assert usage(shop) == [[(0, Decimal(150), Money(5_00, EUR))], [(1, Decimal(100), Money(10_00, EUR))]]
    shop.on("2026-04-01").billing.retract("ada", "api", "b", reason=WHY)
    (last,) = shop.bills("ada", times=2)
    assert (last.total, last.carried_out) == (Money(0, EUR), Money(-10_00, EUR))
    assert shop.billing.subscribed("ada", "pro").invoice.total == Money(21_00, EUR), "31, less what stood in their favour"  # type: ignore[union-attr]
    shop.proves()


def test_each_event_is_billed_once_before_during_and_after_a_subscription(shop: World) -> None:
    shop.on("2026-01-05").uses("ada", "calls", 3)
    named = shop.on("2026-01-10").billing.subscribe("ada", "pro").id
    shop.uses("ada", "calls", 110)
    shop.on("2026-01-20").billing.cancel(named, now=True)
    shop.uses("ada", "calls", 5)
    shop.on("2026-01-25").bills("ada", times=2)
    shop.on("2026-01-26").uses("ada", "calls", 7, at="2026-01-06")
    shop.uses("ada", "calls", 20, at="2026-01-12")
    shop.uses("ada", "calls", 9, at="2026-01-22")
    shop.uses("ada", "calls", 2, at="2026-01-04")
    shop.on("2026-01-27").bills("ada", times=2)
    lines = [line for lines in usage(shop) for line in lines]
    assert sum(quantity for _, quantity, _ in lines) == 3 + 110 + 5 + 7 + 20 + 9 + 2
    assert sum(amount.minor for *_, amount in lines) == 100 * (3 + 5 + 7 + 9 + 2) + 10 * 10 + 20 * 10
    shop.proves()


def test_days_with_a_grace_longer_than_a_day_lose_nothing(world: World) -> None:
    context = world.billing.context
    world.billing.context = replace(context, terms=replace(context.terms, grace=timedelta(days=3)))
    world.billing.apply_catalogue(PLANS)
    named = world.billing.subscribe("ada", "pro", interval="day").id
    for date in ("2026-01-01 12:00", "2026-01-02 12:00", "2026-01-03 12:00", "2026-01-04 06:00"):
        world.on(date).uses("ada", "calls", 110)
        world.works()
    world.uses("ada", "calls", 7, at="2026-01-01 13:00")
    world.on("2026-01-04 12:00").works()
    world.billing.cancel(named, now=True, credit_unused=True)
    world.on("2026-02-20").works()
    lines = [line for lines in usage(world) for line in lines]
    assert sum(quantity for _, quantity, _ in lines) == 4 * 110 + 7
    fees = [x for i in world.billing.invoices(customer_id="ada", limit=200) for x in i.lines if not x.meter_key]
    assert sum(fee.amount.minor for fee in fees) == 31_00 * 7 // 2, "three days and a half"
    world.proves()
