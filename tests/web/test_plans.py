"""Plans over HTTP: put, read back to the letter, in versions, and refused by field."""

from typing import Any

import pytest

from tests.web.world import World, problem

BASE = {"key": "base", "kind": "recurring", "prices": [{"currency": "eur", "model": "flat", "amount": "99"}]}
CALLS = {
    "key": "calls",
    "kind": "usage",
    "meter": "calls",
    "name": "API calls",
    "prices": [
        {"currency": "eur", "model": "per_unit", "unit_amount": "0.01", "included": "10000", "interval": "month"},
        {"currency": "eur", "model": "per_unit", "unit_amount": "0.01", "included": "120000", "interval": "year"},
    ],
}
PRO = {
    "name": "Pro",
    "intervals": ["month", "year"],
    "trial_days": 14,
    "features": ["sso"],
    "charges": [BASE, CALLS],
    "quotas": [{"meter": "calls", "limit": "unlimited"}],
}


def test_a_plan_is_read_as_it_was_put(either_world: World) -> None:
    world = either_world
    world.with_calls()
    put = world.call("PUT", "/v1/plans/pro", PRO)
    assert put.status_code == 200, put.text
    shown = put.json()
    assert (shown["key"], shown["version"], shown["trial_days"], shown["add_on"]) == ("pro", 1, 14, False)
    assert shown["charges"][0] == {**BASE, "timing": "advance", "meter": None, "name": ""}
    assert shown["charges"][1] == {**CALLS, "timing": None}
    assert shown["quotas"] == [{"meter": "calls", "limit": "unlimited", "policy": "hard", "reset": "calendar_month"}]
    assert world.call("GET", "/v1/plans/pro").json() == shown
    assert world.call("GET", "/v1/plans/pro?version=1").json() == shown
    again = {name: value for name, value in shown.items() if name not in {"key", "version"}}
    assert world.call("PUT", "/v1/plans/pro", again).json() == shown, "what is shown can be sent back"


def test_a_version_never_changes(either_world: World) -> None:
    world = either_world
    world.with_calls()
    world.call("PUT", "/v1/plans/pro", PRO)
    assert world.call("PUT", "/v1/plans/pro", PRO | {"trial_days": 0}).json()["version"] == 2, "also where nobody is on it yet"
    sold = world.call("POST", "/v1/subscriptions", {"customer": "ada", "plan": "pro"})
    assert sold.status_code == 201, sold.text
    assert world.call("PUT", "/v1/plans/pro", PRO | {"trial_days": 0}).json()["version"] == 2, "the same is no new version"
    dearer = [BASE | {"prices": [{"currency": "eur", "model": "flat", "amount": "119"}]}, CALLS]
    assert world.call("PUT", "/v1/plans/pro", PRO | {"charges": dearer}).json()["version"] == 3
    assert world.call("GET", "/v1/plans/pro").json()["charges"][0]["prices"][0]["amount"] == "119"
    assert world.call("GET", "/v1/plans/pro?version=2").json()["charges"][0]["prices"][0]["amount"] == "99"
    (standing,) = world.call("GET", "/v1/subscriptions").json()["data"]
    assert standing["terms"]["version"] == 2
    assert world.billing.audit(limit=1)[0].act.action == "plan.put"


def test_plans_come_in_pages_by_key_and_others_are_not_there(world: World) -> None:
    for key in ("b/2", "a", "c"):
        assert world.call("PUT", f"/v1/plans/{key}", {"charges": [BASE]}).status_code == 200
    first = world.call("GET", "/v1/plans?limit=2").json()
    rest = world.call("GET", f"/v1/plans?cursor={first['next_cursor']}").json()
    assert [plan["key"] for plan in first["data"] + rest["data"]] == ["a", "b/2", "c"]
    assert world.call("GET", "/v1/plans/b/2").json()["key"] == "b/2"
    assert problem(world.call("GET", "/v1/plans/none")) == (404, "not_found")
    assert problem(world.call("GET", "/v1/plans/a?version=2")) == (404, "not_found")
    for wrong in ("0", "-1", "x", "1.5", "9" * 40):
        assert world.call("GET", f"/v1/plans/a?version={wrong}").status_code == 422


def charge(**other: Any) -> dict[str, Any]:
    return {"charges": [{**BASE, **other}]}


def priced(**other: Any) -> dict[str, Any]:
    return charge(prices=[{"currency": "eur", "model": "flat", "amount": "99", **other}])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"intervals": []}, "intervals"),
        ({"intervals": ["fortnight"]}, "intervals"),
        ({"intervals": ["1001 days"]}, "intervals"),
        ({"trial_days": 731}, "trial_days"),
        ({"trial_days": "14"}, "trial_days"),
        ({"features": ["a\u0001b"]}, "features[0]"),
        ({"add_on": "yes"}, "add_on"),
        ({"more": 1}, "more"),
        (charge(kind="rent"), "charges[0].kind"),
        (charge(prices=[]), "charges[0].prices"),
        (charge(key="a:b"), "charges[0].key"),
        (charge(meter="calls"), "charges[0].meter"),
        (charge(kind="usage"), "charges[0].meter"),
        (charge(kind="usage", meter="none"), "meter"),
        (charge(timing="later"), "charges[0].timing"),
        (charge(unit=1), "charges[0].unit"),
        (priced(amount=99.5), "charges[0].prices[0].amount"),
        (priced(amount=None), "charges[0].prices[0].amount"),
        (priced(currency="xxx"), "charges[0].prices[0].currency"),
        (priced(model="dynamic"), "charges[0].prices[0].amount"),
        (priced(interval="moon"), "charges[0].prices[0].interval"),
        (priced(interval=1), "charges[0].prices[0].interval"),
        (charge(prices=[{"currency": "eur", "model": "dynamic"}]), "charges[0].prices"),
        (charge(prices=BASE["prices"] * 2), "charges[0].prices"),
        ({"charges": [BASE, BASE]}, "charges"),
        ({"charges": [BASE, {**BASE, "key": "b", "prices": [{"currency": "usd", "model": "flat", "amount": "1"}]}]}, "charges"),
        ({"quotas": [{"meter": "calls"}]}, "quotas[0].limit"),
        ({"quotas": [{"meter": "calls", "limit": None}]}, "quotas[0].limit"),
        ({"quotas": [{"meter": "calls", "limit": "-1"}]}, "quotas[0].limit"),
        ({"quotas": [{"meter": "calls", "limit": "1.001"}]}, "limit"),
        ({"quotas": [{"meter": "none", "limit": "1"}]}, "meter"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_by_its_field(world: World, body: dict[str, Any], field: str) -> None:
    world.with_calls()
    answer = world.call("PUT", "/v1/plans/p", body)
    assert (problem(answer)[0], answer.json().get("field")) == (422, field), answer.text
    assert world.call("GET", "/v1/plans").json()["data"] == []


def test_a_key_that_reads_may_not_sell(world: World) -> None:
    token = world.billing.create_api_key("program", ["billing:read"]).token
    world.headers = {"Authorization": f"Bearer {token}"}
    assert world.call("GET", "/v1/plans").status_code == 200
    assert problem(world.call("PUT", "/v1/plans/p", {"charges": [BASE]})) == (403, "forbidden")
