"""An admin who has logged in may do at `/v1` what a key may: so the admin's pages need no key."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from tallystick.settings import Settings
from tallystick.testing import in_memory
from tallystick.web import background
from tallystick.web.install import install
from tests.web.world import World, problem

OURS = {"X-Requested-With": "tallystick"}
PASSWORD = "correct horse battery"


def logged_in(world: World, email: str, role: str = "user") -> None:
    world.billing.register(email, PASSWORD, role=role)
    answer = world.client.post("/api/auth/login", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200


def put_meter(world: World, **headers: str) -> Response:
    return world.client.put("/v1/meters/calls", json={}, headers=headers)


def test_an_admin_who_has_logged_in_needs_no_key(world: World) -> None:
    logged_in(world, "boss@example.com", "admin")
    assert put_meter(world).status_code == 200
    assert world.client.get("/v1/api-keys").status_code == 200


def test_the_audit_names_the_admin(world: World) -> None:
    logged_in(world, "boss@example.com", "admin")
    assert world.client.post("/v1/api-keys", json={"name": "n", "scopes": ["usage:read"]}).status_code == 201
    (first, *_) = world.client.get("/v1/audit").json()["data"]
    assert first["action"] == "api_key.issued"
    assert first["actor"] == f"account:{world.client.get('/api/auth/me').json()['id']}"


def test_a_user_who_has_logged_in_is_no_admin(world: World) -> None:
    logged_in(world, "ada@example.com")
    assert problem(world.client.get("/v1/customers")) == (403, "forbidden")
    assert problem(put_meter(world)) == (403, "forbidden")


def test_a_page_of_another_site_does_nothing_with_an_admins_cookie(world: World) -> None:
    logged_in(world, "boss@example.com", "admin")
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert problem(put_meter(world, **headers)) == (403, "cross_site")
    assert problem(world.client.delete("/v1/api-keys/x")) == (403, "cross_site"), "a form could send this"
    assert problem(world.client.delete("/v1/api-keys/x", headers=OURS)) == (404, "not_found")


def test_a_session_that_is_over_opens_nothing(world: World) -> None:
    logged_in(world, "boss@example.com", "admin")
    cookies = dict(world.client.cookies)
    world.client.post("/api/auth/logout", headers=OURS)
    world.client.cookies.update(cookies)
    assert problem(world.client.get("/v1/customers")) == (401, "logged_out")


def test_a_key_that_is_sent_is_what_counts(world: World) -> None:
    logged_in(world, "boss@example.com", "admin")
    token = world.billing.create_api_key("narrow", ["usage:read"]).token
    assert problem(put_meter(world, Authorization=f"Bearer {token}")) == (403, "forbidden")
    assert problem(put_meter(world, Authorization="Bearer mk_made_up")) == (401, "unauthorized")


def test_a_hosts_admins_are_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "started", lambda *_: background.Background())
    host, billing = FastAPI(), in_memory()
    settings = Settings(_env_file=None, database_url="sqlite://")
    install(
        host, billing, settings=settings,
        identify=lambda request: request.headers.get("x-user"), admin=lambda request: request.headers["x-user"] == "boss",
    )  # fmt: skip
    with TestClient(host) as client:
        assert client.get("/billing/v1/customers", headers={"X-User": "boss"}).status_code == 200
        assert problem(client.get("/billing/v1/customers", headers={"X-User": "ada"})) == (403, "forbidden")
        assert problem(client.get("/billing/v1/customers")) == (401, "unauthorized")
    billing.close()
