"""The provider's webhooks: kept once, answered at once, and believed only when they are signed."""

import json
from datetime import timedelta

import pytest

from tallystick.values.errors import Busy
from tests.web.world import World, problem

PATHS = ["/webhooks/stripe", "/api/billing/webhook"]


def delivery(world: World) -> tuple[dict[str, str], bytes]:
    """One signed delivery of the sandbox's, not yet posted."""
    world.up_for(2)
    assert world.client.post("/api/create-payment-intent").status_code == 200
    found: list[tuple[dict[str, str], bytes]] = []

    def post(_url: str, headers: dict[str, str], body: bytes) -> int:
        found.append((headers, body))
        return 200

    world.billing.sandbox.webhooks.deliver_due(post)
    return found[0]


def kept(world: World) -> int:
    """How many deliveries are on disk."""
    import sqlite3

    with sqlite3.connect(world.billing.context.database.path) as conn:
        return conn.execute("SELECT count(*) FROM tallystick_provider_events").fetchone()[0]


@pytest.mark.parametrize("path", PATHS)
def test_a_delivery_is_kept_once_however_often_it_comes(world: World, path: str) -> None:
    headers, body = delivery(world)
    for _ in range(3):
        answer = world.client.post(path, headers=headers, content=body)
        assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert kept(world) == 1


def test_32_at_once_are_all_answered_and_kept_once(world: World) -> None:
    from concurrent.futures import ThreadPoolExecutor

    headers, body = delivery(world)
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: world.client.post(PATHS[0], headers=headers, content=body), range(32)))
    assert {answer.status_code for answer in answers} == {200}
    assert kept(world) == 1


def test_both_addresses_are_one_inbox(world: World) -> None:
    headers, body = delivery(world)
    assert [world.client.post(path, headers=headers, content=body).status_code for path in PATHS] == [200, 200]
    assert kept(world) == 1


def forged(headers: dict[str, str], body: bytes) -> dict[str, tuple[dict[str, str], bytes]]:
    signed = headers["Stripe-Signature"]
    at, _, digest = signed.partition(",v1=")
    return {
        "another body": (headers, body.replace(b"object", b"Object", 1)),
        "a space more": (headers, body + b" "),
        "another digest": ({"Stripe-Signature": f"{at},v1={'0' * len(digest)}"}, body),
        "a digest cut off": ({"Stripe-Signature": signed[:-1]}, body),
        "another time": ({"Stripe-Signature": f"t=1,v1={digest}"}, body),
        "no time": ({"Stripe-Signature": f"v1={digest}"}, body),
        "two times": ({"Stripe-Signature": f"{at},{at},v1={digest}"}, body),
        "the old scheme": ({"Stripe-Signature": f"{at},v0={digest}"}, body),
        "no signature": ({}, body),
        "an empty signature": ({"Stripe-Signature": ""}, body),
        "a long signature": ({"Stripe-Signature": signed + "x" * 9000}, body),
        "no body": (headers, b""),
        "not UTF-8": (headers, b"\xff\xfe"),
    }


@pytest.mark.parametrize("path", PATHS)
def test_what_is_forged_is_refused_and_not_kept(world: World, path: str) -> None:
    signed = delivery(world)
    for name, (headers, body) in forged(*signed).items():
        answer = world.client.post(path, headers=headers, content=body)
        assert problem(answer)[0] == 400, name
    strange = world.client.post(path, headers=[("Stripe-Signature", "t=1,v1=é".encode("latin-1"))], content=signed[1])
    assert problem(strange)[0] == 400
    assert kept(world) == 0


@pytest.mark.parametrize(("seconds", "status"), [(300, 200), (301, 400), (-300, 200), (-301, 400)])
def test_a_delivery_is_believed_for_five_minutes_on_both_sides(world: World, seconds: int, status: int) -> None:
    headers, body = delivery(world)
    world.clock.advance(timedelta(seconds=seconds))
    assert world.client.post(PATHS[0], headers=headers, content=body).status_code == status


def test_a_delivery_may_have_a_mebibyte_and_no_more(world: World) -> None:
    headers, _ = delivery(world)
    assert problem(world.client.post(PATHS[0], headers=headers, content=b" " * 1024 * 1024))[0] == 400
    assert problem(world.client.post(PATHS[0], headers=headers, content=b" " * (1024 * 1024 + 1))) == (413, "too_large")


def test_what_it_means_is_settled_afterwards(world: World) -> None:
    headers, body = delivery(world)
    world.client.post(PATHS[0], headers=headers, content=body)
    assert json.loads(body)["object"] == "event"
    assert world.billing.backlog().due > 0
    world.works()
    assert world.billing.backlog().due == 0


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_to_a_webhook_is_counted_with_its_status(world: World, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    headers, body = delivery(world)
    answers = [world.client.post(path, headers=headers, content=content) for content in (body, body, b"x", b" " * 1024 * 1025)]
    receive = type(world.billing).receive

    def locked(*_: object) -> bool:
        world.clock.advance(timedelta(seconds=7))
        raise Busy("locked")

    monkeypatch.setattr(type(world.billing), "receive", locked)
    answers.append(world.client.post(path, headers=headers, content=body))
    monkeypatch.setattr(type(world.billing), "receive", lambda *_: 1 // 0)
    answers.append(world.client.post(path, headers=headers, content=body))
    monkeypatch.setattr(type(world.billing), "receive", receive)
    assert [answer.status_code for answer in answers] == [200, 200, 400, 413, 503, 500]
    page = world.client.get("/metrics").text
    for outcome, count in {"new": 1, "duplicate": 1, "refused": 2, "failed": 2}.items():
        assert f'tallystick_webhooks_total{{outcome="{outcome}"}} {count}.0' in page
    for status, count in {200: 2, 400: 1, 413: 1, 503: 1, 500: 1}.items():
        assert f'tallystick_webhook_answer_seconds_count{{status="{status}"}} {count}.0' in page
    assert 'tallystick_webhook_answer_seconds_bucket{le="5.0",status="503"} 0.0' in page
