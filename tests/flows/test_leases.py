"""Leases: answered out of memory, written down once for each op, given back by time, and never more than the quota has."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Self

import pytest

from tallystick.app import Leases, Tallystick
from tallystick.domain.entitlements import Decision, Policy, Quota, Reason, Reset, after
from tallystick.domain.usage import Event, Meter
from tallystick.values.errors import Busy, Conflict, InvalidInput
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tests.scenarios.world import World

CALLS = Meter(MeterKey("calls"), decimals=2)
TTL = timedelta(seconds=30)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    made = World(database_url)
    made.billing.put_meter(CALLS)
    made.billing.grant("ada", "calls", Quota(Decimal(100)))
    yield made
    made.billing.close()


@pytest.fixture
def billing(world: World) -> Tallystick:
    return world.billing


def leases(world: World, size: int = 40) -> Leases:
    """As one process has them; nothing is written down before we say so."""
    return Leases(world.billing, size=size, ttl=TTL, background=False)


def stands(billing: Tallystick) -> tuple[int, int]:
    """Used and reserved, as everybody else sees them."""
    found = billing.check("ada", "calls")
    return int(found.used), int(found.reserved)


def recorded(billing: Tallystick) -> dict[str, Decimal]:
    return {event.id: event.quantity for event in billing.events("ada", limit=200)}


def statements(billing: Tallystick, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every transaction from now on, by its name."""
    begun = list[str]()
    database = billing.context.database
    run, reading = database.run, database.reading
    monkeypatch.setattr(database, "run", lambda name, step: begun.append(name) or run(name, step))
    monkeypatch.setattr(database, "reading", lambda: begun.append("reading") or reading())
    return begun


def test_most_answers_touch_no_disk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    held = leases(world)
    assert held.check("ada", "calls").allowed
    asked = statements(world.billing, monkeypatch)
    for number in range(40):
        decision = held.consume("ada", "calls", op=f"op-{number}")
        assert (decision.allowed, decision.used, decision.remaining) == (True, number + 1, 99 - number)
    assert asked == []
    held.flush()
    assert asked == ["lease quota"], "all of them in one transaction"


def test_what_is_leased_is_reserved_and_what_was_spent_is_on_the_bill(world: World) -> None:
    held = leases(world)
    held.consume("ada", "calls", "2.5", op="a")
    assert stands(world.billing) == (0, 40)
    held.consume("ada", "calls", 3, op="b")
    held.flush()
    assert recorded(world.billing) == {"a": Decimal("2.5"), "b": Decimal(3)}
    assert world.billing.check("ada", "calls").used == Decimal("5.5")
    held.close()
    assert world.billing.check("ada", "calls").reserved == 0
    assert world.billing.verify().clean


def test_one_op_takes_once_in_one_process_before_and_after_it_is_written_down(world: World) -> None:
    held = leases(world)
    for _ in range(3):
        assert held.consume("ada", "calls", 10, op="a").used == 10
    with pytest.raises(Conflict, match="another quantity"):
        held.consume("ada", "calls", 11, op="a")
    held.flush()
    assert held.consume("ada", "calls", 10, op="a").allowed
    held.flush()
    assert held.counts.again == 1
    assert held.consume("ada", "calls", 1, op="b").used == 11, "what was taken a second time has gone back"
    held.close()
    assert stands(world.billing) == (11, 0)
    assert world.billing.verify().clean


def test_one_op_in_two_processes_or_by_consume_is_one_event(world: World) -> None:
    one, other = leases(world, 20), leases(world, 20)
    world.billing.consume("ada", "calls", 5, op="a")
    for held in (one, other):
        assert held.consume("ada", "calls", 5, op="a").allowed
        assert held.consume("ada", "calls", 7, op="b").allowed
    one.close()
    other.close()
    assert recorded(world.billing) == {"a": Decimal(5), "b": Decimal(7)}
    assert stands(world.billing) == (12, 0)
    assert (one.counts.recorded, one.counts.again) == (1, 1)
    assert (other.counts.recorded, other.counts.again) == (0, 2)


