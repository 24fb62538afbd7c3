"""Checkout in payment and subscription mode: a page on which a sum is paid, or a subscription begun, once."""

from typing import Any

import pytest
import stripe

from tests.sandbox.asking import ask

OK = "https://shop.test/ok?session={CHECKOUT_SESSION_ID}"
LINE = {"price_data": {"currency": "usd", "unit_amount": 1490, "product_data": {"name": "Invoice INV-000001"}}, "quantity": 1}


def paying(world: Any, **more: Any) -> tuple[Any, str]:
    """A session of a new customer's on which 14.90 is paid, and the path of its page."""
    customer = world.customer(email="ada@example.com").id
    wanted = {
        "mode": "payment",
        "customer": customer,
        "line_items": [LINE],
        "success_url": OK,
        "cancel_url": "https://shop.test/x",
    }
    session = world.v1.checkout.sessions.create({**wanted, **more})
    return session, session.url.removeprefix("http://localhost:8000")


def subscribing(world: Any, **more: Any) -> tuple[Any, str]:
    """One on which two seats at 20.00 a month and metered usage are subscribed to."""
    product = world.v1.products.create({"name": "Seat"}).id
    seat = world.v1.prices.create(
        {"product": product, "currency": "usd", "unit_amount": 2000, "recurring": {"interval": "month"}}
    )
    meter = world.v1.billing.meters.create({
        "display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"},
    })  # fmt: skip
    recurring = {"interval": "month", "usage_type": "metered", "meter": meter.id}
    metered = world.v1.prices.create({"product": product, "currency": "usd", "unit_amount": 1, "recurring": recurring})
    items = [{"price": seat.id, "quantity": 2}, {"price": metered.id}]
    customer = world.customer(email="ada@example.com").id
    wanted = {"mode": "subscription", "customer": customer, "line_items": items, "success_url": OK, **more}
    session = world.v1.checkout.sessions.create(wanted)
    return session, session.url.removeprefix("http://localhost:8000")


def now(world: Any, session: Any, *expanded: str) -> Any:
    return world.v1.checkout.sessions.retrieve(session.id, {"expand": list(expanded)})


def test_the_sum_is_paid_once_by_an_intent_that_is_made_when_a_card_is_tried(world: Any) -> None:
    about = {"metadata": {"order": "1"}, "setup_future_usage": "off_session", "description": "Order 1"}
    session, page = paying(world, payment_intent_data=about, metadata={"order": "1"})
    assert (session.payment_status, session.amount_total, session.currency) == ("unpaid", 1490, "usd")
    assert session.payment_intent is None
    _, _, shown = ask(world, "GET", page)
    assert ("Invoice INV-000001" in shown, "Pay 14.90 USD" in shown) == (True, True)
    status, headers, _ = ask(world, "POST", page, key="", card="pm_card_visa")
    assert (status, headers["location"]) == (303, f"https://shop.test/ok?session={session.id}")
    done = now(world, session, "payment_intent")
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    assert (done.payment_intent.status, done.payment_intent.amount_received) == ("succeeded", 1490)
    assert (done.payment_intent.metadata.to_dict(), done.payment_intent.description) == ({"order": "1"}, "Order 1")
    assert world.v1.payment_methods.retrieve(done.payment_intent.payment_method).customer == session.customer
    assert [found.id for found in world.v1.checkout.sessions.list({"payment_intent": done.payment_intent.id}).data] == [
        session.id
    ]
    assert (ask(world, "POST", page, card="pm_card_visa")[0], len(world.v1.charges.list().data)) == (200, 1)
    told = world.events("payment_intent.succeeded", "checkout.session.completed")
    assert told == ["payment_intent.succeeded", "checkout.session.completed"]


def test_a_declined_card_leaves_the_page_open_and_the_next_one_pays(world: Any) -> None:
    session, page = paying(world)
    status, _, text = ask(world, "POST", page, card="pm_card_chargeDeclined")
    assert (status, "Your card was declined." in text) == (402, True)
    assert "Your card was declined." in ask(world, "GET", page)[2]
    open_one = now(world, session, "payment_intent")
    assert (open_one.status, open_one.payment_intent.last_payment_error.decline_code) == ("open", "generic_decline")
    assert ask(world, "POST", page, number="4242 4242 4242 4242", exp_month="12", exp_year="30", cvc="123")[0] == 303
    assert now(world, session).payment_intent == open_one.payment_intent.id


@pytest.mark.parametrize(("result", "status"), [("success", "complete"), ("failure", "open")])
def test_the_bank_is_asked_first_where_the_card_wants_it(world: Any, result: str, status: str) -> None:
    session, page = paying(world)
    _, headers, _ = ask(world, "POST", page, card="pm_card_authenticationRequired")
    bank = f"/sandbox/3ds/{now(world, session).payment_intent}"
    assert headers["location"] == bank.replace("/sandbox", "..")
    _, headers, _ = ask(world, "POST", bank, result=result)
    back = headers["location"]
    assert back == (f"https://shop.test/ok?session={session.id}" if result == "success" else f"..{page.removeprefix('/sandbox')}")
    assert now(world, session).status == status


@pytest.mark.parametrize(
    ("card", "event", "paid"),
    [
        ("pm_card_sandboxClearsLater", "checkout.session.async_payment_succeeded", "paid"),
        ("pm_card_sandboxNeverClears", "checkout.session.async_payment_failed", "unpaid"),
    ],
)
def test_money_that_takes_its_time_completes_the_page_unpaid_and_is_told_of_later(
    world: Any, card: str, event: str, paid: str
) -> None:
    session, page = paying(world)
    assert ask(world, "POST", page, card=card)[0] == 303
    waiting = now(world, session, "payment_intent")
    assert (waiting.status, waiting.payment_status, waiting.payment_intent.status) == ("complete", "unpaid", "processing")
    world.clock.move(seconds=60)
    assert now(world, session).payment_status == paid
    assert world.events("checkout.session.completed", event) == ["checkout.session.completed", event]


