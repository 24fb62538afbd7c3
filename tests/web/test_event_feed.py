"""What people see who look for an event: it comes by as it is recorded or refused, and is found by its id alone."""

import asyncio
import json
import signal
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.types import Message

from tallystick.app import Tallystick
from tallystick.cli.serve import server_of
from tallystick.testing import FakeClock
from tallystick.values.ids import EventId
from tallystick.values.time import to_micros
from tallystick.web import tail
from tallystick.web.tail import Followed, Followers, Tail
from tests.web.world import World, problem


def tail_of(world: World, **wanted: Any) -> Tail:
    return Tail(world.billing, world.app.state.door.refusals, **wanted)


def told(follower: Tail) -> list[tuple[str, str]]:
    return [(shown.id, shown.verdict) for _, shown in follower.news()[0]]


def frames(text: str) -> list[dict[str, str]]:
    return [dict(line.split(": ", 1) for line in frame.splitlines()) for frame in text.split("\n\n") if frame]


def followed(world: World, path: str = "/v1/events/tail", **headers: str) -> list[dict[str, str]]:
    """What is told at first; then the tail ends, since the service of a test is as one that stops."""
    answer = world.client.get(path, headers={**world.headers, **headers})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    return frames(answer.text)


def test_each_event_comes_by_once_with_its_verdict_and_why(either_world: World) -> None:
    world = either_world
    world.with_calls()
    follower = tail_of(world)
    assert told(follower) == []
    world.used(1)
    world.clock.advance(timedelta(seconds=1))
    world.used(2)
    assert told(follower) == [("e1", "recorded"), ("e1", "conflict")]
    assert told(follower) == []
    world.used("1.234", id="too-exact")
    ((_, refused),) = follower.news()[0]
    assert (refused.verdict, refused.code) == ("refused", "invalid_input")
    assert (refused.reason or "").startswith("quantity:")


def test_what_another_process_records_comes_by_too_even_where_its_clock_was_read_earlier(either_world: World) -> None:
    world = either_world
    world.with_calls()
    world.used(1, id="ours")
    follower = tail_of(world)
    assert told(follower) == [("ours", "recorded")]
    behind = FakeClock(world.clock.now() - timedelta(seconds=5))
    other = Tallystick(replace(world.billing.context, clock=behind))
    other.record([replace(world.billing.event("ada", "api", "ours"), id=EventId("theirs"), at=behind.now())])
    assert told(follower) == [("theirs", "recorded")]


def test_a_tail_shows_one_customer_or_one_meter_where_that_is_asked(world: World) -> None:
    world.with_calls()
    follower, of_nothing = tail_of(world, customer="ben"), tail_of(world, meter="nothing")
    world.used(1)
    world.used(1, customer="ben")
    world.used(1, customer="ben")
    world.send(b'{"events": [7]}')
    assert told(follower) == [("e1", "recorded"), ("e1", "duplicate")]
    assert told(of_nothing) == []
    assert ("", "refused") in told(tail_of(world))


def test_a_tail_begins_with_the_newest_fifty(world: World) -> None:
    world.with_calls()
    world.call("POST", "/v1/events", [{"customer": "ada", "id": f"e{i:02}", "meter": "calls", "quantity": 1} for i in range(60)])
    assert len(told(tail_of(world))) == 50


def test_more_events_than_are_looked_at_are_skipped_and_that_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "LOOKED_AT_MAX", 3)
    world.with_calls()
    follower = tail_of(world)
    follower.news()
    world.clock.advance(timedelta(seconds=1))
    world.call("POST", "/v1/events", [{"customer": "ada", "id": f"e{i}", "meter": "calls", "quantity": 1} for i in range(4)])
    shown, skipped = follower.news()
    assert (len(shown), skipped) == (3, True)
    world.clock.advance(timedelta(seconds=1))
    world.used(1, customer="ben")
    assert (told(follower), follower.news()) == ([("e1", "recorded")], ([], False)), "what was looked at before is not skipped"


def test_a_tail_goes_on_where_the_one_before_it_was(world: World) -> None:
    world.with_calls()
    world.used(1, id="long-ago")
    world.clock.advance(timedelta(minutes=1))
    world.used(1, id="told")
    hint, last = followed(world)[0], followed(world)[-1]
    assert hint == {"retry": "1000"}
    assert (last["event"], json.loads(last["data"])["event"]["customer"]) == ("verdict", "ada")
    assert last["id"] == str(to_micros(world.clock.now()))
    world.clock.advance(timedelta(seconds=1))
    world.used(1, id="new")
    again = followed(world, **{"Last-Event-ID": last["id"]})
    assert [json.loads(frame["data"])["id"] for frame in again[1:]] == ["told", "new"], "one may come twice, and none is missed"


def test_a_tail_is_for_admins_and_a_place_that_is_none_is_refused(world: World) -> None:
    reader = {"Authorization": f"Bearer {world.billing.create_api_key('reader', ['usage:read']).token}"}
    assert problem(world.client.get("/v1/events/tail", headers=reader)) == (403, "forbidden")
    assert problem(world.client.get("/v1/events/tail")) == (401, "unauthorized")
    assert world.client.get("/v1/events/tail", headers={**world.headers, "Last-Event-ID": "x"}).status_code == 422
    assert world.client.get("/v1/events/tail?customer=%00", headers=world.headers).status_code == 422


def test_no_more_follow_than_the_limit_and_who_has_gone_makes_room(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "FOLLOWERS_MAX", 1)
    world.app.state.door.followers.enter()
    assert problem(world.call("GET", "/v1/events/tail")) == (503, "busy")
    world.app.state.door.followers.leave()
    followed(world)
    followed(world)


def test_whoever_does_not_read_is_left_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "SEND_S", 0.01)
    followers = Followers()

    async def reads_nothing(_: Message) -> None:
        await asyncio.Event().wait()

    async def stays() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("it never goes")

    asyncio.run(Followed(tail_of(world), followers)({"type": "http"}, stays, reads_nothing))
    assert followers.count == 0


def test_a_server_that_is_told_to_stop_lets_go_of_those_who_follow(world: World) -> None:
    world.app.state.door.followers.stopped = False
    server = server_of(world.app, world.app.state.door.settings)
    server.handle_exit(signal.SIGTERM, None)
    assert (server.should_exit, world.app.state.door.followers.stopped) == (True, True)


def test_an_event_is_found_by_its_id_whoevers_it_is_with_what_became_of_it(either_world: World) -> None:
    world = either_world
    world.with_calls()
    world.used(1)
    world.used(5, customer="ben")
    world.used(2)
    world.call("POST", "/v1/events/retractions", {"customer": "ben", "id": "e1", "reason": "sent by a test"})
    found = world.call("GET", "/v1/events/search?id=e1").json()
    assert [(each["event"]["customer"], each["verdict"]) for each in found["recorded"]] == [
        ("ada", "recorded"),
        ("ben", "recorded"),
    ]
    assert [each["amendment"] and each["amendment"]["reason"] for each in found["recorded"]] == [None, "sent by a test"]
    assert [(each["verdict"], each["event"]["customer"]) for each in found["refused"]] == [("conflict", "ada")]
    assert world.call("GET", "/v1/events/search?id=nothing").json() == {"recorded": [], "refused": []}
    assert problem(world.call("GET", "/v1/events/search")) == (422, "invalid_input")
