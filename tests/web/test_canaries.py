"""A key, a secret, a password and a card that were given to the system are in no log line, no error, no page, and no table."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from tallystick.app import Tallystick
from tallystick.settings import Settings
from tallystick.storage import schema
from tallystick.testing import FakeClock
from tallystick.values.errors import TallystickError
from tallystick.web import background
from tallystick.web.service import create_app
from tallystick.worker import schedule
from tallystick.worker.loop import run_until_idle
from tests.web.world import ORIGIN

CARD = "4000056655665556"
PASSWORD = "canary-password-of-ada"
CANARIES = {
    "the secret key": "sk_test_" + "canary" * 4,
    "the webhook secret": "whsec_" + "canary" * 5,
    "the pepper": "canary-pepper-of-this-service",
    "the mail server's password": "canary-mail-password",
    "a card": CARD,
    "a password": PASSWORD,
}


@dataclass
class Watched:
    """A service whose provider cannot be reached, and everything that it says."""

    billing: Tallystick
    settings: Settings
    app: FastAPI
    client: TestClient
    said: list[str] = field(default_factory=list)

    def call(self, method: str, path: str, **how: object) -> None:
        """Every byte of the answer is noted."""
        answer = self.client.request(method, path, **how)  # type: ignore[arg-type]
        assert answer.status_code < 500 or answer.status_code in {502, 503}, (method, path, answer.text)
        self.said += [answer.text, str(dict(answer.headers))]

    def stored(self) -> str:
        with self.billing.context.database.reading() as conn:
            return "\n".join(repr(row) for table in schema.metadata.sorted_tables for row in conn.execute(table.select()))


@pytest.fixture
def watched(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setattr(background, "started", lambda *_: background.Background())
    settings = Settings(
        _env_file=None,
        STRIPE_SECRET_KEY=CANARIES["the secret key"],
        STRIPE_PUBLISHABLE_KEY="pk_test_of_this_service",
        STRIPE_WEBHOOK_SECRET=CANARIES["the webhook secret"],
        STRIPE_API_BASE="http://127.0.0.1:9",
        TALLYSTICK_API_KEY_PEPPER=CANARIES["the pepper"],
        TALLYSTICK_SMTP_URL=f"smtp://ada:{CANARIES['the mail server' + chr(39) + 's password']}@127.0.0.1:9",
        TALLYSTICK_MAIL_OPERATOR="ops@example.com",
        database_url=sqlite_url,
    )
    billing = Tallystick.from_settings(settings, clock=FakeClock(), receives=True)
    app = create_app(billing, settings)
    with TestClient(app, base_url=ORIGIN, raise_server_exceptions=False) as client:
        yield Watched(billing, settings, app, client)
    billing.close()


def leaks(text: str) -> list[str]:
    return [name for name, canary in CANARIES.items() if canary in text]


def test_none_of_them_is_said_anywhere(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as logs:
        _a_life_with_troubles(watched)
        _every_route(watched)
    # But for the test's own client, which says what it asks.
    lines = [record.getMessage() for record in caplog.records if not record.name.startswith("httpx")]
    watched.said += [repr(logs), *lines, repr(watched.settings), repr(watched.billing.context), repr(watched.app.state.door)]
    watched.said += [repr(watched.billing.diagnose(watched.settings)), repr(watched.billing.dead_jobs())]
    assert {name for text in watched.said for name in leaks(text)} == set()
    assert logs, "something was logged"


def test_none_of_them_is_in_a_table(watched: Watched) -> None:
    _a_life_with_troubles(watched)
    assert leaks(watched.stored()) == []


def test_what_is_wrong_with_a_secret_is_said_without_it() -> None:
    from tallystick.settings import read_settings

    for name, value in (("STRIPE_SECRET_KEY", CARD), ("STRIPE_WEBHOOK_SECRET", "canary"), ("TALLYSTICK_SMTP_URL", PASSWORD)):
        with pytest.raises(TallystickError) as refusal:
            Tallystick.from_settings(read_settings(_env_file=None, **{name: value, "DATABASE_URL": "sqlite://"})).close()
        assert value not in str(refusal.value), name


def test_a_planted_leak_is_seen() -> None:
    assert leaks(f"log: {PASSWORD}") == ["a password"]


def _a_life_with_troubles(watched: Watched) -> None:
    """Log-ins, payments that cannot be made, letters that cannot be sent, forged news."""
    credentials = {"email": "ada@example.com", "password": PASSWORD}
    watched.call("POST", "/api/auth/register", json=credentials)
    watched.call("POST", "/api/auth/login", json=credentials)
    watched.call("POST", "/api/auth/login", json={"email": "ada@example.com", "password": PASSWORD + "x"})
    watched.call("POST", "/api/auth/login", content=f'{{"email": "ada@example.com", "password": "{PASSWORD}"')
    for path in ("/webhooks/stripe", "/api/billing/webhook"):
        watched.call("POST", path, content=f'{{"id": "evt_1", "card": "{CARD}"}}', headers={"Stripe-Signature": "t=1,v1=00"})
    watched.call("POST", "/api/create-payment-intent", json={"card": CARD})
    schedule.Sweeps().run_due(watched.billing.context)
    run_until_idle(watched.billing.context)
    for _ in range(6):  # until its circuit opens, which is logged
        watched.app.state.door.check.refresh()


def _every_route(watched: Watched) -> None:
    """Asked with a key and without, with canaries where anything can be said: in the path, the query, a header, the body."""
    token = watched.billing.create_api_key("tests", ["admin"]).token
    operations = [(path, method) for path, said in watched.app.openapi()["paths"].items() for method in said]
    assert len(operations) > 80, "every route is asked"
    for path, method in operations:
        place, body = re.sub(r"\{[^}]*\}", CARD, path), {"card_number": CARD, "password": PASSWORD}
        for key in (None, token, CANARIES["the secret key"]):
            headers = {} if key is None else {"Authorization": f"Bearer {key}"}
            how: dict[str, object] = {} if method in {"get", "delete"} else {"json": body}
            watched.call(method.upper(), place, params={"card": CARD}, headers=headers, **how)
