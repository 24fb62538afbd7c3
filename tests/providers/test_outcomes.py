"""Every way in which Stripe can answer, or fail to, has its one outcome; and the same key finds the same object."""

from datetime import timedelta

import pytest
import stripe

from tallystick.domain.payments import Decline, Method, PaymentStatus
from tallystick.providers.protocol import Declined, Done, Limited, Outcome, Refused, Unknown
from tallystick.providers.stripe import outcomes
from tallystick.providers.stripe.client import StripeProvider
from tallystick.sandbox import InProcessClient
from tallystick.values.errors import WrongConfiguration
from tests.providers.stripe_world import KEY, SECRET, World

METHODS = list(Method)


def done(outcome: Outcome | None) -> Done:
    assert isinstance(outcome, Done), outcome
    return outcome


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fault", ["lost_request", "lost_reply", "timeout_after_success", "idempotency_key_in_use"])
def test_a_lost_answer_is_unknown_and_the_same_key_then_finds_the_one_object(world: World, fault: str, method: Method) -> None:
    request = world.request(world.customer(), method)
    world.faults.next(fault, "POST /v1/*")
    first = world.provider.open(request, key="open")
    assert isinstance(first, Unknown)
    assert not first.stored
    again = done(world.provider.open(request, key="open"))
    assert done(world.provider.open(request, key="open")) == again
    assert done(world.provider.find(request)).payment.ref == again.payment.ref
    assert len(held(world, method)) == 1


@pytest.mark.parametrize("fault", ["rate_limited", "lock_timeout"])
def test_too_often_is_limited_and_nothing_was_done(world: World, fault: str) -> None:
    request = world.request(world.customer(), Method.INTENT)
    world.faults.next(fault, "POST /v1/payment_intents")
    assert isinstance(world.provider.open(request, key="open"), Limited)
    assert held(world, Method.INTENT) == []
    done(world.provider.open(request, key="open"))


@pytest.mark.parametrize("effect", ["done", "none"])
def test_a_stored_failure_says_that_it_is_stored_and_looking_tells_what_became_of_it(world: World, effect: str) -> None:
    request = world.request(world.customer(), Method.INTENT)
    world.faults.next("stored_500", "POST /v1/payment_intents", effect=effect)
    first, second = (world.provider.open(request, key="open:0") for _ in range(2))
    assert isinstance(first, Unknown)
    assert isinstance(second, Unknown)
    assert (first.stored, second.stored) == (False, True)
    found = world.provider.find(request)
    assert (found is None) == (effect == "none")
    if found is None:
        found = world.provider.open(request, key="open:1")
    assert len(held(world, Method.INTENT)) == 1
    assert done(found).payment.invoice_id == "inv_1"


@pytest.mark.parametrize("method", METHODS)
def test_after_a_day_the_key_is_forgotten_so_we_look_first(world: World, method: Method) -> None:
    request = world.request(world.customer(), method)
    world.faults.next("lost_reply", "POST /v1/*")
    assert isinstance(world.provider.open(request, key="open"), Unknown)
    world.passes(timedelta(hours=25))
    assert done(world.provider.find(request)).payment.invoice_id == "inv_1"
    assert len(held(world, method)) == 1


@pytest.mark.parametrize("method", METHODS)
def test_looking_for_what_never_was_finds_nothing_and_one_outcome_if_it_could_not_look(world: World, method: Method) -> None:
    customer = world.customer()
    for number in range(120):
        done(world.provider.open(world.request(customer, method, invoice=f"other_{number}"), key=f"other_{number}"))
    assert world.provider.find(world.request(customer, method)) is None
    assert done(world.provider.find(world.request(customer, method, invoice="other_0"))).payment.invoice_id == "other_0"
    world.faults.next("rate_limited", "GET /v1/*")
    assert isinstance(world.provider.find(world.request(customer, method)), Limited)


def test_the_same_key_for_something_else_is_our_defect_and_says_so(world: World) -> None:
    customer = world.customer()
    done(world.provider.open(world.request(customer, Method.INTENT, 1000), key="open"))
    refused = world.provider.open(world.request(customer, Method.INTENT, 1001), key="open")
    assert isinstance(refused, Refused)
    assert refused.code == "idempotency_mismatch"


@pytest.mark.parametrize(
    ("amount", "customer", "code"),
    [(49, None, "amount_too_small"), (100_000_000, None, ""), (1000, "cus_none", "resource_missing")],
)
def test_what_stripe_will_not_do_is_refused_with_its_code(world: World, amount: int, customer: str | None, code: str) -> None:
    refused = world.provider.open(world.request(customer or world.customer(), Method.INTENT, amount), key="open")
    assert isinstance(refused, Refused)
    assert refused.code.startswith(code)
    assert "req_" in refused.message, "who asks Stripe about it needs the request's id"


