"""Group commit: who waits together is recorded together, and nobody hears of anything that is not on disk."""

import asyncio
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tallystick.domain.usage import Answer, Event, Verdict
from tallystick.values.errors import Busy, TallystickError
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.web import group_commit
from tallystick.web.group_commit import GroupCommit
from tests.web.world import World, problem


def event(name: str) -> Event:
    return Event(CustomerId("ada"), EventId(name), MeterKey("calls"), Decimal(1), datetime(2026, 1, 1, tzinfo=UTC))


class Recorder:
    """Keeps what it is given, in groups; holds the first until it is let go, so that others come to wait."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.began, self.go = threading.Event(), threading.Event()
        self.poison: str | None = None

    def __call__(self, events: Sequence[Event]) -> list[Answer]:
        if not self.began.is_set():
            self.began.set()
            assert self.go.wait(30)
        names = [one.id for one in events]
        if self.poison in names:
            raise TallystickError("poisoned")
        self.groups.append(names)
        return [Answer(name, Verdict.RECORDED) for name in names]


async def waited(recorder: Recorder, intake: GroupCommit, *requests: Sequence[str]) -> list[object]:
    """The answers to a first request, held, and to those that wait behind it."""
    first = asyncio.ensure_future(intake.record([event("first")]))
    await asyncio.to_thread(recorder.began.wait, 30)
    others = [asyncio.ensure_future(intake.record([event(name) for name in names])) for names in requests]
    await asyncio.sleep(0)
    recorder.go.set()
    return await asyncio.gather(first, *others, return_exceptions=True)


def run(recorder: Recorder, *requests: Sequence[str]) -> list[object]:
    intake = GroupCommit(recorder)
    intake.start()
    try:
        return asyncio.run(waited(recorder, intake, *requests))
    finally:
        intake.stop()


def test_those_that_wait_are_recorded_together_and_each_gets_its_own() -> None:
    recorder = Recorder()
    answers = run(recorder, ["a"], ["b", "c"], ["d"])
    assert recorder.groups == [["first"], ["a", "b", "c", "d"]]
    assert [[answer.event_id for answer in listed] for listed in answers] == [["first"], ["a"], ["b", "c"], ["d"]]


def test_one_that_fails_does_not_fail_the_others() -> None:
    recorder = Recorder()
    recorder.poison = "b"
    _, a, b, c = run(recorder, ["a"], ["b"], ["c"])
    assert isinstance(b, TallystickError)
    assert [answer.event_id for listed in (a, c) for answer in listed] == ["a", "c"]


def test_a_group_has_a_greatest_size_and_a_request_is_never_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "EVENTS_PER_COMMIT_MAX", 3)
    recorder = Recorder()
    run(recorder, ["a", "b"], ["c", "d"], ["e"], ["f", "g", "h", "i"])
    assert recorder.groups == [["first"], ["a", "b"], ["c", "d", "e"], ["f", "g", "h", "i"]]


def test_where_too_much_waits_the_next_is_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "EVENTS_WAITING_MAX", 2)
    recorder = Recorder()
    _, a, b, c = run(recorder, ["a"], ["b"], ["c"])
    assert isinstance(c, Busy)
    assert not isinstance(a, Exception)
    assert not isinstance(b, Exception)


def test_what_waits_when_it_stops_is_still_recorded_and_what_comes_later_is_not() -> None:
    recorder = Recorder()
    recorder.began.set()
    intake = GroupCommit(recorder)
    intake.start()
    asyncio.run(intake.record([event("a")]))
    intake.stop()
    with pytest.raises(Busy):
        asyncio.run(intake.record([event("b")]))
    assert recorder.groups == [["a"]]


def test_one_who_has_gone_does_not_stop_the_others() -> None:
    recorder = Recorder()
    intake = GroupCommit(recorder)
    intake.start()

    async def story() -> list[Answer]:
        first = asyncio.ensure_future(intake.record([event("first")]))
        await asyncio.to_thread(recorder.began.wait, 30)
        gone, stays = (asyncio.ensure_future(intake.record([event(name)])) for name in ("gone", "stays"))
        await asyncio.sleep(0)
        gone.cancel()
        recorder.go.set()
        await first
        return await stays

    assert asyncio.run(story())[0].event_id == "stays"
    intake.stop()
    assert recorder.groups[1] == ["gone", "stays"]


class Struck(Exception):
    """The process dies here."""


@pytest.mark.parametrize("point", ["before_begin", "after_begin", "before_commit"])
def test_a_crash_before_the_commit_acknowledges_nothing_and_leaves_nothing(world: World, monkeypatch, point: str) -> None:
    world.with_calls()
    faults = world.billing.context.database.faults

    def strike(name: str) -> None:
        if name == f"ingest:{point}":
            raise Struck(name)

    monkeypatch.setattr(type(faults), "point", lambda _self, name: strike(name))
    assert problem(world.used(5))[0] == 500
    monkeypatch.undo()
    assert world.call("GET", "/v1/events?customer=ada").json()["data"] == []
    assert world.used(5).json()["recorded"] == 1


def test_a_crash_after_the_commit_is_a_duplicate_when_it_is_sent_again(world: World, monkeypatch) -> None:
    world.with_calls()
    faults = world.billing.context.database.faults

    def strike(name: str) -> None:
        if name == "ingest:after_commit":
            raise Struck(name)

    monkeypatch.setattr(type(faults), "point", lambda _self, name: strike(name))
    assert problem(world.used(5))[0] == 500
    monkeypatch.undo()
    assert world.used(5).json()["duplicate"] == 1


def test_many_at_once_are_each_recorded_once(either_world: World) -> None:
    from concurrent.futures import ThreadPoolExecutor

    either_world.with_calls()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: either_world.used(1, id=f"e{n % 50}"), range(150)))
    told = [answer.json() for answer in answers]
    assert sum(one["recorded"] for one in told) == 50
    assert sum(one["duplicate"] for one in told) == 100
