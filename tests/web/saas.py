"""A host's application that sells three plans: its users are ours, or its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from tallystick.app import Tallystick
from tallystick.app.starter import LIMITS, SAMPLE_PRICES, catalogue
from tallystick.settings import Settings
from tallystick.testing import FakeClock
from tallystick.web import background
from tallystick.web.embedded import auth_router_for, billing_router_for
from tallystick.worker.loop import run_until_idle

ORIGIN = "http://localhost:8000"
SECRET = "correct horse battery"
PRICED = {"STRIPE_PRICE_BASIC": "price_basic", "STRIPE_PRICE_PRO": "price_pro"}


@dataclass
class Saas:
    """`by` is a client of somebody who has logged in, or of nobody."""

    billing: Tallystick
    clock: FakeClock
    app: FastAPI
    clients: list[TestClient]

    def by(self, name: str | None = None, *, role: str = "user") -> TestClient:
        client = TestClient(self.app, base_url=ORIGIN)
        self.clients.append(client)
        if name is not None:
            if not any(account.email == f"{name}@example.com" for account in self.billing.accounts()):
                self.billing.register(f"{name}@example.com", SECRET, role=role)
            answer = client.post("/api/auth/login", json={"email": f"{name}@example.com", "password": SECRET})
            assert answer.status_code == 200, answer.text
        return client

    def id_of(self, name: str) -> str:
        return next(account.id for account in self.billing.accounts() if account.email == f"{name}@example.com")

    def works(self) -> int:
        return run_until_idle(self.billing.context)


@contextmanager
def embedded(url: str, monkeypatch: pytest.MonkeyPatch, sandbox_path: str, **given: Any) -> Iterator[Saas]:
    """The host's application, running; `given` are settings."""
    monkeypatch.setattr(background, "started", lambda *_: background.Background())
    settings = Settings(_env_file=None, database_url=url, sandbox_path=sandbox_path, **(PRICED | given))
    clock = FakeClock()
    billing = Tallystick.from_settings(settings, clock=clock)
    billing.apply_catalogue(catalogue(LIMITS, SAMPLE_PRICES, "usd", meters=(), plans=()))
    app = FastAPI()
    app.include_router(auth_router_for(billing, settings=settings), prefix="/api")
    app.include_router(billing_router_for(billing, settings=settings), prefix="/api")
    found = Saas(billing, clock, app, [])
    with TestClient(app, base_url=ORIGIN):
        yield found
    for client in found.clients:
        client.close()
    billing.close()


def code(response: Response) -> tuple[int, str]:
    """Status and code of a refusal, in the form of a problem."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    assert response.json()["request_id"] == response.headers["x-request-id"]
    return response.status_code, response.json()["code"]
