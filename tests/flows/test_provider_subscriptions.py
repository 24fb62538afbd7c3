"""A plan that the provider bills: asked for once, followed whatever is lost on the way, and never billed by us as well."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tallystick.domain.provider_subscriptions import End, FollowedSubscription, InvoiceStanding, Standing
from tallystick.domain.subscriptions import Status
from tallystick.flows import _customer_ref
from tallystick.storage import audit, provider_subscriptions
from tallystick.values.errors import Conflict, InvalidInput, NotFound
from tallystick.values.ids import CustomerId
from tallystick.values.money import USD, Money
from tests.scenarios.world import World

PLAN: dict[str, Any] = {
    "key": "pro",
    "billed_by": "provider",
    "features": ["sso"],
    "charges": [
        {
            "key": "base",
            "kind": "seats",
            "prices": [{"currency": "usd", "model": "per_unit", "unit_amount": "20", "lookup_key": "pro_seat"}],
        },
        {
            "key": "calls",
            "kind": "usage",
            "meter": "calls",
            "prices": [{"currency": "usd", "model": "per_unit", "unit_amount": "0.01", "lookup_key": "pro_calls"}],
        },
    ],
    "quotas": [{"meter": "calls", "limit": "1000"}],
}


class Business(World):
    """A world whose plan is at the provider, too: a product, a meter and two prices by their lookup keys."""

    def opens(self, *, card: str | None = "pm_card_visa") -> None:
        self.billing.apply_catalogue({"meters": [{"key": "calls", "decimals": 0}], "plans": [PLAN]})
        self.sandbox_call("POST", "/v1/products", id="pro", name="Pro")
        meter = self.sandbox_call(
            "POST", "/v1/billing/meters", display_name="Calls", event_name="calls", default_aggregation__formula="sum"
        )
        price = {"product": "pro", "currency": "usd", "recurring__interval": "month"}
        self.sandbox_call("POST", "/v1/prices", unit_amount=2000, lookup_key="pro_seat", **price)
        self.sandbox_call(
            "POST", "/v1/prices", unit_amount=1, lookup_key="pro_calls", recurring__usage_type="metered",
            recurring__meter=meter["id"], **price,
        )  # fmt: skip
        self.billing.put_customer("ada", email="ada@example.com")
        if card:
            self.saves(card)

    def saves(self, card: str) -> None:
        """Ada saves a card on the provider's page."""
        checkout_ref = self.ref_of_ada()
        method = self.sandbox_call("POST", f"/v1/payment_methods/{card}/attach", customer=checkout_ref)["id"]
        self.sandbox_call("POST", f"/v1/customers/{checkout_ref}", invoice_settings__default_payment_method=method)

    def seats_there(self, followed: FollowedSubscription, seats: int) -> None:
        """Somebody changes their number in the provider's dashboard."""
        items = self.sandbox_call("GET", "/v1/subscription_items", subscription=followed.ref)["data"]
        (item,) = [each["id"] for each in items if each["price"]["lookup_key"] == "pro_seat"]
        self.sandbox_call("POST", f"/v1/subscription_items/{item}", quantity=seats)

    def ref_of_ada(self) -> str:
        ref = _customer_ref.of(self.billing.context, CustomerId("ada"))
        assert isinstance(ref, str)
        return ref

    def hears(self, *, times: int = 1) -> None:
        for _ in range(3):
            self.delivers(times=times)
            self.works()

    def stands(self, subscription: FollowedSubscription) -> FollowedSubscription:
        return self.billing.provider_subscription(subscription.id)


@pytest.fixture
def world() -> Iterator[Business]:
    made = Business("sqlite://")
    made.opens()
    yield made
    made.billing.close()


@pytest.fixture
def any_world(database_url: str) -> Iterator[Business]:
    made = Business(database_url)
    made.opens()
    yield made
    made.billing.close()


