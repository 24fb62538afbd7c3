"""Corners of subscriptions that the provider bills: calendars, failures that a key repeats, and answers that come too late."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tallystick.domain.provider_subscriptions import FollowedSubscription, InvoiceStanding, Standing
from tallystick.domain.reconciliation import NIGHTLY, Part
from tallystick.flows import _entitle, reconcile
from tallystick.flows.bring_provider_subscription import Brought, bring_provider_subscription
from tallystick.providers.protocol import SubscriptionOutcome
from tallystick.storage import provider_events
from tallystick.storage.provider_events import Settlement
from tallystick.values.ids import CustomerId
from tallystick.values.money import USD, Money
from tests.flows.test_provider_subscriptions import PLAN, Business

BY_PERIOD = {**PLAN, "quotas": [{"meter": "calls", "limit": "1000", "reset": "period"}]}

NO_SUCH_PRICE = {"currency": "usd", "model": "flat", "amount": "5", "lookup_key": "no_such_price"}


@pytest.fixture
def world(database_url: str) -> Iterator[Business]:
    made = Business(database_url)
    made.opens()
    made.billing.apply_catalogue({"plans": [BY_PERIOD]})
    yield made
    made.billing.close()


def test_quotas_begin_anew_when_the_trial_is_over_as_the_provider_bills(world: Business) -> None:
    asked = world.billing.subscribe_at_provider("ada", "pro", trial_days=14)
    world.works()
    world.hears()
    assert world.stands(asked).standing is Standing.TRIALING
    world.billing.consume("ada", "calls", 900, op="o1")
    assert not world.billing.check("ada", "calls", 1000).allowed
    world.on("2026-01-15").later(hours=2)
    assert world.billing.check("ada", "calls", 1000).allowed, "whether or not there was news of it"
    world.hears()
    assert world.stands(asked).standing is Standing.ACTIVE
    (quota,) = world.billing.quotas("ada")
    assert quota.decision.resets_at == world.stands(asked).period.end  # type: ignore[union-attr]


@pytest.mark.parametrize(("begins", "months"), [("2026-01-31", 4), ("2027-08-30", 8)])
def test_quotas_go_by_the_providers_periods_and_do_not_drift_off_the_end_of_the_month(begins: str, months: int) -> None:
    world = Business("sqlite://", at=begins)
    world.opens()
    world.billing.apply_catalogue({"plans": [BY_PERIOD]})
    asked = world.billing.subscribe_at_provider("ada", "pro")
    for _ in range(months):
        world.hears()
        with world.billing.context.database.transaction("anything changes") as conn:
            _entitle.entitle(world.billing.context, conn, CustomerId("ada"))
        period = world.stands(asked).period
        (quota,) = world.billing.quotas("ada")
        assert period is not None
        assert quota.decision.resets_at == period.end
        world.clock.set(period.end)
        world.later(hours=2)
    world.billing.close()


@pytest.mark.parametrize("effect", ["none", "half", "done"])
def test_a_first_payment_that_fails_for_its_key_is_made_by_another_once(world: Business, effect: str) -> None:
    world.sandbox.faults.next("stored_500", on="POST /v1/invoices/{id}/pay", effect=effect)
    asked = world.billing.subscribe_at_provider("ada", "pro")
    for _ in range(2):
        world.hears()
        world.later(hours=1)
    assert world.stands(asked).standing is Standing.ACTIVE
    assert len(world.sandbox_call("GET", "/v1/charges", limit=100)["data"]) == 1


@pytest.mark.parametrize("effect", ["none", "half", "done"])
def test_a_wish_that_fails_for_its_key_is_told_by_another(world: Business, effect: str) -> None:
    asked = world.billing.subscribe_at_provider("ada", "pro")
    world.hears()
    world.sandbox.faults.next("stored_500", on="POST /v1/subscriptions/{id}", effect=effect)
    world.billing.end_at_provider(asked.id, "period_end")
    for _ in range(2):
        world.hears()
        world.later(hours=1)
    stands = world.stands(asked)
    assert (stands.ends_with_period, stands.told, stands.wishes) == (True, 1, 1)


def test_a_wish_that_comes_before_its_beginning_is_told_after_it(world: Business) -> None:
    asked = world.billing.subscribe_at_provider("ada", "pro")
    world.billing.end_at_provider(asked.id, "period_end")
    world.hears()
    stands = world.stands(asked)
    assert (stands.standing, stands.ends_with_period, stands.told) == (Standing.ACTIVE, True, 1)


def test_an_answer_that_was_overtaken_by_news_is_asked_for_again(world: Business, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = world.billing.subscribe_at_provider("ada", "pro")
    world.hears()
    provider = world.billing.context.provider
    answered, asked_there = provider.fetch_subscription, list[str]()

    def fetched(ref: str) -> SubscriptionOutcome:
        """The first answer is on its way while it changes there, and the news of that is settled meanwhile."""
        told = answered(ref)
        asked_there.append(ref)
        if len(asked_there) == 1:
            world.sandbox_call("POST", f"/v1/subscriptions/{ref}", cancel_at_period_end="true")
            world.delivers()
            world.works()
        return told

    monkeypatch.setattr(provider, "fetch_subscription", fetched)
    assert bring_provider_subscription(world.billing.context, asked.id) == Brought(timedelta(0)), "nobody knows which is newer"
    assert world.stands(asked).ends_with_period
    assert bring_provider_subscription(world.billing.context, asked.id) == Brought()
    assert world.stands(asked).ends_with_period


def test_an_invoice_that_stands_in_a_word_that_is_new_to_us_stays_as_it_was_and_is_told(world: Business) -> None:
    world.billing.subscribe_at_provider("ada", "pro")
    world.hears()
    (before,) = world.billing.provider_invoices("ada")
    with world.sandbox.state.transaction():
        call = world.sandbox.call()
        doc = call.get("invoice", before.invoice.ref)
        call.update(doc, "invoice.marked_uncollectible", status="a_word_of_next_year")
    world.later(minutes=1)
    world.hears(times=2)
    assert world.billing.provider_invoices("ada") == [before]
    (parked,) = world.billing.deliveries(settlement="parked")
    assert str(parked.reason).startswith(f"unknown_standing: {before.invoice.ref}")
    found = world.billing.reconcile(repair=True)
    ((ours, theirs, left),) = [(each["ours"], each["theirs"], each["left"]) for each in found.beyond_repair]
    assert ("paid" in str(ours), "unknown" in str(theirs), left) == (True, True, parked.reason)
    with world.sandbox.state.transaction():
        call.update(call.get("invoice", before.invoice.ref), status="void")
    world.billing.replay_delivery(parked.delivery.id)
    world.works()
    (after,) = world.billing.provider_invoices("ada")
    assert after.invoice.standing is InvoiceStanding.VOID, "once the word is known, it is settled once more"


def test_one_that_bills_there_although_it_was_refused_here_is_for_people_to_look_at(world: Business) -> None:
    nowhere = {**PLAN, "key": "nowhere", "quotas": [], "charges": [{**PLAN["charges"][0], "prices": [NO_SUCH_PRICE]}]}
    world.billing.apply_catalogue({"plans": [nowhere]})
    asked = world.billing.subscribe_at_provider("ada", "nowhere")
    world.hears()
    assert world.stands(asked).standing is Standing.REFUSED
    price = world.sandbox_call("GET", "/v1/prices", lookup_keys__0="pro_seat")["data"][0]["id"]
    named = {"metadata[tallystick_subscription]": asked.id, "items[0][price]": price, "items[0][quantity]": 1}
    made = world.sandbox_call("POST", "/v1/subscriptions", customer=world.ref_of_ada(), **named)
    world.hears()
    with world.billing.context.database.reading() as conn:
        (parked,) = provider_events.page(conn, settlement=Settlement.PARKED, limit=10)
    assert parked.delivery.kind == "customer.subscription.created"
    assert made["id"] in str(parked.reason)
    assert world.stands(asked).standing is Standing.REFUSED


def expires(world: Business, *, bills_meanwhile: bool = False) -> FollowedSubscription:
    """Ada has no card, uses 40 calls on the plan that waits for her first payment, and does not pay."""
    for method in world.sandbox_call("GET", "/v1/payment_methods", customer=world.ref_of_ada())["data"]:
        world.sandbox_call("POST", f"/v1/payment_methods/{method['id']}/detach")
    asked = world.billing.subscribe_at_provider("ada", "pro")
    world.hears()
    world.later(hours=1).uses("ada", "calls", 40)
    if bills_meanwhile:
        assert world.later(hours=1).bill("ada").total == Money(1_00, USD)
    world.later(hours=23)
    world.hears(times=2)
    assert str(world.stands(asked).reason).startswith("incomplete_expired: ")
    return asked


def test_what_was_used_before_a_first_payment_that_never_came_is_told_where_nobody_bills_it(world: Business) -> None:
    asked = expires(world)
    (told,) = [each for each in world.billing.reconcile(repair=True).findings if each["part"] == Part.USAGE]
    assert (told["subject"], told["ours"], told["theirs"], told["verdict"]) == ("ada/calls", "40", None, "differs")
    assert asked.id in str(told["reason"])
    assert reconcile.due(world.billing.context, NIGHTLY) is None
    (tonight, *_) = world.billing.reconciliations()
    assert [each["ours"] for each in tonight.beyond_repair] == ["40"], "the night tells it as well"
    world.sells("calls", {"currency": "usd", "model": "per_unit", "unit_amount": "0.05"}, decimals=0)
    assert world.billing.reconcile().findings == [], "the next invoice asks for it"
    assert world.bill("ada").total == Money(2_00, USD)
    world.later(hours=2)
    assert world.billing.reconcile().findings == []
    world.proves()


def test_what_was_used_on_one_that_expired_is_billed_by_ours_as_of_one_that_was_refused(world: Business) -> None:
    world.sells("calls", {"currency": "usd", "model": "per_unit", "unit_amount": "0.05"}, decimals=0)
    expires(world)
    world.saves("pm_card_visa")
    again = world.billing.subscribe_at_provider("ada", "pro")
    world.hears()
    assert world.stands(again).standing is Standing.ACTIVE
    world.later(hours=1).uses("ada", "calls", 7)
    assert world.bill("ada").total == Money(2_00, USD), "the seven are the provider's"
    assert world.billing.reconcile().findings == []
    world.proves()


def test_a_bill_meanwhile_leaves_it_to_the_next_one(world: Business) -> None:
    world.sells("calls", {"currency": "usd", "model": "per_unit", "unit_amount": "0.05"}, decimals=0)
    world.uses("ada", "calls", 20)
    world.later(minutes=1)
    expires(world, bills_meanwhile=True)
    assert world.bill("ada").total == Money(2_00, USD)
    assert world.billing.reconcile().findings == []
    world.proves()
