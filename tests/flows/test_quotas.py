"""Asking, taking, holding: each once for its op, on both engines, and whole wherever a crash strikes."""

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from tallystick.app import Tallystick
from tallystick.domain.entitlements import Policy, Quota, Reason, Reset
from tallystick.domain.usage import Aggregation, Event, Meter, Verdict
from tallystick.storage.database import Database
from tallystick.values.errors import Conflict, InvalidInput, NotFound
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tests.scenarios.world import World

CALLS = Meter(MeterKey("calls"), decimals=2)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    made = World(database_url)
    made.billing.put_meter(CALLS)
    yield made
    made.billing.close()


@pytest.fixture
def billing(world: World) -> Tallystick:
    """Ada may use ten calls a month."""
    world.billing.grant("ada", "calls", Quota(Decimal(10)))
    return world.billing


def recorded(billing: Tallystick, customer: str = "ada") -> dict[str, Decimal]:
    return {event.id: event.quantity for event in billing.events(customer, limit=200)}


def test_without_an_entitlement_nothing_is_allowed_and_the_reason_is_told(world: World) -> None:
    billing = world.billing
    assert billing.check("ada", "calls").reason is Reason.UNKNOWN_CUSTOMER
    assert billing.check("ada", "no-meter").reason is Reason.UNKNOWN_METER
    billing.put_customer("ada")
    for answer in (
        billing.check("ada", "calls"),
        billing.consume("ada", "calls", op="a"),
        billing.reserve("ada", "calls", op="b").decision,
    ):
        assert (answer.allowed, answer.reason) == (False, Reason.NO_ENTITLEMENT)
        assert (answer.limit, answer.remaining) == (0, 0), "and not null, which is unlimited"
    assert recorded(billing) == {}
    with pytest.raises(Conflict, match="was denied"):
        billing.reserve("ada", "calls", op="c").commit()


def test_what_is_granted_is_seen_by_the_next_check_and_is_on_the_bill(billing: Tallystick, world: World) -> None:
    taken = billing.consume("ada", "calls", "2.5", op="a")
    assert (taken.allowed, taken.used, taken.remaining) == (True, Decimal("2.5"), Decimal("7.5"))
    assert billing.check("ada", "calls", "7.5").allowed
    assert billing.check("ada", "calls", "7.51").reason is Reason.QUOTA_EXCEEDED
    assert billing.consume("ada", "calls", 8, op="b").remaining == Decimal("7.5")
    assert recorded(billing) == {"a": Decimal("2.5")}
    world.proves()


def test_an_operation_sent_again_takes_once_and_another_under_its_name_is_told(billing: Tallystick, world: World) -> None:
    for _ in range(3):
        assert billing.consume("ada", "calls", 10, op="a").allowed
    for quantity in (9, 11):
        with pytest.raises(Conflict, match="op of its own") as told:
            billing.consume("ada", "calls", quantity, op="a")
        assert told.value.code == "operation_conflict"
    with pytest.raises(Conflict, match="op of its own"):
        billing.reserve("ada", "calls", 10, op="a")
    billing.put_meter(replace(CALLS, key=MeterKey("pages")))
    billing.grant("ada", "pages", Quota(None))
    with pytest.raises(Conflict, match="op of its own"):
        billing.consume("ada", "pages", 10, op="a")
    billing.grant("ben", "calls", Quota(Decimal(1)))
    assert billing.consume("ben", "calls", 1, op="a").allowed, "each customer has names of their own"
    assert not billing.consume("ada", "calls", "0.01", op="b").allowed
    world.proves()


def test_a_denied_operation_may_be_sent_again_when_there_is_room(billing: Tallystick) -> None:
    assert not billing.consume("ada", "calls", 11, op="a").allowed
    billing.grant("ada", "calls", Quota(Decimal(11)))
    assert billing.consume("ada", "calls", 11, op="a").allowed


