"""What goes wrong on demand, and what it leaves behind."""

from datetime import timedelta
from typing import Any

import pytest
import stripe

from tallystick.sandbox import Faults, InProcessClient, Sandbox

CREATE = "POST /v1/payment_intents"
PAID: Any = {"amount": 5000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True, "off_session": True}
KEY: Any = {"idempotency_key": "order:1"}


@pytest.mark.parametrize("fault", ["lost_reply", "timeout_after_success"])
def test_a_lost_reply_hides_that_it_was_done_and_the_same_key_tells(world: Any, fault: str) -> None:
    world.faults.next(fault, on=CREATE)
    with pytest.raises(stripe.APIConnectionError):
        world.v1.payment_intents.create(PAID, KEY)
    done = world.v1.payment_intents.list().data
    assert [intent.status for intent in done] == ["succeeded"]
    assert world.v1.payment_intents.create(PAID, KEY).id == done[0].id
    assert world.faults.counts[fault] == 1


def test_a_lost_request_was_never_done(world: Any) -> None:
    world.faults.next("lost_request", on=CREATE)
    with pytest.raises(stripe.APIConnectionError):
        world.v1.payment_intents.create(PAID, KEY)
    assert world.v1.payment_intents.list().data == []


def test_a_planted_fault_strikes_the_endpoint_it_was_meant_for_and_only_once(world: Any) -> None:
    world.faults.next("lost_request", on="POST /v1/payment_intents/{id}/confirm")
    intent = world.v1.payment_intents.create({"amount": 5000, "currency": "usd"})
    with pytest.raises(stripe.APIConnectionError):
        world.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa", "off_session": True})
    assert (
        world.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa", "off_session": True}).status == "succeeded"
    )


def test_a_rate_limit_says_which(world: Any) -> None:
    world.faults.next("rate_limited")
    with pytest.raises(stripe.RateLimitError) as refused:
        world.customer()
    assert refused.value.headers is not None
    assert "Stripe-Rate-Limited-Reason" in refused.value.headers
    world.faults.next("lock_timeout")
    with pytest.raises(stripe.RateLimitError) as locked:
        world.customer()
    assert locked.value.headers is not None
    assert "Stripe-Rate-Limited-Reason" not in locked.value.headers
    assert locked.value.error.code == "lock_timeout"


@pytest.mark.parametrize(("effect", "statuses"), [("done", ["succeeded"]), ("none", []), ("half", ["requires_confirmation"])])
def test_a_500_is_stored_whatever_it_did(world: Any, effect: str, statuses: list[str]) -> None:
    world.faults.next("stored_500", on=CREATE, effect=effect)
    for replayed in (None, "true"):
        with pytest.raises(stripe.APIError) as failed:
            world.v1.payment_intents.create(PAID, KEY)
        assert failed.value.http_status == 500
        assert failed.value.headers is not None
        assert failed.value.headers.get("Idempotent-Replayed") == replayed
    assert [intent.status for intent in world.v1.payment_intents.list().data] == statuses


def test_during_an_outage_nothing_gets_through(world: Any) -> None:
    start = world.clock.now()
    world.faults.outage(start, start + timedelta(hours=1))
    with pytest.raises(stripe.APIConnectionError):
        world.customer()
    world.clock.move(hours=1)
    assert world.customer().id


def test_chance_comes_from_the_seed_and_can_be_switched_off(world: Any) -> None:
    def tries(seed: int) -> list[bool]:
        sandbox = Sandbox(clock=world.clock, faults=Faults(seed, lost_request=0.5))
        v1 = stripe.StripeClient("sk_test_sandbox", http_client=InProcessClient(sandbox)).v1
        outcome = []
        for number in range(20):
            if number == 15:
                sandbox.faults.off()
            try:
                v1.customers.create()
                outcome.append(True)
            except stripe.APIConnectionError:
                outcome.append(False)
        assert sandbox.faults.counts["lost_request"] == outcome.count(False)
        return outcome

    assert tries(1) == tries(1) != tries(2)
    assert {*tries(1)[:15]} == {True, False}
    assert all(tries(1)[15:])


def test_an_unknown_fault_or_effect_is_named() -> None:
    with pytest.raises(ValueError, match="no fault 'lost_repy'"):
        Faults().next("lost_repy")
    with pytest.raises(ValueError, match="effect 'most'"):
        Faults().next("stored_500", effect="most")


def test_a_caller_inside_a_transaction_can_be_refused(world: Any) -> None:
    def refuse() -> None:
        raise AssertionError("a provider was called inside a transaction")

    with pytest.raises(AssertionError):
        world.client(before_call=refuse).v1.customers.create()
    assert world.v1.customers.list().data == []
