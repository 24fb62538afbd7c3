"""Credit notes and refunds over HTTP."""

import pytest

from tallystick.worker.loop import run_until_idle
from tests.web.test_invoices import billed
from tests.web.world import World, problem

BY_HAND = {"method": "intent", "automatic": False}
WITH_CARD = {"method": "intent", "payment_method": "pm_card_visa"}


def paid(world: World) -> dict:
    invoice = billed(world, collection=WITH_CARD)
    run_until_idle(world.billing.context)
    return invoice


def test_an_open_invoice_is_credited_once_and_says_what_is_due(world: World) -> None:
    invoice = billed(world, collection=BY_HAND)
    path, body = f"/v1/invoices/{invoice['id']}/credit-notes", {"amount": 200, "reason": "a mistake", "op": "1"}
    first, second = (world.call("POST", path, body) for _ in range(2))
    assert (first.status_code, first.json()) == (201, second.json())
    note = first.json()
    assert (note["number"], note["amount"], note["reduced"], note["currency"]) == ("CN-000001", 200, 200, "usd")
    shown = world.call("GET", f"/v1/invoices/{invoice['id']}").json()
    assert (shown["total"], shown["amount_due"], shown["credit_notes"]) == (500, 300, [note])
    assert world.call("GET", "/v1/invoices").json()["data"][0] == shown
    assert world.call("GET", f"/v1/invoices/{invoice['id']}/explanation").json()["invoice"] == shown
    assert world.call("GET", path).json() == {"data": [note]}
    assert world.call("GET", f"/v1/credit-notes/{note['id']}").json() == note
    paying = world.call("POST", f"/v1/invoices/{invoice['id']}/pay").json()
    assert paying["payment"]["amount"] == 300
    act = next(entry for entry in world.call("GET", "/v1/audit").json()["data"] if entry["action"] == "credit_note.issued")
    assert (act["subject"], act["reason"], act["actor"]) == (note["id"], "a mistake", act["actor"])


def test_what_was_paid_is_refunded_once(world: World) -> None:
    invoice = paid(world)
    body = {"invoice": invoice["id"], "amount": 200, "reason": "a mistake"}
    first, second = (world.call("POST", "/v1/refunds", body, Idempotency_Key="r1") for _ in range(2))
    assert (first.status_code, first.json()) == (201, second.json())
    refund = first.json()
    assert (refund["status"], refund["amount"], refund["origin"], refund["excess"]) == ("pending", 200, "ours", 0)
    run_until_idle(world.billing.context)
    told = world.call("GET", f"/v1/refunds/{refund['id']}").json()
    assert (told["status"], told["credit_note"]) == ("succeeded", refund["credit_note"])
    assert world.call("GET", "/v1/refunds?customer=ada").json()["data"] == [told]
    assert world.call("GET", "/v1/refunds?customer=eve").json()["data"] == []
    assert world.billing.verify().clean


def test_credit_notes_come_in_pages(world: World) -> None:
    invoice = paid(world)
    line = invoice["lines"][0]["id"]
    for op in ("1", "2", "3"):
        body = {"lines": {line: 50}, "refund": False, "reason": "a mistake", "op": op}
        assert world.call("POST", f"/v1/invoices/{invoice['id']}/credit-notes", body).json()["lines"] == {line: 50}
        world.up_for(1)
    numbers, cursor = [], ""
    while cursor is not None:
        answer = world.call("GET", f"/v1/credit-notes?limit=2{cursor and '&cursor=' + cursor}").json()
        numbers += [note["number"] for note in answer["data"]]
        cursor = answer["next_cursor"]
    assert numbers == ["CN-000003", "CN-000002", "CN-000001"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"amount": 501, "reason": "x", "op": "1"}, 422, "above_what_is_left"),
        ({"amount": 2**70, "reason": "x", "op": "1"}, 422, "above_what_is_left"),
        ({"amount": 0, "reason": "x", "op": "1"}, 422, "invalid_input"),
        ({"amount": "200", "reason": "x", "op": "1"}, 422, "invalid_input"),
        ({"amount": 200, "reason": "", "op": "1"}, 422, "invalid_input"),
        ({"amount": 200, "reason": "x"}, 422, "invalid_input"),
        ({"amount": 200, "reason": "x", "op": "1", "status": "paid"}, 422, "invalid_input"),
        ({"lines": {"line_nope": 5}, "reason": "x", "op": "1"}, 422, "invalid_input"),
        ({"amount": 200, "reason": "x", "op": "1", "refund": True}, 409, "not_paid"),
    ],
)
def test_what_cannot_be_credited_is_refused_and_nothing_is_kept(world: World, body: dict, status: int, code: str) -> None:
    invoice = billed(world, collection=BY_HAND)
    assert problem(world.call("POST", f"/v1/invoices/{invoice['id']}/credit-notes", body)) == (status, code)
    assert world.call("GET", "/v1/credit-notes").json()["data"] == []


def test_an_operation_has_one_meaning(world: World) -> None:
    path = f"/v1/invoices/{paid(world)['id']}/credit-notes"
    assert world.call("POST", path, {"amount": 200, "reason": "x", "op": "1"}).status_code == 201
    assert problem(world.call("POST", path, {"amount": 201, "reason": "x", "op": "1"})) == (409, "operation_conflict")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/invoices/inv_nope/credit-notes", {"reason": "x", "op": "1"}),
        ("GET", "/v1/invoices/inv_nope/credit-notes", None),
        ("GET", "/v1/credit-notes/cn_nope", None),
        ("GET", "/v1/refunds/rfd_nope", None),
        ("POST", "/v1/refunds", {"invoice": "inv_nope", "reason": "x", "op": "1"}),
    ],
)
def test_what_is_unknown_is_not_found(world: World, method: str, path: str, body: object) -> None:
    assert problem(world.call(method, path, body)) == (404, "not_found")
