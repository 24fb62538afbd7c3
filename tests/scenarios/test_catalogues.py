"""The catalogues that ship as examples: applied once, sold in every tier, and billed to figures that were computed by hand."""

from pathlib import Path

import pytest

from tallystick.app import starter
from tallystick.cli.catalog import read_document
from tallystick.domain.catalog_documents import Catalogue, read_catalogue
from tallystick.domain.periods import read_cadence
from tallystick.domain.plans import PlanVersion
from tallystick.values.errors import Conflict
from tallystick.values.money import EUR, USD, Money, currency
from tests.scenarios.world import World

FOLDER = Path(__file__).parents[2] / "examples" / "catalogues"
COMPUTE, AI = FOLDER / "compute_tiers.toml", FOLDER / "ai_platform.toml"
SOLD = {
    COMPUTE: {("starter", "eur"): (99, 990), ("pro", "eur"): (199, 1_990), ("enterprise", "eur"): (499, 4_990)},
    AI: {
        (plan, code): (month, year)
        for plan, month, year in (("basic", 19, 190), ("pro", 99, 990), ("enterprise", 499, 4_990))
        for code in ("usd", "eur")
    },
}


def selling(world: World, file: Path) -> World:
    assert world.billing.apply_catalogue(read_document(file))
    return world


def euros(cents: int) -> Money:
    return Money(cents, EUR)


def totals(world: World, customer: str = "ada") -> list[Money]:
    """Of every invoice, newest first."""
    return [invoice.total for invoice in world.billing.invoices(customer_id=customer)]


def amounts(world: World, customer: str = "ada") -> dict[str, int]:
    """Of the newest invoice, in cents, by the name of the line."""
    return {line.description: line.amount.minor for line in world.billing.invoices(customer_id=customer, limit=1)[0].lines}


@pytest.mark.parametrize("file", SOLD, ids=lambda file: file.stem)
def test_applied_a_second_time_it_changes_nothing(small_world: World, file: Path) -> None:
    selling(small_world, file)
    assert small_world.billing.apply_catalogue(read_document(file)) == []


@pytest.mark.parametrize("file", SOLD, ids=lambda file: file.stem)
def test_every_tier_is_sold_in_each_currency_by_the_month_and_by_the_year(small_world: World, file: Path) -> None:
    world = selling(small_world, file)
    for (plan, code), prices in SOLD[file].items():
        for interval, price in zip(("month", "year"), prices, strict=True):
            begun = world.billing.subscribed(f"{plan}-{code}-{interval}", plan, currency=code, interval=interval)
            assert begun.invoice is not None
            assert begun.invoice.total == Money(price * 100, currency(code))
    world.proves()


def test_a_year_is_cheaper_by_17_percent() -> None:
    for month, year in SOLD[COMPUTE].values():
        assert round(100 - 100 * year / (12 * month)) == 17


def test_a_month_on_starter_with_120_hours_over_the_included(world: World) -> None:
    selling(world, COMPUTE).billing.subscribe("ada", "starter")
    world.on("2026-01-10").uses("ada", "compute_hours", "150.5", times=2)
    world.on("2026-01-20").uses("ada", "compute_hours", "69.5")
    world.uses("ada", "api_credits", 12_500)
    world.on("2026-02-01 01:00").works()
    # 220 - 100 = 120 h × 0.05 = 6.00; 12,500 - 10,000 = 2,500 × 0.01 = 25.00; and the next month.
    assert amounts(world) == {"Compute": 6_00, "API credits": 25_00, "Starter": 99_00}
    assert totals(world) == [euros(130_00), euros(99_00)]
    world.proves()


def test_what_is_included_costs_nothing_and_the_next_unit_does(small_world: World) -> None:
    selling(small_world, COMPUTE).billing.subscribe("ada", "pro")
    small_world.on("2026-01-10").uses("ada", "compute_hours", 400)
    small_world.uses("ada", "api_credits", 50_001)
    small_world.on("2026-02-01 01:00").works()
    assert amounts(small_world) == {"Compute": 0, "API credits": 1, "Pro": 199_00}
    small_world.proves()


def test_compute_is_unlimited_in_enterprise_and_credits_are_not(small_world: World) -> None:
    selling(small_world, COMPUTE).billing.subscribe("ada", "enterprise")
    small_world.on("2026-01-10").uses("ada", "compute_hours", 100_000)
    small_world.uses("ada", "api_credits", 200_300)
    small_world.on("2026-02-01 01:00").works()
    assert amounts(small_world) == {"API credits": 3_00, "Enterprise": 499_00}
    assert small_world.billing.check("ada", "compute_hours", 1_000_000).limit is None
    small_world.proves()