def test_asked_for_it_is_begun_there_paid_there_and_followed(any_world: Business) -> None:
    world = any_world
    asked = world.billing.subscribe_at_provider("ada", "pro", seats=3)
    assert (asked.standing, asked.ref) == (Standing.REQUESTED, None)
    assert not world.billing.has_feature("ada", "sso")
    world.works()
    begun = world.stands(asked)
    assert (begun.standing, begun.period is not None) == (Standing.ACTIVE, True)
    assert world.billing.has_feature("ada", "sso")
    world.hears(times=2)
    (mirrored,) = world.billing.provider_invoices("ada")
    assert (mirrored.invoice.standing, mirrored.invoice.total) == (InvoiceStanding.PAID, Money(60_00, USD))
    assert [(line.description, line.amount) for line in mirrored.invoice.lines] == [("3 × Pro", Money(60_00, USD))]
    assert (world.billing.invoices(customer_id="ada"), world.billing.subscriptions("ada")) == ([], [])


def test_month_by_month_its_invoices_are_mirrored_and_nothing_is_billed_twice(world: Business) -> None:
    world.sells("calls", {"currency": "usd", "model": "per_unit", "unit_amount": "0.01"})
    world.billing.subscribe_at_provider("ada", "pro")
    world.works()
    world.uses("ada", "calls", 500)
    world.on("2026-02-01").later(hours=3)
    world.hears()
    assert [each.invoice.total.minor for each in world.billing.provider_invoices("ada")] == [20_00, 20_00]
    assert world.bills("ada") == [], "the provider bills what it counts"
    world.billing.verify()


@pytest.mark.parametrize("fault", ["lost_reply", "timeout_after_success", "lost_request"])
@pytest.mark.parametrize("call", ["POST /v1/subscriptions", "POST /v1/invoices/{id}/pay"])
def test_a_lost_reply_begins_and_pays_no_second_one(world: Business, fault: str, call: str) -> None:
    world.sandbox.faults.next(fault, on=call)
    asked = world.billing.subscribe_at_provider("ada", "pro")
    for _ in range(3):
        world.works()
        world.later(minutes=30)
    assert world.stands(asked).standing is Standing.ACTIVE
    assert len(world.sandbox_call("GET", "/v1/subscriptions", limit=100)["data"]) == 1
    assert len(world.sandbox_call("GET", "/v1/charges", limit=100)["data"]) == 1


@pytest.mark.parametrize("effect", ["none", "half", "done"])
def test_a_failure_that_the_key_repeats_is_looked_behind(world: Business, effect: str) -> None:
    world.sandbox.faults.next("stored_500", on="POST /v1/subscriptions", effect=effect)
    asked = world.billing.subscribe_at_provider("ada", "pro")
    for _ in range(6):
        world.works()
        world.later(hours=1)
    assert world.stands(asked).ref is not None
    assert len(world.sandbox_call("GET", "/v1/subscriptions", limit=100)["data"]) == 1


def test_the_news_may_come_before_the_answer(world: Business) -> None:
    world.sandbox.faults.next("lost_reply", on="POST /v1/subscriptions")
    asked = world.billing.subscribe_at_provider("ada", "pro")
    world.works()
    assert world.stands(asked).ref is None
    world.hears()
    assert world.stands(asked).ref is not None


def test_without_a_card_the_first_invoice_waits_for_the_customer(world: Business) -> None:
    ada = world.ref_of_ada()
    for method in world.sandbox_call("GET", "/v1/payment_methods", customer=ada)["data"]:
        world.sandbox_call("POST", f"/v1/payment_methods/{method['id']}/detach")
    asked = world.billing.subscribe_at_provider("ada", "pro")
    world.works()
    world.hears()
    assert world.stands(asked).standing is Standing.INCOMPLETE
    assert not world.billing.has_feature("ada", "sso")
    (waiting,) = world.billing.provider_invoices("ada")
    assert (waiting.invoice.standing, waiting.invoice.url is not None) == (InvoiceStanding.OPEN, True)
    world.saves("pm_card_visa")
    world.sandbox_call("POST", f"/v1/invoices/{waiting.invoice.ref}/pay")
    world.hears()
    assert world.stands(asked).standing is Standing.ACTIVE
    assert world.billing.has_feature("ada", "sso")


