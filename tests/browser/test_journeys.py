"""What goes on for longer than a visit: a card that is declined until there is a better one, and a month that passes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tallystick.app import Tallystick
from tallystick.domain.payments import Collection, Method
from tallystick.settings import Settings
from tallystick.web.service import create_app
from tests.browser import business
from tests.browser.conftest import OpenPage
from tests.browser.dashboard import NAMES, built, log_in
from tests.browser.serving import free_port, serving

pytestmark = pytest.mark.browser

Running = tuple[str, Tallystick]
MONTH_MS = 120_000  # every minute of it that something falls due in is lived through


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A business that is only played, as with TALLYSTICK_SIMULATED_CLOCK, on its first day: three plans, and nobody on them."""
    if not built():
        reason = "the pages are not built: make ui"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    settings = Settings(
        _env_file=None, port=free_port(), database_url=f"sqlite:///{tmp_path}/business.db",
        sandbox_path=str(tmp_path / "sandbox.db"), uptime=False, simulated_clock=True,
    )  # fmt: skip
    billing = Tallystick.from_settings(settings, receives=True)
    billing.apply_catalogue(business.catalogue(), actor="shell")
    with serving(create_app(billing, settings), settings.port):
        yield settings.url, billing
    billing.close()


def panel(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


def test_a_card_is_declined_and_a_new_one_pays_at_once_what_is_open(played: Running, open_page: OpenPage) -> None:
    url, billing = played
    billing.register(business.ADA, business.PASSWORD)
    page = open_page(f"{url}/billing")
    log_in(page, business.ADA)
    page.get_by_role("button", name="Choose a plan").click()
    page.get_by_label("Currency").select_option("usd")
    page.get_by_role("button", name="Subscribe to Starter").click()
    page.wait_for_url("**/sandbox/checkout/**")
    page.get_by_label("A test card").select_option("pm_card_chargeCustomerFail")
    page.get_by_role("button", name="Save card").click()

    page.wait_for_url(f"{url}/billing*")
    expect(panel(page, "Plan")).to_contain_text("Payment overdue")
    invoice = panel(page, "Invoices").get_by_role("row").nth(1)
    invoice.get_by_role("button").click()
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text("Payment failed: the card was declined")
    expect(sheet).to_contain_text("$19.00")
    sheet.get_by_role("button", name="Use another card").click()

    page.wait_for_url("**/sandbox/portal/**")
    page.get_by_label("A test card").select_option("pm_card_chargeDeclined")
    page.get_by_role("button", name="Add card").click()
    expect(page.get_by_role("alert")).to_contain_text("Your card was declined.")
    expect(page.get_by_label("Use it for future payments")).to_be_checked()
    page.get_by_label("A test card").select_option("pm_card_visa")
    page.get_by_role("button", name="Add card").click()
    expect(page.get_by_role("row").filter(has_text="4242")).to_contain_text("default")
    page.get_by_role("link", name="Back to the shop").click()

    expect(panel(page, "Plan")).to_contain_text("Active")
    expect(invoice).to_contain_text("Paid")
    invoice.get_by_role("button").click()
    expect(sheet.get_by_role("listitem").filter(has_text="Paid")).to_be_visible()
    expect(page.get_by_role("button", name="Use another card")).to_have_count(0)


def test_who_pays_each_invoice_themselves_pays_on_the_providers_page(played: Running, open_page: OpenPage) -> None:
    url, billing = played
    ada = billing.register(business.ADA, business.PASSWORD).id
    billing.put_customer(ada, email=business.ADA)
    billing.subscribe(ada, "starter", currency="usd", collection=Collection(Method.INTENT, automatic=False))
    page = open_page(f"{url}/billing")
    log_in(page, business.ADA)
    invoice = panel(page, "Invoices").get_by_role("row").nth(1)
    expect(invoice).to_contain_text("$19.00")
    invoice.get_by_role("button").click()
    page.get_by_role("button", name="Pay $19.00 now").click()

    page.wait_for_url("**/sandbox/checkout/**")
    page.get_by_label("A test card").select_option("pm_card_chargeDeclined")
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_role("alert")).to_contain_text("Your card was declined.")
    page.get_by_label("A test card").select_option("pm_card_visa")
    page.get_by_role("button", name="Pay").click()

    page.wait_for_url(f"{url}/billing*")
    expect(invoice).to_contain_text("Paid")
    assert [each.status for each in billing.invoices(customer_id=ada)] == ["paid"]


def test_an_admin_lets_a_month_pass_and_its_invoice_is_there_and_paid(played: Running, open_page: OpenPage) -> None:
    url, billing = played
    billing.register(business.ADMIN, business.PASSWORD, role="admin")
    billing.put_customer("studio-kobo", name="スタジオ工房")
    billing.subscribe("studio-kobo", "starter", currency="usd", collection=Collection(payment_method="pm_card_visa"))
    billing.consume("studio-kobo", business.CALLS, 1_500, op="more than the 1,000 that are included")
    page = open_page(f"{url}/admin#invoices")
    log_in(page, business.ADMIN)
    rows = panel(page, "Invoices").get_by_role("row")
    expect(rows).to_have_count(2)  # with the head: the first month, in advance

    clock = page.get_by_role("group", name="Simulated clock")
    before = clock.inner_text()
    for button in ("Let a month pass", "Let a day pass"):  # the day is for the grace in which late usage still counts
        clock.get_by_role("button", name=button).click()
        done = page.get_by_role("status").filter(has_text="everything that fell due is done")
        expect(done).to_be_visible(timeout=MONTH_MS)
        expect(clock.get_by_role("button", name=button)).to_be_enabled(timeout=MONTH_MS)
    assert clock.inner_text() != before
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text("$24.00")  # the next month's fee, and 500 calls at a cent
    expect(rows.nth(1)).to_contain_text("Paid")
    rows.nth(1).get_by_role("button").click()
    expect(page.get_by_role("dialog")).to_contain_text("API calls")
    expect(page.get_by_role("dialog")).to_contain_text("$5.00")
