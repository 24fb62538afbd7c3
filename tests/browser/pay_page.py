"""The pay page as a person uses it: by what is written on it."""

import re

from playwright.sync_api import Locator, Page, expect

PAYS, DECLINED, NO_FUNDS, ASKS = "4242424242424242", "4000000000000002", "4000000000009995", "4000002500003155"


class PayPage:
    """English, unless a test names the words itself."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.pay = page.locator("#start").get_by_role("button")
        self.confirm = page.locator("#confirm")
        self.news = page.locator("#news")
        self.trouble = page.get_by_role("alert").locator("visible=true")
        self.stale = page.locator("#stale")
        self.bank = page.get_by_role("dialog", name="Sandbox 3-D Secure")
        expect(self.amount("Due now")).to_contain_text(re.compile(r"\d"))

    def amount(self, label: str) -> Locator:
        """What the bill says beside the label."""
        if label == "Due now":
            return self.page.locator("#amount-due")
        return self.page.locator("dl > div").filter(has=self.page.get_by_text(label, exact=True)).locator("dd")

    def start(self) -> None:
        self.pay.click()
        expect(self.page.get_by_label("Card number")).to_be_focused()

    def enter(self, number: str) -> None:
        """A card on the form, in place of what stood there."""
        for label, text in (("Card number", number), ("Expiry date", "12 / 34"), ("Security code", "123")):
            self.page.get_by_label(label).fill(text)

    def send(self, number: str) -> None:
        self.enter(number)
        self.confirm.click()

    def bank_says(self, answer: str) -> None:
        self.bank.get_by_role("button", name=answer).click()

    def expect_recording(self) -> None:
        """The success is said; the bill does not show it yet, so that nothing is offered."""
        expect(self.news).to_contain_text("It is being recorded")
        expect(self.pay).to_have_text("Recording the payment…")
        expect(self.pay).to_be_disabled()

    def expect_recorded(self) -> None:
        """The success is said, and the bill shows it: the provider's message has arrived."""
        expect(self.news).to_contain_text("It is recorded", timeout=20_000)
        expect(self.amount("Paid through")).to_contain_text("202")
        expect(self.pay).to_be_focused()
        expect(self.pay).to_be_enabled()
