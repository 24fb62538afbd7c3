"""Lists of quotas, and spend caps, over HTTP."""

from tests.web.test_quotas import CHECK, CONSUME, ask, granted
from tests.web.world import World, problem

CAPS = "/v1/quotas/caps"


def test_what_a_customer_may_use_is_listed_with_how_it_stands(either_world: World) -> None:
    world = either_world
    granted(world)
    ask(world, CONSUME, 4, op="a")
    (found,) = world.call("GET", "/v1/quotas?customer=ada").json()["data"]
    assert (found["entitlement"]["meter"], found["entitlement"]["limit"]) == ("calls", "10")
    assert (found["standing"]["used"], found["standing"]["remaining"]) == ("4", "6")
    assert world.call("GET", "/v1/quotas?customer=nobody").json() == {"data": []}
    assert world.call("GET", "/v1/quotas").status_code == 422


def test_a_cap_is_set_looked_at_met_and_taken_away(either_world: World) -> None:
    world = either_world
    granted(world, None)
    cap = {"customer": "ada", "limit": 10, "currency": "USD"}
    assert problem(world.call("GET", f"{CAPS}?customer=ada")) == (404, "not_found")
    for _ in range(2):
        assert world.call("PUT", CAPS, cap).json() == {
            "customer": "ada",
            "limit": 10,
            "currency": "usd",
            "policy": "hard",
            "zone": "UTC",
            "spent": 0,
            "remaining": 10,
            "resets_at": "2026-02-01T00:00:00Z",
        }
    assert ask(world, CONSUME, 8, op="a")["allowed"]
    no = ask(world, CONSUME, 3, op="b")
    assert (no["allowed"], no["reason"]) == (False, "spend_cap")
    assert world.call("GET", f"{CAPS}?customer=ada").json()["spent"] == 8
    world.call("PUT", CAPS, cap | {"policy": "soft"})
    assert (ask(world, CHECK, 3)["allowed"], ask(world, CHECK, 3)["reason"]) == (True, "spend_cap")
    for _ in range(2):
        assert world.call("DELETE", f"{CAPS}?customer=ada").json() == {"customer": "ada", "limit": None}
    assert ask(world, CHECK, 300)["reason"] is None


def test_what_is_asked_wrongly_is_a_problem(world: World) -> None:
    cap = {"customer": "ada", "limit": 10, "currency": "usd"}
    for wrong in ({"limit": -1}, {"limit": 1.5}, {"limit": "10"}, {"currency": "xxx"}, {"zone": "Mars"}, {"policy": "firm"}):
        assert world.call("PUT", CAPS, cap | wrong).status_code == 422, wrong
