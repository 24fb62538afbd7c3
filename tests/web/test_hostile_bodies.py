"""Twenty thousand hostile bodies: each is answered below 500, in our own form, without repeating what was sent."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from tests.web.hostile import CANARY, Hostile
from tests.web.world import World

EVENT = {
    "customer": "ada",
    "id": "h1",
    "meter": "calls",
    "quantity": "1.5",
    "at": "2026-01-01T00:00:00Z",
    "properties": {"a": "b"},
}
CLOUD = {
    "specversion": "1.0", "id": "h2", "source": "s", "subject": "ada", "type": "calls", "time": "2026-01-01T00:00:00Z",
    "data": {"value": "2", "model": "x"},
}  # fmt: skip
TIERS = [{"up_to": "5", "unit_amount": "0", "flat_amount": "100"}, {"up_to": None, "unit_amount": "5"}]
PRICE = {
    "currency": "usd",
    "model": "graduated",
    "tiers": TIERS,
    "included": "0",
    "convert": {"divide_by": "1000", "round": "up"},
}
QUOTE = {"id": "q", "price": PRICE, "quantity": "7", "already": {"quantity": "3"}}
EVENTS_PRICE = {"currency": "jpy", "model": "percentage", "rate_percent": "2.5", "free_events": 1}
HOOK = {
    "id": "evt_1",
    "object": "event",
    "type": "invoice.paid",
    "created": 1767225600,
    "livemode": False,
    "data": {"object": {}},
}
FEE = {"key": "base", "kind": "recurring", "timing": "advance", "prices": [{"currency": "usd", "model": "flat", "amount": "9"}]}
USED = {"key": "calls", "kind": "usage", "meter": "calls", "prices": [{**PRICE, "interval": "month"}]}
PLAN = {
    "name": "Pro", "intervals": ["month", "3 months"], "trial_days": 3, "add_on": False, "features": ["sso"],
    "charges": [FEE, USED], "quotas": [{"meter": "calls", "limit": "5.5", "policy": "soft", "reset": "period"}],
}  # fmt: skip
WISH = {
    "customer": "ada", "plan": "pro", "currency": "usd", "interval": "month", "seats": 2, "add_ons": {"more": 1},
    "overrides": {"base": {"currency": "usd", "model": "flat", "amount": "8"}}, "coupon": None, "trial_days": 0,
    "start": "2026-01-01T00:00:00Z", "zone": "Asia/Tokyo", "anchoring": "calendar", "op": "h4",
    "collection": {"method": "hosted", "automatic": False},
}  # fmt: skip
CHANGE = {"plan": "pro", "interval": "3 months", "seats": 3, "add_ons": {"more": 2}, "when": "now"}

ROUTES = {
    "/v1/events": [EVENT, CLOUD, [EVENT, CLOUD], {"events": [EVENT, EVENT | {"id": "h3", "unit_price": "0.5"}]}],
    "/v1/quote": [QUOTE, {"price": EVENTS_PRICE, "events": ["1", "2.5"]}],
    "/webhooks/stripe": [HOOK],
    "/v1/plans/pro": [PLAN, {"charges": [FEE]}],
    "/v1/subscriptions": [WISH, {"customer": "ada", "plan": "pro"}],
    "/v1/subscriptions/preview": [WISH],
    "/v1/subscriptions/{id}/preview": [CHANGE],
    "/v1/subscriptions/{id}/change": [CHANGE],
    "/v1/subscriptions/{id}/cancel": [{"at": "period_end", "credit_unused": False}, {"at": "now", "credit_unused": True}],
}
EACH, EACH_OF_PLANS = 7_000, 1_000
SIGNED = b"t=1767225600,v1=" + b"0" * 64

pytestmark = pytest.mark.slow


async def posted(app: Any, path: str, headers: list[tuple[bytes, bytes]], body: bytes) -> tuple[int, bytes, bytes]:
    """Status, content type and body of the answer, without a client in between."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "path": path,
        "method": "PUT" if path.startswith("/v1/plans") else "POST",
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": headers, "client": None, "server": None,
    }  # fmt: skip
    waiting = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    content_type = dict(sent[0]["headers"])[b"content-type"]
    return sent[0]["status"], content_type, b"".join(message.get("body", b"") for message in sent[1:])


def headers_for(world: World, path: str) -> list[tuple[bytes, bytes]]:
    typed = (b"content-type", b"application/json")
    if path.startswith("/webhooks"):
        return [typed, (b"stripe-signature", SIGNED)]
    return [typed, (b"authorization", f"Bearer {world.token}".encode())]


def judged(path: str, body: bytes, answer: tuple[int, bytes, bytes]) -> str | None:
    """What is wrong with the answer, or None."""
    status, content_type, said = answer
    told = json.loads(said)
    if status >= 500:
        return f"{status} for {body!r}"
    if status >= 400 and content_type != b"application/problem+json":
        return f"{content_type!r} for {body!r}"
    if status >= 400 and CANARY in json.dumps(told):
        return f"repeats {body!r}"
    if (
        path == "/v1/events"
        and status < 400
        and len(told["results"]) != sum(told[v] for v in ("recorded", "duplicate", "conflict", "refused"))
    ):
        return f"a verdict is missing for {body!r}"
    return None


def subscribed(world: World) -> str:
    """Somebody is on a plan, to which there is something to add."""
    for key, body in (("pro", PLAN), ("more", {"add_on": True, "intervals": PLAN["intervals"], "charges": [FEE]})):
        assert world.call("PUT", f"/v1/plans/{key}", body).status_code == 200
    return str(world.call("POST", "/v1/subscriptions", {"customer": "bob", "plan": "pro"}).json()["subscription"]["id"])


@pytest.mark.parametrize("path", ROUTES)
def test_no_body_brings_it_down(world: World, path: str, capsys) -> None:
    world.with_calls()
    hostile, headers = Hostile(7, ROUTES[path]), headers_for(world, path)
    each = EACH_OF_PLANS if path.startswith(("/v1/plans", "/v1/subscriptions")) else EACH
    asked = path.replace("{id}", subscribed(world))
    told: Counter[int] = Counter()
    broken: list[str] = []

    async def all_of_them() -> None:
        for _ in range(each // 10):
            bodies = [hostile.body() for _ in range(10)]
            answers = await asyncio.gather(*(posted(world.app, asked, headers, body) for body in bodies))
            told.update(answer[0] for answer in answers)
            broken.extend(wrong for body, answer in zip(bodies, answers, strict=True) if (wrong := judged(path, body, answer)))

    asyncio.run(all_of_them())
    with capsys.disabled():
        print(f"\nhostile bodies, {path}: {told.total()}: {', '.join(f'{n} × {status}' for status, n in sorted(told.items()))}")
    assert broken == []
    assert told.total() == each
    assert world.billing.verify().clean
    assert path != "/webhooks/stripe" or set(told) == {400}