def test_an_op_that_stands_for_something_else_is_refused_when_it_is_written_down_and_costs_nothing(world: World) -> None:
    held = leases(world)
    world.billing.consume("ada", "calls", 5, op="a")
    world.billing.record([Event(CustomerId("ada"), EventId("b"), CALLS.key, Decimal(1), world.clock.now(), source="quota")])
    held.consume("ada", "calls", 6, op="a")
    held.consume("ada", "calls", 1, op="b")
    held.close()
    assert held.counts.refused == 2
    assert stands(world.billing) == (5, 0)


def test_the_last_unit_is_found_and_nobody_overspends(world: World) -> None:
    crowd = [leases(world, 40) for _ in range(3)]
    allowed = sum(held.consume("ada", "calls", op=f"{who}-{n}").allowed for n in range(60) for who, held in enumerate(crowd))
    for held in crowd:
        held.close()
    assert allowed <= 100
    assert stands(world.billing) == (allowed, 0)
    last = leases(world)
    while last.consume("ada", "calls", op=f"last-{allowed}").allowed:
        allowed += 1
    assert allowed == 100, "and none is left over"
    last.close()
    assert stands(world.billing) == (100, 0)
    assert world.billing.verify().clean


def test_no_is_never_said_out_of_memory(world: World) -> None:
    held = leases(world)
    world.billing.consume("ada", "calls", 98, op="others")
    assert not held.consume("ada", "calls", 3, op="a").allowed
    no = held.check("ada", "calls", 3)
    assert (no.allowed, no.reason, no.used, no.remaining) == (False, Reason.QUOTA_EXCEEDED, 98, 2)
    world.billing.grant("ada", "calls", Quota(Decimal(200)))
    assert held.consume("ada", "calls", 3, op="a").allowed
    assert not held.consume("ben", "calls", op="a").allowed
    assert held.check("ada", "none").reason is Reason.UNKNOWN_METER


def test_a_use_larger_than_the_lease_is_taken_if_the_quota_has_it(world: World) -> None:
    held = leases(world, 10)
    assert held.consume("ada", "calls", 90, op="a").allowed
    assert held.consume("ada", "calls", 10, op="b").allowed
    assert not held.consume("ada", "calls", "0.01", op="c").allowed
    held.close()
    assert stands(world.billing) == (100, 0)


def test_a_process_takes_no_more_than_half_of_what_is_left(world: World) -> None:
    one, other = leases(world, 1000), leases(world, 1000)
    one.consume("ada", "calls", op="a")
    other.consume("ada", "calls", op="b")
    assert stands(world.billing) == (0, 75)


def test_a_lease_that_nobody_uses_goes_back(world: World) -> None:
    held = leases(world)
    held.consume("ada", "calls", op="a")
    held.keep()
    assert stands(world.billing) == (1, 40)
    world.later(seconds=29)
    held.keep()
    assert stands(world.billing) == (1, 40)
    world.later(seconds=1)
    held.keep()
    assert stands(world.billing) == (1, 0)


def test_a_crash_costs_the_lease_until_it_ends_and_what_was_not_written_down(world: World) -> None:
    died = leases(world)
    died.consume("ada", "calls", 10, op="a")
    died.flush()
    died.consume("ada", "calls", 5, op="b")
    world.later(seconds=29)
    assert stands(world.billing) == (10, 40), "and it cannot be spent by anybody"
    world.later(seconds=1)
    assert stands(world.billing) == (10, 0)
    assert set(recorded(world.billing)) == {"a"}
    assert world.billing.verify().clean


def test_a_process_that_slept_too_long_spends_nothing_of_what_others_have_by_then(world: World) -> None:
    slept = leases(world)
    slept.consume("ada", "calls", 30, op="a")
    world.later(minutes=5)
    assert world.billing.consume("ada", "calls", 90, op="others").allowed
    assert not slept.consume("ada", "calls", 20, op="b").allowed
    assert slept.counts.lost == 1, "what was spent and never written down has no room any more"
    assert stands(world.billing) == (90, 0)
    assert world.billing.verify().clean


def test_what_was_spent_late_is_recorded_where_there_still_is_room(world: World) -> None:
    slept = leases(world)
    slept.consume("ada", "calls", 30, op="a")
    world.later(minutes=5)
    slept.flush()
    assert (slept.counts.recorded, slept.counts.lost) == (1, 0)
    assert recorded(world.billing) == {"a": Decimal(30)}
    slept.close()
    assert stands(world.billing) == (30, 0)


