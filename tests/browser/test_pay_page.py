"""The pay page in a browser, the real service and the sandbox behind it. The server has been up for five hours at 100 yen."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.pay_page import ASKS, DECLINED, NO_FUNDS, PAYS, PayPage

pytestmark = pytest.mark.browser


@pytest.fixture
def page(service: str, open_page: OpenPage) -> Page:
    return open_page(f"{service}/")


@pytest.fixture
def pay_page(page: Page) -> PayPage:
    return PayPage(page)


def confirmations(page: Page) -> list[Request]:
    """Fills as the page confirms intents."""
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.url.endswith("/confirm") else None)
    return sent


def intents(page: Page) -> list[Request]:
    """Fills as the page asks for intents."""
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if request.url.endswith("/api/create-payment-intent") else None)
    return asked


def hold_the_bill(page: Page) -> Callable[[], None]:
    """The bill stays as it is now, until the call."""
    pattern = "**/api/billing-status"
    body = page.request.get(page.url + "api/billing-status").text()
    page.route(pattern, lambda route: route.fulfill(content_type="application/json", body=body))
    return lambda: page.unroute(pattern)


def answer(page: Page, pattern: str, status: int, body: dict[str, object]) -> None:
    """Gives one answer in the server's place."""

    def fulfil(route: Route) -> None:
        route.fulfill(status=status, content_type="application/problem+json", body=json.dumps(body))

    page.route(pattern, fulfil, times=1)


def test_the_bill_says_what_the_server_has_cost(pay_page: PayPage) -> None:
    expect(pay_page.amount("Due now")).to_have_text(re.compile(r"¥5\d\d"))
    expect(pay_page.amount("Uptime")).to_contain_text("5 h 0")
    expect(pay_page.amount("Hourly rate")).to_have_text("¥100 per hour")
    expect(pay_page.amount("Paid so far")).to_have_text("¥0")
    expect(pay_page.amount("Paid through")).to_have_text("nothing yet")


def test_the_uptime_ticks_between_two_answers(pay_page: PayPage) -> None:
    before = pay_page.amount("Uptime").inner_text()
    expect(pay_page.amount("Uptime")).not_to_have_text(before, timeout=15_000)


def test_the_bill_is_asked_for_again_after_thirty_seconds(service: str, open_page: OpenPage) -> None:
    page = open_page("about:blank")
    page.clock.install()
    page.goto(f"{service}/")
    PayPage(page)
    with page.expect_request("**/api/billing-status"):
        page.clock.fast_forward(31_000)


def test_a_card_pays_and_the_bill_shows_it(pay_page: PayPage) -> None:
    due = pay_page.amount("Due now").inner_text()
    pay_page.start()
    pay_page.send(PAYS)
    expect(pay_page.news).to_contain_text(f"Paid {due}")
    pay_page.expect_recorded()
    expect(pay_page.amount("Paid so far")).to_have_text(due)


def test_after_a_decline_another_card_pays_the_same_intent(page: Page, pay_page: PayPage) -> None:
    sent = confirmations(page)
    pay_page.start()
    pay_page.send(DECLINED)
    expect(pay_page.trouble).to_contain_text("Your card was declined.")
    expect(pay_page.trouble).to_contain_text("Nothing was charged")
    expect(pay_page.trouble).to_be_focused()
    expect(page.get_by_label("Card number")).to_have_value("4000 0000 0000 0002")
    expect(pay_page.amount("Paid so far")).to_have_text("¥0")
    pay_page.send(PAYS)
    pay_page.expect_recorded()
    assert len({request.url for request in sent}) == 1
    assert len(sent) == 2


def test_too_little_money_is_said_in_words(pay_page: PayPage) -> None:
    pay_page.start()
    pay_page.send(NO_FUNDS)
    expect(pay_page.trouble).to_contain_text("Your card has insufficient funds.")


def test_3d_secure_is_completed_in_the_page(pay_page: PayPage) -> None:
    pay_page.start()
    pay_page.send(ASKS)
    pay_page.bank_says("Complete")
    pay_page.expect_recorded()


def test_3d_secure_that_fails_charges_nothing_and_can_be_tried_again(pay_page: PayPage) -> None:
    pay_page.start()
    pay_page.send(ASKS)
    pay_page.bank_says("Fail")
    expect(pay_page.trouble).to_be_focused()
    expect(pay_page.trouble).to_contain_text("Nothing was charged")
    pay_page.confirm.click()
    pay_page.bank_says("Complete")
    pay_page.expect_recorded()


def test_turning_away_from_the_bank_charges_nothing(page: Page, pay_page: PayPage) -> None:
    pay_page.start()
    pay_page.send(ASKS)
    expect(pay_page.bank).to_be_visible()
    page.keyboard.press("Escape")
    expect(pay_page.trouble).to_contain_text("Nothing was charged")


