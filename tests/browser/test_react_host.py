"""The example host in a browser, on each React that the library promises: its own login and look, and the billing behind them."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from playwright.sync_api import Page, expect

from tallystick.app import Tallystick
from tallystick.settings import Settings
from tests.browser.conftest import OpenPage
from tests.browser.dashboard import settled
from tests.browser.serving import free_port, serving

ROOT = Path(__file__).parents[2]
HOSTS = ROOT / "build" / "hosts"  # made by scripts/ui.sh check
PASSWORD = "rosebud"
pytestmark = pytest.mark.browser


def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("react_host", ROOT / "examples" / "react_host" / "main.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=["react-18", "react-19"])
def host(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    pages = HOSTS / request.param / "dist"
    if not (pages / "index.html").exists():
        reason = "the example host is not built: scripts/ui.sh check"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    for name in ("STRIPE_SECRET_KEY", "STRIPE_API_KEY", "TALLYSTICK_PUBLIC_URL", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    settings = Settings(
        _env_file=None,
        port=free_port(),
        database_url=f"sqlite:///{tmp_path}/billing.db",
        sandbox_path=str(tmp_path / "sandbox.db"),
    )
    billing = Tallystick.from_settings(settings, receives=True)
    with serving(example().inkwell(billing, settings, pages), settings.port):
        yield settings.url
    billing.close()


def log_in(page: Page, name: str) -> None:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def test_behind_its_own_login_a_user_subscribes_and_uses_what_is_shown(host: str, open_page: OpenPage) -> None:
    page = open_page(host)
    expect(page.get_by_role("heading", name="Welcome back to Inkwell")).to_be_visible()
    assert page.request.get(f"{host}/billing/api/billing/subscription").status == 401
    log_in(page, "ada")
    page.get_by_role("button", name="Write something").click()
    expect(page.get_by_text("Your plan does not allow that.")).to_be_visible()

    page.get_by_role("button", name="Choose a plan").click()
    page.get_by_label("Currency").select_option("eur")
    page.get_by_role("button", name="Subscribe to Basic").click()
    page.wait_for_url("**/sandbox/**")
    page.get_by_role("button", name="Save card").click()
    page.wait_for_url(f"{host}/**")
    plan = page.get_by_role("region", name="Plan", exact=True)
    expect(plan).to_contain_text("Basic")
    expect(plan).to_contain_text("Active")

    page.get_by_role("button", name="Write something").click()
    expect(page.get_by_text("Written: 1,000 tokens.")).to_be_visible()
    page.reload()
    settled(page)
    expect(page.get_by_role("meter", name="tokens")).to_have_attribute("aria-valuenow", "1")
    change = page.get_by_role("button", name="Change plan")
    expect(change).to_have_css("background-color", "rgb(107, 33, 168)")
    expect(change).to_have_css("border-radius", "2px")
    assert page.get_by_role("button", name="Log out").evaluate("each => getComputedStyle(each).fontFamily") == "Georgia, serif"


def test_staff_see_everybody_and_a_user_does_not(host: str, open_page: OpenPage) -> None:
    page = open_page(host)
    log_in(page, "boss")
    expect(page.get_by_role("heading", level=1)).to_have_text("Billing admin")
    page.get_by_role("button", name="Log out").click()
    log_in(page, "ben")
    expect(page.get_by_role("heading", level=1)).to_have_text("Billing")
    assert page.request.get(f"{host}/billing/v1/reports/customers").status == 403
