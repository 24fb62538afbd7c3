"""The routes for an app's users inside a host: who may what, whose is whose, and where a page may lead back to."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from tallystick.settings import Settings
from tallystick.testing import in_memory
from tallystick.web import background
from tallystick.web.embedded import billing_router, billing_router_for
from tallystick.web.install import install
from tests.web.saas import ORIGIN, Saas, code, embedded

BACK = {"success_url": f"{ORIGIN}/done", "cancel_url": f"{ORIGIN}/plans"}
# Route, body, and the statuses that nobody, a user and an admin get.
MATRIX = [
    ("GET", "/api/auth/me", None, (401, 200, 200)),
    ("POST", "/api/billing/checkout", {"plan": "basic", **BACK}, (401, 200, 200)),
    ("POST", "/api/billing/portal", {"return_url": ORIGIN}, (401, 200, 200)),
    ("POST", "/api/billing/portal-session", {"return_url": ORIGIN}, (401, 200, 200)),
    ("GET", "/api/billing/subscription", None, (401, 200, 200)),
    ("GET", "/api/billing/quota", None, (401, 200, 200)),
    ("GET", "/api/billing/usage", None, (401, 200, 200)),
    ("GET", "/api/billing/invoices", None, (401, 200, 200)),
    ("GET", "/api/billing/plans", None, (401, 200, 200)),
    ("GET", "/api/billing/entitlements", None, (401, 200, 200)),
    ("GET", "/api/billing/upcoming", None, (401, 200, 200)),
    ("GET", "/api/billing/credits", None, (401, 200, 200)),
    ("GET", "/api/billing/alerts", None, (401, 200, 200)),
    ("GET", "/api/billing/limits", None, (401, 200, 200)),
    ("GET", "/api/billing/payment-methods", None, (401, 200, 200)),
    ("GET", "/api/billing/admin/users", None, (401, 403, 200)),
    ("GET", "/api/billing/admin/invoices", None, (401, 403, 200)),
]
# Asked with what they need in test_own.py, and where documents are tested.
OWN = {
    "/api/billing/credit-notes/{credit_note_id}/html",
    "/api/billing/credit-notes/{credit_note_id}/pdf",
    "/api/billing/invoices/{invoice_id}/csv",
    "/api/billing/invoices/{invoice_id}/html",
    "/api/billing/invoices/{invoice_id}/pdf",
    "/api/billing/usage/days",
    "/api/billing/alert-thresholds",
    "/api/billing/invoices/{invoice_id}",
    "/api/billing/invoices/{invoice_id}/checkout",
    "/api/billing/invoices/{invoice_id}/dunning",
    "/api/billing/invoices/{invoice_id}/pay",
    "/api/billing/payment-methods/default",
    "/api/billing/subscription/preview",
    "/api/billing/subscription/cancel/preview",
    "/api/billing/subscription/previews/{preview_id}/accept",
    "/api/billing/subscription/undo",
}


@pytest.fixture
def saas(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Saas]:
    with embedded(database_url, monkeypatch, str(tmp_path / "sandbox.db")) as found:
        yield found


@pytest.fixture
def small(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Saas]:
    with embedded(sqlite_url, monkeypatch, str(tmp_path / "sandbox.db")) as found:
        yield found


def test_every_route_answers_each_as_they_are(saas: Saas) -> None:
    told = {path for path in saas.app.openapi()["paths"] if path.startswith("/api/billing") or path.endswith("/me")}
    assert told == {path for _, path, _, _ in MATRIX} | {"/api/billing/webhook"} | OWN
    whom = [saas.by(), saas.by("ada"), saas.by("boss", role="admin")]
    for method, path, body, expected in MATRIX:
        answers = [client.request(method, path, json=body) for client in whom]
        assert tuple(answer.status_code for answer in answers) == expected, f"{method} {path}: {answers[-1].text}"
        refused = {401: (401, "logged_out"), 403: (403, "forbidden")}
        for answer in answers:
            assert answer.status_code == 200 or code(answer) == refused[answer.status_code]
            assert answer.headers["cache-control"] == "no-store"


def test_a_user_sees_their_own_and_nobody_elses(saas: Saas) -> None:
    ada, bob, boss = saas.by("ada"), saas.by("bob"), saas.by("boss", role="admin")
    saas.billing.subscribe(saas.id_of("ada"), "basic")
    saas.billing.consume(saas.id_of("ada"), "tokens", 25_000, op="one")
    mine, theirs = (client.get("/api/billing/subscription").json() for client in (ada, bob))
    assert (mine["status"], mine["plan"], mine["plan_name"], mine["currency"]) == ("active", "basic", "Basic", "usd")
    assert mine["current_period"] == {"from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}
    assert (theirs["status"], theirs["plan"]) == ("none", None)
    quotas = {quota["meter"]: quota for quota in ada.get("/api/billing/quota").json()["data"]}
    assert quotas["tokens"] == {
        "meter": "tokens", "unit": "token", "limit": "100000", "used": "25000", "reserved": "0", "remaining": "75000",
        "percent_used": 25, "resets_at": "2026-02-01T00:00:00Z",
    }  # fmt: skip
    assert bob.get("/api/billing/quota").json() == {"plan": None, "data": []}
    used = {usage["meter"]: usage["quantity"] for usage in ada.get("/api/billing/usage").json()["data"]}
    assert used == {"api_calls": "0", "scraping_tasks": "0", "tokens": "25000"}
    (invoice,) = ada.get("/api/billing/invoices").json()["data"]
    assert (invoice["total"], invoice["currency"], invoice["customer"]) == (1900, "usd", saas.id_of("ada"))
    assert bob.get("/api/billing/invoices").json()["data"] == []
    assert [each["id"] for each in boss.get("/api/billing/admin/invoices").json()["data"]] == [invoice["id"]]
    users = {user["email"]: user for user in boss.get("/api/billing/admin/users").json()["data"]}
    assert set(users) == {"ada@example.com", "bob@example.com"}
    assert users["ada@example.com"]["subscription"]["plan"] == "basic"
    assert {quota["meter"]: quota["used"] for quota in users["ada@example.com"]["quotas"]}["tokens"] == "25000"


def test_no_cursor_of_an_admins_list_opens_it_to_a_user(small: Saas) -> None:
    for name in ("ada", "bob", "eve"):
        small.by(name)
    cursor = small.by("boss", role="admin").get("/api/billing/admin/users?limit=1").json()["next_cursor"]
    assert code(small.by("ada").get(f"/api/billing/admin/users?cursor={cursor}")) == (403, "forbidden")
    assert code(small.by("ada").get(f"/api/billing/invoices?cursor={cursor}")) == (422, "invalid_input")


def test_unlimited_says_null_and_enterprise_is_it(small: Saas) -> None:
    ada = small.by("ada")
    small.billing.subscribe(small.id_of("ada"), "enterprise")
    quotas = ada.get("/api/billing/quota").json()["data"]
    assert {(quota["limit"], quota["remaining"], quota["percent_used"]) for quota in quotas} == {(None, None, None)}


def test_checkout_takes_a_plan_or_a_price_that_means_one(saas: Saas) -> None:
    ada = saas.by("ada")
    first, again = (ada.post("/api/billing/checkout", json={"plan": "pro", **BACK}).json() for _ in range(2))
    by_price = ada.post("/api/billing/checkout", json={"price_id": "price_pro", **BACK}).json()
    assert first == again == by_price
    assert first["url"].startswith(f"{ORIGIN}/sandbox/")
    assert first["session_id"].startswith("cs_test_")
    assert saas.by().get(first["url"]).status_code == 200, "the sandbox's page is served by the host"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({**BACK}, 422, "plan"),
        ({"plan": "pro", "price_id": "price_pro", **BACK}, 422, "plan"),
        ({"price_id": "price_of_nobody", **BACK}, 422, "price_id"),
        ({"plan": "nothing", **BACK}, 404, "plan"),
        ({"plan": "pro", "success_url": "https://evil.example/", "cancel_url": ORIGIN}, 422, "success_url"),
        ({"plan": "pro", "success_url": ORIGIN, "cancel_url": f"{ORIGIN}.evil.example/"}, 422, "cancel_url"),
        ({"plan": "pro", "success_url": f"{ORIGIN}@evil.example/", "cancel_url": ORIGIN}, 422, "success_url"),
        ({"plan": "pro", "success_url": "javascript:alert(1)", "cancel_url": ORIGIN}, 422, "success_url"),
        ({"plan": "pro", "success_url": "//evil.example", "cancel_url": ORIGIN}, 422, "success_url"),
        ({"plan": "pro", "success_url": "/done", "cancel_url": ORIGIN}, 422, "success_url"),
        ({"plan": "pro", "success_url": "http://localhost:8000\\@evil.example", "cancel_url": ORIGIN}, 422, "success_url"),
        ({"plan": "pro", "customer": "somebody else", **BACK}, 422, "customer"),
        ({"plan": "pro", "amount": 1, **BACK}, 422, "amount"),
    ],
)
def test_what_a_checkout_will_not_do(small: Saas, body: dict[str, object], status: int, field: str) -> None:
    answer = small.by("ada").post("/api/billing/checkout", json=body)
    assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
    assert "evil" not in answer.text


@pytest.mark.parametrize("path", ["portal", "portal-session"])
@pytest.mark.parametrize("url", ["https://evil.example", "http://localhost:8000.evil.example", "data:text/html,x", ""])
def test_the_portal_leads_back_to_nobody_else(small: Saas, path: str, url: str) -> None:
    assert small.by("ada").post(f"/api/billing/{path}", json={"return_url": url}).status_code == 422


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Content-Type": "text/plain"}]
)
def test_no_other_sites_page_spends_a_users_session(small: Saas, headers: dict[str, str]) -> None:
    ada = small.by("ada")
    for method, path, _, _ in MATRIX:
        if method == "POST":
            answer = ada.post(path, content=b"{}", headers={"Content-Type": "application/json", **headers})
            assert code(answer) == (403, "cross_site"), path


def test_an_origin_that_is_allowed_may_ask_and_is_led_back_to(sqlite_url: str, tmp_path: Path, monkeypatch) -> None:
    app = "https://app.example.com"
    with embedded(sqlite_url, monkeypatch, str(tmp_path / "s.db"), TALLYSTICK_ALLOWED_ORIGINS=app) as saas:
        body = {"plan": "basic", "success_url": f"{app}/done?x=1#y", "cancel_url": app}
        headers = {"Origin": app, "Sec-Fetch-Site": "cross-site"}
        assert saas.by("ada").post("/api/billing/checkout", json=body, headers=headers).status_code == 200


def test_a_forged_webhook_is_refused_in_any_host(small: Saas) -> None:
    for path in ("/api/billing/webhook", "/webhooks/stripe"):
        assert small.by().post(path, content=b"{}").status_code == 400
        assert small.by().post(path, content=b"{}", headers={"Origin": "https://evil.example"}).status_code == 400


@pytest.fixture
def own_users(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A host that has users of its own, whom a header names; and the engine installed in it."""
    monkeypatch.setattr(background, "started", lambda *_: background.Background())
    billing, app, settings = in_memory(), FastAPI(), Settings(_env_file=None, database_url="sqlite://")

    async def identify(request: Request) -> int | None:
        return int(request.headers["x-user"]) if "x-user" in request.headers else None

    def admin(request: Request) -> bool:
        return request.headers["x-user"] == "1"

    install(app, billing, settings=settings, identify=identify, admin=admin)
    app.include_router(billing_router, prefix="/api")
    app.include_router(billing_router_for(billing, identify=identify, settings=settings), prefix="/other")
    billing.put_customer("7", email="seven@example.com")
    with TestClient(app, base_url=ORIGIN) as client:
        yield client
    billing.close()