def test_a_year_includes_twelve_months(small_world: World) -> None:
    selling(small_world, COMPUTE).billing.subscribe("ada", "starter", interval="year")
    small_world.on("2026-06-01").uses("ada", "compute_hours", 1_300)
    small_world.on("2027-01-01 01:00").works()
    # 1,300 - 1,200 = 100 h × 0.05
    assert amounts(small_world) == {"Compute": 5_00, "API credits": 0, "Starter": 990_00}
    assert totals(small_world) == [euros(995_00), euros(990_00)]
    small_world.proves()


def test_an_upgrade_in_the_middle_bills_the_usage_of_the_month_at_the_plan_of_its_end(small_world: World) -> None:
    subscription = selling(small_world, COMPUTE).billing.subscribe("ada", "starter")
    small_world.on("2026-01-16 12:00").uses("ada", "compute_hours", 450)
    changed = small_world.billing.change_subscription(subscription.id, plan="pro")
    assert changed.invoice is not None
    assert changed.invoice.total == euros(50_00), "half a month of 199, less half a month of 99"
    small_world.on("2026-02-01 01:00").works()
    assert amounts(small_world) == {"Compute": 2_00, "API credits": 0, "Pro": 199_00}, "50 h over 400, at 0.04"
    small_world.proves()


def test_earlybird30_takes_30_percent_off_every_invoice(small_world: World) -> None:
    selling(small_world, COMPUTE).billing.subscribe("ada", "starter", coupon="EARLYBIRD30")
    small_world.on("2026-01-10").uses("ada", "compute_hours", 220)
    small_world.on("2026-02-01 01:00").works()
    small_world.on("2026-03-01 01:00").works()
    # 99.00 × 0.7; (6.00 + 99.00) × 0.7; 99.00 × 0.7
    assert totals(small_world) == [euros(69_30), euros(73_50), euros(69_30)]
    small_world.proves()


def test_launch2025_takes_20_percent_off_the_first_invoice_until_the_year_ends() -> None:
    world = World("sqlite://", at="2025-12-31 23:59:59")
    selling(world, COMPUTE).billing.subscribe("ada", "starter", coupon="LAUNCH2025")
    world.on("2026-01-01")
    with pytest.raises(Conflict, match="could be redeemed until"):
        world.billing.subscribe("ben", "starter", coupon="LAUNCH2025")
    world.on("2026-02-01 01:00").works()
    assert totals(world) == [euros(99_00), euros(79_20)]
    assert world.billing.coupons()["LAUNCH2025"].max_redemptions == 100
    world.proves()
    world.billing.close()


def test_a_plan_of_the_ai_platform_lets_so_much_be_used_in_a_month(world: World) -> None:
    selling(world, AI).billing.subscribe("ada", "basic", currency="usd")
    for meter, limit in (("tokens", 100_000), ("api_calls", 1_000), ("scraping_tasks", 100)):
        assert world.billing.consume("ada", meter, limit, op=f"{meter}-1").allowed
        denied = world.billing.consume("ada", meter, 1, op=f"{meter}-2")
        assert (denied.allowed, denied.reason, denied.remaining) == (False, "quota_exceeded", 0)
    world.on("2026-02-01")
    assert world.billing.check("ada", "tokens", 100_000).allowed
    subscription = world.billing.subscriptions("ada")[0]
    world.billing.change_subscription(subscription.id, plan="enterprise")
    assert world.billing.check("ada", "tokens", 10**12).limit is None
    world.proves()


def base_fee(plan: PlanVersion) -> object:
    (charge,) = plan.charges
    return charge.price(USD, read_cadence("month"))


def test_an_app_that_begins_with_our_plans_begins_with_those_of_the_example() -> None:
    ours: Catalogue = read_catalogue(starter.catalogue(starter.LIMITS, starter.SAMPLE_PRICES, "usd", meters=(), plans=()))
    example = read_catalogue(read_document(AI))
    assert ours.meters == example.meters
    assert ours.plans.keys() == example.plans.keys()
    for key, plan in ours.plans.items():
        assert plan.quotas == example.plans[key].quotas
        assert plan.display_name == example.plans[key].display_name
        assert base_fee(plan) == base_fee(example.plans[key])