def test_the_test_payment_needs_no_card(page: Page, pay_page: PayPage) -> None:
    page.get_by_role("button", name="Test payment").click()
    pay_page.expect_recorded()


@pytest.mark.parametrize(("outcome", "words"), [("Is declined", "declined"), ("Has insufficient funds", "insufficient funds")])
def test_the_test_payment_can_fail_on_purpose(page: Page, pay_page: PayPage, outcome: str, words: str) -> None:
    page.get_by_label("What the test card does").select_option(outcome)
    page.get_by_role("button", name="Test payment").click()
    expect(pay_page.trouble).to_contain_text(words)
    page.get_by_label("What the test card does").select_option("Pays")
    page.get_by_role("button", name="Test payment").click()
    pay_page.expect_recorded()


def test_a_wrong_number_is_said_at_its_field_and_asks_nobody(page: Page, pay_page: PayPage) -> None:
    sent = confirmations(page)
    pay_page.start()
    pay_page.send("4242424242424241")
    number = page.get_by_label("Card number")
    expect(number).to_be_focused()
    expect(number).to_have_accessible_description("Your card number is invalid.")
    assert sent == []


def test_the_card_goes_to_the_confirmation_and_nowhere_else(page: Page, pay_page: PayPage) -> None:
    told: list[Request] = []
    page.on("request", lambda request: told.append(request) if PAYS in (request.post_data or "") + request.url else None)
    pay_page.start()
    pay_page.send(PAYS)
    pay_page.expect_recorded()
    assert [re.sub(r"pi_\w+", "pi", request.url.partition("/sandbox/")[2]) for request in told] == [
        "api/v1/payment_intents/pi/confirm"
    ]


def test_not_now_leaves_everything_as_it_was(page: Page, pay_page: PayPage) -> None:
    pay_page.start()
    page.get_by_role("button", name="Not now").click()
    expect(page.get_by_label("Card number")).to_have_count(0)
    expect(pay_page.pay).to_be_focused()
    expect(pay_page.amount("Paid so far")).to_have_text("¥0")


def test_below_the_minimum_the_page_says_when_it_is_reached(page: Page, pay_page: PayPage) -> None:
    page.get_by_role("button", name="Test payment").click()
    pay_page.expect_recorded()
    expect(page.get_by_text("The smallest payment is ¥50.")).to_be_visible()
    pay_page.pay.click()
    expect(pay_page.trouble).to_contain_text("the smallest payment is ¥50")
    expect(pay_page.trouble).to_contain_text("It will be reached at")
    expect(pay_page.trouble).to_be_focused()


def test_nobody_pays_an_amount_that_they_have_not_seen(page: Page, pay_page: PayPage) -> None:
    sent = confirmations(page)
    pay_page.start()

    def dearer(route: Route) -> None:
        intent = route.fetch().json()
        route.fulfill(json={**intent, "amount": intent["amount"] + 100})

    page.route("**/payment_intents/*?client_secret=*", dearer, times=1)
    pay_page.send(PAYS)
    expect(pay_page.trouble).to_contain_text("The amount has changed")
    assert sent == []


def test_a_server_that_does_not_answer_is_shown_and_its_return_too(page: Page, pay_page: PayPage) -> None:
    page.context.set_offline(True)
    page.get_by_role("button", name="Refresh").click()
    expect(pay_page.stale).to_have_text("Out of date: the server does not answer")
    expect(pay_page.amount("Due now")).to_contain_text("¥5")
    page.context.set_offline(False)
    page.get_by_role("button", name="Refresh").click()
    expect(pay_page.stale).to_have_text("")


def test_without_a_connection_nothing_is_charged_and_it_is_said(page: Page, pay_page: PayPage) -> None:
    page.context.set_offline(True)
    pay_page.pay.click()
    expect(pay_page.trouble).to_contain_text("No connection to the server")
    page.context.set_offline(False)
    pay_page.start()


def test_a_connection_lost_while_paying_leaves_the_form_and_is_safe_to_repeat(page: Page, pay_page: PayPage) -> None:
    pay_page.start()
    page.route("**/confirm", lambda route: (route.fetch(), route.abort()), times=1)  # it arrives; its answer does not
    pay_page.send(PAYS)
    expect(pay_page.trouble).to_contain_text("never charged twice")
    due = pay_page.confirm.inner_text().removeprefix("Pay ")
    pay_page.confirm.click()
    pay_page.expect_recorded()
    expect(pay_page.amount("Paid so far")).to_have_text(due)