@pytest.mark.parametrize("idle", [False, True])
def test_a_limit_that_is_lowered_is_in_force_within_a_second(world: World, idle: bool) -> None:
    held = leases(world)
    held.consume("ada", "calls", op="a")
    world.billing.grant("ada", "calls", Quota(Decimal(0)))
    world.later(seconds=1)
    if not idle:
        held.keep()
    assert not held.consume("ada", "calls", op="b").allowed
    assert not held.check("ada", "calls").allowed
    held.close()
    assert stands(world.billing) == (1, 0), "what was promised before stands"
    assert world.billing.verify().clean


def test_a_lease_ends_with_the_period_and_counts_in_the_one_in_which_it_was_spent(world: World) -> None:
    held = leases(world)
    world.on("2026-01-31T23:59:59.500")
    held.consume("ada", "calls", 7, op="january")
    world.later(milliseconds=500)
    assert held.consume("ada", "calls", 5, op="february").used == 5
    held.close()
    assert stands(world.billing) == (5, 0)
    events = world.billing.events("ada", limit=10)
    assert [(event.id, event.at.month) for event in events] == [("january", 1), ("february", 2)]
    assert world.billing.verify().clean


def test_a_soft_quota_is_leased_beyond_its_limit_and_says_so(world: World) -> None:
    world.billing.grant("ada", "calls", Quota(Decimal(10), Policy.SOFT))
    held = leases(world, 4)
    told = [held.consume("ada", "calls", 2, op=f"op-{n}") for n in range(8)]
    assert all(decision.allowed for decision in told)
    assert [decision.reason for decision in told] == [None] * 5 + [Reason.OVERAGE] * 3
    held.close()
    assert stands(world.billing) == (16, 0)


def test_an_unlimited_quota_is_leased_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.billing.grant("ada", "calls", Quota(None, reset=Reset.NEVER))
    held = leases(world, 1000)
    assert held.consume("ada", "calls", op="a").remaining is None
    asked = statements(world.billing, monkeypatch)
    assert all(held.consume("ada", "calls", op=f"op-{n}").allowed for n in range(500))
    assert asked == []
    held.close()
    assert stands(world.billing) == (501, 0)


def test_inside_a_transaction_of_the_host_nothing_is_leased(world: World) -> None:
    held = leases(world)
    database = world.billing.context.database
    with database.transaction("host") as conn, database.joined(conn):
        nested = conn.begin_nested()
        assert held.consume("ada", "calls", 60, op="a").allowed
        nested.rollback()
    assert held.consume("ada", "calls", 80, op="b").allowed, "what was rolled back was not taken"
    held.close()
    assert recorded(world.billing) == {"b": Decimal(80)}


def test_after_its_end_each_use_is_asked_of_the_database(world: World) -> None:
    held = leases(world)
    held.consume("ada", "calls", op="a")
    held.close()
    held.close()
    assert held.consume("ada", "calls", op="b").used == 2
    assert stands(world.billing) == (2, 0)
    assert set(recorded(world.billing)) == {"a", "b"}


def test_what_is_asked_wrongly_is_refused(world: World) -> None:
    held = leases(world)
    held.consume("ada", "calls", op="a")
    for quantity in (0, -1, "0.001", True, "x", 1.5):
        with pytest.raises(InvalidInput, match="quantity"):
            held.consume("ada", "calls", quantity, op="b")  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="quantity"):
            held.check("ada", "calls", quantity)  # type: ignore[arg-type]
    for op in ("", "a\n", "a" * 257):
        with pytest.raises(InvalidInput, match="op"):
            held.consume("ada", "calls", op=op)
    with pytest.raises(InvalidInput, match="ttl"):
        Leases(world.billing, ttl=timedelta(seconds=1))
    with pytest.raises(InvalidInput, match="size"):
        Leases(world.billing, size=0)


