"""A card is saved on Stripe's page: asked for once whatever is lost, told as it stands, charged from then on."""

from datetime import timedelta

import pytest

from tallystick.domain.checkouts import CheckoutStatus, ProviderCheckout
from tallystick.domain.payments import CheckoutCompleted, CheckoutExpired, Delivery, Ignored, Method, ProviderFact
from tallystick.providers.protocol import CheckoutRequest, Done, Limited, Refused, Unknown
from tallystick.providers.stripe import translate, transport
from tallystick.values.ids import CheckoutId
from tallystick.values.money import EUR
from tests.providers.stripe_world import SECRET, START, World

OK, PLANS = "https://shop.test/ok?session={CHECKOUT_SESSION_ID}", "https://shop.test/plans"


@pytest.fixture
def world() -> World:
    return World()


def request(customer_ref: str, reference: str = "chk_1", success_url: str = OK) -> CheckoutRequest:
    return CheckoutRequest(CheckoutId(reference), customer_ref, EUR, success_url, PLANS)


def started(world: World, customer_ref: str, reference: str = "chk_1") -> ProviderCheckout:
    found = world.provider.start_checkout(request(customer_ref, reference), key=f"{reference}:start")
    assert isinstance(found, ProviderCheckout), found
    return found


def standing(world: World, ref: str) -> ProviderCheckout:
    found = world.provider.fetch_checkout(ref)
    assert isinstance(found, ProviderCheckout), found
    return found


def news(world: World) -> list[ProviderFact]:
    """What Stripe has told about checkouts, in our words, oldest first."""
    told = world.stripe.events.list({"types": ["checkout.session.completed", "checkout.session.expired"]}).data
    bodies = [(event.type, event.data.object) for event in reversed(told)]
    return [translate.fact(kind, body.to_dict(for_json=True)) for kind, body in bodies]


def test_the_page_is_open_for_a_day_and_says_which_checkout_it_is_for(world: World) -> None:
    ada = world.customer()
    page = started(world, ada)
    assert (page.status, page.reference, page.customer_ref) == (CheckoutStatus.OPEN, "chk_1", ada)
    assert page.expires_at == START + timedelta(hours=24)
    assert page.url is not None
    assert page.url.startswith("http://localhost:8000/sandbox/checkout/")
    assert standing(world, page.ref) == page


def test_a_saved_card_is_told_by_asking_and_charged_once_it_is_the_default(world: World) -> None:
    ada = world.customer(card="pm_card_chargeCustomerFail")
    page = started(world, ada)
    assert world.completes(page, "pm_card_mastercard") == 303
    done = standing(world, page.ref)
    assert (done.status, done.url) == (CheckoutStatus.COMPLETE, None)
    assert done.payment_method is not None
    for _ in range(2):
        assert world.provider.set_default_method(ada, done.payment_method, key="chk_1:default") == done.payment_method
    opened = world.provider.open(world.request(ada, Method.INTENT), key="open")
    assert isinstance(opened, Done)
    assert isinstance(world.provider.charge(opened.payment.ref, Method.INTENT, key="charge"), Done)
    assert [charge.payment_method for charge in world.stripe.charges.list().data] == [done.payment_method]


def test_a_declined_card_leaves_the_page_open(world: World) -> None:
    page = started(world, world.customer())
    assert world.completes(page, "pm_card_chargeDeclined") == 402
    assert standing(world, page.ref).status is CheckoutStatus.OPEN


def test_a_page_nobody_used_expires(world: World) -> None:
    page = started(world, world.customer())
    world.passes(timedelta(hours=24))
    assert (standing(world, page.ref).status, standing(world, page.ref).payment_method) == (CheckoutStatus.EXPIRED, None)
    assert news(world) == [CheckoutExpired(page.ref, CheckoutId("chk_1"))]


def test_the_news_names_the_page_the_checkout_and_the_customer(world: World) -> None:
    ada = world.customer()
    page = started(world, ada)
    world.completes(page, "pm_card_visa")
    assert news(world) == [CheckoutCompleted(page.ref, CheckoutId("chk_1"), ada)]


