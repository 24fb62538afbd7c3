"""Subscriptions over HTTP: subscribed, previewed, changed, paused and ended, each once, and refused by field."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.web.world import World, problem

EUR = {"currency": "eur", "model": "flat"}
PRO_CALLS = {"currency": "eur", "model": "per_unit", "unit_amount": "0.01", "included": "10000"}
CATALOGUE = {
    "meters": [{"key": "calls", "decimals": 0}],
    "plans": [
        {
            "key": "starter",
            "charges": [{"key": "base", "kind": "recurring", "prices": [EUR | {"amount": "31"}]}],
            "quotas": [{"meter": "calls", "limit": "1000"}],
        },
        {
            "key": "pro",
            "intervals": ["month", "year"],
            "features": ["sso"],
            "charges": [
                {
                    "key": "base",
                    "kind": "recurring",
                    "prices": [EUR | {"amount": "62", "interval": "month"}, EUR | {"amount": "620", "interval": "year"}],
                },
                {"key": "calls", "kind": "usage", "meter": "calls", "prices": [PRO_CALLS]},
            ],
            "quotas": [{"meter": "calls", "limit": "unlimited"}],
        },
        {
            "key": "support",
            "add_on": True,
            "features": ["phone"],
            "charges": [{"key": "fee", "kind": "recurring", "prices": [EUR | {"amount": "20"}]}],
        },
        {
            "key": "team",
            "charges": [{"key": "seats", "kind": "seats", "prices": [EUR | {"model": "per_unit", "unit_amount": "30"}]}],
        },
    ],
    "coupons": [{"key": "EARLY", "percent": "30", "duration": "forever", "max_redemptions": 1, "codes": [{"code": "early"}]}],
}
EUR["amount"] = "1"
ADA = {"customer": "ada", "plan": "starter"}


def on(world: World, text: str) -> None:
    world.clock.set(datetime.fromisoformat(text).replace(tzinfo=UTC))


def shop(world: World) -> World:
    world.billing.apply_catalogue(CATALOGUE)
    return world


def begun(world: World, **other: Any) -> dict[str, Any]:
    answer = world.call("POST", "/v1/subscriptions", ADA | other)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_subscription_shows_what_was_agreed_and_its_first_invoice(either_world: World) -> None:
    world = shop(either_world)
    told = begun(world, add_ons={"support": 2}, zone="Europe/Berlin", op="order-7")
    subscription, invoice = told["subscription"], told["invoice"]
    assert (subscription["status"], subscription["zone"], subscription["trial_end"]) == ("active", "Europe/Berlin", None)
    assert subscription["terms"] == {
        "plan": "starter", "version": 1, "currency": "eur", "interval": "month", "seats": 1,
        "add_ons": [{"plan": "support", "version": 1, "quantity": 2}], "overrides": [],
    }  # fmt: skip
    assert subscription["period"] == {"from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}
    assert (invoice["total"], invoice["status"], invoice["subscription"]) == (71_00, "open", subscription["id"])
    assert [(line["kind"], line["share"], line["credits"], line["amount"]) for line in invoice["lines"]] == [
        ("recurring", "1", None, 31_00),
        ("recurring", "1", None, 40_00),
    ]
    assert world.call("GET", f"/v1/subscriptions/{subscription['id']}").json() == subscription
    again = begun(world, add_ons={"support": 2}, zone="Europe/Berlin", op="order-7")
    assert (again["subscription"], again["invoice"]) == (subscription, None)


def test_what_subscribing_would_cost_is_what_it_costs(either_world: World) -> None:
    world = shop(either_world)
    preview = world.call("POST", "/v1/subscriptions/preview", ADA | {"coupon": "early"}).json()
    assert (preview["invoice"]["total"], preview["invoice"]["discount"], preview["invoice"]["status"]) == (21_70, 9_30, "draft")
    assert preview["invoice"]["number"] is None
    for path in ("subscriptions", "invoices"):
        assert world.call("GET", f"/v1/{path}").json()["data"] == [], "nothing of it is kept"
    assert world.call("GET", "/v1/customers/ada").status_code == 404
    assert world.billing.redemptions().get("EARLY", 0) == 0
    real = begun(world, coupon="early")
    assert real["invoice"]["total"] == 21_70
    assert [line["amount"] for line in real["invoice"]["lines"]] == [31_00]
    assert real["invoice"]["number"] == "INV-000001", "and no number was lost"
    assert problem(world.call("POST", "/v1/subscriptions/preview", ADA | {"customer": "ben", "coupon": "early"}))[0] == 409
    assert world.billing.verify().clean


def test_an_upgrade_is_charged_as_it_was_shown(either_world: World) -> None:
    world = shop(either_world)
    path = f"/v1/subscriptions/{begun(world)['subscription']['id']}"
    on(world, "2026-01-11")
    preview = world.call("POST", f"{path}/preview", {"plan": "pro"}).json()
    assert (preview["amount_due"], preview["currency"], preview["effective_at"]) == (21_00, "eur", "2026-01-11T00:00:00Z")
    credit, fee = preview["invoice"]["lines"]
    assert (credit["kind"], credit["amount"], credit["share"]) == ("credit", -21_00, "21/31")
    assert (fee["kind"], fee["amount"], fee["share"]) == ("recurring", 42_00, "21/31")
    assert credit["credits"] == world.call("GET", "/v1/invoices").json()["data"][0]["lines"][0]["id"]
    assert preview["subscription"]["terms"]["plan"] == "pro"
    assert world.call("GET", path).json()["terms"]["plan"] == "starter", "a preview changes nothing"
    world.clock.advance(timedelta(minutes=29))
    accept = f"/v1/subscription-previews/{preview['id']}/accept"
    accepted = world.call("POST", accept, Idempotency_Key="a").json()
    assert (accepted["invoice"]["total"], accepted["subscription"]["terms"]["plan"]) == (21_00, "pro")
    assert world.call("POST", accept, Idempotency_Key="a").json() == accepted
    assert world.call("POST", accept).json()["invoice"] is None, "accepted twice is accepted once"
    assert world.billing.verify().clean


def test_a_preview_that_is_over_or_overtaken_is_refused(world: World) -> None:
    shop(world)
    path = f"/v1/subscriptions/{begun(world)['subscription']['id']}"
    old, overtaken = (world.call("POST", f"{path}/preview", {"plan": plan, "when": "now"}).json() for plan in ("pro", "team"))
    world.call("POST", f"{path}/cancel", {})
    assert problem(world.call("POST", f"/v1/subscription-previews/{overtaken['id']}/accept")) == (409, "preview_outdated")
    world.clock.advance(timedelta(minutes=30))
    assert problem(world.call("POST", f"/v1/subscription-previews/{old['id']}/accept")) == (409, "preview_expired")
    assert problem(world.call("POST", "/v1/subscription-previews/none/accept")) == (404, "not_found")


def test_a_downgrade_waits_and_can_be_taken_back(either_world: World) -> None:
    world = shop(either_world)
    path = f"/v1/subscriptions/{begun(world, plan='pro')['subscription']['id']}"
    changed = world.call("POST", f"{path}/change", {"plan": "starter"}).json()
    assert changed["invoice"] is None
    assert changed["subscription"]["next_terms"]["plan"] == "starter"
    preview = world.call("POST", f"{path}/preview", {"plan": "starter"}).json()
    assert (preview["effective_at"], preview["amount_due"], preview["invoice"]) == (None, 0, None)
    assert world.call("POST", f"{path}/undo").json()["next_terms"] is None
    ending = world.call("POST", f"{path}/cancel", {}).json()
    assert (ending["cancel_at_period_end"], ending["status"]) == (True, "active")
    assert world.call("GET", f"{path}/upcoming").json()["invoice"]["total"] == 0, "no fee follows, and nothing was used"
    assert world.call("POST", f"{path}/undo").json()["cancel_at_period_end"] is False
    assert world.call("GET", f"{path}/upcoming").json()["invoice"]["total"] == 62_00


def test_paused_and_resumed_and_ended_each_once(either_world: World) -> None:
    world = shop(either_world)
    path = f"/v1/subscriptions/{begun(world)['subscription']['id']}"
    on(world, "2026-01-11")
    for _ in range(2):
        paused = world.call("POST", f"{path}/pause").json()
        assert (paused["status"], paused["paused_at"]) == ("paused", "2026-01-11T00:00:00Z")
    assert world.call("GET", f"{path}/upcoming").json() == {"invoice": None}
    assert world.call("GET", "/v1/customers/ada/entitlements").json()["quotas"] == []
    assert problem(world.call("POST", f"{path}/change", {"plan": "pro"})) == (409, "not_running")
    on(world, "2026-03-01")
    for _ in range(2):
        assert world.call("POST", f"{path}/resume").json()["period"]["from"] == "2026-03-01T00:00:00Z"
    on(world, "2026-03-11")
    for _ in range(2):
        ended = world.call("POST", f"{path}/cancel", {"at": "now", "credit_unused": True}).json()
        assert (ended["status"], ended["ended_at"]) == ("canceled", "2026-03-11T00:00:00Z")
    for act in ("pause", "resume", "undo"):
        assert problem(world.call("POST", f"{path}/{act}"))[0] == 409
    amounts = [[line["amount"] for line in invoice["lines"]] for invoice in world.call("GET", "/v1/invoices").json()["data"]]
    assert amounts == [[-21_00], [31_00], [-21_00], [31_00]]
    assert world.billing.verify().clean


def test_what_a_customer_may_use_now(either_world: World) -> None:
    world = shop(either_world)
    begun(world, add_ons={"support": 1})
    world.billing.consume("ada", "calls", 250, op="a")
    told = world.call("GET", "/v1/customers/ada/entitlements").json()
    assert told == {
        "customer": "ada",
        "features": ["phone"],
        "quotas": [
            {
                "meter": "calls", "limit": "1000", "used": "250", "reserved": "0", "remaining": "750",
                "resets_at": "2026-02-01T00:00:00Z", "policy": "hard", "reset": "calendar_month", "source": "plan",
            }
        ],
    }  # fmt: skip
    assert world.billing.has_feature("ada", "phone")
    assert not world.billing.has_feature("ada", "sso")
    assert not world.billing.has_feature("nobody", "phone")
    begun(world, plan="pro")
    both = world.call("GET", "/v1/customers/ada/entitlements").json()
    assert (both["features"], both["quotas"][0]["limit"]) == (["phone", "sso"], None)
    assert problem(world.call("GET", "/v1/customers/eve/entitlements")) == (404, "not_found")


def test_the_same_key_is_one_subscription_and_eight_at_once_too(either_world: World) -> None:
    world = shop(either_world)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(world.call, "POST", "/v1/subscriptions", ADA, Idempotency_Key="k8") for _ in range(8)]
        answers = [one.result() for one in asked]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert problem(world.call("POST", "/v1/subscriptions", ADA)) == (409, "already_subscribed")
    assert problem(world.call("POST", "/v1/subscriptions", ADA | {"plan": "pro"}, Idempotency_Key="k8"))[1] == (
        "idempotency_key_reused"
    )
    assert len(world.call("GET", "/v1/invoices").json()["data"]) == 1


def test_lists_are_of_a_customer_a_status_or_a_plan_in_pages(world: World) -> None:
    shop(world)
    for customer in ("ada", "ben", "cyd"):
        begun(world, customer=customer)
    first = begun(world, customer="ada", plan="pro")["subscription"]["id"]
    world.call("POST", f"/v1/subscriptions/{first}/cancel", {"at": "now"})
    one = world.call("GET", "/v1/subscriptions?limit=2").json()
    two = world.call("GET", f"/v1/subscriptions?limit=2&cursor={one['next_cursor']}").json()
    listed = [row["id"] for row in one["data"] + two["data"]]
    assert (len(listed), listed, two["has_more"]) == (4, sorted(set(listed)), False)
    for query, count in (("customer=ada", 2), ("status=canceled", 1), ("plan=starter", 3), ("customer=ada&status=active", 1)):
        assert len(world.call("GET", f"/v1/subscriptions?{query}").json()["data"]) == count
    assert world.call("GET", "/v1/subscriptions?status=gone").status_code == 422


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"plan": "none"}, 422, "plan"),
        ({"plan": "support"}, 422, "plan"),
        ({"currency": "usd"}, 422, "currency"),
        ({"currency": "xxx"}, 422, "currency"),
        ({"interval": "year"}, 422, "interval"),
        ({"interval": "moon"}, 422, "interval"),
        ({"seats": -1}, 422, "seats"),
        ({"seats": 10**30}, 422, "seats"),
        ({"seats": "2"}, 422, "seats"),
        ({"add_ons": {"starter": 1}}, 422, "add_ons"),
        ({"add_ons": {"none": 1}}, 422, "add_ons"),
        ({"add_ons": {"support": 0}}, 422, "add_ons.support"),
        ({"overrides": {"none": EUR}}, 422, "overrides"),
        ({"overrides": {"base": {"currency": "eur", "model": "flat"}}}, 422, "overrides"),
        ({"overrides": {"base": EUR | {"currency": "usd"}}}, 422, "overrides"),
        ({"overrides": {"base": EUR | {"amount": "9" * 30}}}, 422, None),
        ({"coupon": "none"}, 404, "coupon"),
        ({"trial_days": 731}, 422, "trial_days"),
        ({"start": "2027-01-01T00:00:00Z"}, 422, "start"),
        ({"start": "0001-01-01T00:00:00Z"}, 422, "start"),
        ({"start": "tomorrow"}, 422, "start"),
        ({"zone": "Mars/Olympus"}, 422, "zone"),
        ({"anchoring": "moon"}, 422, "anchoring"),
        ({"plan": "pro", "interval": "year", "anchoring": "calendar"}, 422, "anchoring"),
        ({"collection": {"method": "cash"}}, 422, "collection.method"),
        ({"op": ""}, 422, "op"),
        ({"more": 1}, 422, "more"),
        ({"customer": ""}, 422, "customer"),
    ],
)
def test_what_is_not_offered_is_refused_by_its_field_and_nothing_is_kept(
    world: World, body: dict[str, Any], status: int, field: str | None
) -> None:
    shop(world)
    for path in ("/v1/subscriptions", "/v1/subscriptions/preview"):
        answer = world.call("POST", path, ADA | body)
        assert (problem(answer)[0], answer.json().get("field")) == (status, field), answer.text
    assert world.call("GET", "/v1/subscriptions").json()["data"] == []
    assert world.call("GET", "/v1/customers/ada").status_code == 404


@pytest.mark.parametrize(
    ("act", "body", "field"),
    [
        ("change", {"plan": "none"}, "plan"),
        ("change", {"interval": "year"}, "interval"),
        ("change", {"seats": 1.5}, "seats"),
        ("change", {"when": "never"}, "when"),
        ("change", {"add_ons": {"none": 1}}, "add_ons"),
        ("preview", {"plan": "support"}, "plan"),
        ("cancel", {"at": "dawn"}, "at"),
        ("cancel", {"credit_unused": True}, "credit_unused"),
        ("cancel", {"why": "x"}, "why"),
    ],
)
def test_what_is_asked_wrongly_of_a_subscription_is_refused_by_its_field(
    world: World, act: str, body: dict[str, Any], field: str
) -> None:
    shop(world)
    before = begun(world)["subscription"]
    answer = world.call("POST", f"/v1/subscriptions/{before['id']}/{act}", body)
    assert (problem(answer)[0], answer.json().get("field")) == (422, field), answer.text
    assert problem(world.call("POST", f"/v1/subscriptions/none/{act}", {})) == (404, "not_found")
    assert world.call("GET", f"/v1/subscriptions/{before['id']}").json() == before


def test_a_key_that_reads_may_preview_and_not_subscribe(world: World) -> None:
    shop(world)
    path = f"/v1/subscriptions/{begun(world)['subscription']['id']}"
    token = world.billing.create_api_key("program", ["billing:read"]).token
    world.headers = {"Authorization": f"Bearer {token}"}
    for read in ("/v1/subscriptions", path, f"{path}/upcoming"):
        assert world.call("GET", read).status_code == 200
    assert world.call("POST", "/v1/subscriptions/preview", ADA | {"customer": "ben"}).status_code == 200
    for act in ("preview", "change", "cancel", "undo", "pause", "resume"):
        assert problem(world.call("POST", f"{path}/{act}", {})) == (403, "forbidden")
    assert problem(world.call("POST", "/v1/subscriptions", ADA)) == (403, "forbidden")
    assert problem(world.call("POST", "/v1/subscription-previews/x/accept")) == (403, "forbidden")
    assert problem(world.call("GET", "/v1/customers/ada/entitlements")) == (403, "forbidden")


def test_an_end_a_pause_and_a_return_are_shown_before(either_world: World) -> None:
    world = shop(either_world)
    path = f"/v1/subscriptions/{begun(world)['subscription']['id']}"
    on(world, "2026-01-11")
    ends = world.call("POST", f"{path}/cancel/preview", {"at": "now", "credit_unused": True}).json()
    assert ([line["amount"] for line in ends["invoice"]["lines"]], ends["subscription"]["status"]) == ([-21_00], "canceled")
    assert world.call("POST", f"{path}/cancel/preview", {}).json()["effective_at"] is None
    assert problem(world.call("POST", f"{path}/cancel/preview", {"credit_unused": True}))[0] == 422
    pause = world.call("POST", f"{path}/pause/preview").json()
    assert (pause["effective_at"], pause["subscription"]["status"]) == ("2026-01-11T00:00:00Z", "paused")
    accepted = world.call("POST", f"/v1/subscription-previews/{pause['id']}/accept").json()
    assert (accepted["subscription"]["status"], accepted["invoice"]["carried_out"]) == ("paused", -21_00)
    back = world.call("POST", f"{path}/resume/preview").json()
    assert (back["amount_due"], back["invoice"]["carried_in"]) == (10_00, -21_00)
    assert problem(world.call("POST", f"{path}/pause/preview")) == (409, "illegal_transition")
    assert world.billing.verify().clean
