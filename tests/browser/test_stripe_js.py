"""The stand-in of Stripe.js, on an empty page beside the sandbox: what a program gets back from each call."""

import json
from collections.abc import Iterator
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from tallystick.sandbox.faces import asgi_app
from tallystick.sandbox.server import Sandbox
from tallystick.values.time import SystemClock
from tests.browser.conftest import OpenPage
from tests.browser.serving import serving

pytestmark = pytest.mark.browser

EMPTY = "<!doctype html><html lang=en><title>Shop</title><div id=here></div><script src=/sandbox/js/stripe.js></script>"
STRICT = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'"


@pytest.fixture
def url() -> Iterator[str]:
    with serving(asgi_app(Sandbox(clock=SystemClock()))) as address:
        yield address


@pytest.fixture
def page(url: str, open_page: OpenPage) -> Page:
    """An empty page with the script, under a policy without inline styles or scripts."""
    opened = open_page(f"{url}/sandbox/js/stripe.js")
    opened.route(
        f"{url}/shop*",
        lambda route: route.fulfill(body=EMPTY, content_type="text/html", headers={"Content-Security-Policy": STRICT}),
    )
    opened.goto(f"{url}/shop")
    opened.evaluate("() => { window.stripe = Stripe('pk_test_sandbox'); }")
    return opened


def secret(url: str, path: str = "payment_intents", **params: object) -> str:
    """The client secret of a new intent, made with the merchant's key."""
    if path == "payment_intents":
        params = {"amount": 1200, "currency": "usd", **params}
    always = {"automatic_payment_methods[enabled]": "true", "automatic_payment_methods[allow_redirects]": "never"}
    body = urlencode({**always, **params}).encode()
    request = Request(f"{url}/sandbox/api/v1/{path}", body, {"Authorization": "Bearer sk_test_sandbox"})
    with urlopen(request) as answer:
        return str(json.load(answer)["client_secret"])


def mounted(page: Page, options: object, *, kind: str = "payment") -> None:
    page.evaluate(
        """([options, kind]) => {
            window.told = [];
            window.elements = stripe.elements(options);
            window.element = elements.create(kind);
            for (const name of ['ready', 'change', 'focus', 'blur']) element.on(name, (event) => told.push([name, event]));
            element.mount('#here');
        }""",
        [options, kind],
    )


def typed(page: Page, number: str, expiry: str = "1234", cvc: str = "123") -> None:
    for label, text in (("Card number", number), ("Expiry date", expiry), ("Security code", cvc)):
        page.get_by_label(label).fill("")
        page.get_by_label(label).press_sequentially(text)


CONFIRM = "() => stripe.confirmPayment({ elements, confirmParams: { return_url: location.href }, redirect: 'if_required' })"


def test_the_version_is_the_one_that_its_loader_expects(page: Page) -> None:
    assert page.evaluate("() => Stripe.version") == "endive"


def test_a_card_confirms_an_intent_and_the_browser_sees_the_reduced_form(page: Page, url: str) -> None:
    mounted(page, {"clientSecret": secret(url)})
    typed(page, "4242424242424242")
    intent = page.evaluate(CONFIRM)["paymentIntent"]
    assert (intent["status"], intent["amount"], intent["currency"]) == ("succeeded", 1200, "usd")
    assert "customer" not in intent


def test_a_decline_is_an_answer_with_its_codes_and_the_intent(page: Page, url: str) -> None:
    mounted(page, {"clientSecret": secret(url)})
    typed(page, "4000000000009995")
    error = page.evaluate(CONFIRM)["error"]
    assert (error["type"], error["code"], error["decline_code"]) == ("card_error", "card_declined", "insufficient_funds")
    assert error["message"] == "Your card has insufficient funds."
    assert error["payment_intent"]["status"] == "requires_payment_method"


