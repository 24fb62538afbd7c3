"""The same key gives the same answer for a day; for anything else it is refused."""

from typing import Any

import pytest
import stripe

KEY: Any = {"idempotency_key": "order:1"}


def create(world: Any, **params: Any) -> Any:
    return world.v1.payment_intents.create({"amount": 5000, "currency": "usd", **params}, KEY)


def test_the_same_call_twice_is_done_once(world: Any) -> None:
    first, second = create(world), create(world)
    assert first.id == second.id
    assert len(world.v1.payment_intents.list().data) == 1
    answered = second.last_response.headers
    assert answered["Idempotent-Replayed"] == "true"
    assert answered["Original-Request"] == first.last_response.request_id != second.last_response.request_id
    assert "Idempotent-Replayed" not in first.last_response.headers


def test_a_replay_is_what_was_answered_then_not_what_is_now(world: Any) -> None:
    first = create(world)
    world.v1.payment_intents.cancel(first.id)
    assert create(world).status == "requires_payment_method"
    assert world.v1.payment_intents.retrieve(first.id).status == "canceled"


def test_other_parameters_under_the_same_key_are_refused(world: Any) -> None:
    create(world)
    with pytest.raises(stripe.IdempotencyError) as refused:
        create(world, description="another")
    assert refused.value.http_status == 400


def test_another_endpoint_under_the_same_key_is_refused_without_a_code(world: Any) -> None:
    create(world)
    with pytest.raises(stripe.IdempotencyError) as refused:
        world.v1.customers.create({}, KEY)
    assert getattr(refused.value.error, "code", None) is None
    assert refused.value.error.type == "idempotency_error"


def test_after_a_day_the_key_is_forgotten(world: Any) -> None:
    first = create(world)
    world.clock.move(hours=23, minutes=59)
    assert create(world).id == first.id
    world.clock.move(minutes=2)
    assert create(world).id != first.id


def test_a_decline_is_remembered(world: Any) -> None:
    wrong = {"payment_method": "pm_card_visa_chargeDeclined", "confirm": True, "off_session": True}
    seen = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as refused:
            create(world, **wrong)
        seen.append(refused.value)
    assert seen[0].error.payment_intent.id == seen[1].error.payment_intent.id
    assert seen[1].headers is not None
    assert seen[1].headers["Idempotent-Replayed"] == "true"
    assert world.events("charge.failed") == ["charge.failed"]


def test_a_wrong_parameter_is_not_remembered(world: Any) -> None:
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            world.v1.payment_intents.create({"amount": 5000, "currency": "usd", "colour": "red"}, KEY)
        assert refused.value.headers is not None
        assert "Idempotent-Replayed" not in refused.value.headers
    assert create(world).status == "requires_payment_method"


def test_a_rate_limit_is_not_remembered(world: Any) -> None:
    world.faults.next("rate_limited")
    with pytest.raises(stripe.RateLimitError):
        create(world)
    assert create(world).status == "requires_payment_method"


def test_a_conflict_with_the_state_is_remembered(world: Any) -> None:
    intent = world.v1.payment_intents.create({"amount": 5000, "currency": "usd"})
    for replayed in (None, "true"):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            world.v1.payment_intents.confirm(intent.id, {"off_session": True}, KEY)
        assert refused.value.code == "payment_intent_unexpected_state"
        assert refused.value.headers is not None
        assert refused.value.headers.get("Idempotent-Replayed") == replayed


def test_a_running_call_under_the_key_is_409(world: Any) -> None:
    world.faults.next("idempotency_key_in_use", on="POST /v1/payment_intents")
    with pytest.raises(stripe.APIError) as refused:
        create(world)
    assert (refused.value.http_status, refused.value.error.code) == (409, "idempotency_key_in_use")
    assert create(world).status == "requires_payment_method"


def test_a_key_has_at_most_255_characters(world: Any) -> None:
    with pytest.raises(stripe.IdempotencyError):
        world.v1.customers.create({}, {"idempotency_key": "k" * 256})
    assert world.v1.customers.create({}, {"idempotency_key": "k" * 255}).id


def test_reads_and_deletions_ignore_the_key(world: Any) -> None:
    ada, bob = world.customer(), world.customer()
    assert world.v1.customers.retrieve(ada.id, {}, KEY).id == ada.id
    assert world.v1.customers.retrieve(bob.id, {}, KEY).id == bob.id


def test_events_tell_the_request_and_its_key(world: Any) -> None:
    intent = create(world)
    event = world.v1.events.list().data[0]
    assert (event.request.id, event.request.idempotency_key) == (intent.last_response.request_id, "order:1")
