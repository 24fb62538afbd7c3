"""Stripe's meters behind our words: one event once, and every answer a value."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import stripe

from tallystick.domain.payments import Ignored, UsageRejected
from tallystick.domain.usage_exports import Rejection
from tallystick.providers.pace import Pace
from tallystick.providers.protocol import Limited, MeteredItem, Refused, Taken, Unknown, UsageRequest
from tallystick.providers.stripe.signature import sign
from tallystick.sandbox import InProcessClient
from tallystick.values.time import Period
from tests.providers.stripe_world import SECRET, START, TurnedClock, World

HOUR = timedelta(hours=1)
AROUND = Period(START - 2 * HOUR, START + 2 * HOUR)


class Metered(World):
    def __init__(self, formula: str = "sum") -> None:
        super().__init__()
        self.ada = self.stripe.customers.create({}).id
        wanted: Any = {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": formula}}
        self.meter = self.stripe.billing.meters.create(wanted).id

    def sends(self, quantity: str = "2.5", *, identifier: str = "use_1", at: datetime = START, key: str = "k1") -> object:
        request = UsageRequest("calls", self.ada, identifier, Decimal(quantity), at)
        return self.provider.send_usage(request, key=key)

    def total(self, name: str = "calls") -> object:
        return self.provider.usage_total(name, self.ada, AROUND)


@pytest.fixture
def world() -> Metered:
    return Metered()


def test_usage_is_added_up_once_by_its_identifier(world: Metered) -> None:
    assert world.sends() == Taken()
    assert world.sends() == Taken(), "the same key brings the same answer"
    assert world.sends(key="k2") == Taken(repeated=True), "that it exists already is what a lost answer looks like afterwards"
    assert world.sends("-1", identifier="use_2", key="k3") == Taken()
    assert world.total() == Decimal("1.5")


def test_its_time_is_cut_to_the_second(world: Metered) -> None:
    world.sends(at=START + timedelta(microseconds=999_999))
    minute = Period(START, START + timedelta(minutes=1))
    assert world.provider.usage_total("calls", world.ada, minute) == Decimal("2.5")


def test_what_stripe_does_not_take_is_refused_by_its_code(world: Metered) -> None:
    refused = world.sends(at=START - timedelta(days=36))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.unheard) == ("timestamp_too_far_in_past", False)


@pytest.mark.parametrize(
    ("fault", "outcome"), [("lost_reply", Unknown), ("lost_request", Unknown), ("stored_500", Unknown), ("rate_limited", Limited)]
)
def test_no_answer_is_an_exception(world: Metered, fault: str, outcome: type) -> None:
    world.faults.next(fault)
    assert isinstance(world.sends(), outcome)


def test_usage_is_taken_back_once_within_a_day(world: Metered) -> None:
    world.sends()
    assert world.provider.cancel_usage("calls", "use_1", key="c1") == Taken()
    assert world.provider.cancel_usage("calls", "use_1", key="c2") == Taken(repeated=True)
    assert world.total() == 0
    world.sends(identifier="use_2", key="k2")
    world.clock.at += timedelta(days=1)
    late = world.provider.cancel_usage("calls", "use_2", key="c3")
    assert isinstance(late, Refused)
    unknown = world.provider.cancel_usage("calls", "use_3", key="c4")
    assert isinstance(unknown, Refused)
    assert unknown.code == "resource_missing"


def test_a_sum_is_exact_although_stripe_says_it_as_a_float(world: Metered) -> None:
    for number in range(3):
        world.sends("0.1", identifier=f"use_{number}", key=f"k{number}")
    assert world.total() == Decimal("0.3")


@pytest.mark.parametrize("formula", ["count", "last"])
def test_a_meter_that_does_not_add_up_is_refused(formula: str) -> None:
    told = Metered(formula).total()
    assert isinstance(told, Refused)
    assert told.code == "wrong_formula"


def test_a_meter_that_is_not_there_is_refused_and_an_archived_one_still_has_its_sum(world: Metered) -> None:
    world.sends()
    missing = world.total("other")
    assert isinstance(missing, Refused)
    assert missing.code == "no_meter"
    world.stripe.billing.meters.deactivate(world.meter)
    assert world.total() == Decimal("2.5")


def reported(world: Metered) -> tuple[dict[str, str], bytes]:
    """The notification of a report, as it is posted."""
    wanted: Any = {
        "name": "errors", "type": "webhook_endpoint", "event_payload": "thin", "enabled_events": ["*"],
        "webhook_endpoint": {"url": "https://example.com/x"},
    }  # fmt: skip
    client = stripe.StripeClient("sk_test_world", http_client=InProcessClient(world.sandbox), max_network_retries=0)
    client.v2.core.event_destinations.create(wanted)
    posts: list[tuple[dict[str, str], bytes]] = []
    world.clock.at += timedelta(minutes=10)

    def post(url: str, headers: dict[str, str], body: bytes) -> int:
        posts.append((headers, body))
        return 200

    world.sandbox.webhooks.deliver_due(post)
    return posts[-1]


def test_a_report_is_believed_understood_and_asked_about(world: Metered) -> None:
    reported_before: Any = {
        "event_name": "calls",
        "identifier": "use_9",
        "payload": {"stripe_customer_id": "cus_no", "value": "1"},
    }
    _, body = _told(world, reported_before)
    delivery = world.provider.verify(body, {"Stripe-Signature": sign(SECRET, body, world.clock.at)}, now=world.clock.at)
    fact = world.provider.interpret(delivery)
    assert fact == UsageRejected(delivery.id)
    told = world.provider.usage_rejections(delivery.id)
    assert told == [Rejection("use_9", "meter_event_customer_not_found", "Meter event: meter_event_customer_not_found")]


def _told(world: Metered, event: Any) -> tuple[dict[str, str], bytes]:
    client = world.stripe
    client.billing.meter_events.create(event, {"idempotency_key": "use_9"})
    return reported(world)


@pytest.mark.parametrize("wrong", [{"created": 5}, {"created": "yesterday"}, {"livemode": True}, {"id": 1}, {"type": "x"}])
def test_a_thin_event_is_read_as_strictly_as_any(world: Metered, wrong: dict[str, object]) -> None:
    event = {"id": "evt_1", "object": "v2.core.event", "type": "v1.billing.meter.no_meter_found", "livemode": False,
             "created": "2026-11-02T09:30:00.000Z"}  # fmt: skip
    good, bad = json.dumps(event).encode(), json.dumps(event | wrong).encode()
    assert world.provider.verify(good, {"Stripe-Signature": sign(SECRET, good, START)}, now=START).created_at == START
    with pytest.raises(Exception, match="webhook: ") as caught:
        world.provider.verify(bad, {"Stripe-Signature": sign(SECRET, bad, START)}, now=START)
    assert getattr(caught.value, "code", None) == "invalid_webhook"


def test_another_thin_event_changes_nothing(world: Metered) -> None:
    event = {"id": "evt_1", "object": "v2.core.event", "type": "v1.invoice.paid", "livemode": False,
             "created": "2026-11-02T09:30:00.000Z"}  # fmt: skip
    body = json.dumps(event).encode()
    delivery = world.provider.verify(body, {"Stripe-Signature": sign(SECRET, body, START)}, now=START)
    assert isinstance(world.provider.interpret(delivery), Ignored)


def test_a_pace_lets_through_so_many_a_second_and_says_how_long_to_wait() -> None:
    clock = TurnedClock()
    pace = Pace(clock, per_second=20)
    assert [pace.enter() for _ in range(20)] == [None] * 20
    assert pace.enter() == timedelta(milliseconds=50)
    clock.at += timedelta(milliseconds=50)
    assert pace.enter() is None
    assert pace.enter() == timedelta(milliseconds=50)
    clock.at += timedelta(hours=1)
    assert [pace.enter() for _ in range(21)][20] is not None, "what was not used is not saved up for more than a second"
    clock.at -= timedelta(hours=2)
    assert pace.enter() is not None, "a clock that goes back gives nothing"


def test_at_its_pace_usage_waits_and_nothing_is_sent(world: Metered) -> None:
    world.provider.keep_pace(world.clock)
    outcomes = [world.sends(identifier=f"use_{number}", key=f"k{number}") for number in range(21)]
    assert outcomes[:20] == [Taken()] * 20
    assert isinstance(outcomes[20], Limited)
    assert outcomes[20].after > timedelta(0)
    assert world.total() == 50


def test_an_item_of_a_subscription_is_a_customer_and_a_meter(world: Metered) -> None:
    product = world.stripe.products.create({"name": "Calls"}).id
    metered: Any = {"product": product, "currency": "eur", "unit_amount": 4,
                    "recurring": {"interval": "month", "usage_type": "metered", "meter": world.meter}}  # fmt: skip
    plain: Any = {"product": product, "currency": "eur", "unit_amount": 900, "recurring": {"interval": "month"}}
    items: Any = [{"price": world.stripe.prices.create(price).id} for price in (metered, plain)]
    wanted: Any = {"customer": world.ada, "items": items, "collection_method": "send_invoice", "days_until_due": 14}
    made = world.stripe.subscriptions.create(wanted)
    by_use, by_month = world.stripe.subscription_items.list({"subscription": made.id}).data
    assert world.provider.metered_item(by_use.id) == MeteredItem(world.ada, "calls")
    refused, missing = world.provider.metered_item(by_month.id), world.provider.metered_item("si_none")
    assert isinstance(refused, Refused)
    assert isinstance(missing, Refused)
    assert (refused.code, missing.code) == ("not_metered", "resource_missing")
