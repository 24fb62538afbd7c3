"""A customer is sent to the provider to save a card: once, whatever is lost on the way, and found however the news travels."""

import contextlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain.catalog import FlatPrice
from tallystick.domain.checkouts import Checkout, CheckoutStatus
from tallystick.domain.invoices import InvoiceStatus
from tallystick.domain.ledger import Account
from tallystick.domain.plans import ChargeKind, PlanCharge, PlanPrice, PlanVersion
from tallystick.domain.subscriptions import Status, Subscription
from tallystick.sandbox import pages
from tallystick.storage import checkouts, jobs, plans, provider_events, subscriptions
from tallystick.storage.provider_events import Settlement
from tallystick.values.errors import Conflict, InvalidInput, NotFound, ProviderRefused, ProviderUnavailable
from tallystick.values.ids import CustomerId
from tallystick.values.money import EUR, Money
from tests.flows.crowd import at_once, patiently
from tests.scenarios.world import World

OK, BACK = "https://shop.test/ok?session={CHECKOUT_SESSION_ID}", "https://shop.test/plans"


class Struck(Exception):
    pass


class StrikesAt:
    """One crash, at the point of that name."""

    def __init__(self, point: str) -> None:
        self.planned: str | None = point

    def point(self, name: str) -> None:
        if name == self.planned:
            self.planned = None
            raise Struck

    def mark(self, name: str) -> None:
        pass


@pytest.fixture
def world() -> Iterator[World]:
    yield from opened("sqlite://")


@pytest.fixture
def any_world(database_url: str) -> Iterator[World]:
    """The same on either engine."""
    yield from opened(database_url)


def opened(url: str) -> Iterator[World]:
    made = World(url)
    with made.billing.context.database.transaction("plans") as conn:
        for key in ("pro", "basic"):
            assert plans.add(conn, a_plan(key, 99), at=made.clock.now())
    yield made
    made.billing.close()


def a_plan(key: str, amount: int, *, version: int = 1) -> PlanVersion:
    price = PlanPrice(FlatPrice(Decimal(amount), currency=EUR))
    return PlanVersion(key, version, (PlanCharge("base", ChargeKind.RECURRING, (price,)),))


def start(world: World, plan: str = "pro", customer: str = "ada", **more: Any) -> Checkout:
    return world.billing.start_checkout(customer, plan=plan, **{"success_url": OK, "cancel_url": BACK, **more})


def saves(world: World, checkout: Checkout, card: str = "pm_card_visa") -> int:
    """The customer, on the page; the status of what they then see."""
    assert checkout.url is not None
    return on_page(world, checkout.url, card)


def on_page(world: World, url: str, card: str) -> int:
    path = url.removeprefix(world.sandbox.public_url)
    return pages.answer(world.sandbox, "POST", path, f"card={card}".encode())[0]


def stands(world: World, checkout: Checkout) -> Checkout:
    with world.billing.context.database.reading() as conn:
        found = checkouts.get(conn, checkout.id)
    assert found is not None
    return found


def held(world: World, kind: str) -> list[Any]:
    """What the sandbox has of them, oldest first."""
    with world.sandbox.state.transaction():
        return world.sandbox.call().list(kind)


def default_of(world: World) -> list[str]:
    return [customer["invoice_settings"]["default_payment_method"] for customer in held(world, "customer")]


def subscriptions_of(world: World, customer: str = "ada") -> list[Subscription]:
    with world.billing.context.database.reading() as conn:
        return [kept.subscription for kept in subscriptions.of_customer(conn, CustomerId(customer))]


def test_a_saved_card_begins_the_subscription_and_pays_its_first_invoice(any_world: World) -> None:
    world = any_world
    checkout = start(world)
    assert (checkout.status, checkout.choice.currency, str(checkout.choice.cadence)) == (CheckoutStatus.OPEN, EUR, "month")
    assert saves(world, checkout) == 303
    world.delivers(times=2)
    world.works()
    done = stands(world, checkout)
    assert done.status is CheckoutStatus.COMPLETE
    assert default_of(world) == [done.payment_method]
    world.works()
    world.delivers(times=2)
    world.works()
    assert stands(world, checkout) == done
    (subscription,) = subscriptions_of(world)
    assert (subscription.id, subscription.terms.plan_key, subscription.status) == (done.subscription_id, "pro", Status.ACTIVE)
    (invoice,) = world.billing.invoices(customer_id="ada")
    assert (invoice.total, invoice.status) == (Money(99_00, EUR), InvoiceStatus.PAID)
    assert [charge["payment_method"] for charge in held(world, "charge")] == [done.payment_method]
    assert world.balance(Account.RECEIVABLE, EUR) == Money(0, EUR)
    world.proves()


