"""What a user's dashboard asks: their own usage, next invoice, payments, plan and limits, and nobody else's."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tallystick.domain.payments import Collection
from tallystick.domain.usage import Event
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.time import rfc3339
from tests.web.saas import Saas, code, embedded

OURS = {"X-Requested-With": "tallystick"}


@pytest.fixture
def saas(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Saas]:
    with embedded(database_url, monkeypatch, str(tmp_path / "sandbox.db")) as found:
        yield found


def subscribed(saas: Saas, name: str, plan: str = "basic") -> TestClient:
    client = saas.by(name)
    saas.billing.subscribe(saas.id_of(name), plan)
    return client


def used(saas: Saas, name: str, quantity: int, *, days_ago: int = 0) -> None:
    at = saas.clock.now() - timedelta(days=days_ago)
    event = Event(CustomerId(saas.id_of(name)), EventId(f"e{days_ago}"), MeterKey("tokens"), Decimal(quantity), at)
    saas.billing.record([event])


def test_the_days_of_a_meter_come_with_as_many_before_them(saas: Saas) -> None:
    client = subscribed(saas, "ada")
    used(saas, "ada", 7)
    used(saas, "ada", 5, days_ago=3)
    saas.clock.advance(timedelta(minutes=1))
    since = rfc3339((saas.clock.now() - timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0))
    shown = client.get("/api/billing/usage/days", params={"meter": "tokens", "from": since}).json()
    assert [day["quantity"] for day in shown["data"]][-1] == "7"
    assert sum(int(day["quantity"]) for day in shown["before"]) == 5
    assert shown["unit"]
    unknown = client.get("/api/billing/usage/days", params={"meter": "no", "from": since})
    assert code(unknown) == (404, "not_found")


def test_the_next_invoice_opens_down_to_the_sum_of_each_line(saas: Saas) -> None:
    client = subscribed(saas, "ada")
    (coming,) = client.get("/api/billing/upcoming").json()["data"]
    assert coming["invoice"]["total"] == sum(line["amount"] for line in coming["lines"])
    assert all(line["details"] and line["price"] for line in coming["lines"])


def test_another_plan_is_shown_then_made_and_costs_what_was_shown(saas: Saas) -> None:
    client = subscribed(saas, "ada")
    shown = client.post("/api/billing/subscription/preview", json={"plan": "pro"}).json()
    assert shown["amount_due"] > 0
    made = client.post(f"/api/billing/subscription/previews/{shown['id']}/accept", headers=OURS).json()
    assert made["subscription"]["terms"]["plan"] == "pro"
    assert made["invoice"]["total"] == shown["amount_due"]


def test_a_smaller_plan_comes_later_and_can_be_taken_back(saas: Saas) -> None:
    client = subscribed(saas, "ada", "pro")
    shown = client.post("/api/billing/subscription/preview", json={"plan": "basic"}).json()
    assert shown["effective_at"] is None
    client.post(f"/api/billing/subscription/previews/{shown['id']}/accept", headers=OURS)
    assert client.get("/api/billing/subscription").json()["next_plan"] == "basic"
    assert client.post("/api/billing/subscription/undo", headers=OURS).json()["next_terms"] is None


def test_an_end_is_shown_before_it_is_made(saas: Saas) -> None:
    client = subscribed(saas, "ada")
    shown = client.post("/api/billing/subscription/cancel/preview", json={}).json()
    client.post(f"/api/billing/subscription/previews/{shown['id']}/accept", headers=OURS)
    assert client.get("/api/billing/subscription").json()["cancel_at_period_end"]


def test_nobody_accepts_or_reads_or_pays_what_is_anothers(saas: Saas) -> None:
    ada, ben = subscribed(saas, "ada"), subscribed(saas, "ben")
    shown = ada.post("/api/billing/subscription/preview", json={"plan": "pro"}).json()
    invoice = ada.get("/api/billing/invoices").json()["data"][0]["id"]
    asked = [
        ben.post(f"/api/billing/subscription/previews/{shown['id']}/accept", headers=OURS),
        ben.get(f"/api/billing/invoices/{invoice}"),
        ben.get(f"/api/billing/invoices/{invoice}/dunning"),
        ben.post(f"/api/billing/invoices/{invoice}/pay", headers=OURS),
    ]
    absent = ben.get("/api/billing/invoices/inv_nope")
    assert {code(answer) for answer in (*asked, absent)} == {(404, "not_found")}
    assert asked[1].json()["detail"] == absent.json()["detail"]


def test_an_open_invoice_is_paid_on_the_page_that_is_named(saas: Saas) -> None:
    client = subscribed(saas, "ada")
    invoice = client.get("/api/billing/invoices").json()["data"][0]
    payment = client.post(f"/api/billing/invoices/{invoice['id']}/pay", headers=OURS).json()
    assert payment["amount"] == invoice["amount_due"]
    assert payment["url"].startswith("http")
    assert client.get(f"/api/billing/invoices/{invoice['id']}").json()["payment"]["id"] == payment["id"]


def test_a_payment_that_failed_says_why_and_when_it_is_tried_again(saas: Saas) -> None:
    client = saas.by("ada")
    saas.billing.subscribe(saas.id_of("ada"), "basic", collection=Collection(payment_method="pm_card_chargeCustomerFail"))
    saas.works()
    invoice = client.get("/api/billing/invoices").json()["data"][0]["id"]
    dunning = client.get(f"/api/billing/invoices/{invoice}/dunning").json()
    assert dunning["code"] == "generic_decline"
    assert dunning["next_at"] > rfc3339(saas.clock.now())


def test_one_says_when_to_be_told(saas: Saas) -> None:
    client = subscribed(saas, "ada")
    before = client.get("/api/billing/limits").json()
    assert before["cap"] is None
    assert {"meter": "tokens", "thresholds": [80, 100]} in before["thresholds"]
    answer = client.put("/api/billing/alert-thresholds", json={"meter": "tokens", "thresholds": [50]})
    assert answer.json() == {"meter": "tokens", "thresholds": [50]}
    assert {"meter": "tokens", "thresholds": [50]} in client.get("/api/billing/limits").json()["thresholds"]


def test_who_has_not_subscribed_is_told_so(saas: Saas) -> None:
    client = saas.by("new")
    answer = client.post("/api/billing/subscription/preview", json={"plan": "pro"})
    assert code(answer) == (404, "not_found")
    assert "choose a plan first" in answer.json()["detail"]