def test_somebody_elses_checkout_is_ignored_even_if_it_uses_our_reference(world: World) -> None:
    session = world.stripe.checkout.sessions.create(
        {"mode": "setup", "currency": "eur", "client_reference_id": "chk_1", "success_url": OK}
    )
    told = translate.fact("checkout.session.completed", transport.doc(session))
    assert told == Ignored("checkout.session.completed: not a checkout that we started")
    ours = transport.doc(session) | {"metadata": {"tallystick_checkout": "chk_1"}}
    assert isinstance(translate.fact("checkout.session.async_payment_failed", ours), Ignored)


@pytest.mark.parametrize("fault", ["lost_request", "lost_reply", "timeout_after_success"])
def test_a_lost_answer_is_unknown_and_the_same_key_finds_the_one_page(world: World, fault: str) -> None:
    ada = world.customer()
    world.faults.next(fault, "POST /v1/checkout/sessions")
    assert isinstance(world.provider.start_checkout(request(ada), key="chk_1:start"), Unknown)
    page = started(world, ada)
    assert started(world, ada) == page
    assert [session.id for session in world.stripe.checkout.sessions.list().data] == [page.ref]


@pytest.mark.parametrize("path", ["POST /v1/checkout/sessions", "GET /v1/checkout/sessions/{id}", "POST /v1/customers/{id}",
                                  "POST /v1/billing_portal/sessions"])  # fmt: skip
def test_too_often_is_limited(world: World, path: str) -> None:
    ada = world.customer(card="pm_card_visa")
    page = started(world, ada)
    world.faults.next("rate_limited", path)
    outcomes = [
        world.provider.start_checkout(request(ada), key="chk_2:start"),
        world.provider.fetch_checkout(page.ref),
        world.provider.set_default_method(ada, world.stripe.payment_methods.list({"customer": ada}).data[0].id, key="default"),
        world.provider.open_portal(ada, return_url=PLANS, key="ptl_1"),
    ]
    assert [isinstance(outcome, Limited) for outcome in outcomes].count(True) == 1


def test_what_stripe_will_not_do_is_refused(world: World) -> None:
    ada = world.customer()
    outcomes = [
        world.provider.start_checkout(request(ada, success_url="nowhere"), key="chk_1:start"),
        world.provider.start_checkout(request("cus_nobody"), key="chk_2:start"),
        world.provider.fetch_checkout("cs_test_nobody"),
        world.provider.set_default_method(ada, "pm_nobody", key="default"),
        world.provider.open_portal("cus_nobody", return_url=PLANS, key="ptl_1"),
    ]
    assert [outcome.code for outcome in outcomes if isinstance(outcome, Refused)] == ["url_invalid", *["resource_missing"] * 4]


def test_each_visit_of_the_portal_has_a_link_of_its_own_under_the_one_configuration(world: World) -> None:
    ada = world.customer()
    links = {world.provider.open_portal(ada, return_url=PLANS, key=f"ptl_{number}") for number in range(3)}
    assert len(links) == 3
    (configuration,) = world.stripe.billing_portal.configurations.list().data
    enabled = {name: feature["enabled"] for name, feature in configuration.features.to_dict().items()}
    assert [name for name in sorted(enabled) if enabled[name]] == ["invoice_history", "payment_method_update"]


def test_a_configuration_that_was_switched_off_is_made_anew(world: World) -> None:
    ada = world.customer()
    assert isinstance(world.provider.open_portal(ada, return_url=PLANS, key="ptl_1"), str)
    (configuration,) = world.stripe.billing_portal.configurations.list().data
    world.stripe.billing_portal.configurations.update(configuration.id, {"active": False})
    assert isinstance(world.provider.open_portal(ada, return_url=PLANS, key="ptl_2"), str)


def test_a_delivery_is_read_as_it_came(world: World) -> None:
    body = '{"data": {"object": {"id": "cs_test_1", "metadata": {"tallystick_checkout": "chk_1"}}}}'
    told = world.provider_with(SECRET).interpret(Delivery("evt_1", "checkout.session.expired", body, START, livemode=False))
    assert told == CheckoutExpired("cs_test_1", CheckoutId("chk_1"))