def test_two_tabs_and_two_plans_are_one_subscription_that_the_newest_card_pays(world: World) -> None:
    first, second = start(world), start(world, "basic")
    saves(world, first)
    saves(world, second, "pm_card_mastercard")
    world.delivers(times=2)
    world.works()
    (subscription,) = subscriptions_of(world)
    assert [stands(world, each).subscription_id for each in (first, second)] == [subscription.id] * 2
    assert [charge["amount"] for charge in held(world, "charge")] == [99_00]
    assert default_of(world)[0] in {stands(world, each).payment_method for each in (first, second)}


def test_who_has_subscribed_is_not_sent_to_pay_a_second_time(world: World) -> None:
    saves(world, start(world))
    world.delivers()
    world.works()
    for plan in ("pro", "basic"):
        with pytest.raises(Conflict) as refused:
            start(world, plan)
        assert refused.value.code == "already_subscribed"
    assert start(world, customer="eve").url is not None


def test_what_was_shown_is_what_is_sold_even_if_the_plan_has_changed_since(world: World) -> None:
    checkout = start(world)
    with world.billing.context.database.transaction("dearer") as conn:
        assert plans.add(conn, a_plan("pro", 149, version=2), at=world.clock.now())
    saves(world, checkout)
    world.delivers()
    world.works()
    (subscription,) = subscriptions_of(world)
    assert subscription.terms.plan_version == 1
    assert [charge["amount"] for charge in held(world, "charge")] == [99_00]
    assert start(world, customer="eve").choice.plan_version == 2


def test_a_card_that_cannot_be_charged_leaves_an_invoice_to_pay(world: World) -> None:
    checkout = start(world)
    saves(world, checkout, "pm_card_chargeCustomerFail")
    world.delivers()
    world.works()
    (subscription,) = subscriptions_of(world)
    assert stands(world, checkout).subscription_id == subscription.id
    (invoice,) = world.billing.invoices(customer_id="ada")
    assert invoice.status is InvoiceStatus.OPEN


def test_asked_twice_it_is_the_same_page_and_for_another_plan_another(any_world: World) -> None:
    world = any_world
    checkout = start(world)
    assert start(world) == checkout
    assert start(world, currency="EUR", interval="month") == checkout
    others = [start(world, "basic"), start(world, customer="eve"), start(world, cancel_url="https://shop.test/")]
    assert len({checkout.url, *(other.url for other in others)}) == 4
    assert len(held(world, "checkout.session")) == 4
    assert len(held(world, "customer")) == 2


def test_many_who_ask_at_once_get_one_page_and_come_back_to_one_subscription(any_world: World) -> None:
    world = any_world
    shown = at_once(6, lambda _: patiently(lambda: start(world)))
    assert len({checkout.url for checkout in shown}) == 1
    assert (len(held(world, "checkout.session")), len(held(world, "customer"))) == (1, 1)
    saves(world, shown[0])
    done = at_once(6, lambda _: patiently(lambda: world.billing.checkout(shown[0].id)))
    assert {checkout.status for checkout in done} == {CheckoutStatus.COMPLETE}
    world.works()
    assert [each.id for each in subscriptions_of(world)] == [stands(world, shown[0]).subscription_id]
    assert len(world.billing.invoices(customer_id="ada")) == 1


BEGINNINGS = ("before_begin", "after_begin", "before_commit", "after_commit")


@pytest.mark.parametrize("step", ["begin checkout", "know who asks", "know customer", "know page"])
@pytest.mark.parametrize("moment", BEGINNINGS)
def test_a_crash_anywhere_on_the_way_to_the_page_makes_no_second_one(world: World, step: str, moment: str) -> None:
    faults = StrikesAt(f"{step}:{moment}")
    world.billing.context.database.faults = faults
    with pytest.raises(Struck):
        start(world)
    assert faults.planned is None
    checkout = start(world)
    saves(world, checkout)
    world.delivers()
    world.works()
    assert stands(world, checkout).status is CheckoutStatus.COMPLETE
    assert (len(held(world, "checkout.session")), len(held(world, "customer"))) == (1, 1)


