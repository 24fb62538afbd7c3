"""A test alert: sent to see that alerts arrive, marked as one, signed as any other."""

import json
from dataclasses import replace

from tests.web.test_messages import ENDPOINTS, Listener, listener  # noqa: F401 the fixture
from tests.web.world import World, problem

TEST = "/v1/alerts/test"


def with_operator(world: World) -> None:
    context = world.billing.context
    world.billing.context = replace(context, outgoing=replace(context.outgoing, operator="ops@example.com"))


def test_a_test_alert_says_that_it_is_one_and_is_signed_as_any_other(world: World, listener: Listener) -> None:  # noqa: F811
    endpoint = world.call("POST", ENDPOINTS, {"url": listener.url, "types": ["invoice.*"]}).json()["id"]
    sent = world.call("POST", TEST, {"endpoint": endpoint})
    assert (sent.status_code, sent.json()["type"]) == (202, "alert.test")
    world.works()
    ((headers, body),) = [(each.headers, each.body) for each in listener.told]
    assert json.loads(body)["data"]["test"] is True
    assert headers["webhook-signature"].startswith("v1,")
    assert world.call("GET", f"/v1/webhook-messages/{sent.json()['id']}").json()["dispatches"][0]["status"] == "delivered"
    assert world.call("GET", "/v1/alerts").json()["data"] == [], "it tells of nothing, so it is in no list"
    (act,) = [entry.act for entry in world.billing.audit() if entry.act.action == "alert.tested"]
    assert act.after == {"targets": [endpoint]}


def test_with_nobody_named_it_goes_to_whoever_is_told_of_alerts(world: World) -> None:
    assert problem(world.call("POST", TEST, {})) == (409, "nobody_to_tell")
    wants = world.call("POST", ENDPOINTS, {"url": "https://example.com/a", "types": ["alert.*"]}).json()["id"]
    world.call("POST", ENDPOINTS, {"url": "https://example.com/i", "types": ["invoice.*"]})
    with_operator(world)
    sent = world.call("POST", TEST, {}).json()
    assert sorted(dispatch["target"] for dispatch in sent["dispatches"]) == [wants, "mail:operator"]


def test_the_operator_gets_a_letter_that_says_so_in_its_subject(world: World) -> None:
    assert problem(world.call("POST", TEST, {"mail": True})) == (409, "nobody_to_tell")
    with_operator(world)
    world.call("POST", TEST, {"mail": True})
    ((status, to, letter),) = world.billing.letters()
    assert (status, to) == ("waiting", "ops@example.com")
    assert letter.subject.startswith("[Test]")


def test_no_test_goes_where_nobody_listens(world: World) -> None:
    assert problem(world.call("POST", TEST, {"endpoint": "ep_none"})) == (404, "not_found")
    endpoint = world.call("POST", ENDPOINTS, {"url": "https://example.com/a"}).json()["id"]
    world.call("PATCH", f"{ENDPOINTS}/{endpoint}", {"enabled": False})
    assert problem(world.call("POST", TEST, {"endpoint": endpoint})) == (409, "endpoint_disabled")
