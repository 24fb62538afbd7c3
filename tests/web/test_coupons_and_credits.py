"""Coupons, codes, discounts and credit grants over HTTP: put, listed, redeemed and given once, and refused by field."""

from datetime import timedelta
from typing import Any

import pytest

from tests.web.world import World, problem

EARLY = {"name": "Early bird", "percent": "30", "duration": "months", "months": 3, "max_redemptions": 2}
LAUNCH = {"amounts": {"eur": "50.00", "usd": "60"}, "redeem_by": "2026-06-30T00:00:00Z", "priority": -1, "charges": ["calls"]}
DISCOUNTS, CREDITS = "/v1/customers/ada/discounts", "/v1/customers/ada/credits"
GRANT = {"amount": 500, "currency": "usd", "kind": "prepaid", "name": "Top-up", "op": "order-1"}


def offered(world: World) -> None:
    world.with_calls()
    for key, body in (("EARLYBIRD30", EARLY), ("LAUNCH2025", LAUNCH)):
        assert world.call("PUT", f"/v1/coupons/{key}", body).status_code == 200
    assert world.call("PUT", "/v1/promotion-codes/early", {"coupon": "EARLYBIRD30", "max_redemptions": 1}).status_code == 200


def test_a_coupon_is_read_as_it_was_put(either_world: World) -> None:
    world = either_world
    offered(world)
    put = world.call("PUT", "/v1/coupons/EARLYBIRD30", EARLY)
    assert put.json() == {
        "key": "EARLYBIRD30", "name": "Early bird", "percent": "30", "amounts": None, "duration": "months", "months": 3,
        "redeem_by": None, "max_redemptions": 2, "redemptions": 0, "priority": 0, "charges": None,
    }  # fmt: skip
    assert world.call("GET", "/v1/coupons/EARLYBIRD30").json() == put.json()
    launch = world.call("GET", "/v1/coupons/LAUNCH2025").json()
    assert (launch["amounts"], launch["charges"], launch["priority"]) == ({"eur": "50.00", "usd": "60.00"}, ["calls"], -1)
    first = world.call("GET", "/v1/coupons?limit=1").json()
    rest = world.call("GET", f"/v1/coupons?cursor={first['next_cursor']}").json()
    assert [row["key"] for row in first["data"] + rest["data"]] == ["EARLYBIRD30", "LAUNCH2025"]
    assert problem(world.call("GET", "/v1/coupons/NONE")) == (404, "not_found")


def test_a_code_is_kept_in_capitals_and_stays_with_its_coupon(world: World) -> None:
    offered(world)
    shown = {"code": "EARLY", "coupon": "EARLYBIRD30", "max_redemptions": 1, "expires_at": None, "active": True}
    assert world.call("GET", "/v1/promotion-codes").json()["data"] == [shown]
    assert world.call("GET", "/v1/promotion-codes/eARLY").json() == shown
    assert problem(world.call("GET", "/v1/promotion-codes/none")) == (404, "not_found")
    assert problem(world.call("PUT", "/v1/promotion-codes/EARLY", {"coupon": "LAUNCH2025"})) == (409, "code_in_use")
    assert problem(world.call("PUT", "/v1/promotion-codes/NEW", {"coupon": "NONE"})) == (422, "unknown_coupon")


def test_a_coupon_is_redeemed_once_and_reduces_the_next_invoices(either_world: World) -> None:
    world = either_world
    offered(world)
    made = world.call("POST", DISCOUNTS, {"coupon": "early"}, Idempotency_Key="redeem-1")
    assert made.status_code == 201, made.text
    discount = made.json()
    assert (discount["coupon"], discount["percent"], discount["ends_at"]) == ("EARLYBIRD30", "30", "2026-04-01T00:00:00Z")
    assert (discount["subscription"], discount["used_up"], discount["live"]) == (None, False, True)
    again = world.call("POST", DISCOUNTS, {"coupon": "early"}, Idempotency_Key="redeem-1")
    assert (again.json(), again.headers["idempotent-replayed"]) == (discount, "true")
    assert world.call("POST", DISCOUNTS, {"coupon": "EARLYBIRD30"}).json() == discount
    assert world.call("GET", DISCOUNTS).json()["data"] == [discount]
    assert world.call("GET", "/v1/coupons/EARLYBIRD30").json()["redemptions"] == 1
    assert problem(world.call("PUT", "/v1/coupons/EARLYBIRD30", EARLY | {"percent": "31"})) == (409, "coupon_redeemed")

    world.call("PUT", "/v1/customers/bob", {})
    bobs = "/v1/customers/bob/discounts"
    assert problem(world.call("POST", bobs, {"coupon": "Early"})) == (409, "redemptions_used_up")
    assert problem(world.call("POST", bobs, {"coupon": "nothing"})) == (404, "unknown_coupon")
    assert problem(world.call("POST", bobs, {"coupon": "LAUNCH2025", "subscription": "sub_x"})) == (404, "unknown_subscription")
    assert problem(world.call("POST", "/v1/customers/eve/discounts", {"coupon": "EARLY"})) == (404, "not_found")

    ended = world.call("DELETE", f"{DISCOUNTS}/{discount['id']}").json()
    assert ended == discount | {"ends_at": "2026-01-01T00:00:00Z", "live": False}
    assert problem(world.call("DELETE", f"{bobs}/{discount['id']}")) == (404, "not_found")
    assert problem(world.call("POST", DISCOUNTS, {"coupon": "EARLYBIRD30"})) == (409, "discount_over")


