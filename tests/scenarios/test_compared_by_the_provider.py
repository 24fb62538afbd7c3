"""What the provider bills by itself is compared too: subscriptions, what its meters add up, and the catalogue."""

import pytest

from tallystick.domain.provider_subscriptions import Standing
from tallystick.domain.reconciliation import Part, Reconciliation
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