@pytest.mark.parametrize("path", ["POST /v1/customers", "POST /v1/checkout/sessions"])
@pytest.mark.parametrize("fault", ["lost_request", "lost_reply", "timeout_after_success", "rate_limited"])
def test_where_the_provider_does_not_answer_one_asks_again_and_it_is_one_page(world: World, path: str, fault: str) -> None:
    world.sandbox.faults.next(fault, path)
    with pytest.raises(ProviderUnavailable):
        start(world)
    assert start(world) == start(world)
    assert (len(held(world, "checkout.session")), len(held(world, "customer"))) == (1, 1)


@pytest.mark.parametrize("effect", ["done", "half", "none"])
@pytest.mark.parametrize("path", ["POST /v1/customers", "POST /v1/checkout/sessions"])
def test_a_failure_that_the_provider_keeps_is_stepped_over(world: World, path: str, effect: str) -> None:
    world.sandbox.faults.next("stored_500", path, effect=effect)
    with pytest.raises(ProviderUnavailable):
        start(world)
    checkout = start(world)
    saves(world, checkout)
    world.delivers()
    world.works()
    assert stands(world, checkout).status is CheckoutStatus.COMPLETE
    assert len(held(world, "customer")) == 1


def test_news_may_come_before_the_answer(world: World) -> None:
    world.billing.context.database.faults = StrikesAt("know page:before_begin")
    with pytest.raises(Struck):
        start(world)
    (session,) = held(world, "checkout.session")
    assert on_page(world, session["url"], "pm_card_visa") == 303
    world.delivers()
    world.works()
    (subscription,) = subscriptions_of(world)
    assert subscription.status is Status.ACTIVE, "the checkout is complete, though nobody was told its address"
    with pytest.raises(Conflict):
        start(world)


def test_without_any_webhook_it_is_found_out_all_the_same(world: World) -> None:
    checkout = start(world)
    world.later(minutes=11)
    world.works()
    assert stands(world, checkout).status is CheckoutStatus.OPEN
    saves(world, checkout)
    world.later(hours=1)
    world.works()
    assert stands(world, checkout).status is CheckoutStatus.COMPLETE


def test_who_comes_back_is_told_at_once(world: World) -> None:
    checkout = start(world)
    assert checkout.ref is not None
    assert world.billing.checkout(checkout.ref, customer_id="ada").status is CheckoutStatus.OPEN
    saves(world, checkout)
    for reference in (checkout.ref, checkout.id):
        assert world.billing.checkout(reference).status is CheckoutStatus.COMPLETE
    assert default_of(world) == [stands(world, checkout).payment_method]
    for reference, customer in ((checkout.id, "eve"), (checkout.ref, "eve"), ("chk_none", None)):
        with pytest.raises(NotFound):
            world.billing.checkout(reference, customer_id=customer)


@pytest.mark.parametrize("with_news", [True, False])
def test_a_page_that_nobody_used_expires_and_the_next_wish_gets_another(world: World, with_news: bool) -> None:
    checkout = start(world)
    world.later(hours=24, minutes=1)
    if with_news:
        world.billing.open_portal("ada", return_url=BACK)  # any call, for the sandbox moves when it is asked
        world.delivers(times=2)
    world.later(hours=6)
    world.works()
    assert stands(world, checkout).status is CheckoutStatus.EXPIRED
    again = start(world)
    assert (again.number, again.url == checkout.url) == (1, False)
    with world.billing.context.database.reading() as conn:
        assert jobs.dead(conn) == []


def test_a_row_whose_page_was_never_known_ends_by_itself(world: World) -> None:
    world.sandbox.faults.next("lost_reply", "POST /v1/checkout/sessions")
    with pytest.raises(ProviderUnavailable):
        start(world)
    world.later(hours=48)
    world.works()
    assert start(world).number == 1
    with world.billing.context.database.reading() as conn:
        assert jobs.dead(conn) == []


def test_news_in_any_order_and_number_comes_to_the_same(world: World) -> None:
    world.sandbox.faults.set("webhook_reorder", 1.0)
    world.sandbox.faults.set("webhook_duplicate", 0.5)
    first, second = start(world), start(world, "basic")
    saves(world, first, "pm_card_chargeDeclined")
    saves(world, second)
    world.later(hours=25)
    saves(world, first)
    for _ in range(5):
        world.delivers(times=2)
        world.works()
        world.later(hours=7)
    assert [stands(world, each).status for each in (first, second)] == [CheckoutStatus.EXPIRED, CheckoutStatus.COMPLETE]