def test_unpaid_there_it_grants_nothing_here(world: Business) -> None:
    asked = world.billing.subscribe_at_provider("ada", "pro")
    world.works()
    method = world.sandbox_call("POST", "/v1/payment_methods/pm_card_chargeCustomerFail/attach", customer=world.ref_of_ada())[
        "id"
    ]
    world.sandbox_call("POST", f"/v1/subscriptions/{world.stands(asked).ref}", default_payment_method=method)
    world.on("2026-02-02")
    world.hears()
    assert world.stands(asked).standing is Standing.PAST_DUE
    assert world.billing.has_feature("ada", "sso")
    world.on("2026-02-20")
    world.hears()
    assert world.stands(asked).standing is Standing.UNPAID
    assert not world.billing.has_feature("ada", "sso")


def test_another_number_of_seats_at_the_provider_is_followed_and_in_the_trail_once(any_world: Business) -> None:
    world = any_world
    asked = world.billing.subscribe_at_provider("ada", "pro", seats=3)
    world.works()
    world.hears()
    world.on("2026-02-10").seats_there(world.stands(asked), 5)
    world.hears(times=2)
    assert world.stands(asked).terms.seats == 5
    with world.billing.context.database.reading() as conn:
        trail = [entry.act for entry in audit.page(conn, subject=asked.id, limit=10)]
    ((before, after),) = [(act.before, act.after) for act in trail if act.action == "provider_subscription.seats"]
    assert before is not None
    assert after is not None
    assert (before["seats"], after["seats"], after["standing"]) == (3, 5, "active")
    january, february = world.billing.mrr()[-2:]
    assert (january.closing, february.expansion, february.closing) == (Money(60_00, USD), Money(40_00, USD), Money(100_00, USD))
    world.proves()


def test_its_end_is_a_wish_that_is_told_and_can_be_taken_back(world: Business) -> None:
    asked = world.billing.subscribe_at_provider("ada", "pro")
    world.works()
    world.billing.end_at_provider(asked.id, "period_end")
    world.billing.end_at_provider(asked.id, "period_end")
    world.works()
    assert world.stands(asked).ends_with_period
    world.billing.end_at_provider(asked.id, "go_on")
    world.works()
    assert not world.stands(asked).ends_with_period
    world.billing.end_at_provider(asked.id, "period_end")
    world.works()
    world.on("2026-02-02")
    world.hears()
    ended = world.stands(asked)
    assert (ended.standing, ended.ended_at is not None) == (Standing.CANCELED, True)
    assert not world.billing.has_feature("ada", "sso")
    with pytest.raises(Conflict, match="subscribe anew"):
        world.billing.end_at_provider(asked.id, "go_on")
    again = world.billing.subscribe_at_provider("ada", "pro")
    assert again.id != asked.id


def test_ended_now_with_a_lost_reply_it_is_ended_once(world: Business) -> None:
    asked = world.billing.subscribe_at_provider("ada", "pro")
    world.works()
    world.billing.end_at_provider(asked.id, "now")
    world.sandbox.faults.next("lost_reply", on="DELETE /v1/subscriptions/{id}")
    for _ in range(3):
        world.works()
        world.later(minutes=30)
    assert (world.stands(asked).standing, world.stands(asked).end) == (Standing.CANCELED, End.NOW)


