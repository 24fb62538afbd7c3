"""The catalogue at the provider: made once, whatever is lost; adopted where it is there; a price is replaced, never changed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tallystick.cli.catalog import read_document
from tallystick.domain.provider_catalogue import Act
from tallystick.flows.push_catalogue import Pushed
from tallystick.storage import provider_items
from tallystick.storage.provider_items import Holding
from tallystick.values.errors import InvalidInput
from tallystick.values.faults import NoFaults
from tests.scenarios.world import World

FOLDER = Path(__file__).parents[2] / "examples" / "catalogues"
PRO: dict[str, Any] = {
    "meters": [{"key": "calls", "export_as": "calls_made"}],
    "plans": [
        {
            "key": "pro",
            "name": "Pro",
            "charges": [
                {"key": "base", "kind": "recurring", "prices": [{"currency": "usd", "model": "flat", "amount": "99"}]},
                {
                    "key": "calls",
                    "kind": "usage",
                    "meter": "calls",
                    "prices": [{"currency": "usd", "model": "per_unit", "unit_amount": "0.01", "included": "1000"}],
                },
            ],
        }
    ],
    "coupons": [{"key": "EARLYBIRD", "percent": "30", "duration": "forever", "codes": [{"code": "EARLYBIRD30"}]}],
}
EVERYTHING = 6  # a meter, a product, two prices, a coupon and its code


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    made = World(database_url)
    made.billing.apply_catalogue(PRO)
    yield made
    made.billing.close()


def acts(pushed: Pushed) -> list[str]:
    assert pushed.stopped is None, pushed.stopped
    return [change.act.value for change in pushed.changes]


def held(world: World, path: str, **fields: object) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = world.sandbox_call("GET", path, limit=100, **fields)["data"]
    return listed


def dearer(amount: str) -> dict[str, Any]:
    """The same catalogue, with another base fee."""
    (plan,) = PRO["plans"]
    base = {"key": "base", "kind": "recurring", "prices": [{"currency": "usd", "model": "flat", "amount": amount}]}
    return PRO | {"plans": [plan | {"charges": [base, plan["charges"][1]]}]}


def pushes_until_done(world: World, *, tries_max: int = 60) -> int:
    for number in range(1, tries_max):
        if world.billing.push_catalogue().stopped is None:
            return number
        world.later(minutes=7)
    raise AssertionError("it never came to an end")


def test_a_dry_run_shows_everything_and_makes_nothing(world: World) -> None:
    assert acts(world.billing.push_catalogue(dry_run=True)) == ["create"] * EVERYTHING
    assert held(world, "/v1/products") == []


def test_pushed_twice_it_is_there_once(world: World) -> None:
    assert acts(world.billing.push_catalogue()) == ["create"] * EVERYTHING
    assert acts(world.billing.push_catalogue()) == []
    assert acts(world.later(days=3).billing.push_catalogue()) == []
    assert len(held(world, "/v1/products")) == 1
    prices = {price["lookup_key"]: price for price in held(world, "/v1/prices")}
    assert prices["pro:base:usd:1-month"]["unit_amount"] == 9900
    assert prices["pro:calls:usd:1-month"]["recurring"]["usage_type"] == "metered"
    assert [code["code"] for code in held(world, "/v1/promotion_codes")] == ["EARLYBIRD30"]
    world.proves()


def test_a_price_never_changes_and_another_one_takes_over_its_lookup_key(world: World) -> None:
    world.billing.push_catalogue()
    (before,) = [price for price in held(world, "/v1/prices") if price["lookup_key"] == "pro:base:usd:1-month"]
    world.billing.apply_catalogue(dearer("149"))
    (change,) = world.billing.push_catalogue(dry_run=True).changes
    assert (change.act, change.there is not None and change.there.ref) == (Act.REPLACE, before["id"])
    assert acts(world.billing.push_catalogue()) == ["replace"]
    assert acts(world.billing.push_catalogue()) == []
    prices = {price["id"]: price for price in held(world, "/v1/prices")}
    assert (prices[before["id"]]["active"], prices[before["id"]]["lookup_key"]) == (False, None)
    (now,) = [price for price in prices.values() if price["lookup_key"] == "pro:base:usd:1-month"]
    assert now["unit_amount"] == 14900


def test_and_back_again_is_a_third_price(world: World) -> None:
    for amount in ("99", "149", "99", "149"):
        world.billing.apply_catalogue(dearer(amount))
        world.billing.push_catalogue()
        assert acts(world.billing.push_catalogue()) == []
    active = [price for price in held(world, "/v1/prices") if price["active"] and price["lookup_key"] == "pro:base:usd:1-month"]
    assert [price["unit_amount"] for price in active] == [14900]


def test_what_is_there_already_is_adopted(world: World, small_world: World) -> None:
    world.billing.push_catalogue()
    other = small_world
    other.billing.context = replace(other.billing.context, provider=world.billing.context.provider)
    other.billing.apply_catalogue(PRO)
    assert acts(other.billing.push_catalogue()) == ["adopt"] * EVERYTHING
    assert acts(other.billing.push_catalogue()) == []
    assert len(held(world, "/v1/prices")) == 2


def test_what_somebody_has_put_away_at_the_provider_is_made_anew(world: World) -> None:
    world.billing.push_catalogue()
    price = next(price for price in held(world, "/v1/prices") if price["lookup_key"] == "pro:base:usd:1-month")
    world.sandbox_call("POST", f"/v1/prices/{price['id']}", active="false")
    assert acts(world.billing.push_catalogue()) == ["create"]
    assert acts(world.billing.push_catalogue()) == []


def test_a_name_is_changed_where_it_stands(world: World) -> None:
    world.billing.push_catalogue()
    (product,) = held(world, "/v1/products")
    world.sandbox_call("POST", f"/v1/products/{product['id']}", name="Something else")
    assert acts(world.billing.push_catalogue()) == ["update"]
    assert held(world, "/v1/products")[0]["name"] == "Pro"


def test_a_coupon_that_is_there_with_other_terms_is_for_people_to_decide(world: World) -> None:
    world.sandbox_call("POST", "/v1/coupons", id="EARLYBIRD", percent_off="20", duration="forever", name="EARLYBIRD")
    pushed = world.billing.push_catalogue()
    assert [change.item.key for change in pushed.refused] == ["EARLYBIRD"]
    assert held(world, "/v1/coupons")[0]["percent_off"] == 20
    assert [each.key for each in pushed.untold] == ["EARLYBIRD30"], "a code of ours gives nobody what another coupon does"
    assert held(world, "/v1/promotion_codes") == []


@pytest.mark.parametrize("fault", ["lost_request", "lost_reply", "timeout_after_success", "rate_limited"])
def test_whatever_is_lost_on_the_way_each_is_made_once(world: World, fault: str) -> None:
    for path in ("billing/meters", "products", "prices", "coupons", "promotion_codes"):
        world.sandbox.faults.next(fault, f"POST /v1/{path}")
    assert pushes_until_done(world) > 1
    assert acts(world.billing.push_catalogue()) == []
    assert (len(held(world, "/v1/products")), len(held(world, "/v1/prices"))) == (1, 2)
    assert len(held(world, "/v1/billing/meters")) == len(held(world, "/v1/coupons")) == 1


@pytest.mark.parametrize("effect", ["done", "none"])
def test_a_failure_that_the_provider_has_stored_is_asked_past(world: World, effect: str) -> None:
    for path in ("products", "prices", "promotion_codes"):
        world.sandbox.faults.next("stored_500", f"POST /v1/{path}", effect=effect)
    pushes_until_done(world)
    assert (len(held(world, "/v1/products")), len(held(world, "/v1/prices"))) == (1, 2)


def test_an_outage_of_thirty_hours_makes_nothing_twice(world: World) -> None:
    world.sandbox.faults.next("lost_reply", "POST /v1/prices")
    assert world.billing.push_catalogue().stopped is not None
    with world.billing.context.database.reading() as conn:
        statuses = [kept.status for kept in provider_items.kept(conn).values()]
    assert statuses.count(Holding.ASKED) == 1, "whether it is there is not known"
    world.sandbox.faults.outage(world.clock.now(), world.clock.now() + timedelta(hours=30))
    assert world.billing.push_catalogue().stopped is not None
    world.later(hours=31)
    pushes_until_done(world)
    assert len(held(world, "/v1/prices")) == 2


class Crash(Exception):
    """The process is gone."""


class Crashes(NoFaults):
    """At one point of the story, once."""

    def __init__(self, number: int) -> None:
        self.number = number

    def point(self, name: str) -> None:
        self.number -= 1
        if self.number == 0:
            raise Crash(name)


@pytest.mark.parametrize("number", range(1, 60, 4))
def test_wherever_it_dies_the_next_run_ends_it(small_world: World, number: int) -> None:
    world = small_world
    world.billing.apply_catalogue(PRO)
    world.billing.push_catalogue()
    world.billing.apply_catalogue(dearer("149"))
    database = world.billing.context.database
    database.faults = Crashes(number)
    try:
        world.billing.push_catalogue()
    except Crash:
        pass
    finally:
        database.faults = NoFaults()
    world.billing.push_catalogue()
    assert acts(world.billing.push_catalogue()) == []
    keys = [(price["lookup_key"], price["unit_amount"]) for price in held(world, "/v1/prices") if price["active"]]
    assert sorted(key for key, _ in keys) == ["pro:base:usd:1-month", "pro:calls:usd:1-month"], "the old one is sold no more"
    assert ("pro:base:usd:1-month", 14900) in keys


@pytest.mark.parametrize("file", ["compute_tiers", "ai_platform"])
def test_the_catalogues_that_ship_can_be_pushed(small_world: World, file: str) -> None:
    small_world.billing.apply_catalogue(read_document(FOLDER / f"{file}.toml"))
    pushed = small_world.billing.push_catalogue()
    assert pushed.stopped is None
    assert pushed.changes
    assert all(untold.reason for untold in pushed.untold)
    assert acts(small_world.billing.push_catalogue()) == []


def fee(plan: str, amount: str, lookup_key: str | None) -> dict[str, Any]:
    """A plan of one fee; with a lookup key, one that the provider bills."""
    price = {"currency": "usd", "model": "flat", "amount": amount}
    named = price if lookup_key is None else price | {"lookup_key": lookup_key}
    billed = {} if lookup_key is None else {"billed_by": "provider"}
    return {"key": plan, **billed, "charges": [{"key": "base", "kind": "recurring", "prices": [named]}]}


def test_no_two_plans_have_one_lookup_key_for_each_would_be_billed_as_the_other(small_world: World) -> None:
    billing = small_world.billing
    billing.apply_catalogue({"plans": [fee("basic", "10", "fee")]})
    with pytest.raises(InvalidInput, match="lookup_key fee is that of a price of plan basic"):
        billing.apply_catalogue({"plans": [fee("pro", "99", "fee")]})
    billing.apply_catalogue({"plans": [fee("basic", "10", "basic"), fee("pro", "99", "fee")]})


def test_of_two_prices_with_one_name_there_one_is_pushed_and_the_other_is_told(small_world: World) -> None:
    billing = small_world.billing
    billing.apply_catalogue({"plans": [fee("zeta", "10", "pro:base:usd:1-month"), fee("pro", "99", None)]})
    first = billing.push_catalogue()
    assert [each.key for each in first.untold] == ["pro:base:usd:1-month"]
    assert acts(billing.push_catalogue()) == []
    (price,) = held(small_world, "/v1/prices")
    assert price["unit_amount"] == 1000, "what the provider bills goes by the name that its plan gives it"


@pytest.mark.parametrize("other", [{"default_aggregation__formula": "last"}, {"event_time_window": "day"}])
def test_a_meter_that_does_not_add_up_what_we_send_is_not_adopted(small_world: World, other: dict[str, str]) -> None:
    small_world.billing.apply_catalogue(PRO)
    terms = {"display_name": "calls", "event_name": "calls_made", "default_aggregation__formula": "sum"} | other
    small_world.sandbox_call("POST", "/v1/billing/meters", **terms)
    pushed = small_world.billing.push_catalogue()
    assert [change.item.key for change in pushed.refused] == ["calls_made"], "people have to choose"
    assert [each.key for each in pushed.untold] == ["pro:calls:usd:1-month"], "nobody is billed by it meanwhile"
    assert "calls_made" in pushed.untold[0].reason
    assert small_world.billing.push_catalogue().changes == pushed.refused, "the rest is there"
