"""Invoices over HTTP: previewed, opened, explained, paid and taken back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tallystick.domain.safety import Bounds
from tallystick.flows.context import Terms
from tallystick.values.time import rfc3339
from tests.web.world import World, problem


def billed(world: World, used: int = 500, **order: object) -> dict:
    world.with_calls()
    world.used(used)
    world.clock.advance(timedelta(hours=1))
    answer = world.call("POST", "/v1/invoices", {"customer": "ada", **order})
    assert answer.status_code == 201, answer.text
    return answer.json()["data"][0]


def test_a_preview_says_what_the_invoice_will_and_keeps_nothing(world: World) -> None:
    world.with_calls()
    world.used(500)
    world.up_for(1)
    previewed = world.call("POST", "/v1/invoices/preview", {"customer": "ada"}).json()["data"][0]
    assert (previewed["total"], previewed["status"], previewed["number"]) == (500, "draft", None)
    assert world.call("GET", "/v1/invoices").json()["data"] == []
    opened = world.call("POST", "/v1/invoices", {"customer": "ada"}).json()["data"][0]
    assert (opened["id"], opened["total"], opened["status"]) == (previewed["id"], 500, "open")
    assert opened["number"] == "INV-000001"


def test_a_customer_is_billed_once_for_the_same_usage(world: World) -> None:
    first = billed(world)
    assert world.call("POST", "/v1/invoices", {"customer": "ada"}).json() == {"data": []}
    assert world.call("GET", f"/v1/invoices/{first['id']}").json() == first


def test_the_wire_says_amounts_in_minor_units_and_quantities_as_texts(world: World) -> None:
    line = billed(world)["lines"][0]
    assert line == {
        "id": line["id"],
        "kind": "usage",
        "charge": "calls",
        "meter": "calls",
        "description": "calls",
        "period": {"from": "2026-01-01T00:00:00Z", "until": "2026-01-01T01:00:00Z"},
        "part": 0,
        "quantity": "500",
        "share": "1",
        "credits": None,
        "amount": 500,
        "taken_off": None,
        "currency": "usd",
    }


@pytest.mark.parametrize(
    ("order", "status", "code"),
    [
        ({"customer": "eve"}, 404, "not_found"),
        ({"customer": "ada", "until": "2027-01-01T00:00:00Z"}, 422, "invalid_input"),
        ({"customer": "ada", "until": "2026-01-01"}, 422, "invalid_input"),
        ({"customer": "ada", "charges": []}, 422, "invalid_input"),
        ({"customer": "ada", "total": 1}, 422, "invalid_input"),
        ({"customer": "ada", "collection": {"method": "cash"}}, 422, "invalid_input"),
        ({}, 422, "invalid_input"),
    ],
)
def test_a_wrong_order_opens_nothing(world: World, order: dict, status: int, code: str) -> None:
    world.with_calls()
    world.used(500)
    assert problem(world.call("POST", "/v1/invoices", order)) == (status, code)
    assert world.call("GET", "/v1/invoices").json()["data"] == []


def test_a_sum_below_the_minimum_is_refused_where_it_must_not_be_carried(world: World) -> None:
    world.with_calls()
    world.used(7)
    world.up_for(1)
    answer = world.call("POST", "/v1/invoices", {"customer": "ada", "collection": {"carry": False}})
    assert problem(answer) == (422, "amount_below_minimum")
    assert {name: answer.json()[name] for name in ("amount", "minimum", "currency")} == {
        "amount": 7,
        "minimum": 50,
        "currency": "usd",
    }


def test_invoices_are_listed_newest_first_by_customer_and_status(world: World) -> None:
    world.with_calls()
    for n in range(3):
        world.used(100, id=str(n))
        world.up_for(1)
        assert world.call("POST", "/v1/invoices", {"customer": "ada"}).status_code == 201
    numbers, cursor = [], ""
    while cursor is not None:
        answer = world.call("GET", f"/v1/invoices?customer=ada&status=open&limit=2{cursor and '&cursor=' + cursor}").json()
        numbers += [invoice["number"] for invoice in answer["data"]]
        cursor = answer["next_cursor"]
    assert numbers == ["INV-000003", "INV-000002", "INV-000001"]
    assert world.call("GET", "/v1/invoices?status=paid").json()["data"] == []
    assert world.call("GET", "/v1/invoices?customer=eve").json()["data"] == []
    assert problem(world.call("GET", "/v1/invoices?status=late")) == (422, "invalid_input")


def test_an_invoice_is_explained_down_to_its_events(world: World) -> None:
    invoice = billed(world)
    told = world.call("GET", f"/v1/invoices/{invoice['id']}/explanation").json()
    assert told["invoice"] == invoice
    line = told["lines"][0]
    assert line["price"] == {"currency": "usd", "model": "per_unit", "unit_amount": "0.01"}
    assert [(detail["quantity"], detail["unit_amount"], detail["amount"]) for detail in line["details"]] == [("500", "0.01", "5")]
    assert [event["id"] for event in line["events"]] == ["e1"]
    assert told["payment"]["status"] == "pending"
    assert world.call("GET", f"/v1/invoices/{invoice['id']}/explanation?events=0").json()["lines"][0]["events"] == []


def test_paying_twice_is_one_payment(world: World) -> None:
    invoice = billed(world, collection={"method": "intent", "automatic": False})
    first, second = (world.call("POST", f"/v1/invoices/{invoice['id']}/pay").json() for _ in range(2))
    assert first["payment"]["client_secret"].startswith("pi_")
    assert (first["payment"]["amount"], first["payment"]["currency"]) == (500, "usd")
    assert first == second


def test_voiding_twice_is_voiding_once_and_what_is_void_is_not_paid(world: World) -> None:
    invoice = billed(world, collection={"method": "intent", "automatic": False})
    world.call("POST", f"/v1/invoices/{invoice['id']}/pay")
    first, second = (world.call("POST", f"/v1/invoices/{invoice['id']}/void", {"reason": "a mistake"}) for _ in range(2))
    assert (first.status_code, first.json()["status"]) == (200, "void")
    assert first.json() == second.json()
    act = world.call("GET", "/v1/audit?limit=1").json()["data"][0]
    assert (act["action"], act["reason"]) == ("invoice.voided", "a mistake")


def test_a_held_payment_says_so_and_an_admin_releases_it(world: World) -> None:
    world.billing.context = replace(world.billing.context, terms=Terms(safety=Bounds(charges_per_day=0)))
    invoice = billed(world, collection={"method": "intent", "payment_method": "pm_card_visa"})
    paid = f"/v1/invoices/{invoice['id']}/pay"
    held = world.call("POST", paid).json()["payment"]
    assert (held["status"], held["held"], held["released_at"]) == ("open", "charges", None)
    released = f"/v1/invoices/{invoice['id']}/release"
    reader = world.billing.create_api_key("biller", ["billing:write"]).token
    refused = world.call("POST", released, {"reason": "it is right"}, Authorization=f"Bearer {reader}")
    assert problem(refused) == (403, "forbidden")
    assert problem(world.call("POST", released, {})) == (422, "invalid_input")
    for _ in range(2):
        answer = world.call("POST", released, {"reason": "it is right"})
        assert (answer.status_code, answer.json()["held"]) == (200, None), answer.text
        assert answer.json()["released_at"] == rfc3339(world.clock.now())
    act = world.call("GET", "/v1/audit?limit=1").json()["data"][0]
    assert (act["action"], act["reason"]) == ("payment.released", "it is right")
    assert world.call("POST", paid).json()["payment"]["status"] == "succeeded"


def test_a_release_that_is_sent_again_does_not_release_what_is_held_for_another_reason(world: World) -> None:
    world.billing.context = replace(world.billing.context, terms=Terms(safety=Bounds(charges_per_day=0, lines_max=0)))
    invoice = billed(world, collection={"method": "intent", "payment_method": "pm_card_visa"})
    paid, released = f"/v1/invoices/{invoice['id']}/pay", f"/v1/invoices/{invoice['id']}/release"
    held, said = [], {"Idempotency-Key": "release-1"}
    for _ in range(2):
        held.append(world.call("POST", paid).json()["payment"]["held"])
        answer = world.call("POST", released, {"reason": "it has many meters"}, **said)
        assert (answer.status_code, answer.json()["held"]) == (200, None), answer.text
    assert held == ["lines", "charges"]
    assert world.call("POST", paid).json()["payment"]["held"] == "charges", "of that nobody has said anything"


def test_what_is_not_held_is_not_released(world: World) -> None:
    invoice = billed(world, collection={"method": "intent", "automatic": False})
    answer = world.call("POST", f"/v1/invoices/{invoice['id']}/release", {"reason": "x"})
    assert problem(answer) == (409, "not_held")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/invoices/inv_nope", None),
        ("GET", "/v1/invoices/inv_nope/explanation", None),
        ("POST", "/v1/invoices/inv_nope/pay", None),
        ("POST", "/v1/invoices/inv_nope/void", {"reason": "x"}),
        ("POST", "/v1/invoices/inv_nope/release", {"reason": "x"}),
    ],
)
def test_an_unknown_invoice_is_not_found(world: World, method: str, path: str, body: object) -> None:
    assert problem(world.call(method, path, body)) == (404, "not_found")