def test_credit_is_given_once_and_burned_by_invoices(either_world: World) -> None:
    world = either_world
    offered(world)
    made = world.call("POST", CREDITS, GRANT, Idempotency_Key="grant-1")
    assert made.status_code == 201, made.text
    grant = made.json()
    assert (grant["amount"], grant["remaining"], grant["currency"], grant["expires_at"]) == (500, 500, "usd", None)
    assert world.call("POST", CREDITS, GRANT, Idempotency_Key="grant-1").headers["idempotent-replayed"] == "true"
    assert world.call("POST", CREDITS, GRANT).json() == grant
    assert problem(world.call("POST", CREDITS, GRANT | {"amount": 501})) == (409, "operation_conflict")
    assert problem(world.call("POST", CREDITS, GRANT | {"amount": 501}, Idempotency_Key="grant-1"))[1] == "idempotency_key_reused"
    assert problem(world.call("POST", "/v1/customers/eve/credits", GRANT)) == (404, "not_found")
    world.used(300)
    world.clock.advance(timedelta(hours=1))
    [invoice] = world.call("POST", "/v1/invoices", {"customer": "ada"}).json()["data"]
    assert (invoice["total"], invoice["status"]) == (0, "paid")
    assert world.call("GET", CREDITS).json()["data"] == [grant | {"remaining": 200}]
    ends = world.call("POST", CREDITS, GRANT | {"op": "b", "expires_at": "2026-01-02T00:00:00Z"}).json()
    listed = world.call("GET", f"{CREDITS}?limit=1").json()
    rest = world.call("GET", f"{CREDITS}?cursor={listed['next_cursor']}").json()["data"]
    assert {row["id"] for row in listed["data"] + rest} == {grant["id"], ends["id"]}


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("PUT", "/v1/coupons/x", {}, "percent"),
        ("PUT", "/v1/coupons/x", {"percent": "101"}, "percent"),
        ("PUT", "/v1/coupons/x", {"percent": 1.5}, "percent"),
        ("PUT", "/v1/coupons/x", {"percent": "5", "amounts": {"eur": "1"}}, "percent"),
        ("PUT", "/v1/coupons/x", {"amounts": {"eur": "1.001"}}, "amounts"),
        ("PUT", "/v1/coupons/x", {"amounts": {"xxx": "1"}}, "amounts"),
        ("PUT", "/v1/coupons/x", {"percent": "5", "months": 3}, "months"),
        ("PUT", "/v1/coupons/x", {"percent": "5", "duration": "weeks"}, "duration"),
        ("PUT", "/v1/coupons/x", {"percent": "5", "redeem_by": "tomorrow"}, "redeem_by"),
        ("PUT", "/v1/coupons/x", {"percent": "5", "max_redemptions": 0}, "max_redemptions"),
        ("PUT", "/v1/coupons/x", {"percent": "5", "charges": []}, "charges"),
        ("PUT", "/v1/promotion-codes/a%20b", {"coupon": "EARLYBIRD30"}, "code"),
        ("PUT", "/v1/promotion-codes/AB", {"coupon": "EARLYBIRD30", "expires_at": "x"}, "expires_at"),
        ("POST", DISCOUNTS, {}, "coupon"),
        ("POST", DISCOUNTS, {"coupon": ""}, "coupon"),
        ("POST", CREDITS, GRANT | {"amount": 0}, "amount"),
        ("POST", CREDITS, GRANT | {"amount": "5"}, "amount"),
        ("POST", CREDITS, GRANT | {"amount": 10**16}, "amount"),
        ("POST", CREDITS, GRANT | {"currency": "xxx"}, "currency"),
        ("POST", CREDITS, GRANT | {"currency": "isk", "amount": 150}, "amount"),
        ("POST", CREDITS, GRANT | {"kind": "borrowed"}, "kind"),
        ("POST", CREDITS, GRANT | {"op": ""}, "op"),
        ("POST", CREDITS, GRANT | {"expires_at": "2026-01-01T00:00:00Z"}, "expires_at"),
    ],
)
def test_what_is_asked_wrongly_is_refused_by_field(world: World, method: str, path: str, body: Any, field: str) -> None:
    offered(world)
    answer = world.call(method, path, body)
    assert answer.status_code == 422, answer.text
    assert answer.json().get("field") == field, answer.text


def test_a_key_that_reads_may_not_redeem_or_grant(world: World) -> None:
    offered(world)
    token = world.billing.create_api_key("program", ["billing:read"]).token
    world.headers = {"Authorization": f"Bearer {token}"}
    for path in ("/v1/coupons", "/v1/promotion-codes", DISCOUNTS, CREDITS):
        assert world.call("GET", path).status_code == 200
    writes = [("PUT", "/v1/coupons/x", EARLY), ("PUT", "/v1/promotion-codes/x", {"coupon": "EARLYBIRD30"})]
    writes += [("POST", DISCOUNTS, {"coupon": "EARLY"}), ("POST", CREDITS, GRANT), ("DELETE", f"{DISCOUNTS}/x", None)]
    for method, path, body in writes:
        assert problem(world.call(method, path, body)) == (403, "forbidden")
