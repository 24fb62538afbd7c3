"""The port: the API, the script, and the two pages that a customer sees."""

import asyncio
import re
from typing import Any
from urllib.parse import urljoin

import stripe

from tests.sandbox.asking import ask


def opened(world: Any, description: str = "Usage") -> tuple[Any, str]:
    ada = world.customer(name="Ada <b>")
    invoice = world.v1.invoices.create({"customer": ada.id, "currency": "usd"})
    item = {"customer": ada.id, "invoice": invoice.id, "amount": 123456, "currency": "usd", "description": description}
    world.v1.invoice_items.create(item)
    invoice = world.v1.invoices.finalize_invoice(invoice.id)
    return invoice, invoice.hosted_invoice_url.removeprefix("http://localhost:8000")


def test_the_api_answers_in_two_places(world: Any) -> None:
    ada = world.customer()
    for path in ("/v1/customers", "/sandbox/api/v1/customers"):
        status, headers, text = ask(world, "GET", path)
        assert (status, headers["content-type"], ada.id in text) == (200, "application/json", True)
        assert headers["request-id"].startswith("req_")
    assert ask(world, "POST", "/v1/customers", name="Eve")[0] == 200
    assert ask(world, "GET", "/sandbox/api/v1/customers", root="/sandbox")[0] == 200
    assert ask(world, "GET", "/v2/core/events")[0] == 404


def test_a_port_for_browsers_takes_no_secret_key(world: Any) -> None:
    intent = world.v1.payment_intents.create({"amount": 700, "currency": "usd"})
    read = f"/sandbox/api/v1/payment_intents/{intent.id}?client_secret={intent.client_secret}"
    assert ask(world, "GET", "/v1/customers", browsers_only=True)[0] == 403
    assert ask(world, "GET", read, key="Bearer pk_test_sandbox", browsers_only=True)[0] == 200


def test_the_script_is_served(world: Any) -> None:
    status, headers, _ = ask(world, "GET", "/sandbox/js/stripe.js")
    assert (status, headers["content-type"]) == (200, "text/javascript; charset=utf-8")


def test_a_lost_reply_is_a_gateway_that_gave_up(world: Any) -> None:
    world.faults.next("lost_reply", on="POST /v1/customers")
    assert ask(world, "POST", "/v1/customers")[0] == 504
    assert len(world.v1.customers.list().data) == 1


def test_a_customer_reads_and_pays_the_invoice(world: Any) -> None:
    invoice, path = opened(world, "Tokens <script>alert(1)</script>")
    status, headers, text = ask(world, "GET", path, key="")
    assert (status, "1234.56 USD" in text, "Ada &lt;b&gt;" in text) == (200, True, True)
    assert "<script" not in text
    assert "script-src" not in headers["content-security-policy"]
    status, headers, _ = ask(world, "POST", path, card="pm_card_visa")
    assert (status, headers["location"]) == (303, path.rpartition("/")[2])
    assert "Paid. Thank you." in ask(world, "GET", path)[2]
    assert world.v1.invoices.retrieve(invoice.id).status == "paid"
    assert ask(world, "POST", path, card="pm_card_visa")[0] == 303
    assert len(world.v1.charges.list().data) == 1


def test_a_declined_card_is_explained_and_another_can_be_tried(world: Any) -> None:
    invoice, path = opened(world)
    status, _, text = ask(world, "POST", path, card="pm_card_chargeDeclined")
    assert (status, "Your card was declined." in text) == (402, True)
    assert ask(world, "POST", path, card="pm_card_nobody")[0] == 402
    assert ask(world, "POST", path, card="pm_card_visa")[0] == 303
    assert world.v1.invoices.retrieve(invoice.id).status == "paid"


def test_the_bank_asks_and_sends_back_to_the_invoice(world: Any) -> None:
    invoice, path = opened(world)
    there = ask(world, "POST", path, card="pm_card_authenticationRequired")[1]["location"]
    assert there.startswith("../3ds/pi_")
    bank = urljoin(path, there)
    assert "1234.56 USD" in ask(world, "GET", bank)[2]
    assert urljoin(bank, ask(world, "POST", bank, result="success")[1]["location"]) == path
    assert world.v1.invoices.retrieve(invoice.id).status == "paid"


def test_the_bank_sends_back_to_the_shop_and_says_how_it_went(world: Any) -> None:
    for result, told in (("success", "succeeded"), ("failure", "failed")):
        params = {"amount": 700, "currency": "usd", "payment_method": "pm_card_authenticationRequired", "confirm": True}
        intent = world.v1.payment_intents.create({**params, "return_url": "https://shop.test/done?order=1"})
        page = intent.next_action.redirect_to_url.url.removeprefix("http://localhost:8000")
        where = ask(world, "POST", page, result=result)[1]["location"]
        assert where.startswith(f"https://shop.test/done?order=1&payment_intent={intent.id}&payment_intent_client_secret=")
        assert where.endswith(f"&redirect_status={told}")
        assert ask(world, "POST", page, result=result)[0] == 400


def test_with_stripe_js_on_the_page_the_bank_only_says_thanks(world: Any) -> None:
    setup = world.v1.setup_intents.create({"customer": world.customer().id, "usage": "off_session"})
    params = {"payment_method": "pm_card_authenticationRequired", "return_url": "https://shop.test", "use_stripe_sdk": True}
    assert world.v1.setup_intents.confirm(setup.id, params).next_action.type == "use_stripe_sdk"
    assert "saving a card" in ask(world, "GET", f"/sandbox/3ds/{setup.id}")[2]
    assert "Thank you" in ask(world, "POST", f"/sandbox/3ds/{setup.id}", result="success")[2]
    assert world.v1.setup_intents.retrieve(setup.id).status == "succeeded"


def test_guessing_a_page_finds_nothing(world: Any) -> None:
    for path in ("/sandbox/invoice/guess", "/sandbox/3ds/pi_guess", "/sandbox/nothing", "/sandbox/invoice/"):
        status, _, text = ask(world, "GET", path)
        assert (status, bool(re.search("no such|cannot", text, re.IGNORECASE))) == (404, True)


def test_an_async_client_is_answered_too(world: Any) -> None:
    async def create() -> Any:
        return await world.v1.customers.create_async({"name": "Ada"})

    assert isinstance(asyncio.run(create()), stripe.Customer)
