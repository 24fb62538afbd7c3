"""This server's uptime and its bill: read, asked for once, paid, and never charged twice."""

from datetime import timedelta

import pytest

from tests.web.world import World, problem


def status(world: World) -> dict:
    answer = world.client.get("/api/billing-status")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_uptime_is_told_in_parts_that_add_up(world: World) -> None:
    world.up_for(26)
    assert world.client.get("/api/uptime").json() == {
        "uptime_seconds": 93_600,
        "hours": 26,
        "minutes": 0,
        "seconds": 0,
        "formatted": "26h 0m 0s",
        "boot_time": "2026-01-01T00:00:00Z",
    }


def test_the_bill_runs_up_by_the_hour(world: World) -> None:
    world.up_for(3)
    assert status(world) == {
        "server_name": "localhost",
        "uptime": world.client.get("/api/uptime").json(),
        "hourly_rate": "100",
        "currency": "jpy",
        "currency_exponent": 0,
        "total_amount": 300,
        "amount_due": 300,
        "amount_paid": 0,
        "minimum_charge": 50,
        "unpaid_seconds": 10_800,
        "paid_through": None,
        "open_invoice": None,
        "mode": "sandbox",
    }


def test_asked_twice_it_is_one_intent(world: World) -> None:
    world.up_for(3)
    first, second = (world.client.post("/api/create-payment-intent", json={}) for _ in range(2))
    assert first.status_code == 200, first.text
    assert first.json() == second.json()
    told = first.json()
    assert told.keys() >= {"client_secret", "payment_intent_id", "amount", "currency", "publishable_key"}
    assert (told["amount"], told["currency"], told["publishable_key"]) == (300, "jpy", "pk_test_sandbox")
    assert told["client_secret"].startswith(told["payment_intent_id"] + "_secret_")
    world.up_for(1)
    assert world.client.post("/api/create-payment-intent").json()["amount"] == 300
    bill = status(world)
    assert (bill["amount_due"], bill["total_amount"], bill["open_invoice"]["amount"]) == (300, 400, 300)
    assert bill["unpaid_seconds"] == 4 * 3600


def test_below_the_minimum_it_says_when_to_come_again(world: World) -> None:
    world.up_for(0)
    world.clock.advance(timedelta(minutes=6))
    answer = world.client.post("/api/create-payment-intent", json={})
    assert problem(answer) == (422, "amount_below_minimum")
    told = {name: answer.json()[name] for name in ("amount", "minimum", "currency", "reached_at")}
    assert told == {"amount": 10, "minimum": 50, "currency": "jpy", "reached_at": "2026-01-01T00:30:00Z"}


def paid(world: World, card: str = "pm_card_visa") -> str:
    told = world.client.post("/api/create-payment-intent", json={}).json()
    answer = world.client.post(
        f"/sandbox/api/v1/payment_intents/{told['payment_intent_id']}/confirm",
        headers={"Authorization": f"Bearer {told['publishable_key']}"},
        content=f"client_secret={told['client_secret']}&payment_method={card}",
    )
    return answer.json().get("status", "refused")


def test_a_payment_moves_what_is_paid_through(world: World) -> None:
    world.up_for(3)
    assert paid(world) == "succeeded"
    answers = world.delivers()
    assert answers
    assert {answer.status_code for answer in answers} == {200}
    world.works()
    bill = status(world)
    assert (bill["amount_paid"], bill["amount_due"], bill["paid_through"]) == (300, 0, "2026-01-01T03:00:00Z")
    assert bill["open_invoice"] is None
    world.up_for(2)
    assert status(world)["amount_due"] == 200
    assert world.client.post("/api/create-payment-intent").json()["amount"] == 200


def test_a_decline_leaves_everything_as_it_was(world: World) -> None:
    world.up_for(3)
    assert paid(world, "pm_card_visa_chargeDeclined") == "refused"
    world.delivers()
    world.works()
    bill = status(world)
    assert (bill["amount_paid"], bill["amount_due"], bill["paid_through"]) == (0, 300, None)
    assert paid(world) == "succeeded"


@pytest.mark.parametrize(
    ("accepted", "query", "language"),
    [
        ("", "", "en"),
        ("ja", "", "ja"),
        ("ja-JP,en;q=0.8", "", "ja"),
        ("en-GB,ja;q=0.9", "", "en"),
        ("ja;q=0.2, en;q=0.3", "", "en"),
        ("fr, ja;q=0.1", "", "ja"),
        ("ja;q=0", "", "en"),
        ("de", "", "en"),
        ("ja;q=x,en;q=0.9", "", "ja"),
        ("en", "?lang=ja", "ja"),
        ("ja", "?lang=en", "en"),
    ],
)
def test_the_pay_page_speaks_the_language_that_is_asked_for(world: World, accepted: str, query: str, language: str) -> None:
    answer = world.client.get(f"/{query}", headers={"Accept-Language": accepted})
    assert answer.status_code == 200
    assert f'<html lang="{language}"' in answer.text
    assert answer.headers["content-language"] == language
    assert "{{" not in answer.text


def test_the_pay_page_names_the_stand_in_of_stripe_js_and_serves_it(world: World) -> None:
    page = world.client.get("/").text
    assert 'data-stripe-js-url="/sandbox/js/stripe.js"' in page
    assert 'data-publishable-key="pk_test_sandbox"' in page
    for path in ("/sandbox/js/stripe.js", "/static/pay.js", "/static/pay.css"):
        assert world.client.get(path).status_code == 200
    assert problem(world.client.get("/?lang=xx")) == (422, "invalid_input")
    assert problem(world.client.get("/static/../service.py"))[0] == 404


def test_values_on_the_pay_page_are_texts() -> None:
    from tallystick.web.pay_page import STRIPE_JS_URL, pay_page

    page = pay_page(language="en", mode="live", publishable_key='"><script>')
    assert "&quot;&gt;&lt;script&gt;" in page
    assert STRIPE_JS_URL in page
