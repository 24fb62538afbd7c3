"""Group commit: requests that wait at the same time are recorded in one transaction; each is answered after it."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tallystick.domain.usage import Answer, Event
from tallystick.values.errors import Busy

EVENTS_PER_COMMIT_MAX = 5_000
EVENTS_WAITING_MAX = 50_000
# So long those that were answered together are waited for to come back together: a commit costs more than that.
GATHER_S = 0.002

Record = Callable[[Sequence[Event]], list[Answer]]
Answered = asyncio.Future[list[Answer]]


@dataclass(frozen=True, slots=True)
class _Waiting:
    events: Sequence[Event]
    answered: Answered
    loop: asyncio.AbstractEventLoop


class GroupCommit:
    """One thread records; it takes whatever has come while it was recording. Works between `start` and `stop`."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._waiting: list[_Waiting] = []
        self._events_waiting = 0
        self._expected = 1
        self._gathering = False
        self._news = threading.Condition()
        self._stopped = True
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        with self._news:
            self._stopped = False
        self._thread = threading.Thread(target=self._work, name="tallystick-intake", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Everything that waits is recorded and answered first."""
        with self._news:
            self._stopped = True
            self._news.notify_all()
        if self._thread is not None:
            self._thread.join()

    async def record(self, events: Sequence[Event]) -> list[Answer]:
        """A verdict per event, once their transaction is on disk. Raises Busy where too much waits already."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(events, loop.create_future(), loop)
        with self._news:
            if self._stopped:
                raise Busy("the service is stopping; nothing of this request was recorded; send it again")
            if self._events_waiting and self._events_waiting + len(events) > EVENTS_WAITING_MAX:
                raise Busy("more events wait than can be recorded; nothing of this request was recorded; send it again")
            self._waiting.append(waiting)
            self._events_waiting += len(events)
            if not self._gathering or len(self._waiting) >= self._expected:
                self._news.notify()
        return await waiting.answered

    def _work(self) -> None:
        while group := self._next():
            _tell(self._recorded(group))

    def _next(self) -> list[_Waiting]:
        """Those that wait, up to one commit's worth; empty once stopped."""
        with self._news:
            while not self._waiting and not self._stopped:
                self._news.wait()
            self._gather()
            size, count = 0, 0
            for waiting in self._waiting:
                size += len(waiting.events)
                if count and size > EVENTS_PER_COMMIT_MAX:
                    break
                count += 1
            group, self._waiting = self._waiting[:count], self._waiting[count:]
            self._events_waiting -= sum(len(waiting.events) for waiting in group)
            self._expected = count
            return group

    def _gather(self) -> None:
        """Waits a moment for as many as came the last time; one who always comes alone is not kept waiting."""
        if len(self._waiting) < self._expected and not self._stopped:
            self._gathering = True
            self._news.wait(GATHER_S)
            self._gathering = False

    def _recorded(self, group: Sequence[_Waiting]) -> list[tuple[_Waiting, list[Answer] | Exception]]:
        try:
            answers = self._record([event for waiting in group for event in waiting.events])
        except Exception as error:  # one request must not fail for another: each is tried on its own, and hears of its own
            if len(group) == 1:
                return [(group[0], error)]
            return [outcome for waiting in group for outcome in self._recorded([waiting])]
        outcomes, at = [], 0
        for waiting in group:
            outcomes.append((waiting, answers[at : at + len(waiting.events)]))
            at += len(waiting.events)
        return list(outcomes)


def _tell(outcomes: Sequence[tuple[_Waiting, list[Answer] | Exception]]) -> None:
    """Wakes each loop once, for all of its requests."""
    loops = {waiting.loop for waiting, _ in outcomes}
    for loop in loops:
        mine = [(waiting.answered, outcome) for waiting, outcome in outcomes if waiting.loop is loop]
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, mine)


def _settle(outcomes: Sequence[tuple[Answered, list[Answer] | Exception]]) -> None:
    for answered, outcome in outcomes:
        if answered.done():  # whoever asked has gone; what was recorded stays recorded
            continue
        if isinstance(outcome, Exception):
            answered.set_exception(outcome)
        else:
            answered.set_result(outcome)
