"""A subscription that the provider bills: what is asked for, what is learned of it, and what of its end can still be wished."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick import domain
from tallystick.domain.periods import read_cadence
from tallystick.domain.plan_documents import read_plan, write_plan
from tallystick.domain.plans import PlanVersion
from tallystick.domain.provider_subscriptions import (
    FINAL,
    End,
    FollowedSubscription,
    ItemHeld,
    ItemWanted,
    ProviderSubscription,
    Standing,
    learned,
    wished,
)
from tallystick.domain.subscriptions import PlanTerms
from tallystick.values.errors import Conflict, IllegalTransition, InvalidInput
from tallystick.values.fields import Fields
from tallystick.values.ids import CustomerId, SubscriptionId
from tallystick.values.money import EUR, USD
from tallystick.values.time import Period

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MONTH = read_cadence("month")
TOLD = st.sampled_from(sorted(set(Standing) - {Standing.REQUESTED, Standing.REFUSED}))


def price(lookup_key: str | None, **more: Any) -> dict[str, Any]:
    named = {} if lookup_key is None else {"lookup_key": lookup_key}
    return {"currency": "usd", "model": "per_unit", "unit_amount": "20", **named, **more}


def plan(**changes: Any) -> PlanVersion:
    charges = [
        {"key": "seats", "kind": "seats", "prices": [price("pro_seat")]},
        {"key": "base", "kind": "recurring", "prices": [price("pro_base")]},
        {"key": "calls", "kind": "usage", "meter": "calls", "prices": [price("pro_calls")]},
    ]
    return read_plan(Fields({"key": "pro", "billed_by": "provider", "charges": charges, **changes}))


def subscription(standing: Standing = Standing.REQUESTED, **more: Any) -> FollowedSubscription:
    terms = PlanTerms("pro", 1, USD, MONTH, seats=3)
    return FollowedSubscription(SubscriptionId("psub_1"), CustomerId("ada"), terms, timedelta(0), standing, NOW, **more)


def told(standing: Standing = Standing.ACTIVE, *, reference: str = "psub_1", ref: str = "sub_1") -> ProviderSubscription:
    return ProviderSubscription(ref, standing, SubscriptionId(reference), Period(NOW, NOW + timedelta(days=31)))


def test_seats_are_counted_and_usage_is_not() -> None:
    wanted = domain.provider_subscriptions.items(subscription().terms, plan())
    assert wanted == (ItemWanted("pro_seat", 3), ItemWanted("pro_base", 1), ItemWanted("pro_calls", None))


def held(*items: tuple[str | None, int | None]) -> ProviderSubscription:
    return replace(told(), items=tuple(ItemHeld(*item) for item in items))


@pytest.mark.parametrize(
    ("items", "seats"),
    [
        ([("pro_base", 1), ("pro_seat", 5), ("pro_calls", None)], 5),
        ([("pro_seat", 0), ("pro_base", 1)], 0),
        ([(None, 5), ("pro_base", 1), ("pro_calls", None)], 5),  # its key is a newer price's by now
        ([("pro_of_before", 5), ("pro_base", 1)], 5),
        ([(None, 5), (None, 1)], None),  # which of them is the seats?
        ([("pro_seat", 5), ("pro_seat", 6)], None),
        ([("pro_seat", 1_000_001)], None),
        ([("pro_base", 1)], None),
        ([], None),
    ],
)
def test_the_seats_that_the_provider_bills_are_the_quantity_of_the_price_by_seats(
    items: list[tuple[str | None, int | None]], seats: int | None
) -> None:
    there = held(*items)
    assert domain.provider_subscriptions.seats_held(subscription().terms, plan(), there) == seats
    assert learned(subscription(), there, seats=seats).terms.seats == (3 if seats is None else seats)


def test_a_plan_without_seats_has_none_at_the_provider() -> None:
    flat = plan(charges=[{"key": "base", "kind": "recurring", "prices": [price("pro_base")]}])
    assert domain.provider_subscriptions.seats_held(subscription().terms, flat, held((None, 5))) is None


def test_a_plan_that_the_provider_bills_is_written_as_it_was_read() -> None:
    assert read_plan(Fields(write_plan(plan()))) == plan()
    assert write_plan(plan())["billed_by"] == "provider"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"add_on": True}, "add_on"),
        ({"charges": []}, "charges"),
        ({"charges": [{"key": "base", "kind": "recurring", "prices": [price(None)]}]}, "charges"),
        ({"charges": [{"key": key, "kind": "seats", "prices": [price("same")]} for key in "ab"]}, "charges"),
        ({"charges": [{"key": "base", "kind": "one_time", "prices": [price("once")]}]}, "charges"),
        ({"charges": [{"key": "base", "kind": "recurring", "timing": "arrears", "prices": [price("late")]}]}, "charges"),
        ({"intervals": ["month", "year"]}, "charges"),
        ({"billed_by": "tallystick"}, "billed_by"),
        ({"billed_by": "somebody"}, "billed_by"),
        ({"charges": [{"key": "base", "kind": "recurring", "prices": [price("x" * 201)]}]}, "charges[0].prices[0].lookup_key"),
    ],
)
def test_what_the_provider_could_not_bill_is_no_plan(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as wrong:
        plan(**changes)
    assert wrong.value.field == field


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (PlanTerms("pro", 1, EUR, MONTH), "currency"),
        (PlanTerms("pro", 1, USD, read_cadence("year")), "interval"),
    ],
)
def test_what_is_not_offered_is_not_asked_for(terms: PlanTerms, field: str) -> None:
    with pytest.raises(InvalidInput) as wrong:
        domain.provider_subscriptions.items(terms, plan())
    assert wrong.value.field == field


@given(standings=st.lists(TOLD, max_size=8))
def test_whatever_is_told_in_whatever_order_the_last_counts_until_it_has_ended(standings: list[Standing]) -> None:
    followed = subscription()
    for standing in standings:
        followed = learned(followed, told(standing))
    ended = Standing.CANCELED in standings
    expected = Standing.CANCELED if ended else standings[-1] if standings else Standing.REQUESTED
    assert followed.standing is expected


def test_what_belongs_to_another_is_not_learned() -> None:
    for other in (told(reference="psub_2"), replace(told(), reference=None)):
        with pytest.raises(IllegalTransition):
            learned(subscription(), other)
    with pytest.raises(IllegalTransition):
        learned(subscription(Standing.ACTIVE, ref="sub_1"), told(ref="sub_2"))


def test_a_wish_is_numbered_and_the_same_again_is_the_same() -> None:
    first = wished(subscription(Standing.ACTIVE, ref="sub_1"), End.PERIOD_END)
    assert wished(first, End.PERIOD_END) == first
    again = wished(wished(first, End.GO_ON), End.PERIOD_END)
    assert (first.end_key, again.end_key) == ("psub_1:end:1", "psub_1:end:3")


def test_what_is_being_ended_now_does_not_go_on() -> None:
    ending = wished(subscription(Standing.ACTIVE, ref="sub_1"), End.NOW)
    with pytest.raises(Conflict):
        wished(ending, End.GO_ON)
    for standing in FINAL:
        with pytest.raises(Conflict):
            wished(subscription(standing), End.NOW)
