"""How Stripe is asked when it does not want to be, or cannot: seldom, under the same key, and not before it says."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import stripe

from tallystick.domain.circuits import FAILURES_MAX, PAUSE_FIRST, CircuitState
from tallystick.domain.diagnosis import ProviderAccount
from tallystick.domain.payments import Method
from tallystick.providers.circuits import Circuits
from tallystick.providers.pace import Pace, Paces, Waited
from tallystick.providers.protocol import Done, Limited, Outcome, Refused, Unknown
from tallystick.providers.stripe import outcomes
from tallystick.providers.stripe.client import StripeProvider
from tallystick.providers.stripe.transport import answers, kind_of
from tallystick.sandbox import InProcessClient
from tests.providers.stripe_world import KEY, SECRET, World


@pytest.fixture
def world() -> World:
    """Its provider watches how Stripe answers."""
    made = World()
    client = InProcessClient(made.sandbox)
    made.provider = StripeProvider(KEY, webhook_secrets=[SECRET], http_client=client, circuits=Circuits(made.clock))
    return made


def opens(world: World, customer: str, number: int = 0) -> Outcome:
    return world.provider.open(world.request(customer, Method.INTENT, invoice=f"inv_{number}"), key=f"open:{number}")


def states(world: World) -> dict[str, CircuitState]:
    assert world.provider.circuits is not None
    return world.provider.circuits.states()


def test_a_storm_of_429_is_met_by_a_few_requests_and_then_silence(world: World) -> None:
    customer = world.customer()
    world.faults.set("rate_limited", 1)
    told = [opens(world, customer, number) for number in range(40)]
    assert all(isinstance(outcome, Limited) for outcome in told)
    asked = world.faults.counts["rate_limited"]
    assert FAILURES_MAX <= asked < 10, "some of those that Stripe turned away were about one object, and do not count"
    assert states(world)["payment_intents"] is CircuitState.OPEN
    held = told[-1]
    assert isinstance(held, Limited)
    assert held.after == PAUSE_FIRST
    assert "not asked" in held.message


def test_another_kind_of_endpoint_is_asked_all_the_same(world: World) -> None:
    customer = world.customer()
    for _ in range(FAILURES_MAX):
        world.faults.next("lost_request", "POST /v1/payment_intents")
        assert isinstance(opens(world, customer), Unknown)
    assert isinstance(opens(world, customer), Limited)
    assert isinstance(world.provider.open(world.request(customer, Method.HOSTED), key="hosted"), Done)


def test_after_the_pause_one_asks_and_its_answer_closes_the_circuit(world: World) -> None:
    customer = world.customer()
    world.faults.set("rate_limited", 1)
    for number in range(40):
        opens(world, customer, number)
    asked = world.faults.counts["rate_limited"]
    world.passes(PAUSE_FIRST)
    for number in range(40):
        assert isinstance(opens(world, customer, number), Limited)
    assert world.faults.counts["rate_limited"] == asked + 1, "the probe, and nothing after it"
    world.faults.off()
    assert isinstance(opens(world, customer), Limited), "it waits twice as long now"
    world.passes(2 * PAUSE_FIRST)
    assert isinstance(opens(world, customer), Done)
    assert states(world)["payment_intents"] is CircuitState.CLOSED
    assert world.provider.circuits is not None
    assert world.provider.circuits.heard_at == world.clock.now()


def test_an_outage_of_thirty_hours_is_asked_about_every_five_minutes_and_then_all_is_well(world: World) -> None:
    customer = world.customer()
    world.faults.outage(world.clock.now(), world.clock.now() + timedelta(hours=30))
    for minute in range(30 * 60):
        assert not isinstance(opens(world, customer, minute % 7), Done)
        world.passes(timedelta(minutes=1))
    assert world.faults.counts["outage"] < 30 * 12 + 20
    world.passes(timedelta(minutes=5))
    assert isinstance(opens(world, customer), Done)
    assert len(world.stripe.payment_intents.list().data) == 1


@pytest.mark.parametrize("fault", ["lock_timeout", "idempotency_key_in_use"])
def test_two_who_want_one_object_close_nothing_for_the_others(world: World, fault: str) -> None:
    customer = world.customer()
    for number in range(FAILURES_MAX * 2):
        world.faults.next(fault, "POST /v1/payment_intents")
        assert not isinstance(opens(world, customer, number), Done)
    assert isinstance(opens(world, customer), Done)


def test_a_failure_that_is_only_repeated_says_nothing_of_how_stripe_is(world: World) -> None:
    customer = world.customer()
    world.faults.next("stored_500", "POST /v1/payment_intents", effect="none")
    told = [opens(world, customer) for _ in range(FAILURES_MAX * 2)]
    assert all(isinstance(outcome, Unknown) and outcome.stored for outcome in told[1:])
    assert isinstance(opens(world, customer, 1), Done)


def test_what_is_refused_or_declined_is_an_answer(world: World) -> None:
    for number in range(FAILURES_MAX * 2):
        assert isinstance(opens(world, "cus_none", number), Refused)
    assert states(world)["payment_intents"] is CircuitState.CLOSED


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://api.stripe.com/v1/payment_intents/pi_1/confirm", "payment_intents"),
        ("https://api.stripe.com/v1/payment_intents?limit=3", "payment_intents"),
        ("http://127.0.0.1:1/v1/checkout/sessions/cs_1", "checkout/sessions"),
        ("https://api.stripe.com/v1/billing/meter_events", "billing/meter_events"),
        ("https://meter-events.stripe.com/v2/billing/meter_event_stream", "v2/billing/meter_event_stream"),
    ],
)
def test_kinds_of_endpoints_are_those_that_stripe_counts(url: str, kind: str) -> None:
    assert kind_of(url) == kind


def test_only_what_is_about_the_endpoint_counts() -> None:
    assert answers(200, {})
    assert all(answers(status, {}) for status in (402, 404, 409))
    assert answers(401, {}) is None
    assert answers(500, {}) is False
    assert answers(429, {"Stripe-Rate-Limited-Reason": "endpoint-rate"}) is False
    assert answers(429, {"Stripe-Rate-Limited-Reason": "resource-specific"}) is None


def test_stripe_says_how_long_it_wants_to_be_left_alone() -> None:
    limited = outcomes.of(_error(stripe.RateLimitError, 429, {"Retry-After": "17"}))
    assert isinstance(limited, Limited)
    assert limited.after == timedelta(seconds=17)
    broken = outcomes.of(_error(stripe.APIError, 503, {"retry-after": "120"}))
    assert isinstance(broken, Unknown)
    assert broken.after == timedelta(minutes=2)


@pytest.mark.parametrize("text", ["", "-1", "soon", "1e9", "Wed, 21 Oct 2026 07:28:00 GMT", "٣", "999999999999"])
def test_what_is_no_number_of_seconds_is_no_wish(text: str) -> None:
    limited = outcomes.of(_error(stripe.RateLimitError, 429, {"Retry-After": text}))
    assert limited == Limited("no")


def test_nobody_can_make_us_wait_for_longer_than_an_hour() -> None:
    limited = outcomes.of(_error(stripe.RateLimitError, 429, {"Retry-After": "86400"}))
    assert isinstance(limited, Limited)
    assert limited.after == timedelta(hours=1)


def test_where_trying_again_is_of_no_use_we_look_instead_and_where_it_is_we_try() -> None:
    hopeless = outcomes.of(_error(stripe.APIError, 500, {"Stripe-Should-Retry": "false"}))
    assert isinstance(hopeless, Unknown)
    assert hopeless.stored
    worth_it = outcomes.of(_error(stripe.InvalidRequestError, 400, {"Stripe-Should-Retry": "true"}))
    assert isinstance(worth_it, Unknown)
    assert not worth_it.stored
    assert isinstance(outcomes.of(_error(stripe.InvalidRequestError, 400, {})), Refused)


def _error(kind: type[stripe.StripeError], status: int, headers: dict[str, str]) -> stripe.StripeError:
    body = {"error": {"message": "no"}}
    if kind is stripe.InvalidRequestError:
        return stripe.InvalidRequestError("no", None, None, None, status, body, headers)  # type: ignore[no-untyped-call]
    return kind("no", None, status, body, headers)


class Resting:
    """A clock that goes on by as much as somebody rests."""

    def __init__(self, world: World) -> None:
        self.clock, self.rests = world.clock, list[timedelta]()

    def __call__(self, length: timedelta) -> None:
        self.rests.append(length)
        self.clock.at += length


def test_a_burst_waits_a_little_for_its_turn_and_no_call_is_lost() -> None:
    """The endpoint takes 25 a second: the first 20 go at once, and each further one after a twentieth of a second."""
    world = World()
    world.provider.keep_pace(world.clock, rest=(resting := Resting(world)))
    assert isinstance(world.provider.fetch_account(), ProviderAccount)
    for _ in range(30):
        assert isinstance(world.provider.webhook_endpoints(), list)
    assert resting.rests == [timedelta(milliseconds=50)] * 11, "one of the 20 was for the account: that counts together"
    assert world.provider.paces is not None
    waited = world.provider.paces.waited()
    assert waited == {"webhook_endpoints": Waited(timedelta(milliseconds=550))}
    world.clock.at += timedelta(seconds=1)
    world.provider.webhook_endpoints()
    assert len(resting.rests) == 11, "and after a quiet second nobody waits"


def test_whose_turn_is_too_far_away_is_put_off_and_nothing_is_sent() -> None:
    """So many at once that the last would wait for more than two seconds, of a clock that stands still."""
    world = World()
    world.provider.keep_pace(world.clock, rest=lambda _: None)
    told = [world.provider.webhook_endpoints() for _ in range(20 + 40 + 3)]
    assert all(isinstance(each, list) for each in told[:60])
    put_off = told[60]
    assert isinstance(put_off, Limited)
    assert put_off.after == timedelta(seconds=3)
    assert "too many calls wait already" in put_off.message
    assert world.provider.paces is not None
    assert world.provider.paces.waited()["webhook_endpoints"].put_off == 3
    world.clock.at += timedelta(seconds=3)
    assert isinstance(world.provider.webhook_endpoints(), list)


def test_a_kind_that_is_asked_much_leaves_turns_to_the_others() -> None:
    world = World()
    paces = Paces(world.clock, all_per_second=80, kind_per_second=20, exempt={"billing/meter_events"}, rest=lambda _: None)
    for _ in range(20 + 40):
        assert paces.enter("invoices") is None
    assert paces.enter("invoices") is not None, "of one kind no more"
    assert [paces.enter("customers") for _ in range(20)] == [None] * 20
    assert set(paces.waited()) == {"invoices"}, "the other kind did not wait"
    assert [paces.enter("billing/meter_events") for _ in range(500)] == [None] * 500, "which has a pace of its own"


def test_a_turn_that_is_not_taken_is_there_for_the_next_one() -> None:
    world = World()
    paces = Paces(world.clock, all_per_second=1, kind_per_second=20, rest=lambda _: None)
    assert [paces.enter("invoices") for _ in range(3)] == [None] * 3
    for _ in range(40):
        assert paces.enter("invoices") == timedelta(seconds=3), "held up by all calls together, and not by its kind"
    world.clock.at += timedelta(seconds=3)
    assert paces.enter("invoices") is None


def test_many_threads_together_are_no_faster_than_one() -> None:
    world = World()
    pace = Pace(world.clock, per_second=20)
    with ThreadPoolExecutor(8) as pool:
        turns = sorted(pool.map(lambda _: pace.reserve(timedelta(seconds=9)), range(60)))
    assert turns == [timedelta(0)] * 20 + [timedelta(milliseconds=50) * n for n in range(1, 41)]
