"""Spend caps: what usage of this month comes to, rated live, and never more than the cap, whoever spends at once."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from tallystick.app import Leases, Tallystick
from tallystick.domain.entitlements import Policy, Quota, Reason
from tallystick.domain.usage import Meter
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import MeterKey
from tallystick.values.money import EUR, USD, Money
from tests.flows.crowd import at_once, patiently
from tests.scenarios.world import World

CALLS = {"model": "per_unit", "currency": "usd", "unit_amount": "0.30", "included": "10"}
PAGES = {"model": "per_unit", "currency": "usd", "unit_amount": "1"}


def usd(cents: int) -> Money:
    return Money(cents, USD)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """Ada may use as many calls and pages as she likes."""
    made = World(database_url)
    for meter, price in (("calls", CALLS), ("pages", PAGES)):
        made.sells(meter, price)
        made.billing.grant("ada", meter, Quota(None))
    yield made
    made.billing.close()


@pytest.fixture
def billing(world: World) -> Tallystick:
    return world.billing


def test_what_would_cost_more_than_the_cap_is_denied_and_what_fits_is_not(billing: Tallystick) -> None:
    billing.cap_spend("ada", usd(500))
    assert billing.consume("ada", "pages", 4, op="a").allowed
    for _ in range(2):
        no = billing.consume("ada", "pages", 2, op="b")
        assert (no.allowed, no.reason) == (False, Reason.SPEND_CAP)
    assert billing.check("ada", "pages", 2).reason is Reason.SPEND_CAP
    assert not billing.reserve("ada", "pages", 2, op="c").decision.allowed
    assert billing.check("ada", "pages", 1).allowed
    assert billing.consume("ada", "pages", 1, op="b2").allowed, "to the cent"
    spend = billing.spend("ada")
    assert spend is not None
    assert (spend.spent, spend.remaining) == (usd(500), usd(0))
    assert billing.consume("ada", "pages", 4, op="a").allowed, "what was allowed before, stays allowed"


def test_what_costs_nothing_is_always_within_the_cap(billing: Tallystick) -> None:
    billing.cap_spend("ada", usd(0))
    assert billing.consume("ada", "calls", 10, op="included").allowed
    assert billing.consume("ada", "calls", "0.01", op="less than half a cent").allowed, "as it will be billed"
    assert billing.consume("ada", "calls", "0.01", op="more than that").reason is Reason.SPEND_CAP
    billing.cap_spend("ada", None)
    assert billing.consume("ada", "calls", 100, op="free again").allowed
    billing.cap_spend("ada", usd(100))
    assert not billing.consume("ada", "calls", op="above it already").allowed
    assert billing.spend("ada").spent == usd(3000)  # type: ignore[union-attr]


def test_all_meters_spend_of_one_cap_and_so_does_what_was_recorded_by_other_means(world: World) -> None:
    world.billing.cap_spend("ada", usd(1000))
    world.uses("ada", "calls", 30)
    assert world.billing.spend("ada").spent == usd(600)  # type: ignore[union-attr]
    assert world.billing.consume("ada", "pages", 4, op="a").allowed
    assert not world.billing.consume("ada", "pages", 1, op="b").allowed
    assert not world.billing.consume("ada", "calls", 1, op="c").allowed
    assert world.billing.consume("ben", "pages", 1, op="a").reason is Reason.UNKNOWN_CUSTOMER


def test_what_was_billed_this_month_counts_and_the_next_month_begins_at_nothing(world: World) -> None:
    world.billing.cap_spend("ada", usd(500), zone="Asia/Tokyo")
    world.on("2026-01-10")
    assert world.billing.consume("ada", "pages", 5, op="a").allowed
    world.on("2026-01-20")
    assert world.billing.bill("ada")[0].total == usd(500)
    assert not world.billing.consume("ada", "pages", 1, op="b").allowed
    world.on("2026-01-31T14:59:59")
    assert not world.billing.check("ada", "pages", 1).allowed
    world.on("2026-01-31T15:00")
    assert world.billing.consume("ada", "pages", 5, op="c").allowed


def test_what_is_reserved_counts_as_spent_until_it_is_given_back(world: World) -> None:
    billing = world.billing
    billing.cap_spend("ada", usd(500))
    held = billing.reserve("ada", "pages", 4, op="a", ttl=timedelta(minutes=5))
    assert billing.spend("ada").spent == usd(400)  # type: ignore[union-attr]
    assert not billing.consume("ada", "pages", 2, op="b").allowed
    no = held.commit(6)
    assert (no.allowed, no.reason) == (False, Reason.SPEND_CAP)
    billing.cap_spend("ada", usd(100))
    assert held.commit(4).allowed, "it was promised"
    billing.cap_spend("ada", usd(500))
    billing.reserve("ada", "pages", 1, op="c", ttl=timedelta(minutes=5))
    assert not billing.check("ada", "pages").allowed
    world.later(minutes=5)
    assert billing.check("ada", "pages").allowed


def test_a_soft_cap_allows_and_says_so(billing: Tallystick) -> None:
    billing.cap_spend("ada", usd(100), policy=Policy.SOFT)
    assert billing.consume("ada", "pages", 1, op="a").reason is None
    told = billing.consume("ada", "pages", 1, op="b")
    assert (told.allowed, told.reason) == (True, Reason.SPEND_CAP)


def test_money_of_another_currency_is_not_spent_of_it(world: World) -> None:
    world.sells("seats", {"model": "per_unit", "currency": "eur", "unit_amount": "100"})
    world.billing.grant("ada", "seats", Quota(None))
    world.billing.cap_spend("ada", usd(100))
    assert world.billing.consume("ada", "seats", 5, op="a").allowed
    assert world.billing.spend("ada").spent == usd(0)  # type: ignore[union-attr]
    world.billing.cap_spend("ada", Money(100, EUR))
    assert not world.billing.consume("ada", "seats", 1, op="b").allowed


@pytest.mark.parametrize(
    ("price", "spent"),
    [
        ({"model": "package", "currency": "usd", "package_size": "10", "package_amount": "2"}, 400),
        ({"model": "percentage", "currency": "usd", "rate_percent": "10", "fixed_amount_per_event": "0.5"}, 220),
        ({"model": "dynamic", "currency": "usd"}, 1200),
        ({"model": "graduated", "currency": "usd", "tiers": [{"up_to": "10", "unit_amount": "0.1"}, {"unit_amount": "1"}]}, 300),
    ],
)
def test_every_price_is_rated_as_it_will_be_billed(world: World, price: dict, spent: int) -> None:
    world.sells("units", price)
    world.billing.grant("ada", "units", Quota(None))
    world.billing.cap_spend("ada", usd(spent))
    assert world.billing.consume("ada", "units", 8, op="a").allowed
    assert world.billing.consume("ada", "units", 4, op="b").allowed
    assert world.billing.spend("ada").spent == usd(spent)  # type: ignore[union-attr]
    assert not world.billing.consume("ada", "units", 9, op="c").allowed
    (invoice,) = world.billing.preview("ada", until=world.clock.now() + timedelta(days=1))
    assert invoice.subtotal == usd(spent)


def test_many_at_once_never_spend_more_than_the_cap_together(billing: Tallystick) -> None:
    billing.cap_spend("ada", usd(1000))

    def work(number: int) -> int:
        meter = ("pages", "calls")[number % 2]
        asked = (patiently(lambda n=n: billing.consume("ada", meter, 1, op=f"{number}-{n}")) for n in range(12))
        return sum(answer.allowed for answer in asked)

    at_once(8, work)
    spend = billing.spend("ada")
    assert spend is not None
    assert usd(970) < spend.spent <= usd(1000), "and so little is left that nothing more fits"
    assert not billing.check("ada", "calls", 4).allowed
    assert billing.verify().clean


def test_under_a_cap_nothing_is_leased(billing: Tallystick) -> None:
    billing.cap_spend("ada", usd(500))
    leases = Leases(billing, background=False)
    assert [leases.consume("ada", "pages", op=f"op-{n}").allowed for n in range(7)] == [True] * 5 + [False] * 2
    assert billing.check("ada", "calls").reserved == 0
    leases.close()


def test_a_cap_that_is_set_ends_the_leases_within_a_second(world: World) -> None:
    leases = Leases(world.billing, background=False)
    leases.consume("ada", "pages", op="before")
    world.billing.cap_spend("ada", usd(100))
    world.later(seconds=1)
    assert not leases.consume("ada", "pages", op="after").allowed
    spend = world.billing.spend("ada")
    assert spend is not None
    assert spend.spent == usd(100), "and what was leased is spent no longer"
    leases.close()


def test_a_cap_is_audited_and_set_to_the_same_changes_nothing(billing: Tallystick) -> None:
    for _ in range(2):
        billing.cap_spend("ada", usd(500), actor="key:1")
    for _ in range(2):
        assert billing.cap_spend("ada", None, actor="key:1") is None
    told = [entry.act for entry in billing.audit(limit=50) if entry.act.action.startswith("spend_cap")]
    assert sorted(act.action for act in told) == ["spend_cap.removed", "spend_cap.set"]
    with pytest.raises(InvalidInput, match="limit"):
        billing.cap_spend("ada", usd(-1))
    with pytest.raises(InvalidInput, match="zone"):
        billing.cap_spend("ada", usd(1), zone="Mars/Olympus")


def test_what_a_customer_may_use_is_listed_with_how_it_stands(billing: Tallystick) -> None:
    billing.put_meter(Meter(MeterKey("films"), decimals=0))
    billing.grant("ada", "films", Quota(Decimal(3)))
    billing.consume("ada", "films", 2, op="a")
    listed = {found.entitlement.meter_key: found.decision for found in billing.quotas("ada")}
    assert list(listed) == ["calls", "films", "pages"]
    assert (listed["films"].used, listed["films"].remaining, listed["calls"].limit) == (2, 1, None)
    assert billing.quotas("nobody") == []


def test_the_usage_of_a_subscription_is_rated_at_its_own_price_and_fees_are_not_capped(world: World) -> None:
    billing = world.billing
    price = {"currency": "usd", "model": "per_unit", "unit_amount": "2", "included": "1"}
    fee = {"currency": "usd", "model": "flat", "amount": "100"}
    charges = [
        {"key": "base", "kind": "recurring", "prices": [fee]},
        {"key": "pages", "kind": "usage", "meter": "pages", "prices": [price]},
    ]
    billing.apply_catalogue({"plans": [{"key": "pro", "charges": charges}]})
    billing.cap_spend("ada", usd(1000))
    assert billing.consume("ada", "pages", 3, op="before").allowed
    world.on("2026-01-10")
    billing.subscribe("ada", "pro")
    assert billing.spend("ada").spent == usd(300)  # type: ignore[union-attr]
    assert billing.consume("ada", "pages", 4, op="a").allowed
    assert billing.spend("ada").spent == usd(300 + 600)  # type: ignore[union-attr]
    assert not billing.consume("ada", "pages", 1, op="b").allowed
    assert billing.consume("ada", "calls", 13, op="c").allowed, "what no plan covers is rated at the price for all"
    assert billing.spend("ada").spent == usd(990)  # type: ignore[union-attr]
