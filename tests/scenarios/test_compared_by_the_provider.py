"""What the provider bills by itself is compared too: subscriptions, what its meters add up, and the catalogue."""

from datetime import timedelta

import pytest

from tallystick.domain.provider_subscriptions import ItemWanted, ProviderSubscription, Standing
from tallystick.domain.reconciliation import NIGHTLY, Part, Reconciliation
from tallystick.flows import reconcile
from tallystick.providers.protocol import SubscriptionRequest
from tallystick.values.ids import CustomerId, SubscriptionId
from tests.scenarios.test_billed_by_the_provider import PLAN
from tests.scenarios.world import World


@pytest.fixture
def business(world: World) -> World:
    """Ada is on a plan that the provider bills; she has used 500 calls in January, and it is the second of February."""
    billing = world.billing
    billing.apply_catalogue({"meters": [{"key": "calls", "decimals": 0, "export_as": "calls_made"}], "plans": [PLAN]})
    billing.push_catalogue()
    billing.put_customer("ada", email="ada@example.com")
    billing.subscribe_at_provider("ada", "pro")
    world.works()
    method = world.sandbox_call("POST", "/v1/payment_methods/pm_card_visa/attach", customer=ada(world))["id"]
    world.sandbox_call("POST", f"/v1/customers/{ada(world)}", invoice_settings__default_payment_method=method)
    world.later(hours=7).works()
    world.on("2026-01-20").uses("ada", "calls", 500)
    world.later(minutes=5).works()
    world.on("2026-02-02")
    for _ in range(3):
        world.delivers()
        world.works()
    return world


def ada(world: World) -> str:
    ref = world.billing.customer("ada").provider_ref
    assert ref is not None
    return ref


def subscription(world: World):
    (found,) = world.billing.provider_subscriptions(customer_id="ada")
    return found


def of(found: Reconciliation, part: Part) -> list[tuple[object, object, object]]:
    return [(each["verdict"], each["ours"], each["theirs"]) for each in found.findings if each["part"] == part]


def test_where_nothing_differs_all_of_it_is_equal(business: World) -> None:
    found = business.billing.reconcile(repair=True)
    assert found.findings == []
    assert {part: found.equal[part] for part in ("subscriptions", "usage", "catalogue")} == {
        "subscriptions": 1, "usage": 1, "catalogue": 4,
    }  # fmt: skip
    business.proves()


def test_a_subscription_that_ended_in_the_dashboard_is_found_without_its_news(business: World) -> None:
    business.sandbox.faults.set("webhook_drop", 1.0)
    business.sandbox_call("DELETE", f"/v1/subscriptions/{subscription(business).ref}")
    business.delivers()
    business.sandbox.faults.off()
    ((verdict, ours, theirs),) = of(business.billing.reconcile(), Part.SUBSCRIPTIONS)
    assert verdict == "differs"
    assert str(ours).startswith("active")
    assert str(theirs).startswith("canceled")
    for _ in range(2):
        found = business.billing.reconcile(repair=True)
        business.works()
    assert of(found, Part.SUBSCRIPTIONS) == []
    assert subscription(business).standing is Standing.CANCELED
    business.proves()


def test_seats_that_were_changed_there_are_told_with_both_halves_and_followed(business: World) -> None:
    seated = {"key": "team", "billed_by": "provider", "charges": [{"key": "seats", "kind": "seats", "prices": [
        {"currency": "usd", "model": "per_unit", "unit_amount": "20", "lookup_key": "team_seat"}]}]}  # fmt: skip
    business.billing.apply_catalogue({"plans": [seated]})
    business.billing.push_catalogue()
    asked = business.billing.subscribe_at_provider("ada", "team", seats=3)
    for _ in range(2):
        business.works()
        business.delivers()
    business.sandbox.faults.set("webhook_drop", 1.0)
    ref = business.billing.provider_subscription(asked.id).ref
    (item,) = business.sandbox_call("GET", "/v1/subscription_items", subscription=ref)["data"]
    business.sandbox_call("POST", f"/v1/subscription_items/{item['id']}", quantity=1)
    business.delivers()
    business.sandbox.faults.off()
    until = "until 2026-03-02T00:00:00Z"
    differs = (f"active, 3 seats, {until}", f"active, 1 seat, {until}")
    assert of(business.billing.reconcile(), Part.SUBSCRIPTIONS) == [("differs", *differs)]
    assert of(business.billing.reconcile(repair=True), Part.SUBSCRIPTIONS) == [("repaired", *differs)]
    assert business.billing.provider_subscription(asked.id).terms.seats == 1
    assert of(business.billing.reconcile(), Part.SUBSCRIPTIONS) == []
    business.proves()


