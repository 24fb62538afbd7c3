"""A customer of ours is one customer at Stripe, however the calls to make them were lost."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tallystick.domain.customers import Customer
from tallystick.providers.protocol import Refused, Unknown
from tallystick.providers.stripe import translate
from tallystick.values.ids import CustomerId
from tests.providers.stripe_world import START, World

ADA = Customer(CustomerId("ada"), START, email="ada@example.com", name="Ada")


@pytest.fixture
def world() -> World:
    return World()


def all_customers(world: World) -> list[tuple[str | None, str | None, str]]:
    listed = world.stripe.customers.list({"limit": 100}).auto_paging_iter()
    return [(customer.email, customer.name, translate.metadata(customer.to_dict())[translate.CUSTOMER]) for customer in listed]


def test_made_once_with_our_id_name_and_address(world: World) -> None:
    first = world.provider.ensure_customer(ADA, key="customer:ada")
    assert world.provider.ensure_customer(ADA, key="customer:ada") == first
    assert all_customers(world) == [("ada@example.com", "Ada", "ada")]


def test_one_that_stripe_has_already_is_not_asked_for(world: World) -> None:
    assert world.provider.ensure_customer(replace(ADA, provider_ref="cus_known"), key="customer:ada") == "cus_known"
    assert all_customers(world) == []


@pytest.mark.parametrize("path", ["POST /v1/customers", "POST /v1/customers/*"])
@pytest.mark.parametrize("fault", ["lost_request", "lost_reply"])
def test_a_lost_answer_makes_no_second_even_if_the_name_has_changed_meanwhile(world: World, path: str, fault: str) -> None:
    world.faults.next(fault, path)
    assert isinstance(world.provider.ensure_customer(ADA, key="customer:ada"), Unknown)
    renamed = replace(ADA, email="countess@example.com", name="Ada King")
    assert isinstance(world.provider.ensure_customer(renamed, key="customer:ada"), str)
    assert all_customers(world) == [("countess@example.com", "Ada King", "ada")]


def test_a_day_later_the_one_of_the_lost_call_is_adopted(world: World) -> None:
    world.faults.next("lost_reply", "POST /v1/customers")
    assert isinstance(world.provider.ensure_customer(ADA, key="customer:ada"), Unknown)
    for number in range(130):
        other = Customer(CustomerId(f"other_{number}"), START)
        assert isinstance(world.provider.ensure_customer(other, key=f"customer:{number}"), str)
    world.passes(timedelta(hours=25))
    adopted = world.provider.ensure_customer(ADA, key="customer:ada", look_first=True)
    assert isinstance(adopted, str)
    assert [who for _, _, who in all_customers(world)].count("ada") == 1
    assert world.stripe.customers.retrieve(adopted).email == "ada@example.com"


def test_a_stored_failure_is_overcome_by_looking(world: World) -> None:
    world.faults.next("stored_500", "POST /v1/customers", effect="none")
    for stored in (False, True):
        outcome = world.provider.ensure_customer(ADA, key="customer:ada")
        assert isinstance(outcome, Unknown)
        assert outcome.stored is stored
    first = world.provider.ensure_customer(ADA, key="customer:ada", look_first=True)
    assert isinstance(first, str)
    assert world.provider.ensure_customer(ADA, key="customer:ada", look_first=True) == first
    assert len(all_customers(world)) == 1


def test_without_name_and_address_one_call_is_enough(world: World) -> None:
    world.faults.next("lost_request", "POST /v1/customers/*")
    assert isinstance(world.provider.ensure_customer(Customer(CustomerId("zoë 日本"), START), key="customer:zoë 日本"), str)
    assert all_customers(world) == [(None, None, "zoë 日本")]


def test_a_name_that_stripe_refuses_is_refused_and_leaves_the_customer_nameless(world: World) -> None:
    outcome = world.provider.ensure_customer(replace(ADA, name="x" * 6000), key="customer:ada")
    assert isinstance(outcome, Refused)
    assert all_customers(world) == [(None, None, "ada")]
    assert isinstance(world.provider.ensure_customer(ADA, key="customer:ada"), str)
