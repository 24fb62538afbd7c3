"""The service of a test: an engine on a clock that stands still, and a client that holds a key."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from tallystick.app import Tallystick
from tallystick.domain.uptime import Reading
from tallystick.settings import Settings
from tallystick.testing import FakeClock
from tallystick.web import background
from tallystick.web.service import create_app
from tallystick.worker.loop import run_until_idle

ORIGIN = "http://localhost:8000"
JUNE = {"from": "2025-12-01T00:00:00Z", "until": "2026-06-01T00:00:00Z"}


@dataclass
class World:
    """`call` sends JSON under the admin's key; `up_for` lets the metered machine run."""

    billing: Tallystick
    clock: FakeClock
    app: FastAPI
    client: TestClient
    token: str
    headers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.headers = {"Authorization": f"Bearer {self.token}"}

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = None if body is None else json.dumps(body)
        typed = {} if body is None else {"Content-Type": "application/json"}
        return self.client.request(method, path, content=content, headers={**self.headers, **typed, **named})

    def send(self, raw: bytes, path: str = "/v1/events", media_type: str = "application/json") -> Response:
        """The bytes as they are."""
        return self.client.post(path, content=raw, headers={**self.headers, "Content-Type": media_type})

    def with_calls(self, **price: Any) -> None:
        """A meter for calls at a cent each, and a customer."""
        document = {"currency": "usd", "model": "per_unit", "unit_amount": "0.01", **price}
        assert self.call("PUT", "/v1/meters/calls", {"decimals": 2}).status_code == 200
        assert self.call("PUT", "/v1/charges/calls", {"meter": "calls", "price": document}).status_code == 200
        assert self.call("PUT", "/v1/customers/ada", {"email": "ada@example.com"}).status_code == 200

    def used(self, quantity: int | str, **more: Any) -> Response:
        return self.call("POST", "/v1/events", {"customer": "ada", "id": "e1", "meter": "calls", "quantity": quantity, **more})

    def up_for(self, hours: int) -> None:
        """The machine was booted at the world's beginning; now it has run so much longer."""
        if not hasattr(self, "booted_at"):
            self.booted_at = self.clock.now()
            self.app.state.door.uptime.reading = lambda: Reading("boot-1", self.booted_at, self.clock.now())
        self.clock.advance(timedelta(hours=hours))

    def works(self) -> int:
        return run_until_idle(self.billing.context)

    def delivers(self) -> list[Response]:
        """The sandbox's webhooks, posted to this service."""
        answers: list[Response] = []

        def post(url: str, headers: dict[str, str], body: bytes) -> int:
            answers.append(self.client.post(url.removeprefix(ORIGIN), headers=headers, content=body))
            return answers[-1].status_code

        assert self.billing.sandbox is not None
        self.billing.sandbox.webhooks.deliver_due(post)
        return answers


@contextmanager
def serving(url: str, sandbox_path: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A service without the threads beside it, so that a test says itself when work is done."""
    monkeypatch.setattr(background, "started", lambda *_: background.Background())
    clock = FakeClock()
    settings = Settings(_env_file=None, database_url=url, sandbox_path=sandbox_path)
    billing = Tallystick.from_settings(settings, clock=clock, receives=True)
    token = billing.create_api_key("tests", ["admin"]).token
    app = create_app(billing, settings)
    app.state.door.followers.stop()  # so that whoever follows the events is told what there is, and no more
    with TestClient(app, base_url=ORIGIN, raise_server_exceptions=False) as client:
        yield World(billing, clock, app, client, token)
    billing.close()


def problem(response: Response) -> tuple[int, str]:
    """Status and code of a refusal, whose form is checked on the way."""
    body = response.json()
    assert response.headers["content-type"] == "application/problem+json", response.text
    assert body.keys() >= {"type", "title", "status", "code", "detail", "request_id"}
    assert body["status"] == response.status_code
    assert body["request_id"] == response.headers["x-request-id"]
    return response.status_code, body["code"]