def test_a_provider_that_is_down_is_said_with_a_reference(page: Page, pay_page: PayPage) -> None:
    problem = {"type": "about:blank", "title": "Provider", "status": 503, "code": "provider_unavailable", "request_id": "req_7"}
    answer(page, "**/api/create-payment-intent", 503, problem)
    pay_page.pay.click()
    expect(pay_page.trouble).to_contain_text("The payment provider cannot be reached")
    expect(pay_page.trouble).to_contain_text("Reference: req_7")
    pay_page.start()


def test_a_bill_that_moved_meanwhile_is_shown_anew(page: Page, pay_page: PayPage) -> None:
    problem = {"type": "about:blank", "title": "Conflict", "status": 409, "code": "bill_moved", "request_id": "req_8"}
    answer(page, "**/api/create-payment-intent", 409, problem)
    with page.expect_request("**/api/billing-status"):
        pay_page.pay.click()
    expect(pay_page.trouble).to_contain_text("The bill has just changed")


def test_a_script_that_did_not_load_is_asked_for_again(service: str, open_page: OpenPage) -> None:
    page = open_page("about:blank")
    page.route("**/stripe.js", lambda route: route.abort(), times=2)
    page.goto(f"{service}/")
    pay_page = PayPage(page)
    pay_page.pay.click()
    expect(pay_page.trouble).to_contain_text("The card form could not be loaded")
    pay_page.start()


def test_two_presses_are_one_payment(page: Page, pay_page: PayPage) -> None:
    sent = confirmations(page)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/confirm", hold)  # an answer between the presses would take the button from under the second one
    pay_page.start()
    pay_page.enter(PAYS)
    pay_page.confirm.dblclick()
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    pay_page.expect_recorded()
    assert len(sent) == len(held) == 1


def test_what_was_just_paid_is_not_offered_again_before_it_is_recorded(page: Page, pay_page: PayPage) -> None:
    asked = intents(page)
    goes_on = hold_the_bill(page)
    pay_page.start()
    pay_page.enter(PAYS)
    page.get_by_label("Security code").press("Enter")
    pay_page.expect_recording()
    expect(pay_page.pay).to_be_focused()
    page.keyboard.press("Enter")
    pay_page.pay.dblclick(force=True)
    page.get_by_role("button", name="Test payment").click(force=True)
    pay_page.pay.focus()
    pay_page.expect_recording()
    goes_on()
    pay_page.expect_recorded()
    expect(pay_page.pay).to_have_text("Pay")  # so soon there is less due than the smallest payment
    assert len(asked) == 1


def test_a_press_that_comes_where_the_form_was_leaves_the_focus_on_the_button(page: Page, pay_page: PayPage) -> None:
    asked = intents(page)
    goes_on = hold_the_bill(page)
    pay_page.start()
    pay_page.send(PAYS)
    pay_page.expect_recording()
    page.mouse.click(8, 300)  # beside everything
    expect(pay_page.pay).not_to_be_focused()
    goes_on()
    pay_page.expect_recorded()
    assert len(asked) == 1


def test_when_the_record_does_not_come_the_page_offers_what_it_knows(service: str, open_page: OpenPage) -> None:
    page = open_page("about:blank")
    page.clock.install()
    page.goto(f"{service}/")
    pay_page = PayPage(page)
    hold_the_bill(page)
    page.get_by_role("button", name="Test payment").click()
    pay_page.expect_recording()
    for _ in range(40):  # each of the waits, however many the page has
        page.clock.fast_forward(10_000)
        if "do not pay again" in pay_page.news.inner_text():
            break
        page.wait_for_timeout(50)
    expect(pay_page.news).to_contain_text("do not pay again")
    expect(pay_page.pay).to_have_text(re.compile(r"Pay ¥5\d\d"))
    expect(pay_page.pay).to_be_enabled()


def test_a_customer_who_was_led_away_comes_back_to_the_result(page: Page, pay_page: PayPage) -> None:
    with page.expect_response("**/api/create-payment-intent") as created:
        pay_page.start()
    page.goto(f"{page.url}?payment_intent_client_secret={created.value.json()['client_secret']}&redirect_status=failed")
    expect(pay_page.trouble).to_contain_text("Nothing was charged")
    assert "client_secret" not in page.url


def test_who_comes_back_after_the_record_is_told_at_once_that_it_is_there(page: Page, pay_page: PayPage) -> None:
    with page.expect_response("**/api/create-payment-intent") as created:
        page.get_by_role("button", name="Test payment").click()
    pay_page.expect_recorded()
    secret = created.value.json()["client_secret"]
    page.goto(f"{page.url}?paid_through=&payment_intent_client_secret={secret}&redirect_status=succeeded")
    pay_page.expect_recorded()
    assert "client_secret" not in page.url
