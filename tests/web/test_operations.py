"""How the business does, over HTTP: rows for the dashboard, figures for Prometheus, and readiness that waits for nobody."""

from datetime import timedelta

import pytest

from tallystick.worker import schedule
from tests.web.world import World


def test_the_vital_signs_are_rows(world: World) -> None:
    world.billing.observe_answer(timedelta(seconds=6))
    found = {row["vital"]: row for row in world.call("GET", "/v1/alerts/operations").json()["data"]}
    assert found.keys() == {"usage_sync", "payments", "webhooks", "unpaid_invoices"}
    late = found["webhooks"]
    assert (late["value"], late["limit"], late["unit"], late["ill"], late["count"]) == ("6", "5", "seconds", True, 1)
    assert found["payments"]["value"] is None


def test_they_need_a_key(world: World) -> None:
    assert world.client.get("/v1/alerts/operations").status_code == 401


def test_prometheus_reads_them_and_the_circuits(world: World) -> None:
    world.billing.observe_answer(timedelta(seconds=6))
    world.app.state.door.check.refresh()
    world.client.post("/webhooks/stripe", content=b"forged")
    text = world.client.get("/metrics").text
    assert 'tallystick_vital{vital="webhooks"} 6.0' in text
    assert 'tallystick_vital_ill{vital="webhooks"} 1.0' in text
    assert 'tallystick_vital{vital="payments"} NaN' in text
    assert 'tallystick_vital_ill{vital="payments"} 0.0' in text
    assert 'tallystick_circuit_open{kind="account"} 0.0' in text
    assert 'tallystick_webhook_answer_seconds_count{status="400"} 1.0' in text


def test_readiness_says_whether_the_provider_answers_and_asks_nobody(world: World) -> None:
    assert world.client.get("/readyz").json()["provider_status"] == "unknown"
    check, sandbox = world.app.state.door.check, world.billing.sandbox
    assert sandbox is not None
    check.refresh()
    assert world.client.get("/readyz").json()["provider_status"] == "ok"
    sandbox.faults.outage(world.clock.now(), world.clock.now() + timedelta(hours=2))
    check.refresh()
    assert sandbox.faults.counts["outage"] == 0, "it answered a moment ago"
    world.clock.advance(timedelta(minutes=11))
    for _ in range(6):
        check.refresh()
    ready = world.client.get("/readyz")
    assert (ready.status_code, ready.json()["provider_status"]) == (200, "unreachable"), "usage is still recorded"
    assert ready.json()["circuits"] == {"account": "open"}
    assert sandbox.faults.counts["outage"] == 5


def test_a_key_that_is_refused_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from tallystick.providers.protocol import Refused

    refused = Refused("authentication", "no", unheard=True)
    monkeypatch.setattr(world.billing.context.provider, "fetch_account", lambda: refused)
    world.app.state.door.check.refresh()
    assert world.client.get("/readyz").json()["provider_status"] == "refused"


def test_a_worker_that_has_gone_is_told_though_nothing_waits(world: World) -> None:
    assert world.client.get("/readyz").json()["worker_seen_at"] is None
    schedule.Sweeps().run_due(world.billing.context)
    ready = world.client.get("/readyz").json()
    assert (ready["worker"], ready["worker_seen_at"]) == ("ok", "2026-01-01T00:00:00Z")
    world.clock.advance(timedelta(minutes=6))
    assert world.client.get("/readyz").json()["worker"] == "late"


def test_a_slow_answer_to_a_webhook_is_noted_after_it_was_given(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    receive = type(world.billing).receive

    def slowly(billing, body, headers):
        world.clock.advance(timedelta(seconds=7))
        return receive(billing, body, headers)

    monkeypatch.setattr(type(world.billing), "receive", slowly)
    sandbox = world.billing.sandbox
    assert sandbox is not None
    sandbox.handle("POST", "/v1/customers", headers={"Authorization": "Bearer sk_test_dashboard"})
    sandbox.webhooks.deliver_due(
        lambda url, headers, body: world.client.post("/webhooks/stripe", content=body, headers=headers).status_code
    )
    found = {row["vital"]: row for row in world.call("GET", "/v1/alerts/operations").json()["data"]}
    assert (found["webhooks"]["value"], found["webhooks"]["ill"]) == ("7", True)
    assert 'tallystick_webhook_answer_seconds_bucket{le="5.0",status="200"} 0.0' in world.client.get("/metrics").text