def test_what_the_provider_does_not_know_is_refused_and_said(world: Business) -> None:
    nowhere = {**PLAN, "key": "nowhere", "charges": [{**PLAN["charges"][0]}], "quotas": []}
    nowhere["charges"][0]["prices"] = [{"currency": "usd", "model": "flat", "amount": "5", "lookup_key": "no_such_price"}]
    world.billing.apply_catalogue({"plans": [nowhere]})
    asked = world.billing.subscribe_at_provider("ada", "nowhere")
    world.works()
    refused = world.stands(asked)
    assert refused.standing is Standing.REFUSED
    assert refused.reason is not None
    assert "no_such_price" in refused.reason
    with world.billing.context.database.reading() as conn:
        trail = [entry.act.action for entry in audit.page(conn, subject=asked.id, limit=10)]
    assert trail == ["provider_subscription.refused", "provider_subscription.requested"]


def test_one_that_nobody_told_of_is_asked_about(world: Business) -> None:
    asked = world.billing.subscribe_at_provider("ada", "pro")
    world.works()
    ref = world.stands(asked).ref
    world.sandbox_call("DELETE", f"/v1/subscriptions/{ref}")
    world.later(hours=7)
    world.works()
    assert world.stands(asked).standing is Standing.CANCELED


def test_twice_is_once_and_a_second_one_needs_a_name(world: Business) -> None:
    first = world.billing.subscribe_at_provider("ada", "pro", op="one")
    assert world.billing.subscribe_at_provider("ada", "pro", op="one") == first
    with pytest.raises(Conflict, match="on it already"):
        world.billing.subscribe_at_provider("ada", "pro")


def test_each_plan_is_subscribed_to_where_it_is_billed(world: Business) -> None:
    with pytest.raises(InvalidInput, match="subscribe_at_provider"):
        world.billing.subscribe("ada", "pro")
    with pytest.raises(InvalidInput, match="subscribe_at_provider"):
        world.billing.start_checkout("ada", plan="pro", success_url="https://a.test", cancel_url="https://a.test")
    ours = {
        "key": "ours",
        "charges": [{"key": "base", "kind": "recurring", "prices": [{"currency": "usd", "model": "flat", "amount": "5"}]}],
    }
    world.billing.apply_catalogue({"plans": [ours]})
    with pytest.raises(InvalidInput, match="use subscribe"):
        world.billing.subscribe_at_provider("ada", "ours")
    with pytest.raises(InvalidInput, match="no such plan"):
        world.billing.subscribe_at_provider("ada", "none")
    with pytest.raises(InvalidInput, match="no price in eur"):
        world.billing.subscribe_at_provider("ada", "pro", currency="eur")
    with pytest.raises(NotFound):
        world.billing.end_at_provider("psub_none", "now")


def test_one_meter_is_counted_by_one_subscription(world: Business) -> None:
    usage = [
        {
            "key": "calls",
            "kind": "usage",
            "meter": "calls",
            "prices": [{"currency": "usd", "model": "per_unit", "unit_amount": "1"}],
        }
    ]
    world.billing.apply_catalogue({"plans": [{"key": "ours", "charges": usage}]})
    ours = world.billing.subscribe("ada", "ours")
    with pytest.raises(Conflict, match="billed twice"):
        world.billing.subscribe_at_provider("ada", "pro")
    assert world.billing.cancel(ours.id, now=True).status is Status.CANCELED
    world.later(minutes=1)
    world.billing.subscribe_at_provider("ada", "pro")
    with pytest.raises(Conflict, match="billed twice"):
        world.billing.subscribe("ada", "ours")


def test_an_answer_to_an_earlier_question_never_stands_over_a_later_one(world: Business) -> None:
    world.billing.subscribe_at_provider("ada", "pro")
    world.works()
    world.hears()
    (stands,) = world.billing.provider_invoices("ada")
    older = replace(stands, asked_at=stands.asked_at - timedelta(seconds=1), invoice=replace(stands.invoice, number="OLD"))
    with world.billing.context.database.transaction("late answer") as conn:
        assert not provider_subscriptions.mirror(conn, older)
    assert world.billing.provider_invoices("ada") == [stands]
