"""A plan that the provider bills is begun on its page: once, paid there, followed from then on, whatever is lost or given up."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tallystick.domain.payments import KEY_AGE_MAX
from tallystick.domain.provider_subscriptions import FollowedSubscription, InvoiceStanding, Standing
from tallystick.sandbox import pages
from tallystick.values.errors import Conflict, InvalidInput, ProviderRefused, ProviderUnavailable
from tallystick.values.money import USD, Money
from tests.flows.test_provider_subscriptions import Business

OK, BACK = "https://shop.test/ok?session={CHECKOUT_SESSION_ID}", "https://shop.test/plans"


@pytest.fixture
def world() -> Iterator[Business]:
    yield from opened("sqlite://")


@pytest.fixture
def any_world(database_url: str) -> Iterator[Business]:
    """The same on either engine."""
    yield from opened(database_url)


def opened(url: str) -> Iterator[Business]:
    made = Business(url)
    made.opens(card=None)
    yield made
    made.proves()
    made.billing.close()


def sent(world: Business, **more: Any) -> FollowedSubscription:
    return world.billing.subscribe_on_page("ada", **{"plan": "pro", "success_url": OK, "cancel_url": BACK, "seats": 3, **more})


def on_page(world: Business, followed: FollowedSubscription, card: str = "pm_card_visa") -> int:
    """The customer, on the page; the status of what they then see."""
    assert followed.page_url is not None
    path = followed.page_url.removeprefix(world.sandbox.public_url)
    return pages.answer(world.sandbox, "POST", path, f"card={card}".encode())[0]


def held(world: Business, kind: str) -> list[Any]:
    """What the sandbox has of them, oldest first."""
    with world.sandbox.state.transaction():
        return world.sandbox.call().list(kind)


def open_pages(world: Business) -> list[str]:
    return [session["id"] for session in held(world, "checkout.session") if session["status"] == "open"]


def test_who_subscribes_on_the_page_is_followed_as_if_we_had_begun_it(any_world: Business) -> None:
    world = any_world
    asked = sent(world)
    assert (asked.standing, asked.ref, open_pages(world)) == (Standing.REQUESTED, None, [asked.page_ref])
    assert not world.billing.has_feature("ada", "sso")
    assert on_page(world, asked) == 303
    world.hears(times=2)
    begun = world.stands(asked)
    assert (begun.standing, begun.period is not None) == (Standing.ACTIVE, True)
    assert world.billing.has_feature("ada", "sso")
    (mirrored,) = world.billing.provider_invoices("ada")
    assert (mirrored.invoice.standing, mirrored.invoice.total) == (InvoiceStanding.PAID, Money(60_00, USD))
    assert len(held(world, "subscription")) == 1
    world.billing.end_at_provider(begun.id, "period_end")
    world.hears()
    assert world.stands(asked).ends_with_period
    with pytest.raises(Conflict, match="already"):
        sent(world)


def test_without_any_webhook_it_is_found_out_by_asking(world: Business) -> None:
    asked = sent(world)
    on_page(world, asked)
    world.later(hours=1)
    world.works()
    assert world.stands(asked).standing is Standing.ACTIVE


def test_the_same_wish_is_the_same_page_and_another_one_closes_it(any_world: Business) -> None:
    world = any_world
    first = sent(world)
    assert sent(world) == first
    other = sent(world, seats=5)
    assert open_pages(world) == [other.page_ref]
    assert (world.stands(first).standing, on_page(world, first)) == (Standing.REFUSED, 410)
    assert on_page(world, other) == 303
    world.hears(times=2)
    assert [each["items"]["data"][0]["quantity"] for each in held(world, "subscription")] == [5]


def test_who_has_just_subscribed_in_another_tab_does_not_pay_for_two(world: Business) -> None:
    first = sent(world)
    on_page(world, first)
    with pytest.raises(Conflict, match="already"):
        sent(world, seats=5)
    assert (world.stands(first).standing, open_pages(world)) == (Standing.ACTIVE, [])
    assert len(held(world, "subscription")) == 1


def test_who_has_just_subscribed_and_asks_again_is_told_so(world: Business) -> None:
    on_page(world, sent(world))
    with pytest.raises(Conflict, match="already"):
        sent(world)


def test_a_page_whose_day_is_over_has_begun_nothing_and_the_next_wish_gets_another(any_world: Business) -> None:
    world = any_world
    first = sent(world)
    world.later(hours=25)
    world.hears()
    assert (world.stands(first).standing, (world.stands(first).reason or "")[:11]) == (Standing.REFUSED, "page_closed")
    again = sent(world)
    assert (again.id != first.id, open_pages(world)) == (True, [again.page_ref])


def test_a_page_that_is_over_without_news_is_not_handed_out_again(world: Business) -> None:
    first = sent(world)
    world.sandbox_call("POST", f"/v1/checkout/sessions/{first.page_ref}/expire")
    again = sent(world)
    assert (again.page_ref != first.page_ref, open_pages(world)) == (True, [again.page_ref])


def test_a_declined_card_begins_nothing_and_leaves_the_page_open(world: Business) -> None:
    asked = sent(world)
    assert on_page(world, asked, "pm_card_chargeDeclined") == 402
    world.hears()
    assert (world.stands(asked).standing, sent(world).page_ref) == (Standing.REQUESTED, asked.page_ref)


def test_one_that_waits_for_the_bank_is_neither_charged_by_us_nor_kept_beside_another(any_world: Business) -> None:
    world = any_world
    world.saves("pm_card_visa")
    asked = sent(world)
    on_page(world, asked, "pm_card_authenticationRequired")
    world.hears()
    assert world.stands(asked).standing is Standing.INCOMPLETE
    world.later(hours=2)
    world.works()
    assert [each["status"] for each in held(world, "subscription")] == ["incomplete"], "its page is open"
    other = sent(world, seats=1)
    assert [each["status"] for each in held(world, "subscription")] == ["canceled"]
    on_page(world, other)
    world.hears(times=2)
    assert (world.stands(asked).standing, world.stands(other).standing) == (Standing.CANCELED, Standing.ACTIVE)


def test_what_was_begun_on_a_page_and_never_paid_is_no_difference_once_both_are_over(any_world: Business) -> None:
    """Nobody told us that it had been begun, until its page was over."""
    world = any_world
    asked = sent(world)
    assert on_page(world, asked, "pm_card_authenticationRequired") == 303
    world.later(hours=25)
    world.works()
    assert world.stands(asked).standing is Standing.REFUSED
    assert [each["status"] for each in held(world, "subscription")] == ["incomplete_expired"]
    assert world.billing.reconcile(repair=True).beyond_repair == []
    world.works()
    assert world.billing.reconcile().findings == []


def test_a_trial_begins_on_the_page_with_a_card_for_later(world: Business) -> None:
    asked = sent(world, trial_days=14)
    assert on_page(world, asked) == 303
    world.hears()
    assert (world.stands(asked).standing, held(world, "charge")) == (Standing.TRIALING, [])


@pytest.mark.parametrize("fault", ["lost_reply", "timeout_after_success", "lost_request", "rate_limited"])
def test_where_the_provider_does_not_answer_one_asks_again_and_it_is_one_page(world: Business, fault: str) -> None:
    world.sandbox.faults.next(fault, "POST /v1/checkout/sessions")
    with pytest.raises(ProviderUnavailable):
        sent(world)
    assert sent(world).page_ref == sent(world).page_ref
    assert len(held(world, "checkout.session")) == 1


class Meanwhile:
    """The provider; when it has been asked for a customer, something else happens before its answer is read."""

    def __init__(self, provider: Any, happens: Callable[[], object]) -> None:
        self.provider, self.happenings = provider, [happens]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.provider, name)

    def ensure_customer(self, *about: Any, **said: Any) -> Any:
        told = self.provider.ensure_customer(*about, **said)
        while self.happenings:
            self.happenings.pop()()
        return told


def test_a_worker_that_opens_the_page_at_the_same_moment_opens_the_same_one(any_world: Business) -> None:
    world = any_world
    here: Any = Meanwhile(world.billing.context.provider, world.works)
    world.billing.context = replace(world.billing.context, provider=here)
    asked = sent(world)
    assert not here.happenings, "it did come in between"
    assert (open_pages(world), len(held(world, "checkout.session"))) == ([asked.page_ref], 1)
    assert on_page(world, asked) == 303
    world.hears()
    assert world.stands(asked).standing is Standing.ACTIVE


def test_a_failure_that_the_provider_keeps_is_stepped_over(world: Business) -> None:
    world.sandbox.faults.next("stored_500", "POST /v1/checkout/sessions")
    with pytest.raises(ProviderUnavailable):
        sent(world)
    asked = sent(world)
    assert on_page(world, asked) == 303
    world.hears()
    assert world.stands(asked).standing is Standing.ACTIVE


def test_a_page_that_nobody_was_given_the_address_of_is_given_up(world: Business) -> None:
    world.sandbox.faults.next("lost_request", "POST /v1/checkout/sessions")
    with pytest.raises(ProviderUnavailable):
        sent(world)
    world.clock.advance(KEY_AGE_MAX)
    world.works()
    (given_up,) = world.billing.provider_subscriptions("ada")
    assert given_up.standing is Standing.REFUSED


def test_what_the_provider_does_not_sell_is_refused_with_its_reason(world: Business) -> None:
    price = {"currency": "usd", "model": "per_unit", "unit_amount": "1", "lookup_key": "nobody_knows"}
    charge = {"key": "base", "kind": "seats", "prices": [price]}
    world.billing.apply_catalogue({"plans": [{"key": "odd", "billed_by": "provider", "charges": [charge]}]})
    with pytest.raises(ProviderRefused, match="nobody_knows"):
        sent(world, plan="odd")
    for wrong in ({"success_url": "javascript:alert(1)"}, {"plan": "none"}, {"trial_days": -1}):
        with pytest.raises(InvalidInput):
            sent(world, **wrong)


def test_who_no_longer_wants_it_has_its_page_closed(world: Business) -> None:
    asked = sent(world)
    world.billing.end_at_provider(asked.id, "now")
    world.works()
    assert (world.stands(asked).standing, open_pages(world)) == (Standing.REFUSED, [])
