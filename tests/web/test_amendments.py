"""Events corrected and retracted over HTTP: an act of those who may bill, once, with a reason."""

import pytest

from tests.web.world import JUNE, World, problem

CORRECT, RETRACT = "/v1/events/corrections", "/v1/events/retractions"
E1 = {"customer": "ada", "id": "e1", "reason": "counted twice"}


def usage_of(world: World) -> str:
    answer = world.client.get("/v1/usage", params={"customer": "ada", "meter": "calls", **JUNE}, headers=world.headers)
    return answer.json()["quantity"]


def test_an_event_is_retracted_once_and_stays_readable(either_world: World) -> None:
    world = either_world
    world.with_calls()
    world.used(7)
    first, second = (world.call("POST", RETRACT, E1) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json() == {
        "customer": "ada", "source": "api", "id": "e1", "status": "retracted", "at": "2026-01-01T00:00:00Z",
        "reason": "counted twice", "actor": first.json()["actor"], "replacement": None,
    }  # fmt: skip
    assert first.json()["actor"].startswith("key:")
    assert usage_of(world) == "0"
    assert world.call("GET", "/v1/events?customer=ada").json()["data"] == []
    shown = world.call("GET", "/v1/events/api/e1?customer=ada").json()
    assert (shown["quantity"], shown["amendment"]["status"]) == ("7", "retracted")
    assert world.used(7).json()["duplicate"] == 1


def test_a_correction_says_only_what_was_wrong(either_world: World) -> None:
    world = either_world
    world.with_calls()
    world.used(7, unit_price="0.5", properties={"region": "eu"})
    body = E1 | {"replacement": {"quantity": "6.25"}}
    answer = world.call("POST", CORRECT, body)
    assert answer.status_code == 201, answer.text
    right = answer.json()["replacement"]
    shown = world.call("GET", f"/v1/events/{right['source']}/{right['id']}?customer=ada").json()
    assert (shown["quantity"], shown["unit_price"], shown["properties"], shown["amendment"]) == (
        "6.25",
        "0.5",
        {"region": "eu"},
        None,
    )
    assert usage_of(world) == "6.25"
    again = E1 | {"id": right["id"], "replacement": {"id": "mine", "source": "web", "unit_price": None, "quantity": 2}}
    assert world.call("POST", CORRECT, again).json()["replacement"] == {"source": "web", "id": "mine"}
    assert world.call("GET", "/v1/events/web/mine?customer=ada").json()["unit_price"] is None
    assert usage_of(world) == "2"


def test_what_was_amended_before_in_another_way_is_a_conflict(world: World) -> None:
    world.with_calls()
    world.used(7)
    assert world.call("POST", RETRACT, E1).status_code == 201
    assert problem(world.call("POST", CORRECT, E1 | {"replacement": {"quantity": 1}})) == (409, "already_amended")
    assert problem(world.call("POST", RETRACT, E1 | {"id": "e2"})) == (404, "not_found")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": "a\nb"}, "reason"),
        ({"reason": " "}, "reason"),
        ({"replacement": {"quantity": 1.5}}, "replacement.quantity"),
        ({"replacement": {"quantity": "1e9999"}}, "replacement.quantity"),
        ({"replacement": {"quantity": "1.234"}}, "quantity"),
        ({"replacement": {"at": "yesterday"}}, "replacement.at"),
        ({"replacement": {"at": "2026-01-01T01:00:00Z"}}, "at"),
        ({"replacement": {"customer": "bob"}}, "replacement.customer"),
        ({"replacement": {"properties": {"a": 1}}}, "replacement.properties.a"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(world: World, wrong: dict, field: str) -> None:
    world.with_calls()
    world.used(7)
    answer = world.call("POST", CORRECT, E1 | {"replacement": {"quantity": 1}} | wrong)
    assert (answer.status_code, answer.json().get("field")) == (422, field), answer.text
    assert usage_of(world) == "7"


def test_a_key_that_only_sends_events_cannot_take_them_back(world: World) -> None:
    world.with_calls()
    world.used(7)
    sender = {"Authorization": f"Bearer {world.billing.create_api_key('sender', ['events:write', 'usage:read']).token}"}
    for path in (CORRECT, RETRACT):
        assert problem(world.client.post(path, json=E1, headers=sender)) == (403, "forbidden")


def test_under_an_idempotency_key_it_is_answered_as_it_was(either_world: World) -> None:
    world = either_world
    world.with_calls()
    world.used(7)
    body = E1 | {"replacement": {"quantity": 1}}
    first, second = (world.call("POST", CORRECT, body, Idempotency_Key="k1") for _ in range(2))
    assert (first.text, second.headers["idempotent-replayed"]) == (second.text, "true")
    assert problem(world.call("POST", RETRACT, E1, Idempotency_Key="k1")) == (409, "idempotency_key_reused")


def test_an_explanation_says_what_was_amended(world: World) -> None:
    world.with_calls()
    world.used(100)
    world.up_for(1)
    invoice = world.call("POST", "/v1/invoices", {"customer": "ada"}).json()["data"][0]
    world.call("POST", RETRACT, E1)
    (line,) = world.call("GET", f"/v1/invoices/{invoice['id']}/explanation").json()["lines"]
    assert [(event["id"], event["amendment"]["reason"]) for event in line["events"]] == [("e1", "counted twice")]
    (credit,) = world.call("POST", "/v1/invoices", {"customer": "ada"}).json()["data"]
    assert (credit["total"], credit["subtotal"], credit["carried_out"]) == (0, -100, -100)


def test_a_level_is_weighed_by_its_time(world: World) -> None:
    body = {"aggregation": "time_weighted", "decimals": 2}
    assert world.call("PUT", "/v1/meters/seats", body).json()["aggregation"] == "time_weighted"
    world.call("PUT", "/v1/customers/ada", {})
    sent = {"customer": "ada", "id": "s1", "meter": "seats", "quantity": 10, "at": "2025-12-31T12:00:00Z"}
    assert world.call("POST", "/v1/events", sent).status_code == 202
    query = "customer=ada&meter=seats&from=2025-12-31T00:00:00Z&until=2026-01-01T00:00:00Z"
    assert world.call("GET", f"/v1/usage?{query}").json()["quantity"] == "5"
    assert problem(world.call("PUT", "/v1/entitlements", {"customer": "ada", "meter": "seats", "limit": 5})) == (
        422,
        "invalid_input",
    )
