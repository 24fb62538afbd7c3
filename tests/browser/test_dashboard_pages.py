"""The dashboards as people use them: a customer from the first plan to the next, and an admin who looks for an event."""

import os
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from tallystick.app import Tallystick
from tallystick.testing import FakeClock
from tallystick.worker.loop import run_until_idle
from tests.browser import business
from tests.browser.conftest import OpenPage
from tests.browser.dashboard import SECTIONS, built, log_in, running, settled
from tests.browser.states import VISITS, In, enter, log_in_at_once

pytestmark = pytest.mark.browser

Running = tuple[str, Tallystick, FakeClock]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    if not built():
        reason = "the pages are not built: make ui"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with pytest.MonkeyPatch.context() as patch, running(tmp_path_factory.mktemp("business"), patch) as found:
        yield found


@pytest.fixture
def dashboard(service: Running, open_page: OpenPage) -> Page:
    return opened(open_page, f"{service[0]}/billing", business.ADA)


@pytest.fixture
def admin(service: Running, open_page: OpenPage) -> Page:
    return opened(open_page, f"{service[0]}/admin", business.ADMIN)


def opened(open_page: OpenPage, url: str, who: str, **options: object) -> Page:
    page = open_page("about:blank", **options)
    page.clock.set_fixed_time(business.NOW)
    page.goto(url)
    log_in(page, who)
    settled(page)
    return page


