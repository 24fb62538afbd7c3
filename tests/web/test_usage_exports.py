"""Exports of usage that a person has to look at, over HTTP. For admins."""

from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlencode

from tallystick.domain.usage import Event, Meter
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.worker import loop
from tests.web.world import World, problem

UNCLEAR, CLEAR = "/v1/usage-exports/unclear", "/v1/usage-exports/clear"


def lost(world: World, events: int) -> None:
    """So many were sent, and of none can anybody tell any more."""
    billing, at = world.billing, world.clock.now()
    billing.put_meter(Meter(MeterKey("calls"), decimals=0, export_as="api_calls"))
    named = {"display_name": "Calls", "event_name": "api_calls", "default_aggregation[formula]": "sum"}
    headers = {"Authorization": "Bearer sk_test_dashboard"}
    world.billing.sandbox.handle("POST", "/v1/billing/meters", body=urlencode(named).encode(), headers=headers)
    billing.record([Event(CustomerId("ada"), EventId(f"e{n}"), MeterKey("calls"), Decimal(5), at) for n in range(events)])
    world.clock.advance(timedelta(minutes=1))
    loop.catch_up(billing.context)
    with billing.context.database.transaction("a test") as conn:
        conn.exec_driver_sql("UPDATE tallystick_usage_exports SET status = 'unclear', reason = 'lost'")


def said(event: str, word: str = "delivered") -> dict[str, str]:
    return {"customer": "ada", "id": event, "said": word, "reason": "I looked"}


def test_it_is_listed_and_cleared_and_twice_is_once(world: World) -> None:
    lost(world, 1)
    (shown,) = world.call("GET", UNCLEAR).json()["data"]
    assert (shown["without"], shown["with"], shown["provider"], shown["reason"]) == ("0", "5", None, "lost")
    assert world.call("GET", f"{UNCLEAR}?ask=true&customer=ada").json()["data"][0]["provider"] == "5"
    for _ in range(2):
        answer = world.call("POST", CLEAR, said("e0"))
        assert (answer.status_code, answer.json()["status"], answer.json()["identifier"]) == (200, "sent", shown["identifier"])
    assert world.call("GET", UNCLEAR).json()["data"] == []
    assert problem(world.call("POST", CLEAR, said("e0", "send_again"))) == (409, "not_unclear")
    assert problem(world.call("POST", CLEAR, said("e9"))) == (404, "not_found")
    assert world.billing.verify().clean


def test_pages_meet(world: World) -> None:
    lost(world, 3)
    first = world.call("GET", f"{UNCLEAR}?limit=2").json()
    rest = world.call("GET", f"{UNCLEAR}?limit=2&cursor={first['next_cursor']}").json()
    assert [each["id"] for each in first["data"] + rest["data"]] == ["e0", "e1", "e2"]
    assert rest["next_cursor"] is None
