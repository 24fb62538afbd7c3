"""Subscriptions that the provider bills, in bad weather: replies lost, processes dead, news late; and bugs that are found."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tallystick.domain import provider_subscriptions
from tallystick.domain.provider_subscriptions import End, FollowedSubscription, Standing
from tallystick.flows import sweep_provider_subscriptions
from tallystick.providers.stripe.client import StripeProvider
from tallystick.providers.stripe.subscriptions import subscription as told_of
from tallystick.sandbox.faults import Lost
from tallystick.values.errors import Conflict
from tests.flows.test_provider_subscriptions import Business

FAULTS = ("lost_reply", "lost_request", "timeout_after_success", "stored_500", "rate_limited")
CALLS = ("POST /v1/subscriptions", "POST /v1/invoices/{id}/pay", "POST /v1/subscriptions/{id}", "DELETE /v1/subscriptions/{id}")
WEATHER = st.one_of(
    st.tuples(st.just("fault"), st.sampled_from(FAULTS), st.sampled_from(CALLS)),
    st.tuples(st.just("crash"), st.sampled_from(("know subscription", "mirror invoice", "follow subscription")), st.just("")),
    st.tuples(st.just("subscribe"), st.just(""), st.just("")),
    st.tuples(st.just("end"), st.sampled_from(("period_end", "go_on", "now")), st.just("")),
    st.tuples(st.just("cancel there"), st.just(""), st.just("")),
    st.tuples(st.just("seats there"), st.sampled_from("14"), st.just("")),
    st.tuples(st.just("news"), st.sampled_from(("once", "twice")), st.just("")),
    st.tuples(st.just("work"), st.just(""), st.just("")),
    st.tuples(st.just("wait"), st.sampled_from(("minutes", "days", "weeks")), st.just("")),
)
STORMS = settings(
    max_examples=6,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)
_WAITS = {"minutes": timedelta(minutes=20), "days": timedelta(days=2), "weeks": timedelta(days=20)}


class Struck(BaseException):
    """The process is gone, in the middle of what it did."""


class Strikes:
    """One crash, in the transaction of that name, just before it is kept."""

    def __init__(self) -> None:
        self.planned: str | None = None

    def point(self, name: str) -> None:
        if self.planned is not None and name == f"{self.planned}:before_commit":
            self.planned = None
            raise Struck

    def mark(self, name: str) -> None:
        assert name != "job.buried"


class Storm:
    """A business, and what happens to it."""

    def __init__(self) -> None:
        self.world = Business("sqlite://")
        self.world.opens()
        self.strikes = Strikes()
        self.world.billing.context.database.faults = self.strikes

    def happens(self, what: str, which: str, where: str) -> None:
        world = self.world
        match what:
            case "fault":
                world.sandbox.faults.next(which, on=where)
            case "crash":
                self.strikes.planned = which
            case "subscribe":
                self._tried(lambda: world.billing.subscribe_at_provider("ada", "pro"))
            case "end":
                self._tried(lambda: world.billing.end_at_provider(self.last().id, which))
            case "cancel there" | "seats there":
                self._tried(lambda: self._there(what, which))
            case "news":
                self._lived(lambda: world.delivers(times=2 if which == "twice" else 1))
            case "work":
                self._lived(world.works)
            case _:
                world.clock.advance(_WAITS[which])

    def _there(self, what: str, which: str) -> None:
        if what == "cancel there":
            self.world.sandbox_call("DELETE", f"/v1/subscriptions/{self.last().ref}")
        else:
            self.world.seats_there(self.last(), int(which))

    def clears(self) -> None:
        """Everybody finishes what they were about; what was lost is asked for."""
        self.strikes.planned = None
        self.world.sandbox.faults.off()
        for _ in range(4):
            self.world.later(hours=7)
            self.world.delivers()
            self._lived(lambda: sweep_provider_subscriptions.sweep_provider_subscriptions(self.world.billing.context))
            self._lived(self.world.works)

    def last(self) -> FollowedSubscription:
        return max(self.world.billing.provider_subscriptions("ada"), key=lambda each: each.created_at)

    def _tried(self, step: Callable[[], object]) -> None:
        try:
            step()
        except (Conflict, ValueError, AssertionError, Lost):  # too soon, too late, or not there: an answer
            return

    def _lived(self, step: Callable[[], object]) -> None:
        try:
            step()
        except Struck:
            self.world.later(minutes=6)  # the lease of its job is over


def lives(storm: Storm, days: list[tuple[str, str, str]]) -> None:
    try:
        for day in days:
            storm.happens(*day)
        storm.clears()
        check(storm.world)
    finally:
        storm.world.billing.close()


def check(world: Business) -> None:
    """One there for each that was begun here, and standing the same; each invoice charged once, and mirrored as it is."""
    there = world.sandbox_call("GET", "/v1/subscriptions", status="all", limit=100)["data"]
    found: dict[str, list[Any]] = {}
    for doc in there:
        found.setdefault(doc["metadata"]["tallystick_subscription"], []).append(doc)
    for followed in world.billing.provider_subscriptions("ada"):
        docs = found.pop(followed.id, [])
        assert len(docs) == 1, f"{followed.id}: {len(docs)} at the provider"
        told = told_of(docs[0])
        assert (followed.ref, followed.standing, followed.ends_with_period) == (told.ref, told.standing, told.ends_with_period)
        assert {item.quantity for item in told.items if item.lookup_key == "pro_seat"} == {followed.terms.seats}
        assert followed.standing is Standing.CANCELED or (followed.told, followed.end) in {
            (followed.wishes, End.PERIOD_END if told.ends_with_period else End.GO_ON)
        }, f"{followed.id}: {followed.end} was wished"
    assert not found, "each at the provider is one of ours"
    invoices = {doc["id"]: doc for doc in world.sandbox_call("GET", "/v1/invoices", limit=100)["data"]}
    mirrored = {each.invoice.ref: each.invoice for each in world.billing.provider_invoices("ada", limit=100)}
    assert mirrored.keys() == invoices.keys()
    assert {ref: (each.standing, each.amount_paid.minor) for ref, each in mirrored.items()} == {
        ref: (doc["status"], doc["amount_paid"]) for ref, doc in invoices.items()
    }
    charged = sum(doc["amount"] for doc in world.sandbox_call("GET", "/v1/charges", limit=100)["data"])
    assert charged == sum(doc["amount_paid"] for doc in invoices.values())
    grants = any(each.standing in provider_subscriptions.ENTITLED for each in world.billing.provider_subscriptions("ada"))
    assert world.billing.has_feature("ada", "sso") == grants


@STORMS
@given(days=st.lists(WEATHER, min_size=3, max_size=14))
def test_whatever_happens_there_is_one_and_it_is_followed(days: list[tuple[str, str, str]]) -> None:
    lives(Storm(), [("subscribe", "", ""), *days])


@contextmanager
def who_asks_again_does_not_look() -> Iterator[None]:
    with patch.object(StripeProvider, "find_subscription", lambda *_: None), _each_call_a_key_of_its_own():
        yield


@contextmanager
def _each_call_a_key_of_its_own() -> Iterator[None]:
    real, count = StripeProvider.subscribe, iter(range(10**6))

    def subscribed(self: StripeProvider, request: Any, *, key: str) -> Any:
        return real(self, request, key=f"{key}:{next(count)}")

    with patch.object(StripeProvider, "subscribe", subscribed):
        yield


@contextmanager
def a_wish_is_forgotten_when_its_reply_is_lost() -> Iterator[None]:
    real = provider_subscriptions.wished
    with patch.object(provider_subscriptions, "wished", lambda *asked: _carried_out(real(*asked))):
        yield


def _carried_out(after: FollowedSubscription) -> FollowedSubscription:
    return replace(after, told=after.wishes)


WORK, BEGIN, LOST = ("work", "", ""), ("subscribe", "", ""), ("fault", "lost_reply", "POST /v1/subscriptions")


@pytest.mark.parametrize(
    ("planted", "days"),
    [
        (who_asks_again_does_not_look, [BEGIN, LOST, WORK]),
        (a_wish_is_forgotten_when_its_reply_is_lost, [BEGIN, WORK, ("end", "now", ""), WORK]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bug_that_is_planted_is_found(planted: Any, days: list[tuple[str, str, str]]) -> None:
    lives(Storm(), days)
    with planted(), pytest.raises(AssertionError):
        lives(Storm(), days)
