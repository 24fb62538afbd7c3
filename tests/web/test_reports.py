"""What the admin's pages read of the whole business."""

import json
from datetime import timedelta
from typing import Any

from tallystick.domain.recurring_revenue import first_of_months
from tests.web.world import World, problem

SINCE = "2025-12-01T00:00:00Z"


def billed(world: World) -> Any:
    """Ada has used 500 calls at a cent, and is asked for them."""
    world.with_calls()
    world.used(500)
    world.clock.advance(timedelta(minutes=1))
    (invoice,) = world.call("POST", "/v1/invoices", {"customer": "ada"}).json()["data"]
    return invoice


def report(world: World, name: str, **query: str) -> Any:
    answer = world.client.get(f"/v1/reports/{name}", params=query, headers=world.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_customers_are_found_by_a_part_of_their_name(either_world: World) -> None:
    world = either_world
    billed(world)
    world.call("PUT", "/v1/customers/ben_1", {"name": "Ben 100% Böhm"})
    (ada,) = report(world, "customers", search="ADA@")["data"]
    assert (ada["id"], ada["plan"], ada["owed"]) == ("ada", None, [{"amount": 500, "currency": "usd"}])
    assert [row["id"] for row in report(world, "customers", search="100%")["data"]] == ["ben_1"]
    assert [row["id"] for row in report(world, "customers", search="n_1")["data"]] == ["ben_1"]
    assert report(world, "customers", search="a_a")["data"] == [], "an underscore is no wildcard"
    first = report(world, "customers", limit="1")
    assert report(world, "customers", cursor=first["next_cursor"])["data"][0]["id"] == "ben_1"


def test_revenue_is_what_was_earned_by_day_and_by_month(either_world: World) -> None:
    world = either_world
    billed(world)
    today = world.clock.now().date()
    by_day = report(world, "revenue", **{"from": SINCE, "until": "2026-12-01T00:00:00Z"})
    assert by_day["data"] == [{"date": today.isoformat(), "revenue": {"amount": 500, "currency": "usd"}}]
    assert (by_day["first"], by_day["last"]) == ("2025-12-01", "2026-11-30")
    by_month = report(world, "revenue", by="month", **{"from": SINCE, "until": "2026-12-01T00:00:00Z"})
    assert by_month["data"][0]["date"] == today.replace(day=1).isoformat()
    assert by_month["totals"] == [{"amount": 500, "currency": "usd"}]
    assert (by_month["first"], by_month["last"]) == ("2025-12-01", "2026-11-01")
    of_itself = report(world, "revenue")
    assert (of_itself["first"], of_itself["last"]) == ((today - timedelta(days=29)).isoformat(), today.isoformat())


def test_what_fails_is_counted_by_its_reason(either_world: World) -> None:
    world = either_world
    billed(world)
    world.works()
    found = report(world, "business", **{"from": SINCE, "until": "2026-12-01T00:00:00Z"})
    assert sum(found["payments"].values()) == 1
    assert found["declines"] == []
    assert (found["subscriptions_at_start"], found["subscriptions_now"], found["ended"]) == (0, 0, 0)


def test_the_next_invoice_and_the_days_of_a_customer(world: World) -> None:
    world.with_calls()
    world.used(3)
    world.clock.advance(timedelta(minutes=1))
    (coming,) = report(world, "upcoming", customer="ada")["data"]
    assert coming["lines"][0]["amount"] == 3
    assert coming["at_pace"] is None, "without a plan, nobody knows when it ends"
    since = world.clock.now().date().isoformat() + "T00:00:00Z"
    until = world.clock.now().date().isoformat() + "T23:59:59Z"
    days = report(world, "usage-days", customer="ada", meter="calls", **{"from": since, "until": until})
    assert [day["quantity"] for day in days["data"]] == ["3"]
    assert days["pace"] is None, "no day is left"
    assert problem(world.call("GET", "/v1/reports/upcoming?customer=nobody")) == (404, "not_found")


def test_an_event_that_was_not_recorded_can_be_found_with_its_reason(world: World) -> None:
    world.with_calls()
    world.used(1)
    world.used(1)
    world.used("1.234", id="too-exact")
    world.send(
        json.dumps({"events": [{"id": "half"}, {"customer": "ada", "id": "ok", "meter": "calls", "quantity": 1}]}).encode()
    )
    world.send(b'{"id": "alone"}')
    found = world.call("GET", "/v1/events/refusals").json()["data"]
    assert [(each["id"], each["verdict"]) for each in found] == [
        ("alone", "refused"), ("half", "refused"), ("too-exact", "refused"), ("e1", "duplicate"),
    ]  # fmt: skip
    assert found[2]["event"]["quantity"] == "1.234"
    assert found[0]["event"] is None
    (one,) = world.call("GET", "/v1/events/refusals?id=too-exact").json()["data"]
    assert one["reason"]


def test_work_that_was_given_up_is_listed_and_begun_anew(world: World) -> None:
    answer = world.call("GET", "/v1/jobs").json()
    assert (answer["dead"], answer["data"]) == (0, [])
    assert world.call("POST", "/v1/jobs/retry").json() == {"retried": 0}


def test_what_recurs_what_fails_and_who_earns_most_is_said_by_month(either_world: World) -> None:
    world = either_world
    billed(world)
    fee = {"key": "base", "kind": "recurring", "prices": [{"currency": "usd", "model": "flat", "amount": "12"}]}
    assert world.call("PUT", "/v1/plans/pro", {"charges": [fee]}).status_code < 300
    assert world.call("POST", "/v1/subscriptions", {"customer": "ada", "plan": "pro"}).status_code < 300
    world.works()
    found = report(world, "mrr", **{"from": first_of_months(12, now=world.clock.now()).isoformat()})
    assert found["mrr"] == [{"amount": 12_00, "currency": "usd"}]
    assert found == report(world, "mrr"), "the last twelve months, of itself"
    last = found["data"][-1]
    assert (last["month"], last["new"], last["mrr"]) == (world.clock.now().date().replace(day=1).isoformat(), 12_00, 12_00)
    assert (last["customers_after"], last["customer_churn"]) == (1, None)
    month = report(world, "payments", **{"from": SINCE})["data"][-1]
    assert (month["tried"], month["failed"], month["failure_rate"], month["reasons"]) == (0, 0, None, []), "none was tried yet"
    (top,) = report(world, "top-customers", **{"from": SINCE, "until": "2026-12-01T00:00:00Z"})["data"]
    assert (top["id"], top["email"], top["revenue"]) == ("ada", "ada@example.com", {"amount": 500, "currency": "usd"})
    assert problem(world.call("GET", f"/v1/reports/top-customers?from={SINCE}&limit=0")) == (422, "invalid_input")
    assert problem(world.call("GET", "/v1/reports/mrr?from=2020-01-01T00:00:00Z")) == (422, "invalid_input")
