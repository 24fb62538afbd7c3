"""A real Chromium, and pages that fail the test when the browser has anything to complain about."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.serving import free_port, serving

ARGUMENTS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run"
# The browser itself writes down each answer that is not 2xx, and each request that did not get through.
_ANSWERED = re.compile(r"Failed to load resource: (the server responded with a status of \d+|net::ERR_\w+)")
_AT_HOME = re.compile(r"http://(localhost|127\.0\.0\.1):|data:|about:")

OpenPage = Callable[..., Page]
PATIENCE_MS = 30_000  # on a machine that is busy with everything else
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a file: while it lives its event loop runs, and no test of another file could run one of its own."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        reason = "no Chromium here: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS.split())
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Opens a page in a profile of its own. Fails afterwards if the console shows an error (a breach of the CSP is one),
    or if anybody but this machine was asked."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not _ANSWERED.match(message.text):
            complaints.append(message.text)

    def opened(url: str, **options: object) -> Page:
        context = chromium.new_context(**{"locale": "en-US", "timezone_id": "UTC", **options})
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: _AT_HOME.match(request.url) or complaints.append(f"asked {request.url}"))
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def service(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with uptime_service(sqlite_url, tmp_path, monkeypatch) as url:
        yield url


@contextmanager
def uptime_service(database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the whole service on the sandbox, freshly installed on a server that has been up for five hours."""
    from tallystick.app import Tallystick
    from tallystick.collectors import uptime
    from tallystick.domain.uptime import Reading
    from tallystick.settings import Settings
    from tallystick.values.time import SystemClock
    from tallystick.web.service import create_app

    booted_at = SystemClock().now() - timedelta(hours=5)
    monkeypatch.setattr(uptime, "this_machine", lambda clock: Reading("a boot", booted_at, clock.now()))
    for name in ("STRIPE_SECRET_KEY", "STRIPE_API_KEY", "HOURLY_RATE", "CURRENCY", "TALLYSTICK_PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)  # no `.env` of the one who runs this
    settings = Settings(port=free_port(), database_url=database_url, server_name="MyAwesomeServer")
    billing = Tallystick.from_settings(settings, receives=True)
    with serving(create_app(billing, settings), settings.port):
        yield settings.url
    billing.close()