def test_usage_that_somebody_else_has_sent_is_told_by_figures(business: World) -> None:
    business.sandbox_call(
        "POST", "/v1/billing/meter_events", event_name="calls_made", payload__value="7", timestamp=1769860800,
        payload__stripe_customer_id=ada(business),
    )  # fmt: skip
    found = business.billing.reconcile(repair=True)
    assert of(found, Part.USAGE) == [("differs", "500", "507")]


def test_a_name_that_was_changed_there_is_a_difference_of_the_catalogue(business: World) -> None:
    (product,) = business.sandbox_call("GET", "/v1/products")["data"][:1]
    business.sandbox_call("POST", f"/v1/products/{product['id']}", name="Something else")
    ((verdict, ours, theirs),) = of(business.billing.reconcile(repair=True), Part.CATALOGUE)
    assert verdict == "differs"
    assert '"Something else"' in str(theirs)
    assert '"Something else"' not in str(ours)
    business.billing.push_catalogue()
    assert of(business.billing.reconcile(), Part.CATALOGUE) == []


def test_invoices_that_the_provider_made_meanwhile_are_brought_and_one_that_was_paid_is_followed(business: World) -> None:
    billing, at_first = business.billing, len(business.billing.provider_invoices("ada"))
    business.sandbox.faults.set("webhook_drop", 1.0)
    for day in ("2026-03-01T12:00", "2026-03-02T12:00"):
        business.on(day).delivers()
    business.sandbox.faults.off()
    assert len(billing.provider_invoices("ada")) == at_first, "nobody has told of the one of March"
    seen = of(billing.reconcile(), Part.INVOICES)
    ((verdict, ours, theirs),) = [each for each in seen if each[1] is None]
    assert (verdict, ours) == ("differs", None)
    assert " paid 20.00 USD, 20.00 USD paid, 0.00 USD due" in str(theirs)
    repaired = of(billing.reconcile(repair=True), Part.INVOICES)
    assert [(verdict, theirs) for verdict, _, theirs in repaired] == [("repaired", theirs) for _, _, theirs in seen]
    business.works()
    assert len(billing.provider_invoices("ada")) == at_first + 1
    found = billing.reconcile(repair=True)
    assert (of(found, Part.INVOICES), found.equal["invoices"]) == ([], 2), "those of thirty days"
    business.proves()


def test_a_subscription_that_this_database_does_not_know_is_told_with_its_invoice_until_it_has_ended(business: World) -> None:
    provider, items = business.billing.context.provider, (ItemWanted("pro_base", 1),)
    request = SubscriptionRequest(SubscriptionId("sub_other"), CustomerId("ada"), ada(business), items, timedelta(0))
    made = provider.subscribe(request, key="another database")
    assert isinstance(made, ProviderSubscription)
    found = business.billing.reconcile(repair=True)
    assert [(each["part"], each["subject"], each["ours"]) for each in found.beyond_repair] == [
        ("invoices", "sub_other", None), ("subscriptions", "sub_other", None),
    ]  # fmt: skip
    assert all("end " in str(each["reason"]) for each in found.beyond_repair)
    business.sandbox_call("DELETE", f"/v1/subscriptions/{made.ref}")
    assert of(business.billing.reconcile(), Part.SUBSCRIPTIONS) == [], "it bills nobody any more"


def offered(world: World) -> None:
    coupons = [{"key": "spring", "name": "Spring", "percent": "20", "duration": "forever", "codes": [{"code": "HELLO"}]}]
    world.billing.apply_catalogue({"coupons": coupons})
    world.billing.push_catalogue()


def test_a_coupon_that_was_renamed_there_is_pushed_again(business: World) -> None:
    offered(business)
    assert business.billing.reconcile().equal["coupons"] == 2
    business.sandbox_call("POST", "/v1/coupons/spring", name="Autumn")
    ((verdict, ours, theirs),) = of(business.billing.reconcile(), Part.COUPONS)
    assert (verdict, '"Spring"' in str(ours), '"Autumn"' in str(theirs)) == ("differs", True, True)
    (repaired,) = business.billing.reconcile(repair=True).findings
    assert (repaired["subject"], repaired["verdict"], repaired["reason"]) == (
        "coupon:spring", "repaired", "it is not there as it is here",
    )  # fmt: skip
    assert business.sandbox_call("GET", "/v1/coupons/spring")["name"] == "Spring"
    assert business.billing.reconcile().findings == []
    business.proves()