@pytest.mark.parametrize(
    ("number", "expiry", "cvc", "code"),
    [
        ("4242", "1234", "123", "incomplete_number"),
        ("4242424242424241", "1234", "123", "invalid_number"),
        ("4242424242424242", "12", "123", "incomplete_expiry"),
        ("4242424242424242", "1220", "123", "invalid_expiry_year_past"),
        ("4242424242424242", "1399", "123", "invalid_expiry_month"),
        ("4242424242424242", "1299", "123", "invalid_expiry_year"),
        ("4242424242424242", "1234", "12", "incomplete_cvc"),
        ("378282246310005", "1234", "123", "incomplete_cvc"),
    ],
)
def test_a_card_that_cannot_be_right_is_refused_without_asking(
    page: Page, url: str, number: str, expiry: str, cvc: str, code: str
) -> None:
    mounted(page, {"clientSecret": secret(url)})
    typed(page, number, expiry, cvc)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    error = page.evaluate(CONFIRM)["error"]
    assert (error["type"], error["code"]) == ("validation_error", code)
    assert asked == []
    expect(page.get_by_text(error["message"])).to_be_visible()


@pytest.mark.parametrize(
    ("label", "text", "shown"),
    [
        ("Card number", "4242424242424242999", "4242 4242 4242 4242"),
        ("Card number", "378282246310005", "3782 822463 10005"),
        ("Expiry date", "934", "09 / 34"),
        ("Expiry date", "12/2034", "12 / 34"),
        ("Security code", "12x3", "123"),
    ],
)
def test_what_is_typed_is_grouped_as_on_the_card(page: Page, url: str, label: str, text: str, shown: str) -> None:
    mounted(page, {"clientSecret": secret(url)})
    page.get_by_label(label).fill(text)  # as autofill and paste do: all at once
    expect(page.get_by_label(label)).to_have_value(shown)


def test_correcting_a_digit_in_the_middle_leaves_the_caret_there(page: Page, url: str) -> None:
    mounted(page, {"clientSecret": secret(url)})
    number = page.get_by_label("Card number")
    number.press_sequentially("42425424")
    for _ in range(3):
        number.press("ArrowLeft")
    number.press("Backspace")
    number.press_sequentially("4")
    expect(number).to_have_value("4242 4424")


def test_the_element_tells_when_it_is_ready_complete_entered_and_left(page: Page, url: str) -> None:
    mounted(page, {"clientSecret": secret(url)})
    typed(page, "4242424242424242")
    page.evaluate("() => element.blur()")
    told = page.evaluate("() => told")
    assert told[0] == ["ready", {"elementType": "payment"}]
    assert [name for name, _ in told if name in {"focus", "blur"}] == ["focus", "blur"]
    changes = [event for name, event in told if name == "change"]
    assert changes[-1] == {
        "elementType": "payment",
        "empty": False,
        "complete": True,
        "collapsed": False,
        "value": {"type": "card"},
    }
    page.evaluate("() => element.clear()")
    assert page.evaluate("() => told.at(-1)[1].empty") is True


def test_a_deferred_intent_is_made_after_the_form_is_submitted(page: Page, url: str) -> None:
    mounted(page, {"mode": "payment", "amount": 1200, "currency": "usd"})
    assert page.evaluate("() => elements.submit()")["error"]["code"] == "incomplete_number"
    typed(page, "4242424242424242")
    assert page.evaluate("() => elements.submit()") == {"selectedPaymentMethod": "card"}
    confirm = "(clientSecret) => stripe.confirmPayment({ elements, clientSecret, redirect: 'if_required' })"
    assert page.evaluate(confirm, secret(url))["paymentIntent"]["status"] == "succeeded"


def test_without_if_required_the_page_leaves_for_the_return_address(page: Page, url: str) -> None:
    client_secret = secret(url)
    mounted(page, {"clientSecret": client_secret})
    typed(page, "4242424242424242")
    with page.expect_navigation(url=f"{url}/shop?*"):
        page.evaluate("() => { stripe.confirmPayment({ elements, confirmParams: { return_url: location.href } }); }")
    assert f"payment_intent_client_secret={client_secret}&redirect_status=succeeded" in page.url


def test_a_test_card_confirms_by_its_name(page: Page, url: str) -> None:
    confirm = "(secret) => stripe.confirmCardPayment(secret, { payment_method: 'pm_card_visa' })"
    assert page.evaluate(confirm, secret(url))["paymentIntent"]["status"] == "succeeded"


def test_a_card_element_confirms_and_says_its_brand(page: Page, url: str) -> None:
    mounted(page, {}, kind="card")
    typed(page, "5555555555554444")
    assert page.evaluate("() => told.filter(([name]) => name === 'change').at(-1)[1].brand") == "mastercard"
    confirm = "(secret) => stripe.confirmCardPayment(secret, { payment_method: { card: element } })"
    assert page.evaluate(confirm, secret(url))["paymentIntent"]["status"] == "succeeded"


