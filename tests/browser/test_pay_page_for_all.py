"""The pay page for everyone: by keyboard, read aloud, in Japanese, in the dark, on a small screen."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.pay_page import DECLINED, PayPage

pytestmark = pytest.mark.browser


def test_the_whole_journey_goes_by_keyboard(service: str, open_page: OpenPage) -> None:
    page = open_page(f"{service}/")
    pay_page = PayPage(page)
    press = page.keyboard.press
    press("Tab")
    expect(page.get_by_role("link", name="Skip to payment")).to_be_focused()
    press("Enter")
    press("Tab")
    expect(pay_page.pay).to_be_focused()
    press("Enter")
    expect(page.get_by_label("Card number")).to_be_focused()
    for text in ("4000002500003155", "1234", "123"):
        page.keyboard.type(text)
        press("Tab")
    expect(pay_page.confirm).to_be_focused()
    press("Enter")
    expect(pay_page.bank.get_by_role("button", name="Complete")).to_be_focused()
    press("Enter")
    pay_page.expect_recorded()


def test_enter_in_a_field_sends_the_card(service: str, open_page: OpenPage) -> None:
    page = open_page(f"{service}/")
    pay_page = PayPage(page)
    pay_page.start()
    pay_page.enter("4242424242424242")
    page.get_by_label("Security code").press("Enter")
    pay_page.expect_recorded()


def test_japanese_by_the_browser_s_language(service: str, open_page: OpenPage) -> None:
    page = open_page(f"{service}/", locale="ja-JP")
    pay_page = PayPage(page)
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    expect(page.get_by_role("heading", name="稼働時間の請求")).to_be_visible()
    expect(page.locator("#hourly-rate")).to_have_text("￥100 / 時間")
    pay_page.pay.click()
    for label, text in (("カード番号", DECLINED), ("有効期限", "12 / 34"), ("セキュリティコード", "123")):
        page.get_by_label(label).fill(text)
    pay_page.confirm.click()
    expect(pay_page.trouble).to_contain_text("カードが拒否されました。")
    page.get_by_label("カード番号").fill("4242424242424242")
    pay_page.confirm.click()
    expect(pay_page.news).to_contain_text("記録されました", timeout=20_000)


def test_the_test_payment_in_japanese(service: str, open_page: OpenPage) -> None:
    page = open_page(f"{service}/", locale="ja-JP")
    pay_page = PayPage(page)
    card, pay = page.get_by_label("テストカードの動作"), page.get_by_role("button", name="テスト決済")
    card.select_option("拒否される")
    pay.click()
    expect(pay_page.trouble).to_contain_text("カードが拒否されました。")
    expect(pay_page.trouble).to_contain_text("課金されていません。")
    expect(page.locator("#amount-paid")).to_have_text("￥0")
    card.select_option("支払いが成功する")
    pay.click()
    expect(pay_page.news).to_contain_text("記録されました", timeout=20_000)
    expect(page.locator("#amount-paid")).to_have_text(re.compile(r"￥5\d\d"))


def test_the_switch_changes_the_language_of_everything_and_is_remembered(service: str, open_page: OpenPage) -> None:
    page = open_page(f"{service}/")
    pay_page = PayPage(page)
    pay_page.start()
    page.get_by_role("button", name="日本語").click()
    expect(page.get_by_label("カード番号")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    expect(page).to_have_title(re.compile("稼働時間の請求"))
    assert "Pay" not in page.locator("main").inner_text()
    page.reload()
    expect(page.get_by_role("heading", name="稼働時間の請求")).to_be_visible()


def test_a_link_to_a_language_goes_before_what_was_chosen(service: str, open_page: OpenPage) -> None:
    page = open_page(f"{service}/", locale="ja-JP")
    page.get_by_role("button", name="日本語").click()
    page.goto(f"{service}/?lang=en")
    expect(page.get_by_role("heading", name="Uptime bill")).to_be_visible()


def test_every_part_has_its_role_and_its_name(service: str, open_page: OpenPage) -> None:
    page = open_page(f"{service}/")
    pay_page = PayPage(page)
    for role in ("banner", "main", "contentinfo"):
        expect(page.get_by_role(role)).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_have_text("Uptime bill")
    expect(page.get_by_role("region", name="Due now")).to_be_visible()
    expect(page.get_by_role("region", name="Payment")).to_be_visible()
    expect(page.get_by_role("group", name="Language").get_by_role("button", pressed=True)).to_have_text("English")
    expect(page.get_by_role("combobox", name="What the test card does")).to_be_visible()
    pay_page.start()
    expect(page.get_by_role("form", name="Payment")).to_be_visible()
    for name, kind in (("Card number", "cc-number"), ("Expiry date", "cc-exp"), ("Security code", "cc-csc")):
        expect(page.get_by_role("textbox", name=name)).to_have_attribute("autocomplete", kind)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("step", ["idle", "form", "declined", "bank", "paid", "below the minimum"])
def test_axe_finds_nothing(service: str, open_page: OpenPage, scheme: str, step: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed").Axe()
    page = open_page(f"{service}/", color_scheme=scheme)
    _walk_to(step, page)
    found = axe.run(page).response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []


def _walk_to(step: str, page: Page) -> None:
    pay_page = PayPage(page)
    if step in {"form", "declined", "bank"}:
        pay_page.start()
    if step == "declined":
        pay_page.send(DECLINED)
        expect(pay_page.trouble).to_be_focused()
    if step == "bank":
        pay_page.send("4000002500003155")
        expect(pay_page.bank).to_be_visible()
    if step in {"paid", "below the minimum"}:
        page.get_by_role("button", name="Test payment").click()
        pay_page.expect_recorded()
    if step == "below the minimum":
        pay_page.pay.click()
        expect(pay_page.trouble).to_be_focused()


@pytest.mark.parametrize("width", [320, 390, 820, 1440])
@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
def test_nothing_is_cut_off_at_any_width(service: str, open_page: OpenPage, width: int, locale: str) -> None:
    page = open_page(f"{service}/", locale=locale, viewport={"width": width, "height": 900})
    PayPage(page).pay.click()
    expect(page.locator("#payment-element input").first).to_be_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_the_colours_follow_the_theme_also_while_the_form_is_open(service: str, open_page: OpenPage) -> None:
    page = open_page(f"{service}/", color_scheme="light")
    PayPage(page).start()
    number = page.get_by_label("Card number")
    expect(number).to_have_css("background-color", "rgb(255, 255, 255)")
    page.emulate_media(color_scheme="dark")
    expect(number).to_have_css("background-color", "rgb(22, 32, 29)")


def test_the_policy_forbids_inline_scripts_and_styles(service: str, open_page: OpenPage) -> None:
    page = open_page(f"{service}/")
    policy = page.request.get(f"{service}/").headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
