"""Alerts, endpoints and messages over HTTP: secrets once, pages whole, and nothing for a key that may not."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tallystick.couriers.http import HttpEgress
from tests.couriers.listening import Listener, listening
from tests.web.world import World, problem

ENDPOINTS, MESSAGES = "/v1/webhook-endpoints", "/v1/webhook-messages"


@pytest.fixture
def listener(world: World) -> Iterator[Listener]:
    """Somebody on this machine who may be told."""
    context = world.billing.context
    outgoing = replace(context.outgoing, local=True)
    world.billing.context = replace(context, outgoing=outgoing, egress=HttpEgress(local=True))
    with listening() as found:
        yield found


def test_an_endpoint_is_made_changed_and_removed(world: World) -> None:
    body = {"url": "https://example.com/in", "types": ["invoice.*"]}
    made = world.call("POST", ENDPOINTS, body, Idempotency_Key="once")
    assert made.status_code == 201, made.text
    assert made.json()["secret"].startswith("whsec_")
    again = world.call("POST", ENDPOINTS, body, Idempotency_Key="once").json()
    assert (again["id"], again["secret"]) == (made.json()["id"], None)
    path = f"{ENDPOINTS}/{again['id']}"
    (listed,) = world.call("GET", ENDPOINTS).json()["data"]
    assert "secret" not in listed
    assert world.call("GET", path).json() == listed
    changed = world.call("PATCH", path, {"enabled": False, "types": ["*"]}).json()
    assert (changed["enabled"], changed["types"], changed["url"]) == (False, ["*"], "https://example.com/in")
    rotated = world.call("POST", f"{path}/rotate-secret", {"overlap_hours": 2})
    assert rotated.status_code == 200
    assert rotated.json()["secret"] != made.json()["secret"]
    assert rotated.json()["overlap_until"] == "2026-01-01T02:00:00Z"
    assert problem(world.call("POST", f"{path}/test")) == (409, "endpoint_disabled")
    assert world.call("DELETE", path).json() == {"id": again["id"]}
    for method, gone in (("GET", path), ("DELETE", path), ("POST", f"{path}/test")):
        assert problem(world.call(method, gone)) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "http://example.com/"}, "url"),
        ({"url": "https://169.254.169.254/"}, "url"),
        ({"url": "https://example.com/", "types": ["Invoice"]}, "types"),
        ({"url": "https://example.com/", "types": []}, "types"),
        ({"url": "https://example.com/", "customer": "nobody"}, "customer"),
        ({"url": "https://example.com/", "secret": "mine"}, "secret"),
        ({}, "url"),
    ],
)
def test_what_is_no_endpoint_is_refused_by_field(world: World, body: dict, field: str) -> None:
    answer = world.call("POST", ENDPOINTS, body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["field"] == field
    assert "169.254" not in answer.json()["detail"]


def test_a_message_is_tried_out_listed_and_sent_again(world: World, listener: Listener) -> None:
    endpoint = world.call("POST", ENDPOINTS, {"url": listener.url}).json()["id"]
    tried = [world.call("POST", f"{ENDPOINTS}/{endpoint}/test") for _ in range(3)]
    assert [answer.status_code for answer in tried] == [202] * 3
    world.works()
    first = world.call("GET", f"{MESSAGES}?limit=2").json()
    assert first["has_more"]
    second = world.call("GET", f"{MESSAGES}?limit=2&cursor={first['next_cursor']}").json()
    found = first["data"] + second["data"]
    assert sorted(each["id"] for each in found) == sorted(answer.json()["id"] for answer in tried)
    assert {dispatch["status"] for each in found for dispatch in each["dispatches"]} == {"delivered"}
    again = world.call("POST", f"{MESSAGES}/{found[0]['id']}/resend", {})
    assert (again.status_code, again.json()["dispatches"][0]["status"]) == (202, "waiting")
    world.works()
    assert len(listener.told) == 4
    assert world.call("GET", f"{MESSAGES}/{found[0]['id']}").json()["dispatches"][0]["reply"] == "thank you"
    assert problem(world.call("POST", f"{MESSAGES}/msg_none/resend", {})) == (404, "not_found")
    assert problem(world.call("GET", f"{MESSAGES}/msg_none")) == (404, "not_found")


def quota_filled(world: World) -> None:
    world.with_calls()
    world.call("PUT", "/v1/entitlements", {"customer": "ada", "meter": "calls", "limit": "10"})
    set_to = {"customer": "ada", "meter": "calls", "thresholds": [50, 90]}
    assert world.call("PUT", "/v1/alert-thresholds", set_to).json() == set_to
    world.call("POST", "/v1/quotas/consume", {"customer": "ada", "meter": "calls", "quantity": 9, "op": "a"})


def test_alerts_are_listed_with_their_figures(world: World) -> None:
    quota_filled(world)
    found = world.call("GET", "/v1/alerts?customer=ada&kind=quota.threshold").json()["data"]
    assert sorted(alert["threshold"] for alert in found) == [50, 90]
    assert found[0]["facts"] == {"limit": "10", "used": "9", "resets_at": "2026-02-01T00:00:00Z"}
    first = world.call("GET", "/v1/alerts?limit=1").json()
    second = world.call("GET", f"/v1/alerts?limit=1&cursor={first['next_cursor']}").json()
    assert [page["data"][0]["threshold"] for page in (first, second)] == [alert["threshold"] for alert in found]
    assert world.call("GET", "/v1/alerts?customer=ben").json()["data"] == []
    assert problem(world.call("GET", "/v1/alerts?kind=nonsense")) == (422, "invalid_input")
    unknown = {"customer": "ben", "meter": "calls", "thresholds": []}
    assert problem(world.call("PUT", "/v1/alert-thresholds", unknown)) == (404, "not_found")


def test_letters_are_shown_where_mail_is_tried_out(world: World) -> None:
    quota_filled(world)
    world.works()
    page = world.call("GET", "/dev/mail")
    assert page.status_code == 200
    assert "90 % of calls used" in page.text
    assert "ada@example.com: delivered" in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<script" not in page.text
    assert "style=" not in page.text
    world.headers = {}
    assert problem(world.call("GET", "/dev/mail")) == (401, "unauthorized")


def test_letters_are_not_shown_where_business_is_done(world: World) -> None:
    world.billing.sandbox = None
    assert problem(world.call("GET", "/dev/mail")) == (404, "not_found")


def test_who_may_read_may_neither_send_nor_tell_others(world: World) -> None:
    token = world.billing.create_api_key("reader", ["billing:read"]).token
    world.headers = {"Authorization": f"Bearer {token}"}
    assert world.call("GET", "/v1/alerts").status_code == 200
    assert world.call("GET", MESSAGES).status_code == 200
    for method, path, body in (
        ("POST", ENDPOINTS, {"url": "https://example.com/"}),
        ("GET", ENDPOINTS, None),
        ("POST", f"{MESSAGES}/msg_1/resend", {}),
        ("GET", "/dev/mail", None),
    ):
        assert problem(world.call(method, path, body)) == (403, "forbidden")
