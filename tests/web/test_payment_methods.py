"""Where one pays and what one pays with, over HTTP: the page of an open invoice, saved payment methods, and nobody else's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tallystick.domain.payments import Collection, Method
from tallystick.sandbox import pages
from tests.web.saas import ORIGIN, Saas, code, embedded
from tests.web.world import World, problem

BACK = {"success_url": f"{ORIGIN}/done", "cancel_url": f"{ORIGIN}/invoices"}
OURS = {"X-Requested-With": "tallystick"}
METHODS = "/api/billing/payment-methods"


@pytest.fixture
def saas(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Saas]:
    with embedded(sqlite_url, monkeypatch, str(tmp_path / "sandbox.db")) as found:
        yield found


def owing(saas: Saas, name: str) -> tuple[TestClient, str]:
    """Somebody who has an open invoice that nobody charges by itself, and its id."""
    client = saas.by(name)
    saas.billing.subscribe(saas.id_of(name), "basic", collection=Collection(Method.INTENT, automatic=False))
    saas.works()
    return client, client.get("/api/billing/invoices").json()["data"][0]["id"]


def ask_for_page(client: TestClient, invoice: str, **more: str) -> Response:
    return client.post(f"/api/billing/invoices/{invoice}/checkout", json={**BACK, **more}, headers=OURS)


def on_page(saas: Saas, url: str, card: str) -> int:
    sandbox = saas.billing.sandbox
    assert sandbox is not None
    return pages.answer(sandbox, "POST", url.removeprefix(sandbox.public_url), f"card={card}".encode())[0]


def saves(saas: Saas, client: TestClient, *cards: str) -> None:
    """The customer adds these cards in the portal, the last of them last."""
    url = client.post("/api/billing/portal", json={"return_url": ORIGIN}, headers=OURS).json()["url"]
    sandbox = saas.billing.sandbox
    assert sandbox is not None
    for card in cards:
        assert pages.answer(sandbox, "POST", url.removeprefix(sandbox.public_url), f"action=add&card={card}".encode())[0] == 303


def test_an_open_invoice_is_paid_on_the_providers_page(saas: Saas) -> None:
    client, invoice = owing(saas, "ada")
    shown = ask_for_page(client, invoice).json()
    assert (shown["payment"]["invoice"], shown["session_id"][:3]) == (invoice, "cs_")
    assert ask_for_page(client, invoice).json()["url"] == shown["url"]
    assert on_page(saas, shown["url"], "pm_card_visa") == 303
    assert client.post(f"/api/billing/invoices/{invoice}/pay", headers=OURS).json()["status"] == "succeeded"
    assert client.get(f"/api/billing/invoices/{invoice}").json()["invoice"]["status"] == "paid"
    assert code(ask_for_page(client, invoice)) == (409, "not_open")


def test_anothers_invoice_is_like_none_at_all(saas: Saas) -> None:
    _, invoice = owing(saas, "ada")
    ben = saas.by("ben")
    anothers, absent = ask_for_page(ben, invoice), ask_for_page(ben, "inv_none")
    assert code(anothers) == code(absent) == (404, "not_found")
    assert anothers.json()["detail"] == absent.json()["detail"]
    assert code(ask_for_page(saas.by(), invoice)) == (401, "logged_out")


def test_a_page_leads_back_to_our_own_origins_alone(saas: Saas) -> None:
    client, invoice = owing(saas, "ada")
    assert code(ask_for_page(client, invoice, cancel_url="https://evil.test/")) == (422, "origin_not_allowed")


def test_saved_methods_are_listed_newest_first_and_another_is_made_the_default(saas: Saas) -> None:
    client = saas.by("ada")
    assert client.get(METHODS).json() == {"data": []}
    saves(saas, client, "pm_card_visa", "pm_card_mastercard")
    newest, first = client.get(METHODS).json()["data"]
    assert [(each["brand"], each["last4"], each["is_default"]) for each in (newest, first)] == [
        ("mastercard", "4444", True), ("visa", "4242", False),
    ]  # fmt: skip
    chosen = client.put(f"{METHODS}/default", json={"payment_method": first["id"]}, headers=OURS).json()["data"]
    assert [each["is_default"] for each in chosen] == [False, True]
    assert client.get(METHODS).json()["data"] == chosen


def test_a_method_of_somebody_else_cannot_be_chosen_and_is_not_told_from_none(saas: Saas) -> None:
    ada, ben = saas.by("ada"), saas.by("ben")
    saves(saas, ada, "pm_card_visa")
    (method,) = ada.get(METHODS).json()["data"]
    answers = [ben.put(f"{METHODS}/default", json={"payment_method": name}, headers=OURS) for name in (method["id"], "pm_none")]
    assert {code(answer) for answer in answers} == {(404, "not_found")}
    assert answers[0].json()["detail"] == answers[1].json()["detail"]
    assert ben.get(METHODS).json() == {"data": []}
    assert code(saas.by().get(METHODS)) == (401, "logged_out")


def test_a_browser_is_given_what_it_needs_to_save_one(saas: Saas) -> None:
    client = saas.by("ada")
    shown = client.post(METHODS, headers=OURS).json()
    assert (shown["id"][:5], shown["client_secret"].startswith(shown["id"])) == ("seti_", True)


def test_programs_see_and_choose_a_customers_methods_and_send_them_to_pay(world: World) -> None:
    world.call("PUT", "/v1/customers/ada", {"email": "ada@example.com"})
    path = "/v1/customers/ada/payment-methods"
    assert world.call("GET", path).json() == {"data": []}
    assert problem(world.call("PUT", f"{path}/default", {"payment_method": "pm_none"})) == (404, "not_found")
    assert problem(world.call("GET", "/v1/customers/nobody/payment-methods")) == (404, "not_found")
    assert problem(world.call("POST", "/v1/invoices/inv_none/checkout", BACK)) == (404, "not_found")
    assert problem(world.call("DELETE", "/v1/invoices/inv_none/checkout")) == (404, "not_found")
    assert problem(world.call("POST", "/v1/invoices/inv_none/checkout", {**BACK, "success_url": "x"}))[0] == 422


def test_a_plan_that_the_provider_bills_is_subscribed_to_on_its_page(saas: Saas) -> None:
    price = {"currency": "usd", "model": "flat", "amount": "20", "lookup_key": "team_base"}
    plan = {"key": "team", "billed_by": "provider", "charges": [{"key": "base", "kind": "recurring", "prices": [price]}]}
    saas.billing.apply_catalogue({"plans": [plan]})
    client, body = saas.by("ada"), {**BACK, "plan": "team"}
    assert code(client.post("/api/billing/checkout", json=body))[1] == "provider_refused", "the provider has no such price yet"
    saas.billing.push_catalogue()
    shown = client.post("/api/billing/checkout", json=body).json()
    assert client.post("/api/billing/checkout", json=body).json() == shown
    assert on_page(saas, shown["url"], "pm_card_visa") == 303
    assert code(client.post("/api/billing/checkout", json=body)) == (409, "already_subscribed")
    (followed,) = [each for each in saas.billing.provider_subscriptions(saas.id_of("ada")) if each.ref]
    assert followed.standing == "active"


def test_a_program_sends_a_customer_to_begin_a_plan_that_the_provider_bills(world: World) -> None:
    path, wish = "/v1/provider-subscriptions/checkout", {"customer": "ada", "plan": "team", **BACK}
    assert problem(world.call("POST", path, wish)) == (422, "unknown_plan")
    price = {"currency": "usd", "model": "flat", "amount": "20", "lookup_key": "team_base"}
    plan = {"key": "team", "billed_by": "provider", "charges": [{"key": "base", "kind": "recurring", "prices": [price]}]}
    world.billing.apply_catalogue({"plans": [plan]})
    world.billing.push_catalogue()
    first, second = (world.call("POST", path, wish).json() for _ in range(2))
    assert first == second
    assert (first["standing"], first["page_url"][:4]) == ("requested", "http")
    assert world.call("GET", f"/v1/provider-subscriptions/{first['id']}").json() == first
