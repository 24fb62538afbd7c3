"""The live tail, as server-sent events: what is recorded by whichever process, and what is refused by this one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from tallystick.app import Tallystick
from tallystick.domain.amendments import EventName
from tallystick.domain.usage import Event, Feed
from tallystick.values.errors import Busy, TallystickError
from tallystick.values.time import to_micros
from tallystick.web.refusals import Refusal, Refusals
from tallystick.web.verdict_schemas import VerdictShown

FOLLOWERS_MAX = 20
LOOKED_AT_MAX = 500  # events a second; where more come, the tail says that it skips some
FIRST_MAX = 50
# Whoever records reads the clock before they commit: so far back may something appear that was not there the last time.
OVERLAP = timedelta(seconds=10)
EVERY_S, QUIET_S = 1.0, 15.0
LIFE_S = 60.0  # then whoever follows comes anew, and is admitted anew: a key that was revoked follows no longer than this
SEND_S = 10.0  # whoever has not read what they were sent by then is left
AGAIN_MS = 1_000

log = structlog.get_logger("tallystick.web")


class Followers:
    """How many follow just now; none is let in beyond the limit, and all are let go once the service stops."""

    def __init__(self) -> None:
        self.count = 0
        self.stopped = False

    def enter(self) -> None:
        """Raises Busy."""
        if self.count >= FOLLOWERS_MAX:
            raise Busy(f"{FOLLOWERS_MAX} follow the events already; close one of those pages, or try again later")
        self.count += 1

    def leave(self) -> None:
        self.count -= 1

    def stop(self) -> None:
        """Each ends within a second or so."""
        self.stopped = True


@dataclass(slots=True)
class Tail:
    """What one follower has not been told yet. `since`: a tail of theirs before this one got so far, and it goes on there."""

    billing: Tallystick
    refusals: Refusals
    customer: str | None = None
    meter: str | None = None
    since: datetime | None = None
    _reached: datetime | None = None
    _told: dict[EventName, datetime] = field(default_factory=dict)
    _refusals_told: int = 0

    def __post_init__(self) -> None:
        self._reached = self.since

    def frames(self) -> str:
        """What is new, on the wire; empty where nothing is."""
        shown, skipped = self.news()
        text = "event: skipped\ndata: {}\n\n" if skipped else ""
        for at, verdict in shown:
            self.since = at if self.since is None else max(self.since, at)
            text += f"id: {to_micros(self.since)}\nevent: verdict\ndata: {verdict.model_dump_json()}\n\n"
        return text

    def news(self) -> tuple[list[tuple[datetime, VerdictShown]], bool]:
        """What became of each event since the last time, the oldest first; and whether some came that were not looked at."""
        reached = self._reached
        floor = None if reached is None else reached - OVERLAP
        feed = self.billing.newest_events(since=floor, customer_id=self.customer, meter_key=self.meter, limit=LOOKED_AT_MAX)
        fresh = [recorded for recorded in feed.events if _name(recorded.event) not in self._told]
        shown = [(recorded.at, VerdictShown.recorded(recorded)) for recorded in fresh]
        shown += [(refusal.at, VerdictShown.of(refusal)) for refusal in self._refused(floor)]
        shown.sort(key=lambda told: told[0])
        self._remember(feed)
        if reached is None:
            return shown[-FIRST_MAX:], False
        return shown, feed.more and feed.first_at is not None and feed.first_at > reached

    def _remember(self, feed: Feed) -> None:
        newest = feed.last_at or self._reached or self.billing.context.clock.now()
        self._reached = newest if self._reached is None else max(newest, self._reached)
        told = self._told | {_name(recorded.event): recorded.at for recorded in feed.events}
        self._told = {name: at for name, at in told.items() if at >= self._reached - OVERLAP}

    def _refused(self, floor: datetime | None) -> list[Refusal]:
        new = self.refusals.since(self._refusals_told)
        self._refusals_told = new[-1].number if new else self._refusals_told
        return [refusal for refusal in new if (floor is None or refusal.at >= floor) and self._wants(refusal.event)]

    def _wants(self, event: Event | None) -> bool:
        if event is None:
            return self.customer is None and self.meter is None
        return self.customer in {None, event.customer_id} and self.meter in {None, event.meter_key}


class Followed(StreamingResponse):
    """The tail as it is answered: until its life is over, the service stops, or the follower is gone or does not read."""

    media_type = "text/event-stream"

    def __init__(self, tail: Tail, followers: Followers) -> None:
        super().__init__(self._told(tail), headers={"X-Accel-Buffering": "no"})
        self._followers = followers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._followers.enter()
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._followers.leave()

    async def stream_response(self, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(SEND_S):
                await send(message)

        try:
            await super().stream_response(send_in_time)
        except TimeoutError:
            log.info("tail.left_behind")

    async def _told(self, tail: Tail) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        ends_at, quiet_since = loop.time() + LIFE_S, loop.time()
        yield f"retry: {AGAIN_MS}\n\n"
        while True:
            try:
                frames = await run_in_threadpool(tail.frames)
            except TallystickError as error:  # whoever follows comes again, and hears of it then
                log.warning("tail.ended", code=error.code)
                return
            now = loop.time()
            if frames or now - quiet_since >= QUIET_S:
                quiet_since = now
                yield frames or ": nothing new\n\n"
            if self._followers.stopped or now >= ends_at:
                return
            await asyncio.sleep(EVERY_S)


def _name(event: Event) -> EventName:
    return EventName(event.customer_id, event.source, event.id)
