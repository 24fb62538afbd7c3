"""Customers, meters and charges: put, read and listed; and prices that are asked for without keeping anything."""

import pytest

from tests.web.world import World, problem

FLAT = {"currency": "eur", "model": "flat", "amount": "99"}


def test_a_customer_is_made_and_changed_by_the_same_request(world: World) -> None:
    said = {"email": "ada@example.com", "name": "Ada", "language": "ja"}
    made = world.call("PUT", "/v1/customers/ada", said)
    assert made.json() == {"id": "ada", **said, "created_at": "2026-01-01T00:00:00Z"}
    assert world.call("PUT", "/v1/customers/ada", {}).json()["email"] is None
    assert world.call("GET", "/v1/customers/ada").json()["name"] is None
    assert problem(world.call("GET", "/v1/customers/eve")) == (404, "not_found")


@pytest.mark.parametrize("name", ["org/7", "a b", "ü", "x" * 256, "..", "a;b", "€"])
def test_a_customer_may_have_the_id_that_the_host_gave(world: World, name: str) -> None:
    from urllib.parse import quote

    path = f"/v1/customers/{quote(name, safe='')}"
    if name == "..":
        path = "/v1/customers/%2E%2E%2Fx"
        name = "../x"
    assert world.call("PUT", path, {}).json()["id"] == name
    assert world.call("GET", path).json()["id"] == name


def test_a_meter_with_events_stays_as_it_measures(world: World) -> None:
    world.with_calls()
    world.used(1)
    assert problem(world.call("PUT", "/v1/meters/calls", {"aggregation": "max", "decimals": 2})) == (409, "meter_in_use")
    assert world.call("PUT", "/v1/meters/calls", {"decimals": 2, "unit": "call"}).json()["unit"] == "call"
    assert world.call("GET", "/v1/meters/calls").json()["decimals"] == 2
    assert problem(world.call("GET", "/v1/meters/nope")) == (404, "not_found")


def test_a_meter_may_be_exported_under_a_name_of_its_own(world: World) -> None:
    assert world.call("PUT", "/v1/meters/calls", {"export_as": "api_calls"}).json()["export_as"] == "api_calls"
    assert problem(world.call("PUT", "/v1/meters/others", {"export_as": "api_calls"})) == (409, "conflict")
    assert problem(world.call("PUT", "/v1/meters/peak", {"aggregation": "max", "export_as": "peak"})) == (422, "invalid_input")
    assert world.call("PUT", "/v1/meters/calls", {}).json()["export_as"] is None


def test_a_charge_is_read_as_it_was_put(world: World) -> None:
    world.with_calls()
    put = world.call("PUT", "/v1/charges/base", {"meter": "calls", "price": FLAT, "display_name": "Base"})
    assert put.json() == {"key": "base", "meter": "calls", "price": FLAT, "display_name": "Base"}
    assert world.call("GET", "/v1/charges/base").json() == put.json()
    assert problem(world.call("GET", "/v1/charges/nope")) == (404, "not_found")
    unknown = {"meter": "nope", "price": FLAT}
    assert problem(world.call("PUT", "/v1/charges/base", unknown)) == (422, "unknown_meter")


@pytest.mark.parametrize(("noun", "body"), [("customers", {}), ("meters", {}), ("charges", {"meter": "a1", "price": FLAT})])
def test_lists_come_in_pages_by_key(world: World, noun: str, body: dict) -> None:
    world.call("PUT", "/v1/meters/a1", {})
    for name in ("a3", "a1", "a2"):
        assert world.call("PUT", f"/v1/{noun}/{name}", body).status_code == 200
    seen, cursor = [], ""
    while cursor is not None:
        answer = world.call("GET", f"/v1/{noun}?limit=1{cursor and '&cursor=' + cursor}").json()
        seen += [row.get("id") or row["key"] for row in answer["data"]]
        cursor = answer["next_cursor"]
    assert [name for name in seen if name.startswith("a")] == ["a1", "a2", "a3"]
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(("limit", "status"), [("0", 422), ("1", 200), ("200", 200), ("201", 422), ("x", 422), ("1e2", 422)])
def test_a_page_has_1_to_200_rows(world: World, limit: str, status: int) -> None:
    assert world.call("GET", f"/v1/customers?limit={limit}").status_code == status


def test_a_cursor_that_we_did_not_write_is_refused(world: World) -> None:
    for n in range(3):
        world.call("PUT", f"/v1/customers/c{n}", {})
    cursor = world.call("GET", "/v1/customers?limit=1").json()["next_cursor"]
    for place in range(len(cursor)):
        wrong = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        answer = world.call("GET", f"/v1/customers?cursor={wrong}")
        # The last sign carries bits that decode to nothing; changed there, it is the same cursor.
        assert problem(answer) == (422, "invalid_input") if answer.status_code != 200 else place == len(cursor) - 1
    for wrong in ("x", "%00", "ä", "=", cursor + "A", "A" * 2049, cursor[:-3]):
        assert world.call("GET", f"/v1/customers?cursor={wrong}").status_code == 422
    assert problem(world.call("GET", f"/v1/meters?cursor={cursor}")) == (422, "invalid_input")
    assert world.call("GET", f"/v1/customers?cursor={cursor}").status_code == 200


def test_a_quote_answers_as_the_shell_does(world: World) -> None:
    price = {"currency": "usd", "model": "per_unit", "unit_amount": "0.01", "included": "10000"}
    told = world.call("POST", "/v1/quote", {"id": "q", "price": price, "quantity": "10001"}).json()
    assert (told["id"], told["total"], told["exact"]) == ("q", "0.01", "0.01")
    before = world.call("POST", "/v1/quote", {"price": price, "quantity": "10002", "already": {"quantity": "10001"}}).json()
    assert before["total"] == "0.01"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/quote", {}, "price"),
        ("/v1/quote", {"price": FLAT, "quantity": 1.5}, "quantity"),
        ("/v1/quote", {"price": FLAT | {"amount": 1.5}}, "price.amount"),
        ("/v1/quote", {"price": FLAT | {"currency": "xxx"}}, "price.currency"),
        ("/v1/quote", {"price": FLAT, "more": 1}, "more"),
        ("/v1/prorate", {"amount": "1"}, "currency"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_its_field(world: World, path: str, body: dict, field: str) -> None:
    answer = world.call("POST", path, body)
    assert (problem(answer)[0], answer.json()["field"]) == (422, field)


def test_a_proration_answers_as_the_shell_does(world: World) -> None:
    asked = {
        "amount": "30.00",
        "currency": "usd",
        "full_period": ["2026-04-01", "2026-05-01"],
        "service_period": ["2026-04-16", "2026-05-01"],
    }
    told = world.call("POST", "/v1/prorate", asked).json()
    assert (told["amount"], told["exact_fraction"]) == ("15.00", "1/2")