def test_a_coupon_that_somebody_has_removed_there_is_told_and_not_offered_anew(business: World) -> None:
    offered(business)
    business.sandbox_call("DELETE", "/v1/coupons/spring")
    found = business.billing.reconcile(repair=True)
    assert [(each["subject"], str(each["reason"]).partition(":")[0]) for each in found.beyond_repair] == [
        ("coupon:spring", "removed there"), ("promotion_code:HELLO", "switched off there, or used up"),
    ]  # fmt: skip


def test_a_coupon_of_which_no_answer_came_is_asked_for_again_or_adopted(business: World) -> None:
    for fault in ("lost_request", "lost_reply"):
        coupon = {"key": fault, "name": "Spring", "percent": "20", "duration": "forever"}
        business.billing.apply_catalogue({"coupons": [coupon]})
        business.sandbox.faults.next(fault, on="POST /v1/coupons")
        assert business.billing.push_catalogue().stopped is not None
        (repaired,) = business.billing.reconcile(repair=True).findings
        assert (repaired["subject"], repaired["verdict"]) == (f"coupon:{fault}", "repaired")
        assert repaired["reason"] == "the answer that told of it was lost"
    assert len(business.sandbox_call("GET", "/v1/coupons")["data"]) == 2
    assert business.billing.reconcile().findings == []


def test_a_code_that_somebody_has_switched_off_there_is_told_and_one_that_is_off_here_is_switched_off(business: World) -> None:
    offered(business)
    (code,) = business.sandbox_call("GET", "/v1/promotion_codes")["data"]
    business.sandbox_call("POST", f"/v1/promotion_codes/{code['id']}", active="false")
    (found,) = business.billing.reconcile(repair=True).beyond_repair
    assert (found["subject"], str(found["reason"]).startswith("switched off there")) == ("promotion_code:HELLO", True)
    business.sandbox_call("POST", f"/v1/promotion_codes/{code['id']}", active="true")
    business.billing.apply_catalogue({"coupons": [{
        "key": "spring", "name": "Spring", "percent": "20", "duration": "forever", "codes": [{"code": "HELLO", "active": False}],
    }]})  # fmt: skip
    assert of(business.billing.reconcile(repair=True), Part.COUPONS)[0][0] == "repaired"
    assert business.sandbox_call("GET", f"/v1/promotion_codes/{code['id']}")["active"] is False
    assert business.billing.reconcile().findings == []


def test_what_was_never_pushed_is_told_and_not_pushed_by_itself(business: World) -> None:
    business.billing.apply_catalogue({"coupons": [{"key": "new", "name": "New", "percent": "5", "duration": "once"}]})
    (found,) = business.billing.reconcile(repair=True).beyond_repair
    assert (found["part"], found["theirs"], found["reason"]) == ("coupons", None, "`tallystick catalog push` would create it")
    assert business.sandbox_call("GET", "/v1/coupons")["data"] == []


def test_a_night_asks_about_some_and_the_next_night_goes_on_behind_them(business: World) -> None:
    for customer in ("bob", "cyd"):
        business.billing.put_customer(customer, email=f"{customer}@example.com")
        business.uses(customer, "calls", 10)
    business.later(minutes=5).works()
    for customer in ("bob", "cyd"):
        ref = business.billing.customer(customer).provider_ref
        business.sandbox_call(
            "POST", "/v1/billing/meter_events", event_name="calls_made", payload__value="7", timestamp=1769990460,
            payload__stripe_customer_id=ref,
        )  # fmt: skip
    nights = []
    for night in range(3, 8):
        business.on(f"2026-02-{night:02}T03:00")
        assert reconcile.due(business.billing.context, NIGHTLY, usage_max=1) is None
        nights.append(business.billing.last_reconciliation())
    told = [[each["subject"] for each in night.findings if each["part"] == Part.USAGE] for night in nights if night is not None]
    assert told == [["bob/calls"], ["cyd/calls"], ["bob/calls"], ["cyd/calls"], []], "the third round begins on the fourth"
    assert [night.usage.after and night.usage.after[0] for night in nights if night and night.usage] == [
        "bob", None, "bob", None, None,
    ]  # fmt: skip