def test_a_key_that_stripe_does_not_know_says_where_to_put_a_good_one(world: World) -> None:
    refused = outcomes.of(_error(stripe.AuthenticationError, 401, "Invalid API Key provided: sk_test_abcdefghijkl"))
    assert isinstance(refused, Refused)
    assert refused.code == "authentication"
    assert "STRIPE_SECRET_KEY" in refused.message
    assert "abcdefghijkl" not in refused.message
    restricted = outcomes.of(_error(stripe.PermissionError, 403, "The provided key 'rk_test_abc' does not have the permissions"))
    assert isinstance(restricted, Refused)
    assert restricted.code == "permission"
    assert "rk_test_abc" not in restricted.message


def test_an_answer_that_is_not_stripes_leaves_it_unknown() -> None:
    assert isinstance(outcomes.of(stripe.APIError("Invalid response object from API", "<html>", 502)), Unknown)
    assert isinstance(outcomes.of(stripe.APIError("Invalid response object from API", "<html>", 404)), Unknown)
    assert isinstance(outcomes.of(stripe.APIError("Invalid response object from API", "<html>", 429)), Limited)


def test_a_402_of_any_call_is_a_decline() -> None:
    error = {"error": {"code": "card_declined", "decline_code": "do_not_honor", "message": "Your card was declined."}}
    told = outcomes.of(stripe.CardError("Your card was declined.", None, "card_declined", None, 402, error))  # type: ignore[no-untyped-call]
    assert told == Declined(Decline("do_not_honor", "Your card was declined."))


def test_no_secret_is_quoted() -> None:
    told = outcomes.of(stripe.APIError("see pi_12_secret_abc and whsec_0123456789 and sk_live_abc", None, 500))
    assert isinstance(told, Unknown)
    assert told.message == "see [secret] and [secret] and [secret]"


def test_every_request_is_asked_for_first_and_what_forbids_it_is_not_an_outcome() -> None:
    asked: list[str] = []

    def before_call() -> None:
        asked.append("call")
        if len(asked) > 6:
            raise AssertionError("no provider is called inside a transaction")

    world = World(before_call)
    customer = world.customer()
    assert len(asked) == 2, "made, then named"
    for number in range(3):
        done(world.provider.open(world.request(customer, Method.INTENT, invoice=f"inv_{number}"), key=f"{number}"))
    done(world.provider.find(world.request(customer, Method.INTENT)))
    assert len(asked) == 6
    with pytest.raises(AssertionError, match="inside a transaction"):
        world.provider.find(world.request(customer, Method.INTENT))


@pytest.mark.parametrize("key", ["", "pk_test_12345678", "whsec_" + "1" * 30, "sk_test_a b", "sk_test_12345\n"])
def test_what_is_no_secret_key_is_refused_at_once_and_not_repeated(key: str) -> None:
    with pytest.raises(WrongConfiguration, match="STRIPE_SECRET_KEY") as refused:
        StripeProvider(key, webhook_secrets=[SECRET])
    assert not key or key not in str(refused.value)
    with pytest.raises(WrongConfiguration):
        StripeProvider("sk_test_", webhook_secrets=[SECRET])


def test_a_live_key_never_goes_to_a_stand_in_and_is_known_as_live() -> None:
    with pytest.raises(WrongConfiguration, match="STRIPE_API_BASE"):
        StripeProvider("sk_live_xxxx", webhook_secrets=[SECRET], api_base="http://localhost:1")
    assert StripeProvider("rk_live_xxxx", webhook_secrets=[SECRET]).livemode
    assert not StripeProvider("rk_test_xxxx", webhook_secrets=[SECRET]).livemode


def test_a_key_that_would_not_pass_as_a_header_is_replaced_by_its_digest(world: World) -> None:
    request = world.request(world.customer(), Method.INTENT)
    first = done(world.provider.open(request, key="invoice of Zoë " * 30))
    assert done(world.provider.open(request, key="invoice of Zoë " * 30)) == first
    assert done(world.provider.open(request, key="invoice of Zoé " * 30)) != first


def test_two_providers_in_one_process_share_nothing(world: World) -> None:
    other = World()
    assert stripe.api_key is None
    done(world.provider.open(world.request(world.customer(), Method.INTENT), key="open"))
    assert held(other, Method.INTENT) == []
    assert StripeProvider(KEY, webhook_secrets=[], http_client=InProcessClient(other.sandbox)).livemode is False


def held(world: World, method: Method) -> list[object]:
    """What Stripe holds of that kind, all customers together."""
    listed = world.stripe.payment_intents.list() if method is Method.INTENT else world.stripe.invoices.list()
    return list(listed.auto_paging_iter())


def _error(kind: type[stripe.StripeError], status: int, message: str) -> stripe.StripeError:
    return kind(message, None, status, {"error": {"message": message}}, {})


def test_a_status_that_we_open_with_is_open(world: World) -> None:
    opened = done(world.provider.open(world.request(world.customer(), Method.INTENT), key="open")).payment
    assert opened.status is PaymentStatus.OPEN
    assert opened.client_secret


def test_declined_is_an_outcome_of_a_charge_alone(world: World) -> None:
    customer = world.customer()
    opened = done(world.provider.open(world.request(customer, Method.INTENT), key="open")).payment
    told = world.provider.charge(opened.ref, Method.INTENT, key="charge", payment_method="pm_card_chargeDeclined")
    assert isinstance(told, Declined)