def panel(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


def test_a_customer_subscribes_uses_hits_the_quota_upgrades_and_reads_the_invoice(service: Running, open_page: OpenPage) -> None:
    url, billing, clock = service
    page = opened(open_page, f"{url}/billing", business.NEW)
    customer = next(each.id for each in billing.accounts() if each.email == business.NEW)

    expect(panel(page, "Plan")).to_contain_text("No plan yet")
    page.get_by_role("button", name="Choose a plan").click()
    page.get_by_label("Currency").select_option("usd")
    page.get_by_role("button", name="Subscribe to Starter").click()
    page.wait_for_url("**/sandbox/**")
    page.get_by_role("button", name="Save card").click()
    page.wait_for_url("**/billing*")
    expect(panel(page, "Plan")).to_contain_text("Starter", timeout=20_000)

    assert billing.consume(customer, business.TOKENS, 100_000, op="all of it").allowed
    assert not billing.consume(customer, business.TOKENS, 1, op="one more").allowed
    clock.advance(timedelta(minutes=1))  # the upgrade's invoice is newer than that of the first plan, not of the same instant
    page.reload()
    expect(page.get_by_role("meter", name="tokens")).to_have_attribute("aria-valuenow", "100")
    expect(panel(page, "Usage")).to_contain_text("Used up: further use is refused until")

    page.get_by_role("button", name="Change plan").click()
    page.get_by_role("button", name="See the price of Pro").click()
    due = page.locator("dialog dd strong").inner_text()
    page.get_by_role("button", name="Change to Pro").click()
    expect(page.get_by_role("status").filter(has_text="you are on Pro now")).to_be_visible()
    expect(panel(page, "Usage")).to_contain_text("100,000 of 1,000,000")
    assert billing.consume(customer, business.TOKENS, 1, op="one more, allowed").allowed

    newest = panel(page, "Invoices").get_by_role("row").nth(1)
    expect(newest).to_contain_text(due)
    newest.get_by_role("button").click()
    expect(page.get_by_role("dialog")).to_contain_text("Issued")
    expect(page.get_by_role("dialog")).to_contain_text("Pro")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(newest.get_by_role("button")).to_be_focused()
    assert clock.now() - business.NOW < timedelta(days=1)


def test_an_admin_finds_the_event_that_was_refused_and_why(admin: Page) -> None:
    admin.keyboard.press("g")
    admin.keyboard.press("e")
    expect(panel(admin, "Not recorded lately")).to_be_visible()
    test = panel(admin, "Send a test event")
    test.get_by_label("Customer id").fill("studio-kobo")
    test.get_by_label("Quantity").fill("1.5")
    test.get_by_role("button", name="Send").click()
    expect(test.get_by_text("Refused")).to_be_visible()
    event_id = test.locator("code").inner_text()

    found = panel(admin, "Find an event")
    found.get_by_label("Event id").fill(event_id)
    found.get_by_role("button", name="Search").click()
    row = found.get_by_role("row").nth(1)
    expect(row).to_contain_text(event_id)
    expect(row).to_contain_text("Refused")
    expect(row).to_contain_text("places behind the point")
    expect(found.get_by_role("row")).to_have_count(2)


def test_an_admin_sees_events_as_they_come(service: Running, admin: Page) -> None:
    admin.keyboard.press("g")
    admin.keyboard.press("e")
    live = panel(admin, "Live")
    live.get_by_role("button", name="Follow").click()
    expect(live.get_by_role("status")).to_contain_text("Live")
    test = panel(admin, "Send a test event")
    test.get_by_label("Customer id").fill("studio-kobo")
    test.get_by_role("button", name="Send").click()
    event_id = test.locator("code").inner_text()
    expect(live.get_by_role("row").nth(1)).to_contain_text(event_id)
    live.get_by_role("button", name="Pause").click()
    expect(live.get_by_role("status")).to_contain_text("Paused")


def test_an_admin_finds_who_owes_and_sees_why_the_card_was_declined(admin: Page) -> None:
    admin.keyboard.press("/")
    admin.keyboard.type("ben@")
    admin.keyboard.press("Enter")
    row = panel(admin, "Customers").get_by_role("row").nth(1)
    expect(row).to_contain_text("Payment overdue")
    expect(row).to_contain_text("$38.00")
    row.get_by_role("button").click()
    expect(admin.get_by_role("heading", name="Ben & Sons")).to_be_visible()
    panel(admin, "Invoices").get_by_role("row").nth(1).get_by_role("button").click()
    expect(admin.get_by_role("dialog")).to_contain_text("Payment failed")
    admin.keyboard.press("Escape")
    admin.go_back()
    expect(panel(admin, "Customers")).to_be_visible()


def test_an_admin_sees_why_a_payment_is_held_and_releases_it(service: Running, admin: Page) -> None:
    admin.goto(f"{service[0]}/admin#customers/grand-hotel")
    invoice = panel(admin, "Invoices").get_by_role("row").nth(2)
    invoice.get_by_role("button").click()
    sheet = admin.get_by_role("dialog")
    expect(sheet).to_contain_text("The amount is far above what the customer has paid before")
    expect(sheet).to_contain_text("$4,200")
    expect(sheet).to_contain_text("$800")  # twenty times the mean of what was paid: 40, 50 and 30 dollars
    expect(sheet).to_contain_text("Held since")
    release = sheet.get_by_role("button", name="Release: charge it as usual")
    release.click()
    sheet.get_by_label("Reason, for the audit log").fill("they have booked the house")
    release.click()
    released = sheet.get_by_text("The payment was held. It was released on Mar 18, 2026")
    expect(released).to_be_focused()
    run_until_idle(service[1].context)
    business.deliver(service[1])
    admin.reload()
    expect(invoice).to_contain_text("Paid")


def test_the_link_in_a_letter_leads_on_by_a_button_and_without_scripts(service: Running, open_page: OpenPage) -> None:
    url, billing, _ = service
    links = [re.search(rf"{url}/mend/\S+", letter.text) for _, _, letter in billing.letters()]
    page = open_page(next(link for link in links if link)[0], java_script_enabled=False)
    expect(page.get_by_role("heading", name="Save another card")).to_be_visible()
    assert page.get_by_role("button").evaluate("each => getComputedStyle(each).minHeight") == "52px", "its style may be applied"
    page.get_by_role("button", name="Go to the payment service").click()
    page.wait_for_url("**/sandbox/portal/**")


def test_a_change_for_later_can_be_taken_back(service: Running, dashboard: Page) -> None:
    dashboard.get_by_role("button", name="Change plan").click()
    dashboard.get_by_role("button", name="Cancel the plan").click()
    dashboard.get_by_role("button", name="Cancel at the end of the period").click()
    expect(panel(dashboard, "Plan")).to_contain_text("Ends on Apr 5, 2026")
    dashboard.get_by_role("button", name="Keep Starter").click()
    expect(panel(dashboard, "Plan")).to_contain_text("Renews on Apr 5, 2026")


# Of the page, and of everything within that could hide what does not fit; on a phone no table has to be scrolled either.
TOO_WIDE = """() => {
    const within = innerWidth < 600 ? ".t-panel, dialog, .t-scroll" : ".t-panel, dialog";
    return [document.documentElement, ...document.querySelectorAll(within)]
        .filter((each) => each.scrollWidth > each.clientWidth).map((each) => `${each.tagName}.${each.className} is too narrow`);
}"""


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme", "locale"), [(390, "light", "ja-JP"), (1440, "dark", "en-US")])
@pytest.mark.parametrize("visit", VISITS)
def test_everybody_can_read_every_state_of_every_page(
    service: Running, open_page: OpenPage, visit: str, width: int, scheme: str, locale: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed").Axe()
    who, place, states = VISITS[visit]
    page = open_page("about:blank", color_scheme=scheme, viewport={"width": width, "height": 900}, locale=locale)
    if who is not None:
        log_in_at_once(page, service[0], who)
    found: dict[str, list[str]] = {}
    for name, state in states.items():
        enter(page, f"{service[0]}/{place}", state)
        found[name] = [each["id"] for each in axe.run(page).response["violations"]] + page.evaluate(TOO_WIDE)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_in_english_too_nothing_is_cut_off_on_a_phone(service: Running, open_page: OpenPage) -> None:
    page = open_page("about:blank", viewport={"width": 390, "height": 900})
    found: dict[str, list[str]] = {}
    for who, place, names in ((business.ADA, "billing", ("",)), (business.ADMIN, "admin", SECTIONS)):
        log_in_at_once(page, service[0], who)
        for name in names:
            enter(page, f"{service[0]}/{place}", In(name, settled))
            found[f"{place} {name}"] = page.evaluate(TOO_WIDE)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_everything_can_be_done_with_the_keyboard_alone(dashboard: Page) -> None:
    dashboard.reload()
    settled(dashboard)
    dashboard.keyboard.press("Tab")
    expect(dashboard.get_by_role("link", name="Skip to the content")).to_be_focused()
    change = dashboard.get_by_role("button", name="Change plan")
    change.focus()
    assert change.evaluate("each => getComputedStyle(each).outlineStyle") == "solid"
    dashboard.keyboard.press("Enter")
    expect(dashboard.get_by_role("dialog")).to_be_visible()
    for _ in range(12):
        dashboard.keyboard.press("Tab")
        assert dashboard.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    dashboard.keyboard.press("Escape")
    expect(change).to_be_focused()


def test_the_language_is_kept_and_nothing_english_is_left(dashboard: Page) -> None:
    dashboard.get_by_label("Language").select_option("ja")
    expect(dashboard.get_by_role("heading", level=1)).to_have_text("お支払い")
    dashboard.reload()
    settled(dashboard)
    expect(dashboard.get_by_role("heading", level=1)).to_have_text("お支払い")
    assert dashboard.evaluate("document.documentElement.lang") == "ja"
    for word in ("Usage", "Invoice", "Next", "Refresh", "Save", "Plan"):
        expect(dashboard.locator("main").get_by_text(word, exact=True)).to_have_count(0)


def test_who_is_no_admin_is_told_so(service: Running, open_page: OpenPage) -> None:
    page = opened(open_page, f"{service[0]}/admin", business.ADA)
    expect(page.get_by_role("main")).to_contain_text("This page is for admins")


def test_a_service_that_goes_away_leaves_what_was_known_and_says_how_old_it_is(dashboard: Page) -> None:
    dashboard.route("**/api/billing/upcoming", lambda route: route.abort())
    coming = panel(dashboard, "Next invoice")
    coming.get_by_role("button", name="Refresh").click()
    expect(coming).to_contain_text("This may be out of date", timeout=15_000)
    expect(coming).to_contain_text("Starter")