def test_a_decision_out_of_a_lease_is_a_decision_like_any_other(world: World) -> None:
    told = leases(world).consume("ada", "calls", 4, op="a")
    plain = Decision(True, None, Decimal(100), Decimal(4), Decimal(0), Decimal(96), told.resets_at)
    assert isinstance(told, Decision)
    assert told == plain
    assert plain == told
    assert {told: 1}[plain] == 1
    assert repr(told).startswith("Decision(allowed=True, reason=None, limit=Decimal(")
    assert after(told, taken=Decimal(1)).used == 5
    with pytest.raises(AttributeError):
        told.allowed = False  # type: ignore[misc]


class Outage:
    """The database cannot be reached while it is entered."""

    def __init__(self, billing: Tallystick, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tries, self._database, self._patch = 0, billing.context.database, monkeypatch

    def __enter__(self) -> Self:
        self._patch.setattr(self._database, "run", self._refuse)
        self._patch.setattr(self._database, "reading", self._refuse)
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.undo()

    def _refuse(self, *_: object) -> object:
        self.tries += 1
        raise Busy("the database cannot be reached", code="unreachable")


def test_without_the_database_a_hard_quota_is_closed_within_a_second(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    held = leases(world)
    held.consume("ada", "calls", op="a")
    with Outage(world.billing, monkeypatch):
        assert held.consume("ada", "calls", op="b").allowed, "the lease was promised a moment ago"
        world.later(seconds=1)
        with pytest.raises(Busy):
            held.consume("ada", "calls", op="c")
        with pytest.raises(Busy):
            held.check("ada", "calls")
        held.keep()
    world.later(seconds=1)
    held.close()
    assert set(recorded(world.billing)) == {"a", "b"}, "and nothing of what was answered is lost"


@pytest.mark.parametrize("quota", [Quota(Decimal(10), Policy.SOFT), Quota(None)])
def test_without_the_database_a_soft_quota_is_open_and_all_of_it_is_recorded_afterwards(
    world: World, monkeypatch: pytest.MonkeyPatch, quota: Quota
) -> None:
    world.billing.grant("ada", "calls", quota)
    held = leases(world, 5)
    held.consume("ada", "calls", op="a")
    with Outage(world.billing, monkeypatch) as outage:
        world.later(minutes=5)
        for number in range(20):
            told = held.consume("ada", "calls", op=f"op-{number % 10}")
            assert (told.allowed, told.reason) == (True, Reason.UNCHECKED if number < 10 else told.reason)
        assert held.check("ada", "calls").allowed
        assert outage.tries == 1, "nobody waits for a database that has just not answered"
        held.keep()
    assert (held.counts.unchecked, held.counts.dropped) == (10, 0)
    world.later(seconds=1)
    held.close()
    assert len(recorded(world.billing)) == 11
    assert stands(world.billing) == (11, 0)
    assert world.billing.verify().clean


def test_what_is_open_remembers_so_many_and_counts_what_it_drops(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.billing.grant("ada", "calls", Quota(None))
    held = Leases(world.billing, ttl=TTL, background=False, spent_max=5)
    held.consume("ada", "calls", op="a")
    with Outage(world.billing, monkeypatch):
        world.later(minutes=5)
        assert all(held.consume("ada", "calls", op=f"op-{number}").allowed for number in range(10))
    assert (held.counts.unchecked, held.counts.dropped) == (10, 6)
    world.later(seconds=1)
    held.close()
    assert len(recorded(world.billing)) == 5


def test_without_any_lease_yet_nobody_knows_that_it_is_soft(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.billing.grant("ada", "calls", Quota(None))
    held = leases(world)
    with Outage(world.billing, monkeypatch), pytest.raises(Busy):
        held.consume("ada", "calls", op="a")


def test_an_answer_that_was_lost_on_its_way_is_healed_by_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commit went through, and nobody heard of it: what was spent is sent again, and recorded once."""
    held = leases(world)
    held.consume("ada", "calls", 10, op="a")
    database = world.billing.context.database
    run = database.run

    def lost(name: str, step) -> None:
        run(name, step)
        raise Busy("the connection was lost", code="unreachable")

    with monkeypatch.context() as patched:
        patched.setattr(database, "run", lost)
        held.keep()
    assert held.counts.failures == 1
    world.later(seconds=1)
    held.consume("ada", "calls", 5, op="b")
    held.close()
    assert recorded(world.billing) == {"a": Decimal(10), "b": Decimal(5)}
    assert stands(world.billing) == (15, 0)
    assert world.billing.verify().clean