@pytest.mark.parametrize("step", ["complete checkout", "begin subscription", "news of checkout", "finish job"])
@pytest.mark.parametrize("moment", BEGINNINGS)
def test_a_crash_while_it_is_completed_is_made_good_by_the_next_run(world: World, step: str, moment: str) -> None:
    checkout = start(world)
    saves(world, checkout)
    world.delivers()
    world.billing.context.database.faults = StrikesAt(f"{step}:{moment}")
    for _ in range(4):
        with contextlib.suppress(Struck):
            world.works()
        world.later(minutes=6)
    done = stands(world, checkout)
    assert done.status is CheckoutStatus.COMPLETE
    assert default_of(world) == [done.payment_method]
    assert [each.id for each in subscriptions_of(world)] == [done.subscription_id]
    assert [charge["amount"] for charge in held(world, "charge")] == [99_00]


def test_news_of_a_page_that_is_not_ours_changes_nothing(world: World) -> None:
    checkout = start(world)
    (session,) = held(world, "checkout.session")
    with world.sandbox.state.transaction():
        call = world.sandbox.call()
        for reference in (checkout.id, "chk_none"):
            other = call.new("checkout.session", customer=session["customer"], metadata={"tallystick_checkout": reference})
            call.save(other, "checkout.session.completed")
    world.delivers()
    world.works()
    assert stands(world, checkout).status is CheckoutStatus.OPEN
    with world.billing.context.database.reading() as conn:
        told = provider_events.page(conn, limit=10)
    about = {stored.settlement for stored in told if stored.delivery.kind == "checkout.session.completed"}
    assert about == {Settlement.PARKED, Settlement.IGNORED}


def test_what_cannot_be_started_is_refused_before_the_provider_hears_of_it(world: World) -> None:
    with pytest.raises(NotFound, match="no plan gold"):
        start(world, "gold")
    wrong = ({"currency": "usd"}, {"interval": "year"}, {"interval": "often"}, {"success_url": "javascript:alert(1)"},
             {"cancel_url": "/plans"}, {"allowed_origins": ["https://other.test"]}, {"customer": ""})  # fmt: skip
    for more in wrong:
        with pytest.raises(InvalidInput):
            start(world, **more)
    assert held(world, "customer") == []


def test_each_visit_of_the_portal_has_a_link_of_its_own(any_world: World) -> None:
    world = any_world
    links = {world.billing.open_portal("ada", return_url=BACK, allowed_origins=["https://shop.test"]) for _ in range(2)}
    assert len(links) == 2
    assert len(held(world, "customer")) == 1
    with pytest.raises(InvalidInput):
        world.billing.open_portal("ada", return_url="https://evil.test", allowed_origins=["https://shop.test"])
    for path in ("POST /v1/billing_portal/sessions", "GET /v1/billing_portal/configurations"):
        world.sandbox.faults.next("lost_request", path)
        with pytest.raises(ProviderUnavailable):
            world.billing.open_portal("ada", return_url=BACK)


def test_a_customer_whom_the_provider_has_deleted_is_refused_in_words(world: World) -> None:
    start(world)
    (customer,) = held(world, "customer")
    with world.sandbox.state.transaction():
        call = world.sandbox.call()
        call.bury(call.get("customer", customer["id"]), None)
    for ask in (lambda: start(world, "basic"), lambda: world.billing.open_portal("ada", return_url=BACK)):
        with pytest.raises(ProviderRefused, match="No such customer"):
            ask()


def test_a_card_that_was_removed_meanwhile_is_for_a_person_to_look_at(world: World) -> None:
    checkout = start(world)
    saves(world, checkout)
    with world.sandbox.state.transaction():
        call = world.sandbox.call()
        for method in call.list("payment_method", ("customer", held_customer(world))):
            call.update(method, customer=None, _is_spent=True)
    world.delivers()
    world.works()
    assert stands(world, checkout).status is CheckoutStatus.COMPLETE
    with pytest.raises(ProviderRefused, match="cannot be charged"):
        world.billing.checkout(checkout.id)


def held_customer(world: World) -> str:
    found: str = world.sandbox.call().list("customer")[0]["id"]
    return found
