"""Checkout in setup mode: a page that saves one card, once, within a day, and leads back to the shop."""

from typing import Any

import pytest
import stripe

from tests.sandbox.asking import ask

SETUP = {"mode": "setup", "currency": "eur", "success_url": "https://shop.test/ok?session={CHECKOUT_SESSION_ID}"}


def begun(world: Any, **more: Any) -> tuple[Any, str]:
    """A session of a new customer's, and the path of its page."""
    wanted = {**SETUP, "customer": world.customer(email="ada@example.com").id, "cancel_url": "https://shop.test/plans", **more}
    session = world.v1.checkout.sessions.create(wanted)
    return session, session.url.removeprefix("http://localhost:8000")


def now(world: Any, session: Any) -> Any:
    return world.v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})


def test_a_saved_card_completes_the_session_and_belongs_to_the_customer(world: Any) -> None:
    session, page = begun(world, client_reference_id="chk_1", metadata={"plan": "pro"})
    assert (session.status, session.payment_status, session.mode) == ("open", "no_payment_required", "setup")
    assert session.id.startswith("cs_test_")
    status, headers, _ = ask(world, "POST", page, key="", card="pm_card_visa")
    assert (status, headers["location"]) == (303, f"https://shop.test/ok?session={session.id}")
    done = now(world, session)
    assert (done.status, done.url, done.client_reference_id) == ("complete", None, "chk_1")
    assert (done.setup_intent.status, done.setup_intent.usage) == ("succeeded", "off_session")
    method = world.v1.payment_methods.retrieve(done.setup_intent.payment_method)
    assert (method.customer, method.card.last4) == (session.customer, "4242")
    told = ["setup_intent.created", "payment_method.attached", "setup_intent.succeeded", "checkout.session.completed"]
    assert [event for event in world.events() if event in told] == told


def test_the_customers_default_stays_as_it_is(world: Any) -> None:
    session, page = begun(world)
    ask(world, "POST", page, card="pm_card_visa")
    assert world.v1.customers.retrieve(session.customer).invoice_settings.default_payment_method is None


def test_the_event_names_the_setup_intent_and_not_the_card(world: Any) -> None:
    session, page = begun(world)
    ask(world, "POST", page, card="pm_card_visa")
    told = world.v1.events.list({"types": ["checkout.session.completed"]}).data[0].data.object
    assert (told.id, told.setup_intent) == (session.id, session.setup_intent)


def test_a_number_can_be_typed_and_a_declined_card_leaves_the_page_open(world: Any) -> None:
    session, page = begun(world)
    card: Any = {"number": "4000 0000 0000 0002", "exp_month": "12", "exp_year": "30", "cvc": "123"}
    status, _, text = ask(world, "POST", page, **card)
    assert (status, "Your card was declined." in text) == (402, True)
    for wrong in ({"number": "4242424242424241"}, {"exp_month": "13"}, {"exp_month": "soon"}, {"exp_year": "20"}, {"cvc": "x"}):
        assert ask(world, "POST", page, **{**card, "number": "4242424242424242", **wrong})[0] == 402
    assert now(world, session).status == "open"
    assert ask(world, "POST", page, **{**card, "number": "4242 4242 4242 4242"})[0] == 303
    assert now(world, session).status == "complete"


def test_the_bank_is_asked_first_where_the_card_wants_it(world: Any) -> None:
    session, page = begun(world)
    there = ask(world, "POST", page, card="pm_card_authenticationRequired")[1]["location"]
    assert there == f"../3ds/{session.setup_intent}"
    back = ask(world, "POST", f"/sandbox/3ds/{session.setup_intent}", result="failure")[1]["location"]
    assert back == f"..{page.removeprefix('/sandbox')}"
    assert "unable to authenticate" in ask(world, "GET", page)[2]
    ask(world, "POST", page, card="pm_card_authenticationRequired")
    done = ask(world, "POST", f"/sandbox/3ds/{session.setup_intent}", result="success")
    assert done[1]["location"] == f"https://shop.test/ok?session={session.id}"
    assert now(world, session).status == "complete"


def test_a_completed_page_saves_no_second_card(world: Any) -> None:
    session, page = begun(world)
    for _ in range(2):
        ask(world, "POST", page, card="pm_card_visa")
    assert len(world.v1.customers.payment_methods.list(session.customer).data) == 1
    assert "You are all done" in ask(world, "GET", page)[2]


