"""`make screenshots`: every page and state, in both languages, light and dark, wide and narrow, into build/screenshots."""

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import business
from tests.browser.conftest import ARGUMENTS
from tests.browser.dashboard import built, running, settled

FOLDER = Path(__file__).parents[2] / "build" / "screenshots"
WIDTHS = (390, 1440)
Act = Callable[[Page], None]


def _press(name: str, after: Act | None = None) -> Act:
    def pressed(page: Page) -> None:
        page.get_by_role("button", name=name).first.click()
        settled(page)
        if after is not None:
            after(page)

    return pressed


def _open_lines(page: Page) -> None:
    within = page.locator("dialog" if page.locator("dialog").count() else "body")
    for summary in within.locator("summary:visible").all():
        summary.click()


def _fails(page: Page) -> None:
    page.route("**/api/billing/**", lambda route: route.abort())
    page.reload()
    page.get_by_role("alert").first.wait_for()


def _in_place(section: str) -> Act:
    def gone(page: Page) -> None:
        page.goto(page.url.partition("#")[0] + f"#{section}")
        page.reload()
        settled(page)

    return gone


def _refuses(page: Page) -> None:
    _in_place("events")(page)
    page.get_by_label("Customer id").last.fill("ben & sons")
    page.get_by_label("Quantity").fill("1.5")
    page.get_by_role("button", name="Send", exact=True).click()
    page.locator(".t-failure, [role=status] .t-badge").first.wait_for()


def _nothing(_: Page) -> None:
    pass


# The texts that are pressed are English ones; a state that needs them is shown in that language alone.
CUSTOMER: dict[str, Act] = {
    "dashboard": _nothing,
    "dashboard-table": _press("Show as a table"),
    "dashboard-compare": lambda page: page.get_by_label("Compare with the period before").check(),
    "lines": _open_lines,
    "plans": _press("Change plan"),
    "preview": _press("Change plan", _press("See the price of Pro")),
    "invoice": _press("Open INV-", _open_lines),
    "error": _fails,
}
SECTIONS = ("customers", "invoices", "revenue", "events", "jobs", "audit", "webhooks", "keys")
ADMIN: dict[str, Act] = {
    **{section: _in_place(section) for section in SECTIONS},
    "customer": _in_place("customers/studio-kobo"),
    "customer-owes": _in_place("customers/ben%20%26%20sons"),
    "event-refused": _refuses,
    "help": _press("Keyboard"),
    "new-key": lambda page: (_in_place("keys")(page), _press("Make a key")(page))[1],
}
ENGLISH_ONLY = {"dashboard-table", "dashboard-compare", "plans", "preview", "invoice", "event-refused", "help", "new-key"}


def _shoot(browser: Browser, url: str, who: str | None, states: dict[str, Act], only: list[str]) -> None:
    for width in WIDTHS:
        for locale, scheme in (("en", "light"), ("ja", "light"), ("en", "dark"), ("ja", "dark")):
            context = browser.new_context(
                locale=locale, color_scheme=scheme, timezone_id="Asia/Tokyo" if locale == "ja" else "UTC",
                viewport={"width": width, "height": 900}, reduced_motion="reduce",
            )  # fmt: skip
            page = context.new_page()
            page.clock.set_fixed_time(business.NOW)
            page.goto(url)
            if who is not None:
                context.request.post(
                    url.rpartition("/")[0] + "/api/auth/login", data={"email": who, "password": business.PASSWORD}
                )
            for name, act in states.items():
                shown = f"{name}-{locale}-{scheme}-{width}"
                if (name in ENGLISH_ONLY and locale == "ja") or (only and not any(each in shown for each in only)):
                    continue
                page.goto(url)
                page.unroute_all()
                settled(page)
                act(page)
                page.wait_for_timeout(50)
                page.screenshot(path=FOLDER / f"{shown}.png", full_page=page.locator("dialog").count() == 0)
                wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                print(shown, f"— {wide} px wider than the screen" if wide > 0 else "")
            context.close()


def main(only: list[str]) -> int:
    if not built() or shutil.which("chromium") is None:
        print("Needs the built pages (make ui) and Chromium.")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS.split())
        with running(Path(folder), patch) as (url, _, _):
            _shoot(browser, f"{url}/billing", None, {"log-in": _nothing}, only)
            _shoot(browser, f"{url}/billing", business.ADA, CUSTOMER, only)
            _shoot(browser, f"{url}/billing", business.NEW, {"new-customer": _nothing}, only)
            _shoot(browser, f"{url}/admin", business.ADMIN, ADMIN, only)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
