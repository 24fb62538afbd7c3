"""The example app as its users meet it: register, pay on the sandbox's page, use it up, and an admin who sees it all."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
ADA = {"email": "ada@example.com", "password": "correct horse battery"}
pytestmark = pytest.mark.slow


class App:
    """`uvicorn main:app` in a folder of its own, without a key, and a browser for each of its users."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url, self.folder = f"http://localhost:{port}", folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("STRIPE_", "TALLYSTICK_"))}
        self.environment = kept | {"PORT": str(port), "DATABASE_URL": "sqlite:///app.db", "PYTHONPATH": str(ROOT / "src")}
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "--app-dir",
            str(ROOT / "examples/fastapi_saas"),
            "main:app",
            "--port",
            str(port),
        ]
        self.log = folder / "app.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, cwd=folder, env=self.environment, stdout=log, stderr=log)

    def browser(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=20, trust_env=False)

    def shell(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "tallystick", *arguments]
        return subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=True).stdout

    def until(self, true: Callable[[], bool]) -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if true():
                    return
            except httpx2.HTTPError:
                pass
            time.sleep(0.2)
        pytest.fail(self.log.read_text()[-4000:])


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    made = App(tmp_path)
    with made.browser() as anybody:
        made.until(lambda: anybody.get("/api/auth/me").status_code == 401)
    yield made
    made.process.terminate()
    made.process.wait(timeout=60)


def test_a_user_from_the_first_page_to_the_end_of_the_quota(app: App) -> None:
    with app.browser() as ada:
        assert ada.post("/api/auth/register", json=ADA).status_code == 201
        assert ada.post("/api/auth/login", json=ADA).json()["token_type"] == "bearer"
        refused = ada.post("/generate", json={"text": "hello"})
        assert (refused.status_code, "no active plan" in refused.json()["detail"]) == (403, True)

        back = {"success_url": f"{app.url}/docs", "cancel_url": f"{app.url}/docs"}
        checkout = ada.post("/api/billing/checkout", json={"plan": "basic", **back}).json()
        assert "4242" in ada.get(checkout["url"]).text
        paid = ada.post(
            checkout["url"], data={"number": "4242 4242 4242 4242", "exp_month": "12", "exp_year": "2034", "cvc": "123"}
        )
        assert (paid.status_code, paid.headers["location"]) == (303, f"{app.url}/docs")
        app.until(lambda: ada.get("/api/billing/subscription").json()["status"] == "active")
        app.until(lambda: [i["status"] for i in ada.get("/api/billing/invoices").json()["data"]] == ["paid"])

        assert ada.post("/generate", json={"text": "x" * 990}).json() == {"tokens": 99_000}
        assert ada.post("/generate", json={"text": "x" * 20}).json() == {"tokens": 2_000}, "what is done is counted"
        full = ada.post("/generate", json={"text": "x"})
        assert (full.status_code, full.json()["detail"].startswith("tokens: quota exceeded: 101000 of 100000 used")) == (
            403,
            True,
        )

        scraped = [ada.post("/scrape", headers={"X-Requested-With": "fetch"}) for _ in range(3)]
        assert [answer.status_code for answer in scraped] == [200, 200, 429]
        assert scraped[-1].headers["x-ratelimit-remaining"] == "20"
        quotas = {
            quota["meter"]: (quota["used"], quota["percent_used"]) for quota in ada.get("/api/billing/quota").json()["data"]
        }
        assert quotas == {"api_calls": ("0", 0), "scraping_tasks": ("80", 80), "tokens": ("101000", 101)}

        portal = ada.post("/api/billing/portal", json={"return_url": app.url}).json()["url"]
        assert "4242" in ada.get(portal).text
        assert ada.get("/api/billing/admin/users").status_code == 403

    app.shell("users", "add", "boss@example.com", "--role", "admin")
    password = app.shell("users", "reset-password", "boss@example.com").splitlines()[0]
    with app.browser() as boss:
        assert boss.post("/api/auth/login", json={"email": "boss@example.com", "password": password}).status_code == 200
        (user,) = boss.get("/api/billing/admin/users").json()["data"]
        assert (user["email"], user["subscription"]["plan"]) == ("ada@example.com", "basic")
        (invoice,) = boss.get("/api/billing/admin/invoices").json()["data"]
        assert (invoice["total"], invoice["status"]) == (1900, "paid")
    assert "wrong" not in app.shell("verify").lower()
