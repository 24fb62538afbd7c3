"""Plans that the provider bills, over HTTP: asked for, seen, ended, refused by field."""

from typing import Any

from httpx2 import Response

from tests.web.world import World, problem

PRICE = {"currency": "usd", "model": "per_unit", "unit_amount": "20", "lookup_key": "pro_seat"}
PRO: dict[str, Any] = {"billed_by": "provider", "charges": [{"key": "seats", "kind": "seats", "prices": [PRICE]}]}


def prepared(world: World, *, at_provider: bool = True) -> None:
    assert world.call("PUT", "/v1/plans/pro", PRO).status_code == 200
    if at_provider:
        headers = {"Authorization": "Bearer sk_test_dashboard"}
        body = b"currency=usd&unit_amount=2000&lookup_key=pro_seat&recurring[interval]=month&product_data[name]=Pro"
        assert world.billing.sandbox is not None
        assert world.billing.sandbox.handle("POST", "/v1/prices", body=body, headers=headers).status == 200


def field(answer: Response) -> tuple[int, str]:
    status, _ = problem(answer)
    return status, answer.json()["field"]


def test_a_plan_says_who_bills_it(world: World) -> None:
    prepared(world, at_provider=False)
    shown = world.call("GET", "/v1/plans/pro").json()
    assert (shown["billed_by"], shown["charges"][0]["prices"]) == ("provider", [PRICE])
    again = {name: value for name, value in shown.items() if name not in {"key", "version"}}
    assert world.call("PUT", "/v1/plans/pro", again).json() == shown
    unnamed = {name: value for name, value in PRICE.items() if name != "lookup_key"}
    refused = world.call("PUT", "/v1/plans/pro", PRO | {"charges": [{**PRO["charges"][0], "prices": [unnamed]}]})
    assert field(refused) == (422, "charges")
    once = {**PRO["charges"][0], "kind": "one_time"}
    assert field(world.call("PUT", "/v1/plans/pro", PRO | {"charges": [once]})) == (422, "charges")
    ours = {name: value for name, value in PRO.items() if name != "billed_by"}
    assert field(world.call("PUT", "/v1/plans/pro", ours)) == (422, "billed_by")


def test_it_is_asked_for_followed_and_ended(either_world: World) -> None:
    world = either_world
    prepared(world)
    asked = world.call("POST", "/v1/provider-subscriptions", {"customer": "ada", "plan": "pro", "seats": 2})
    assert (asked.status_code, asked.json()["standing"], asked.json()["told"]) == (202, "requested", True)
    world.works()
    path = f"/v1/provider-subscriptions/{asked.json()['id']}"
    begun = world.call("GET", path).json()
    assert (begun["standing"], begun["terms"]["seats"], begun["provider_ref"][:4]) == ("incomplete", 2, "sub_")
    ending = world.call("POST", f"{path}/end", {"end": "now"})
    assert (ending.status_code, ending.json()["end"], ending.json()["told"]) == (202, "now", False)
    world.works()
    listed = world.call("GET", "/v1/provider-subscriptions?customer=ada").json()["data"]
    assert [(each["standing"], each["told"]) for each in listed] == [("canceled", True)]
    assert world.call("GET", "/v1/provider-invoices?customer=ada").json()["data"] == []


def test_the_same_key_is_the_same_subscription(world: World) -> None:
    prepared(world)
    body = {"customer": "ada", "plan": "pro"}
    first, second = (world.call("POST", "/v1/provider-subscriptions", body, Idempotency_Key="one") for _ in range(2))
    assert first.json() == second.json()
    assert problem(world.call("POST", "/v1/provider-subscriptions", body)) == (409, "already_subscribed")


def test_what_is_not_so_is_refused_by_field(world: World) -> None:
    prepared(world)
    for body, named in (
        ({"customer": "ada", "plan": "none"}, "plan"),
        ({"customer": "ada", "plan": "pro", "interval": "year"}, "interval"),
        ({"customer": "ada", "plan": "pro", "currency": "eur"}, "currency"),
    ):
        assert field(world.call("POST", "/v1/provider-subscriptions", body)) == (422, named)
    ours = world.call("POST", "/v1/subscriptions", {"customer": "ada", "plan": "pro"})
    assert problem(ours) == (422, "billed_by_provider")
    assert field(world.call("GET", "/v1/provider-subscriptions/psub_none")) == (404, "subscription")