def test_zero_is_zero_null_is_unlimited_and_soft_says_that_it_is_overage(world: World) -> None:
    billing = world.billing
    billing.grant("zero", "calls", Quota(Decimal(0)))
    billing.grant("free", "calls", Quota(None))
    billing.grant("soft", "calls", Quota(Decimal(1), Policy.SOFT))
    assert billing.consume("zero", "calls", "0.01", op="a").reason is Reason.QUOTA_EXCEEDED
    assert billing.consume("free", "calls", 10**9, op="a").remaining is None
    assert billing.consume("soft", "calls", 1, op="a").reason is None
    over = billing.consume("soft", "calls", 5, op="b")
    assert (over.allowed, over.reason, over.used, over.remaining) == (True, Reason.OVERAGE, 6, 0)
    with pytest.raises(InvalidInput) as told:
        billing.consume("free", "calls", CALLS.quantity_max, op="b")
    assert told.value.code == "quantity_overflow"
    world.proves()


def test_a_limit_lowered_below_what_is_used_allows_nothing_more_and_takes_nothing_back(billing: Tallystick, world: World) -> None:
    billing.consume("ada", "calls", 6, op="a")
    held = billing.reserve("ada", "calls", 3, op="r")
    billing.grant("ada", "calls", Quota(Decimal(2)))
    answer = billing.check("ada", "calls", "0.01")
    assert (answer.allowed, answer.used, answer.remaining) == (False, 6, 0)
    assert billing.consume("ada", "calls", 6, op="a").allowed, "it was, before"
    assert not held.commit("3.01").allowed
    assert held.commit(3).allowed, "it was promised"
    world.proves()


def test_less_may_be_committed_than_was_reserved_and_the_rest_is_free_again(billing: Tallystick, world: World) -> None:
    held = billing.reserve("ada", "calls", 8, op="r")
    assert (held.decision.reserved, held.decision.remaining) == (8, 2)
    assert recorded(billing) == {}
    for _ in range(2):
        done = held.commit("5.5")
        assert (done.allowed, done.used, done.reserved, done.remaining) == (True, Decimal("5.5"), 0, Decimal("4.5"))
    assert recorded(billing) == {"r": Decimal("5.5")}
    with pytest.raises(Conflict, match=r"with 5\.5; that stands"):
        held.commit(5)
    with pytest.raises(Conflict, match="stays used"):
        held.release()
    world.proves()


def test_more_may_be_committed_only_where_there_is_room(billing: Tallystick, world: World) -> None:
    held = billing.reserve("ada", "calls", 5, op="r")
    billing.consume("ada", "calls", 3, op="a")
    no = held.commit("7.01")
    assert (no.allowed, no.used, no.reserved, no.remaining) == (False, 3, 5, 2)
    assert held.commit(7).used == 10
    world.proves()


def test_more_that_a_raised_limit_has_room_for_is_proved_against_that_limit(billing: Tallystick, world: World) -> None:
    held = billing.reserve("ada", "calls", 5, op="r")
    billing.grant("ada", "calls", Quota(Decimal(20)))
    assert held.commit(15).used == 15
    world.proves()


def test_nothing_used_is_nothing_recorded(billing: Tallystick, world: World) -> None:
    held = billing.reserve("ada", "calls", 5, op="r")
    for _ in range(2):
        assert held.commit(0).remaining == 10
    assert recorded(billing) == {}
    world.proves()


def test_released_twice_is_released_once(billing: Tallystick, world: World) -> None:
    held, other = billing.reserve("ada", "calls", 5, op="r"), billing.reserve("ada", "calls", 5, op="s")
    for _ in range(2):
        held.release()
        assert billing.check("ada", "calls").reserved == 5, "nothing of another's is freed"
    with pytest.raises(Conflict, match="reserve again"):
        held.commit()
    with pytest.raises(Conflict, match="reserve again"):
        billing.reserve("ada", "calls", 5, op="r")
    assert billing.reserve("ada", "calls", 5, op="s").id == other.id
    with pytest.raises(NotFound):
        billing.release("rsv_none")
    with pytest.raises(NotFound):
        billing.commit("rsv_none")
    world.proves()


def test_a_reservation_ends_by_itself_at_its_very_instant(billing: Tallystick, world: World) -> None:
    held = billing.reserve("ada", "calls", 10, op="r", ttl=timedelta(minutes=1))
    world.later(seconds=59.999999)
    assert not billing.check("ada", "calls").allowed
    world.later(microseconds=1)
    assert billing.check("ada", "calls", 10).allowed, "nobody had to note it"
    assert billing.consume("ada", "calls", 10, op="a").allowed
    for _ in range(2):
        with pytest.raises(Conflict) as told:
            held.commit(1)
        assert told.value.code == "reservation_ended"
        held.release()
    assert billing.check("ada", "calls").used == 10
    world.proves()


