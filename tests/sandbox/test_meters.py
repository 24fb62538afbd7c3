"""Billing meters as Stripe has them: events that add up once, windows of time, and errors that are told later."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import stripe

from tallystick.sandbox.objects.meters import total

DAY = 86400


@pytest.fixture
def meter(world: Any) -> Any:
    return made(world)


@pytest.fixture
def ada(world: Any) -> Any:
    return world.customer()


def made(world: Any, formula: str = "sum", **more: Any) -> Any:
    wanted = {"display_name": "API calls", "event_name": "api_calls", "default_aggregation": {"formula": formula}, **more}
    return world.v1.billing.meters.create(wanted)


def now(world: Any) -> int:
    return int(world.clock.now().timestamp())


def sends(world: Any, customer: Any, identifier: str, value: str, *, ago: int = 0, key: str | None = None) -> Any:
    payload = {"stripe_customer_id": customer if isinstance(customer, str) else customer.id, "value": value}
    event = {"event_name": "api_calls", "identifier": identifier, "payload": payload, "timestamp": now(world) - ago}
    return world.v1.billing.meter_events.create(event, {} if key is None else {"idempotency_key": key})


def sums(world: Any, meter: Any, customer: Any, **window: Any) -> list[float]:
    start = now(world) - now(world) % DAY - 2 * DAY
    asked = {"customer": customer.id, "start_time": start, "end_time": start + 4 * DAY, **window}
    return [summary.aggregated_value for summary in world.v1.billing.meters.event_summaries.list(meter.id, asked).data]


def refused(call: Callable[[], object]) -> Any:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        call()
    return caught.value


def test_events_add_up_by_the_day_and_as_a_whole(world: Any, meter: Any, ada: Any) -> None:
    for number, (value, ago) in enumerate([("1.5", 0), ("2", DAY), ("0.25", DAY), ("-1", 0)]):
        sends(world, ada, f"e{number}", value, ago=ago)
    assert sums(world, meter, ada) == [2.75]
    assert sums(world, meter, ada, value_grouping_window="day") == [0.5, 2.25]
    assert total(world.sandbox.state, meter.id, ada.id, now(world), now(world) + 1) == Decimal("0.5")


def test_a_customer_who_sent_nothing_has_a_sum_of_zero(world: Any, meter: Any, ada: Any) -> None:
    assert sums(world, meter, ada) == [0]
    assert sums(world, meter, ada, value_grouping_window="hour") == []


def test_counts_and_last_values_follow_the_formula(world: Any, ada: Any) -> None:
    counting, seats = made(world, "count"), made(world, "last", event_name="seats")
    sends(world, ada, "a", "7")
    sends(world, ada, "b", "9")
    for identifier, value, ago in (("c", "5", 60), ("d", "4", 3600)):
        payload = {"stripe_customer_id": ada.id, "value": value}
        event = {"event_name": "seats", "identifier": identifier, "payload": payload, "timestamp": now(world) - ago}
        world.v1.billing.meter_events.create(event)
    assert sums(world, counting, ada) == [2]
    assert sums(world, seats, ada) == [5], "the later one by its own time, not by its arrival"


def test_of_a_window_that_was_added_up_before_the_last_event_counts(world: Any, ada: Any) -> None:
    hourly = made(world, event_time_window="hour")
    sends(world, ada, "a", "7")
    sends(world, ada, "b", "9")
    assert sums(world, hourly, ada) == [9]


def test_the_same_identifier_within_a_day_is_refused_and_afterwards_counts_again(world: Any, meter: Any, ada: Any) -> None:
    sends(world, ada, "a", "1")
    world.clock.move(hours=23)
    error = refused(lambda: sends(world, ada, "a", "1"))
    assert (error.http_status, error.error.code) == (400, None)
    assert str(error.user_message) == "An event already exists with identifier a."
    world.clock.move(hours=2)
    sends(world, ada, "a", "1")
    assert sums(world, meter, ada) == [2]


def test_the_same_key_replays_the_first_answer(world: Any, meter: Any, ada: Any) -> None:
    at = sends(world, ada, "a", "1", key="k").created
    assert sends(world, ada, "a", "1", key="k").created == at
    assert sums(world, meter, ada) == [1]


def test_only_the_last_35_days_and_the_next_five_minutes_are_taken(world: Any, meter: Any, ada: Any) -> None:
    sends(world, ada, "oldest", "1", ago=35 * DAY)
    sends(world, ada, "newest", "1", ago=-300)
    assert refused(lambda: sends(world, ada, "old", "1", ago=35 * DAY + 1)).code == "timestamp_too_far_in_past"
    assert refused(lambda: sends(world, ada, "new", "1", ago=-301)).code == "timestamp_in_future"


def test_a_cancelled_event_counts_no_longer_but_keeps_its_identifier(world: Any, meter: Any, ada: Any) -> None:
    sends(world, ada, "a", "1")
    cancel = {"event_name": "api_calls", "type": "cancel", "cancel": {"identifier": "a"}}
    assert world.v1.billing.meter_event_adjustments.create(cancel).status == "pending"
    assert sums(world, meter, ada) == [0]
    assert "already been cancelled" in str(refused(lambda: world.v1.billing.meter_event_adjustments.create(cancel)))
    assert "already exists" in str(refused(lambda: sends(world, ada, "a", "1")))


def test_an_event_is_cancelled_within_a_day_or_never(world: Any, meter: Any, ada: Any) -> None:
    sends(world, ada, "a", "1")
    world.clock.move(hours=24)
    cancel = {"event_name": "api_calls", "type": "cancel", "cancel": {"identifier": "a"}}
    assert "24 hours" in str(refused(lambda: world.v1.billing.meter_event_adjustments.create(cancel)))
    unknown = {**cancel, "cancel": {"identifier": "b"}}
    assert refused(lambda: world.v1.billing.meter_event_adjustments.create(unknown)).code == "resource_missing"


def test_summaries_are_of_whole_minutes_hours_or_days(world: Any, meter: Any, ada: Any) -> None:
    asked = {"customer": ada.id, "start_time": 30, "end_time": 60}
    assert refused(lambda: world.v1.billing.meters.event_summaries.list(meter.id, asked)).param == "start_time"
    daily = {"customer": ada.id, "start_time": 0, "end_time": 3600, "value_grouping_window": "day"}
    assert refused(lambda: world.v1.billing.meters.event_summaries.list(meter.id, daily)).param == "end_time"


def test_a_page_of_summaries_goes_on_behind_the_last_one(world: Any, meter: Any, ada: Any) -> None:
    for number in range(5):
        sends(world, ada, f"e{number}", str(number + 1), ago=number * 3600)
    start = now(world) - now(world) % DAY - DAY
    asked = {"customer": ada.id, "start_time": start, "end_time": start + 2 * DAY, "value_grouping_window": "hour", "limit": 2}
    found = world.v1.billing.meters.event_summaries.list(meter.id, asked).auto_paging_iter()
    assert [summary.aggregated_value for summary in found] == [1, 2, 3, 4, 5]


def test_an_event_name_has_one_active_meter(world: Any, meter: Any) -> None:
    assert refused(lambda: made(world)).param == "event_name"
    world.v1.billing.meters.deactivate(meter.id)
    second = made(world)
    assert refused(lambda: world.v1.billing.meters.reactivate(meter.id)).param == "event_name"
    assert [found.id for found in world.v1.billing.meters.list({"status": "active"}).data] == [second.id]


def thin(world: Any) -> Any:
    wanted = {
        "name": "errors", "type": "webhook_endpoint", "event_payload": "thin", "enabled_events": ["*"],
        "webhook_endpoint": {"url": "https://example.com/thin"}, "include": ["webhook_endpoint.signing_secret"],
    }  # fmt: skip
    return world.client().v2.core.event_destinations.create(wanted)


def told(world: Any, destination: Any) -> list[Any]:
    """What is delivered within ten minutes, fetched whole."""
    world.clock.move(minutes=10)
    posts: list[tuple[dict[str, str], bytes]] = []

    def post(url: str, headers: dict[str, str], body: bytes) -> int:
        posts.append((headers, body))
        return 200

    world.sandbox.webhooks.deliver_due(post)
    client, secret = world.client(), destination.webhook_endpoint.signing_secret
    return [
        client.parse_event_notification(body, headers["Stripe-Signature"], secret, tolerance=None).fetch_event()
        for headers, body in posts
    ]


def test_what_cannot_be_counted_is_told_later_by_the_key_of_its_request(world: Any, meter: Any, ada: Any) -> None:
    destination = thin(world)
    sends(world, ada, "good", "1")
    sends(world, "cus_nobody", "lost", "1", key="key-of-lost")
    sends(world, ada, "words", "many")
    sends(world, ada, "long", "1234567890.123456")
    (event,) = told(world, destination)
    assert event.type == "v1.billing.meter.error_report_triggered"
    assert event.related_object.id == meter.id
    found = {kind.code: kind.sample_errors[0].request.identifier for kind in event.data.reason.error_types}
    assert found["meter_event_customer_not_found"] == "key-of-lost"
    assert set(found) == {"meter_event_customer_not_found", "meter_event_invalid_value", "meter_event_value_too_many_digits"}
    assert sums(world, meter, ada) == [1]


def test_a_report_shows_a_few_of_many(world: Any, meter: Any) -> None:
    destination = thin(world)
    for number in range(9):
        sends(world, "cus_nobody", f"e{number}", "1")
    (event,) = told(world, destination)
    (kind,) = event.data.reason.error_types
    assert (kind.error_count, len(kind.sample_errors)) == (9, 5)


def test_events_of_an_archived_meter_and_of_none_are_told_as_well(world: Any, meter: Any, ada: Any) -> None:
    destination = thin(world)
    world.v1.billing.meters.deactivate(meter.id)
    sends(world, ada, "a", "1")
    payload = {"stripe_customer_id": ada.id, "value": "1"}
    world.v1.billing.meter_events.create({"event_name": "unheard_of", "identifier": "b", "payload": payload})
    archived, none = told(world, destination)
    assert archived.data.reason.error_types[0].code == "archived_meter"
    assert (none.type, none.data.reason.error_types[0].code) == ("v1.billing.meter.no_meter_found", "no_meter")


def test_a_secret_is_told_once_and_an_endpoint_can_be_taken_away(world: Any) -> None:
    destination, v2 = thin(world), world.client().v2
    assert "webhook_endpoint" not in v2.core.event_destinations.retrieve(destination.id)
    v2.core.event_destinations.delete(destination.id)
    assert v2.core.event_destinations.list().data == []