def test_after_a_day_it_expires_by_itself_and_says_so(world: Any) -> None:
    session, page = begun(world)
    world.clock.move(hours=23, minutes=59)
    assert now(world, session).status == "open"
    world.clock.move(minutes=1)
    status, _, text = ask(world, "POST", page, card="pm_card_visa")
    assert (status, "expired" in text, "https://shop.test/plans" in text) == (410, True, True)
    gone = now(world, session)
    assert (gone.status, gone.url, gone.setup_intent.status) == ("expired", None, "canceled")
    assert world.events("checkout.session.expired", "checkout.session.completed") == ["checkout.session.expired"]


def test_the_merchant_may_expire_an_open_one_and_no_other(world: Any) -> None:
    session, _ = begun(world)
    assert world.v1.checkout.sessions.expire(session.id).status == "expired"
    done, page = begun(world)
    ask(world, "POST", page, card="pm_card_visa")
    for other in (session, done):
        with pytest.raises(stripe.InvalidRequestError, match="can be expired"):
            world.v1.checkout.sessions.expire(other.id)
    world.clock.move(hours=25)
    assert now(world, done).status == "complete"


def test_its_setup_intent_is_confirmed_and_canceled_on_its_page_alone(world: Any) -> None:
    session, _ = begun(world)
    for ways in (world.v1.setup_intents.confirm, world.v1.setup_intents.cancel):
        with pytest.raises(stripe.InvalidRequestError, match="Checkout Session"):
            ways(session.setup_intent)


def test_without_a_customer_the_card_is_nobodys(world: Any) -> None:
    session = world.v1.checkout.sessions.create({**SETUP, "customer_email": "eve@example.com"})
    ask(world, "POST", session.url.removeprefix("http://localhost:8000"), card="pm_card_visa")
    done = now(world, session)
    assert (done.status, done.customer, done.customer_details.email) == ("complete", None, "eve@example.com")
    assert world.v1.payment_methods.retrieve(done.setup_intent.payment_method).customer is None


def test_they_are_listed_by_customer_and_status(world: Any) -> None:
    first, _ = begun(world)
    second, page = begun(world)
    ask(world, "POST", page, card="pm_card_visa")
    sessions = world.v1.checkout.sessions
    assert [found.id for found in sessions.list({"customer": first.customer}).data] == [first.id]
    assert [found.id for found in sessions.list({"status": "complete"}).data] == [second.id]


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"mode": "payment"}, "customer"),
        ({"mode": "subscription"}, "customer"),
        ({"mode": None}, "mode"),
        ({"mode": "gift"}, "mode"),
        ({"ui_mode": "hosted"}, "ui_mode"),
        ({"ui_mode": "elements"}, "ui_mode"),
        ({"currency": None}, "currency"),
        ({"currency": "xxx"}, "currency"),
        ({"success_url": None}, "success_url"),
        ({"success_url": "javascript:alert(1)"}, "success_url"),
        ({"success_url": "/relative"}, "success_url"),
        ({"success_url": "https://"}, "success_url"),
        ({"success_url": "https://shop.test/\r\nSet-Cookie: a=b"}, "success_url"),
        ({"cancel_url": "data:text/html,hi"}, "cancel_url"),
        ({"cancel_url": "https://shop.test/" + "x" * 2048}, "cancel_url"),
        ({"customer": "cus_none"}, "customer"),
        ({"client_reference_id": "x" * 201}, "client_reference_id"),
        ({"line_items": [{"price": "price_1"}]}, "line_items"),
        ({"expires_at": 1}, "expires_at"),
    ],
)
def test_what_is_wrong_or_not_covered_is_named_and_leaves_nothing(world: Any, params: Any, param: str) -> None:
    wanted = {name: value for name, value in {**SETUP, **params}.items() if value is not None}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        world.v1.checkout.sessions.create(wanted)
    assert (refused.value.http_status, refused.value.param) == (400, param)
    assert world.v1.setup_intents.list().data == []


def test_the_page_runs_no_script_and_writes_nothing_as_it_came(world: Any) -> None:
    wanted = {"success_url": 'https://shop.test/?a="><script>', "cancel_url": 'https://shop.test/x?"onclick=alert(1)//<b>'}
    _, page = begun(world, **wanted)
    _, headers, text = ask(world, "GET", page)
    assert "script-src" not in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    assert ("<script" in text, '"onclick' in text, "&quot;onclick=alert(1)//&lt;b&gt;" in text) == (False, False, True)


def test_guessing_a_page_finds_nothing(world: Any) -> None:
    session, _ = begun(world)
    for path in ("/sandbox/checkout/guess", f"/sandbox/checkout/{session.id}", "/sandbox/checkout/", "/sandbox/portal/guess"):
        for method in ("GET", "POST"):
            assert ask(world, method, path, card="pm_card_visa")[0] == 404
    assert now(world, session).status == "open"
