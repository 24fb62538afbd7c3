"""`make screenshots`: every page and state, in both languages, light and dark, wide and narrow, into build/screenshots."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import business
from tests.browser.conftest import ARGUMENTS, PATIENCE_MS, uptime_service
from tests.browser.dashboard import built, running, settled
from tests.browser.pay_page import DECLINED

FOLDER = Path(__file__).parents[2] / "build" / "screenshots"
WIDTHS = (390, 1440)
Act = Callable[[Page], None]


def _press(*names: str) -> Act:
    """One button after another, each by its English or its Japanese name."""

    def pressed(page: Page) -> None:
        for name in names:
            english, japanese = name.split(" / ")
            page.get_by_role("button", name=english).or_(page.get_by_role("button", name=japanese)).first.click()
            settled(page)

    return pressed


def _then(*acts: Act) -> Act:
    def done(page: Page) -> None:
        for act in acts:
            act(page)

    return done


def _open_lines(page: Page) -> None:
    within = page.locator("dialog" if page.locator("dialog").count() else "body")
    for summary in within.locator("summary:visible").all():
        summary.click()


def _shows(selector: str) -> Act:
    return lambda page: page.locator(selector).first.wait_for()


def _fails(page: Page) -> None:
    page.route("**/api/billing/**", lambda route: route.abort())
    page.reload()
    page.get_by_role("alert").first.wait_for()


def _waits(page: Page) -> None:
    page.add_init_script(
        "const ask = fetch; window.fetch = (r) => (r.url.includes('/api/billing/') ? new Promise(() => {}) : ask(r))"
    )
    page.reload()
    page.locator(".t-skeleton").first.wait_for()


def _grows_old(page: Page) -> None:
    page.route("**/api/billing/upcoming", lambda route: route.abort())
    page.get_by_role("button", name="Refresh").or_(page.get_by_role("button", name="更新")).first.click()
    page.locator(".t-stale").first.wait_for()


def _focus(page: Page) -> None:
    """Two steps with the keyboard: the ring around what is focused is seen."""
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")


def _in_place(section: str) -> Act:
    def gone(page: Page) -> None:
        page.goto(page.url.partition("#")[0] + f"#{section}")
        page.reload()
        settled(page)

    return gone


def _refuses(page: Page) -> None:
    _in_place("events")(page)
    form = page.locator("form").filter(has=page.locator("select"))
    form.locator("input").first.fill("ben & sons")
    form.locator("input").last.fill("1.5")
    form.locator("button[type=submit]").click()
    page.locator(".t-failure, [role=status] .t-badge").first.wait_for()


def _logs_in_wrongly(page: Page) -> None:
    page.locator("input[name=email]").fill("nobody@example.com")
    page.locator("input[name=password]").fill("not the password")
    page.locator("form button").click()
    page.locator(".t-failure").wait_for()


def _finds_nobody(page: Page) -> None:
    page.locator("input[type=search]").first.fill("nobody")
    page.keyboard.press("Enter")
    page.locator(".t-empty").first.wait_for()


def _nothing(_: Page) -> None:
    pass


OPEN_INVOICE = "Open INV- / INV-"
STRANGER: dict[str, Act] = {"log-in": _nothing, "log-in-focus": _focus, "log-in-refused": _logs_in_wrongly,
                            "register": _press("No account yet / アカウントをお持ちでない")}  # fmt: skip
CUSTOMER: dict[str, Act] = {
    "dashboard": _nothing,
    "dashboard-table": _press("Show as a table / 表で見る"),
    "dashboard-compare": lambda page: page.locator(".t-check input").first.check(),
    "lines": _open_lines,
    "plans": _press("Change plan / プランを変更"),
    "preview": _then(_press("Change plan / プランを変更", "See the price of Pro / Pro の料金を見る"), _shows("dialog dl")),
    "preview-end": _then(_press("Change plan / プランを変更", "Cancel the plan / プランを解約"), _shows("dialog dl")),
    "invoice": _then(_press(OPEN_INVOICE), _open_lines),
    "stale": _grows_old,
    "error": _fails,
    "waiting": _waits,  # the last: from then on nothing comes
}
NEWCOMER: dict[str, Act] = {"new-customer": _nothing, "new-plans": _press("Choose a plan / プランを選ぶ")}
DEBTOR: dict[str, Act] = {"overdue": _nothing, "overdue-invoice": _press(OPEN_INVOICE)}
SECTIONS = ("customers", "invoices", "dunning", "revenue", "events", "jobs", "audit", "webhooks", "keys")
ADMIN: dict[str, Act] = {
    **{section: _in_place(section) for section in SECTIONS},
    "customers-none": _finds_nobody,
    "customer": _in_place("customers/studio-kobo"),
    "customer-owes": _in_place("customers/ben%20%26%20sons"),
    "admin-invoice": _then(_in_place("invoices"), _press(OPEN_INVOICE), _open_lines),
    "dunning-one": _then(_in_place("dunning"), _press(OPEN_INVOICE)),
    "revenue-table": _then(_in_place("revenue"), _press("Show as a table / 表で見る")),
    "event-refused": _refuses,
    "help": _press("Keyboard / キーボード"),
    "new-key": _then(_in_place("keys"), _press("Make a key / キーを作る")),
}


def _pays_with(number: str) -> Act:
    def paid(page: Page) -> None:
        page.locator("#pay").click()
        page.locator("#payment-element input").first.wait_for()
        for field, text in zip(page.locator("#payment-element input").all(), (number, "12 / 34", "123"), strict=False):
            field.fill(text)
        page.locator("#confirm").click()
        page.locator("#trouble:visible, #news:visible").first.wait_for()

    return paid


def _pays_without_a_card(page: Page) -> None:
    page.locator("#test-pay").click()
    page.locator("#news:visible").wait_for()


PAY: dict[str, Act] = {
    "pay": _nothing,
    "pay-form": lambda page: (page.locator("#pay").click(), page.locator("#payment-element input").first.wait_for())[1],
    "pay-declined": _pays_with(DECLINED),
    "pay-paid": _pays_without_a_card,
}


class Shots:
    """One folder of pictures, or those of them whose names are asked for."""

    def __init__(self, browser: Browser, only: list[str]) -> None:
        self._browser, self._only = browser, only

    def _wanted(self, states: dict[str, Act], look: str) -> dict[str, Act]:
        return {
            name: act for name, act in states.items() if not self._only or any(each in f"{name}-{look}" for each in self._only)
        }

    def take(self, url: str, who: str | None, states: dict[str, Act]) -> None:
        for width in WIDTHS:
            for locale, scheme in (("en", "light"), ("ja", "light"), ("en", "dark"), ("ja", "dark")):
                look = f"{locale}-{scheme}-{width}"
                if wanted := self._wanted(states, look):
                    with self._page(locale, scheme, width) as page:
                        self._take(page, url, who, {f"{name}-{look}": act for name, act in wanted.items()})

    @contextmanager
    def _page(self, locale: str, scheme: str, width: int) -> Iterator[Page]:
        zone = "Asia/Tokyo" if locale == "ja" else "UTC"
        context = self._browser.new_context(
            locale=locale,
            color_scheme=scheme,
            timezone_id=zone,
            viewport={"width": width, "height": 900},
            reduced_motion="reduce",
        )  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        yield context.new_page()
        context.close()

    def _take(self, page: Page, url: str, who: str | None, states: dict[str, Act]) -> None:
        if who is not None:
            page.clock.set_fixed_time(business.NOW)
            login = {"email": who, "password": business.PASSWORD}
            page.context.request.post(url.rpartition("/")[0] + "/api/auth/login", data=login)
        for name, act in states.items():
            page.goto(url)
            page.unroute_all()
            settled(page)
            try:
                act(page)
                wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                said = f"— {wide} px wider than the screen" if wide > 0 else ""
            except Exception as error:  # the other pictures are worth having
                said = f"— not reached: {str(error).splitlines()[0]}"
            page.screenshot(path=FOLDER / f"{name}.png", full_page=page.locator("dialog[open]").count() == 0)
            print(name, said, flush=True)


def main(only: list[str]) -> int:
    if not built() or shutil.which("chromium") is None:
        print("Needs the built pages (make ui) and Chromium.")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS.split())
        shots = Shots(browser, only)
        with running(Path(folder), patch) as (url, _, _):
            shots.take(f"{url}/billing", None, STRANGER)
            shots.take(f"{url}/billing", business.ADA, CUSTOMER)
            shots.take(f"{url}/billing", business.NEW, NEWCOMER)
            shots.take(f"{url}/billing", business.LATE, DEBTOR)
            shots.take(f"{url}/admin", business.ADA, {"no-admin": _nothing})
            shots.take(f"{url}/admin", business.ADMIN, ADMIN)
        room = Path(folder) / "uptime"
        room.mkdir()
        with uptime_service(f"sqlite:///{room}/uptime.db", room, patch) as url:
            shots.take(f"{url}/", None, PAY)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
