"""The engine inside a host's application: behind its prefix, and nowhere else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient

from tallystick.settings import Settings
from tallystick.testing import in_memory
from tallystick.values.errors import NotFound
from tallystick.web import background
from tallystick.web.install import install
from tests.web.world import problem

SETTINGS = Settings(_env_file=None, database_url="sqlite://")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch):
    """A host with routes and refusals of its own, and the key to the engine within."""
    monkeypatch.setattr(background, "started", lambda *_: background.Background())
    lived: list[str] = []

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        lived.append("up")
        yield
        lived.append("down")

    app = FastAPI(lifespan=lifespan)
    billing = in_memory()
    app.get("/own")(lambda: {"own": True})

    @app.get("/refuses")
    def refuses() -> None:
        raise HTTPException(418, "short and stout")

    @app.get("/numbers/{number}")
    def numbers(number: int) -> int:
        return number

    install(app, billing, settings=SETTINGS)
    yield app, {"Authorization": f"Bearer {billing.create_api_key('host', ['admin']).token}"}, lived
    billing.close()


def test_the_engine_answers_behind_its_prefix(host) -> None:
    app, headers, lived = host
    with TestClient(app) as client:
        assert lived == ["up"]
        assert client.put("/billing/v1/meters/calls", json={}, headers=headers).status_code == 200
        event = {"customer": "a", "id": "1", "meter": "calls", "quantity": 1}
        assert client.post("/billing/v1/events", json=event, headers=headers).status_code == 202
        assert client.get("/billing/v1/events/api/1?customer=a", headers=headers).json()["quantity"] == "1"
        assert problem(client.get("/billing/v1/meters")) == (401, "unauthorized")
        assert problem(client.get("/billing/nope")) == (404, "not_found")
        assert "/v1/events" in client.get("/billing/openapi.json").json()["paths"]
    assert lived == ["up", "down"]


def test_the_hosts_own_answers_stay_as_they_are(host) -> None:
    app, _, _ = host
    with TestClient(app) as client:
        assert client.get("/own").json() == {"own": True}
        assert "content-security-policy" not in client.get("/own").headers
        assert (client.get("/refuses").status_code, client.get("/refuses").json()) == (418, {"detail": "short and stout"})
        assert client.get("/numbers/x").json()["detail"][0]["type"] == "int_parsing"
        assert client.get("/v1/meters").json() == {"detail": "Not Found"}
        assert list(client.get("/openapi.json").json()["paths"]) == ["/own", "/refuses", "/numbers/{number}"]


def test_the_hosts_own_errors_are_not_ours_to_answer(host) -> None:
    app, _, _ = host

    @app.get("/raises")
    def raises() -> None:
        raise NotFound("of the host's making")

    with TestClient(app) as client, pytest.raises(NotFound):
        client.get("/raises")


def test_the_sandboxs_pages_go_before_a_route_that_takes_everything(host) -> None:
    app, _, _ = host
    app.get("/{everything:path}")(lambda: "the host's pages")
    with TestClient(app) as client:
        assert client.get("/else").json() == "the host's pages"
        assert "There is no such page" in client.get("/sandbox/checkout/nothing").text
        assert problem(client.post("/webhooks/stripe", content=b"{}")) == (400, "invalid_signature")


@pytest.mark.parametrize("prefix", ["", "/", "billing", "/billing/"])
def test_a_prefix_is_a_path(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        install(FastAPI(), in_memory(), prefix=prefix, settings=SETTINGS)
