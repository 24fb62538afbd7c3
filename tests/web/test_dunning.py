"""Dunning over HTTP: what has failed is listed with every try, and the link in a letter leads to where it is mended."""

import re
from datetime import timedelta

from httpx2 import Response

from tallystick.domain.payments import Collection, Method
from tallystick.sandbox import pages
from tallystick.worker.loop import run_until_idle
from tests.web.world import World, problem

EXPIRED, CONFIRM = "pm_card_chargeDeclinedExpiredCard", "pm_card_authenticationRequired"


def failed(world: World, card: str = EXPIRED, *, language: str | None = None, method: Method = Method.HOSTED) -> str:
    """An invoice whose payment has just failed; its id."""
    world.with_calls()
    body = {"email": "ada@example.com", "language": language}
    assert world.call("PUT", "/v1/customers/ada", body).json()["language"] == language
    assert world.used(1000).status_code == 202
    world.clock.advance(timedelta(days=30))
    (invoice,) = world.billing.bill("ada", collection=Collection(method, payment_method=card))
    run_until_idle(world.billing.context)
    return invoice.id


def link(world: World) -> str:
    """Of the newest letter, as a path."""
    (_, _, letter), *_ = world.billing.letters()
    found = re.search(r"http://localhost:8000(/mend/\S+)", letter.text)
    assert found is not None, letter.text
    return found.group(1)


def pressed(world: World, path: str) -> Response:
    """What the button behind the link leads to; without a button, the page itself."""
    page = world.client.get(path)
    button = '<form method="post"><button>' in page.text
    return world.client.post(path, follow_redirects=False) if button else page


def test_what_has_failed_is_listed_and_shown_with_every_try(either_world: World) -> None:
    world = either_world
    invoice = failed(world)
    (row,) = world.call("GET", "/v1/dunning").json()["data"]
    assert (row["invoice"], row["state"], row["code"], row["ask"]) == (invoice, "waiting", "expired_card", "new_card")
    assert (row["total"], row["currency"], row["reason"]) == (1000, "usd", "The card has expired.")
    assert row["attempts"] is None
    shown = world.call("GET", f"/v1/dunning/{invoice}").json()
    assert [(each["cause"], each["code"]) for each in shown["attempts"]] == [("first", "expired_card")]
    assert [(each["type"], each["status"]) for each in shown["letters"]] == [("payment.failed", "delivered")]
    assert row["letters"] is None
    assert world.call("GET", "/v1/dunning?state=over").json()["data"] == []
    assert len(world.call("GET", "/v1/dunning?state=over&state=waiting").json()["data"]) == 1
    assert world.call("GET", "/v1/dunning?customer=ben").json()["data"] == []
    assert problem(world.call("GET", "/v1/dunning/inv_none")) == (404, "not_found")
    assert world.call("GET", "/v1/dunning?state=dunned").status_code == 422


def test_who_reads_it_needs_a_key(world: World) -> None:
    assert world.client.get("/v1/dunning").status_code == 401


def test_the_link_leads_to_where_a_card_is_saved_and_back(world: World) -> None:
    failed(world)
    path = link(world)
    there = pressed(world, path)
    assert there.status_code == 303
    assert "/sandbox/portal/" in there.headers["location"]
    assert there.headers["cache-control"] == "no-store"
    back = world.client.get(f"{path}/done")
    assert back.status_code == 200
    assert "Thank you" in back.text


def test_what_follows_the_link_and_presses_no_button_has_done_nothing(either_world: World) -> None:
    world = either_world
    failed(world, language="ja")
    path, sandbox = link(world), world.billing.sandbox
    assert sandbox is not None
    before = sandbox.state.number()  # the next one is of the next thing that is made there
    pages = [world.client.get(path, headers={"Accept-Language": "en"}) for _ in range(2)]
    assert sandbox.state.number() == before + 1
    assert [page.status_code for page in pages] == [200, 200]
    assert "別のカードを登録" in pages[0].text, "in the language of the letter"
    assert "<script" not in pages[0].text
    assert "form-action 'self' https:" in pages[0].headers["content-security-policy"]


def test_the_link_works_for_weeks_and_until_it_is_paid(world: World) -> None:
    invoice = failed(world)
    path = link(world)
    world.clock.advance(timedelta(days=30))
    assert pressed(world, path).status_code == 303
    world.billing.void(invoice, reason="a favour")
    run_until_idle(world.billing.context)
    gone = pressed(world, path)
    assert gone.status_code == 200
    assert "Nothing is left to be paid" in gone.text


def test_what_must_be_confirmed_leads_to_the_invoice_at_the_provider(world: World) -> None:
    failed(world, CONFIRM)
    there = pressed(world, link(world))
    assert there.status_code == 303
    assert "/sandbox/invoice/" in there.headers["location"]


def test_what_must_be_confirmed_and_has_no_invoice_there_is_paid_on_a_page_and_once(either_world: World) -> None:
    world = either_world
    invoice = failed(world, CONFIRM, method=Method.INTENT)
    path = link(world)
    found = {pressed(world, path).headers["location"] for _ in range(2)}
    assert len(found) == 1, "visited twice it is one page"
    page, sandbox = found.pop(), world.billing.sandbox
    assert "/sandbox/checkout/" in page
    assert sandbox is not None
    assert pages.answer(sandbox, "POST", page.removeprefix(sandbox.public_url), b"card=pm_card_visa")[0] == 303
    back = world.client.get(f"{path}/done")
    assert "Nothing is left to be paid" in back.text, "no webhook was needed"
    assert world.billing.invoice(invoice).status == "paid"
    assert "Nothing is left to be paid" in pressed(world, path).text
    assert world.billing.verify().clean


def test_who_has_confirmed_and_whose_bank_takes_its_time_is_not_sent_there_again(world: World) -> None:
    failed(world, CONFIRM, method=Method.INTENT)
    path = link(world)
    page, sandbox = pressed(world, path).headers["location"], world.billing.sandbox
    assert sandbox is not None
    assert pages.answer(sandbox, "POST", page.removeprefix(sandbox.public_url), b"card=pm_card_sandboxClearsLater")[0] == 303
    assert "Thank you" in world.client.get(f"{path}/done").text
    again = pressed(world, path)
    assert again.status_code == 409
    assert "on its way" in again.text


def test_a_link_of_nobodys_opens_nothing(world: World) -> None:
    invoice = failed(world)
    path = link(world)
    for wrong in (path[:-1], f"{path}0", f"/mend/{invoice}.", "/mend/x", "/mend/%00", "/mend/" + "é" * 9, f"/mend/{'x' * 600}"):
        for method in ("GET", "POST"):
            answer = world.client.request(method, wrong, follow_redirects=False)
            assert answer.status_code in {404, 422}, wrong
    assert "リンク" in world.client.get("/mend/x", headers={"Accept-Language": "ja"}).text


def test_a_letter_is_in_the_customers_language(world: World) -> None:
    failed(world, language="ja")
    (_, _, letter), *_ = world.billing.letters()
    assert "有効期限" in letter.text
    assert world.call("PUT", "/v1/customers/ada", {"language": "tlh"}).status_code == 422
