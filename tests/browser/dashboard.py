"""The dashboards of the sample business, behind a real service whose clock stands in the middle of March."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tallystick.app import Tallystick
from tallystick.settings import Settings
from tallystick.testing import FakeClock
from tallystick.web.dashboards import BUILT
from tallystick.web.service import create_app
from tests.browser import business
from tests.browser.serving import free_port, serving

_PLACES = Path(__file__).parents[2] / "ui" / "packages" / "react" / "src" / "admin" / "place.ts"
_LISTED = re.search(r"SECTIONS = \[(.*?)\]", _PLACES.read_text(), re.DOTALL)
assert _LISTED is not None, f"{_PLACES}: has the sections of the admin's page"
SECTIONS = tuple(re.findall(r'"(\w+)"', _LISTED[1]))

NAMES = ("STRIPE_SECRET_KEY", "STRIPE_API_KEY", "TALLYSTICK_PUBLIC_URL", "DATABASE_URL")


def built() -> bool:
    return (BUILT / "index.html").exists()


@contextmanager
def running(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Tallystick, FakeClock]]:
    """Where the service answers, its engine, and the clock that both live by."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)
    clock = FakeClock(business.BEGAN)
    settings = Settings(
        _env_file=None, port=free_port(), database_url=f"sqlite:///{folder}/business.db",
        sandbox_path=str(folder / "sandbox.db"), uptime=False,
    )  # fmt: skip
    billing = Tallystick.from_settings(settings, clock=clock, receives=True)
    business.fill(billing, clock)
    with serving(create_app(billing, settings), settings.port):
        yield settings.url, billing, clock
    billing.close()


def log_in(page: Page, email: str) -> None:
    """On the form that whoever is not logged in finds in place of a page."""
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(business.PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def settled(page: Page) -> None:
    """Everything that is shown has been asked for and has come."""
    expect(page.locator("h1").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator(".t-skeleton")).to_have_count(0)