@pytest.mark.parametrize("prefix", ["/api", "/billing/api", "/other"])
def test_a_host_brings_its_own_users(own_users: TestClient, prefix: str) -> None:
    assert code(own_users.get(f"{prefix}/billing/quota")) == (401, "logged_out")
    assert own_users.get(f"{prefix}/billing/quota", headers={"x-user": "7"}).json() == {"plan": None, "data": []}
    assert code(own_users.get(f"{prefix}/billing/admin/users", headers={"x-user": "7"})) == (403, "forbidden")
    as_admin = own_users.get(f"{prefix}/billing/admin/users", headers={"x-user": "1"})
    if prefix == "/other":
        assert code(as_admin) == (403, "forbidden"), "nobody is admin where nobody says who is"
    else:
        assert [user["email"] for user in as_admin.json()["data"]] == ["seven@example.com"]


def test_a_host_with_its_own_users_has_none_of_our_accounts(own_users: TestClient) -> None:
    body = {"email": "ada@example.com", "password": "correct horse battery"}
    for path in ("register", "login"):
        assert code(own_users.post(f"/billing/api/auth/{path}", json=body)) == (404, "not_found")


def test_importing_the_routers_builds_no_engine_and_opens_no_file(tmp_path: Path) -> None:
    script = (
        "from tallystick.web import auth_router, billing_router, init_db\n"
        "from tallystick.app.metering import shared\n"
        "assert shared.cache_info().currsize == 0\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    assert list(tmp_path.iterdir()) == []


def test_the_hosts_document_says_it_all_and_refers_to_nothing_of_ours(small: Saas) -> None:
    document = small.app.openapi()
    assert document["paths"]["/api/billing/quota"]["get"]["x-policy"] == "signed_in"
    assert document["paths"]["/api/billing/admin/users"]["get"]["x-policy"] == "signed_in_admin"
    assert "#/components/schemas/Problem" not in str(document)