def test_an_expired_page_cannot_be_paid_and_its_intent_is_canceled(world: Any) -> None:
    session, page = paying(world)
    ask(world, "POST", page, card="pm_card_chargeDeclined")
    intent = now(world, session).payment_intent
    for act in (world.v1.payment_intents.cancel, world.v1.payment_intents.confirm):
        with pytest.raises(stripe.InvalidRequestError, match="created by a Checkout Session"):
            act(intent)
    world.v1.checkout.sessions.expire(session.id)
    assert world.v1.payment_intents.retrieve(intent).status == "canceled"
    assert (ask(world, "POST", page, card="pm_card_visa")[0], world.v1.charges.list().data[0].status) == (410, "failed")
    assert world.events("checkout.session.expired") == ["checkout.session.expired"]


def test_a_subscription_is_begun_with_its_first_invoice_paid_by_the_card_which_it_keeps(world: Any) -> None:
    session, page = subscribing(world, subscription_data={"metadata": {"plan": "pro"}})
    assert (session.amount_total, session.subscription, session.payment_status) == (4000, None, "unpaid")
    assert "Due today" in ask(world, "GET", page)[2]
    assert ask(world, "POST", page, card="pm_card_visa")[0] == 303
    done = now(world, session, "subscription", "invoice")
    assert (done.status, done.payment_status, done.invoice.status, done.invoice.amount_paid) == ("complete", "paid", "paid", 4000)
    assert (done.subscription.status, done.subscription.metadata.to_dict()) == ("active", {"plan": "pro"})
    assert done.subscription.default_payment_method is not None
    assert [found.id for found in world.v1.checkout.sessions.list({"subscription": done.subscription.id}).data] == [session.id]
    assert ask(world, "POST", page, card="pm_card_visa")[0] == 200
    assert len(world.v1.subscriptions.list().data) == 1


def test_a_declined_card_begins_no_subscription(world: Any) -> None:
    session, page = subscribing(world)
    assert ask(world, "POST", page, card="pm_card_chargeDeclined")[0] == 402
    assert (now(world, session).status, world.v1.subscriptions.list({"status": "all"}).data) == ("open", [])
    assert ask(world, "POST", page, card="pm_card_visa")[0] == 303


def test_a_subscription_that_waits_for_the_bank_is_begun_once_and_ends_with_its_page(world: Any) -> None:
    session, page = subscribing(world)
    _, headers, _ = ask(world, "POST", page, card="pm_card_authenticationRequired")
    ask(world, "POST", headers["location"].replace("..", "/sandbox"), result="failure")
    _, headers, _ = ask(world, "POST", page, card="pm_card_authenticationRequired")
    (waiting,) = world.v1.subscriptions.list({"status": "all"}).data
    assert (waiting.status, now(world, session).status) == ("incomplete", "open")
    world.v1.checkout.sessions.expire(session.id)
    assert world.v1.subscriptions.retrieve(waiting.id).status == "canceled"


def test_the_page_of_a_subscription_that_has_expired_by_itself_is_over_after_its_day_all_the_same(world: Any) -> None:
    session, page = subscribing(world)
    ask(world, "POST", page, card="pm_card_authenticationRequired")
    (waiting,) = world.v1.subscriptions.list({"status": "all"}).data
    world.clock.move(hours=23, minutes=30)
    assert (world.v1.subscriptions.retrieve(waiting.id).status, now(world, session).status) == ("incomplete_expired", "open")
    world.clock.move(hours=1)
    assert (world.v1.subscriptions.retrieve(waiting.id).status, now(world, session).status) == ("incomplete_expired", "expired")


def test_a_trial_begins_with_a_saved_card_and_nothing_paid(world: Any) -> None:
    session, page = subscribing(world, subscription_data={"trial_period_days": 14})
    assert session.amount_total == 0
    assert ask(world, "POST", page, card="pm_card_visa")[0] == 303
    done = now(world, session, "subscription")
    assert (done.payment_status, done.subscription.status, world.v1.charges.list().data) == (
        "no_payment_required",
        "trialing",
        [],
    )
    assert done.subscription.default_payment_method is not None


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"customer": None}, "customer"),
        ({"line_items": None}, "line_items"),
        ({"line_items": [{"price_data": LINE["price_data"]}]}, "line_items[0][quantity]"),
        ({"line_items": [{"price": "price_none", "quantity": 1}]}, "line_items[0][price]"),
        ({"line_items": [{**LINE, "adjustable_quantity": {"enabled": True}}]}, "adjustable_quantity"),
        ({"currency": "eur"}, None),
        ({"adaptive_pricing": {"enabled": True}}, "adaptive_pricing[enabled]"),
        ({"payment_intent_data": {"transfer_group": "x"}}, "transfer_group"),
        ({"allow_promotion_codes": True}, "allow_promotion_codes"),
        ({"mode": "subscription"}, "line_items[0][price_data]"),
    ],
)
def test_what_is_wrong_or_not_covered_is_named_and_leaves_nothing(world: Any, params: Any, param: str | None) -> None:
    wanted = {"mode": "payment", "customer": world.customer().id, "line_items": [LINE], "success_url": OK, **params}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        world.v1.checkout.sessions.create(wanted)
    assert (refused.value.http_status, refused.value.param) == (400, param)
    assert world.v1.checkout.sessions.list().data == []