def test_the_sweep_notes_what_nobody_asked_about(billing: Tallystick, world: World) -> None:
    billing.reserve("ada", "calls", 4, op="r")
    world.later(minutes=14).works()
    assert reserved(world) == 400
    world.later(minutes=1).works()
    assert reserved(world) == 0
    world.proves()


def reserved(world: World) -> int:
    with world.billing.context.database.reading() as conn:
        return int(conn.execute(text("SELECT SUM(reserved) FROM tallystick_quota_counters")).scalar_one())


def test_an_event_of_the_same_name_that_came_by_other_means_is_not_taken_for_ours(billing: Tallystick, world: World) -> None:
    foreign = Event(CustomerId("ada"), EventId("a"), CALLS.key, Decimal(3), world.clock.now(), source="quota")
    assert billing.record([foreign])[0].verdict is Verdict.RECORDED
    with pytest.raises(Conflict, match="other means"):
        billing.consume("ada", "calls", 3, op="a")
    assert billing.check("ada", "calls").used == 0
    world.proves()


def test_a_meter_with_a_quota_keeps_what_its_figures_mean(billing: Tallystick) -> None:
    with pytest.raises(Conflict, match="quotas"):
        billing.put_meter(replace(CALLS, decimals=0))
    billing.put_meter(replace(CALLS, unit="call"))
    billing.put_meter(Meter(MeterKey("peak"), Aggregation.MAX))
    with pytest.raises(InvalidInput, match="sums"):
        billing.grant("ada", "peak", Quota(None))
    with pytest.raises(InvalidInput, match="no such meter"):
        billing.grant("ada", "no-meter", Quota(None))
    with pytest.raises(InvalidInput, match="2 are kept"):
        billing.consume("ada", "calls", "0.001", op="a")


def test_a_change_of_an_entitlement_is_audited_and_the_same_again_is_none(billing: Tallystick) -> None:
    billing.grant("ada", "calls", Quota(Decimal(10)), actor="key:1")
    billing.grant("ada", "calls", Quota(None, Policy.SOFT, Reset.NEVER, "Asia/Tokyo"), actor="key:2")
    second, first = (entry.act for entry in billing.audit(limit=5))
    assert (first.action, first.subject, first.before) == ("entitlement.granted", "ada", None)
    assert second.before == first.after == {
        "meter": "calls", "limit": "10", "policy": "hard", "reset": "calendar_month", "zone": "UTC",
    }  # fmt: skip
    assert (second.actor, second.after["limit"], second.after["zone"]) == ("key:2", None, "Asia/Tokyo")


class Struck(Exception):
    """The process ends here."""


class Strikes:
    """Ends the process at the n-th point that it comes to."""

    def __init__(self) -> None:
        self.left, self.passed = 10**9, list[str]()

    def point(self, name: str) -> None:
        self.passed.append(name)
        self.left -= 1
        if self.left < 0:
            raise Struck(name)

    def mark(self, name: str) -> None:
        pass


@pytest.mark.parametrize("way", ["consume", "reserve and commit", "reserve and release"])
def test_a_crash_at_any_point_loses_nothing_and_the_retry_ends_it(billing: Tallystick, world: World, way: str) -> None:
    strikes, url = Strikes(), world.url
    struck = Tallystick(
        replace(billing.context, database=Database.from_url(url, clock=world.clock, faults=strikes), faults=strikes)
    )

    def work(op: str) -> None:
        if way == "consume":
            assert struck.consume("ada", "calls", "0.1", op=op).allowed
            return
        held = struck.reserve("ada", "calls", "0.2", op=op)
        held.commit("0.1") if way == "reserve and commit" else held.release()

    work("counted")
    points = len(strikes.passed)
    assert points >= 6
    for place in range(points):
        op = f"op-{place}"
        strikes.left = place
        with pytest.raises(Struck):
            work(op)
        strikes.left = 10**9
        world.proves()
        with suppress(Conflict) if way == "reserve and release" else nullcontext():  # where it was released before the crash
            work(op)
        world.proves()
    answer = billing.check("ada", "calls")
    expected = Decimal(0) if way == "reserve and release" else Decimal("0.1") * (points + 1)
    assert (answer.used, answer.reserved) == (expected, 0)
    assert sum(recorded(billing).values(), Decimal(0)) == expected
    struck.close()
