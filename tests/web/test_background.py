"""The threads beside the routes start with the service, do their work, and stop with it."""

import threading
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tallystick.app import Tallystick
from tallystick.settings import Settings
from tallystick.values.errors import Busy
from tallystick.web import background
from tallystick.web.service import create_app
from tests.browser.serving import free_port, serving


def ours() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("tallystick-")}


def until(true: object, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_payment_is_settled_by_the_service_itself(sqlite_url: str, tmp_path: Path) -> None:
    import httpx2

    port = free_port()
    places = {"database_url": sqlite_url, "sandbox_path": str(tmp_path / "s.db"), "public_url": f"http://127.0.0.1:{port}"}
    settings = Settings(_env_file=None, HOURLY_RATE=10_000, **places)
    billing = Tallystick.from_settings(settings, receives=True)
    with serving(create_app(billing, settings), port) as address, httpx2.Client(base_url=address, trust_env=False) as client:
        assert ours() == {f"tallystick-{name}" for name in ("intake", "provider", "worker", "uptime", "webhooks")}
        told = client.post("/api/create-payment-intent", json={}).json()
        confirmed = client.post(
            f"/sandbox/api/v1/payment_intents/{told['payment_intent_id']}/confirm",
            headers={"Authorization": f"Bearer {told['publishable_key']}"},
            content=f"client_secret={told['client_secret']}&payment_method=pm_card_visa",
        )
        assert confirmed.json()["status"] == "succeeded"
        assert until(lambda: client.get("/api/billing-status").json()["amount_paid"] == told["amount"])
    assert until(lambda: not ours())
    billing.close()


def test_what_the_settings_switch_off_does_not_run(sqlite_url: str, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, database_url=sqlite_url, sandbox_path=str(tmp_path / "s.db"), worker=False, uptime=False)
    billing = Tallystick.from_settings(settings)
    with TestClient(create_app(billing, settings)):
        assert ours() == {"tallystick-intake", "tallystick-provider", "tallystick-webhooks"}
    assert until(lambda: not ours())
    billing.close()


def test_threads_outlive_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    stop, stumbled = threading.Event(), threading.Semaphore(0)

    class Stumbles:
        """What is metered, and what delivers: both raise what nobody thought of."""

        def record(self, *_: object) -> None:
            stumbled.release()
            raise KeyError("secret")

        deliver_due = record

        @property
        def webhooks(self) -> object:
            return self

    monkeypatch.setattr(background, "UPTIME_EVERY_S", 0.01)
    monkeypatch.setattr(background, "DELIVER_EVERY_S", 0.01)
    for work in (background._meter, background._deliver):
        stop.clear()
        thread = threading.Thread(target=work, args=(Stumbles(), stop))
        thread.start()
        assert all(stumbled.acquire(timeout=10) for _ in range(3))
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def test_a_reading_that_fails_is_made_up_for_by_the_next(monkeypatch) -> None:
    class Metered:
        asked = 0

        def record(self) -> None:
            self.asked += 1
            if self.asked == 1:
                raise Busy("locked")

    monkeypatch.setattr(background, "UPTIME_EVERY_S", 0.01)
    metered, threads = Metered(), background.Background()
    threads.start("uptime", lambda stop: background._meter(metered, stop))
    assert until(lambda: metered.asked >= 3)
    threads.stop()


def test_a_thread_that_does_not_stop_is_left_behind_and_said(monkeypatch, capsys) -> None:
    monkeypatch.setattr(background, "_STOP_S", 0.01)
    let_go = threading.Event()
    threads = background.Background()
    threads.start("stuck", lambda _stop: let_go.wait(30))
    threads.stop()
    assert "tallystick-stuck" in capsys.readouterr().out
    let_go.set()