def test_a_payment_method_is_made_of_a_card(page: Page) -> None:
    mounted(page, {}, kind="card")
    typed(page, "4242424242424242")
    method = page.evaluate("() => stripe.createPaymentMethod({ type: 'card', card: element })")["paymentMethod"]
    assert (method["type"], method["card"]["last4"]) == ("card", "4242")


@pytest.mark.parametrize(("button", "status"), [("Complete", "succeeded"), ("Fail", "requires_payment_method")])
def test_the_customer_answers_3d_secure(page: Page, url: str, button: str, status: str) -> None:
    client_secret = secret(url)
    mounted(page, {"clientSecret": client_secret})
    typed(page, "4000002500003155")
    page.evaluate(f"() => {{ window.confirmed = ({CONFIRM})(); }}")
    page.get_by_role("dialog", name="Sandbox 3-D Secure").get_by_role("button", name=button).click()
    result = page.evaluate("() => confirmed")
    intent = result.get("paymentIntent") or result["error"]["payment_intent"]
    assert intent["status"] == status
    retrieved = page.evaluate("(secret) => stripe.retrievePaymentIntent(secret)", client_secret)
    assert retrieved["paymentIntent"]["status"] == status


def test_an_action_can_be_left_for_later(page: Page, url: str) -> None:
    client_secret = secret(url)
    later = """(secret) => stripe.confirmCardPayment(
        secret, { payment_method: 'pm_card_authenticationRequired' }, { handleActions: false })"""
    assert page.evaluate(later, client_secret)["paymentIntent"]["status"] == "requires_action"
    page.evaluate("(secret) => { window.handled = stripe.handleNextAction({ clientSecret: secret }); }", client_secret)
    page.get_by_role("button", name="Complete").click()
    assert page.evaluate("() => handled")["paymentIntent"]["status"] == "succeeded"


def test_a_card_is_set_up_for_later(page: Page, url: str) -> None:
    client_secret = secret(url, "setup_intents")
    mounted(page, {"clientSecret": client_secret})
    typed(page, "4242424242424242")
    confirm = "() => stripe.confirmSetup({ elements, redirect: 'if_required' })"
    assert page.evaluate(confirm)["setupIntent"]["status"] == "succeeded"
    retrieved = page.evaluate("(secret) => stripe.retrieveSetupIntent(secret)", client_secret)
    assert retrieved["setupIntent"]["status"] == "succeeded"


def test_a_lost_connection_is_an_answer(page: Page, url: str) -> None:
    mounted(page, {"clientSecret": secret(url)})
    typed(page, "4242424242424242")
    page.context.set_offline(True)
    assert page.evaluate(CONFIRM)["error"]["type"] == "api_connection_error"


def test_a_wrong_secret_is_an_answer(page: Page) -> None:
    assert page.evaluate("() => stripe.retrievePaymentIntent('none')")["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "broken", ["Stripe('pk_live_x')", "Stripe('sk_test_x')", "stripe.elements({ paymentMethodTypes: ['card'] })"]
)
def test_what_a_program_must_not_do_raises_as_in_stripe_js(page: Page, broken: str) -> None:
    caught = f"() => {{ try {{ {broken}; }} catch (error) {{ return error.name; }} return null; }}"
    assert page.evaluate(caught) == "IntegrationError"


def test_the_element_speaks_japanese_when_told(page: Page, url: str) -> None:
    mounted(page, {"clientSecret": secret(url), "locale": "ja"})
    expect(page.get_by_label("カード番号")).to_be_visible()
    page.evaluate("() => elements.update({ locale: 'en' })")
    expect(page.get_by_label("Card number")).to_be_visible()


def test_the_element_wears_the_colours_of_the_page(page: Page, url: str) -> None:
    mounted(
        page, {"clientSecret": secret(url), "appearance": {"theme": "night", "variables": {"colorBackground": "rgb(1, 2, 3)"}}}
    )
    expect(page.get_by_label("Card number")).to_have_css("background-color", "rgb(1, 2, 3)")
    expect(page.get_by_label("Card number")).to_have_css("color-scheme", "dark")
