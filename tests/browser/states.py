"""Every page in every state that it can be in, and how one comes there: to be looked at, and asked whether all can read it."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from playwright.sync_api import Page

from tests.browser import business
from tests.browser.dashboard import SECTIONS, settled
from tests.browser.pay_page import DECLINED

Act = Callable[[Page], None]


class In(NamedTuple):
    """A state of a section of the admin's page."""

    section: str
    act: Act


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


def _refuses(page: Page) -> None:
    form = page.locator("form").filter(has=page.locator("select")).last
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
    "at-this-pace": _press("At this pace / このペースなら"),
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
ADMIN: dict[str, Act | In] = {
    **{section: In(section, _nothing) for section in SECTIONS},
    "customers-none": In("customers", _finds_nobody),
    "customer": In("customers/studio-kobo", _nothing),
    "customer-owes": In("customers/ben%20%26%20sons", _nothing),
    "admin-invoice": In("invoices", _then(_press(OPEN_INVOICE), _open_lines)),
    "held": In("customers/grand-hotel", _then(_press(OPEN_INVOICE), _shows(".t-held dl"))),
    "held-release": In("customers/grand-hotel", _press(OPEN_INVOICE, "Release: charge it as usual / 保留を解除して請求する")),
    "event-refused": In("events", _refuses),
    "dunning-of-one": In("dunning", _press(OPEN_INVOICE)),
    "repair": In("provider", _press("Compare and repair / 照合して修復")),
    "help": _press("Keyboard / キーボード"),
    "new-key": In("keys", _press("Make a key / キーを作る")),
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

# Who comes to which page, and what they can see there.
VISITS: dict[str, tuple[str | None, str, Mapping[str, Act | In]]] = {
    "customer": (business.ADA, "billing", CUSTOMER),
    "newcomer": (business.FRESH, "billing", NEWCOMER),
    "debtor": (business.LATE, "billing", DEBTOR),
    "no admin": (business.ADA, "admin", {"no-admin": _nothing}),
    "admin": (business.ADMIN, "admin", ADMIN),
    "stranger": (None, "billing", STRANGER),  # the last: who gives a wrong password too often keeps others from this address out
}


def log_in_at_once(page: Page, service: str, who: str) -> None:
    """Without the form, on the day of the business."""
    page.clock.set_fixed_time(business.NOW)
    answer = page.context.request.post(f"{service}/api/auth/login", data={"email": who, "password": business.PASSWORD})
    assert answer.ok, answer.text()


def enter(page: Page, url: str, state: Act | In) -> None:
    """The page anew, and then into one of its states."""
    section, act = state if isinstance(state, In) else ("", state)
    page.goto("about:blank")
    page.unroute_all()
    page.goto(f"{url}#{section}")
    settled(page)
    act(page)
