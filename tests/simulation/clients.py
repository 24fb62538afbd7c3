"""Those who send and know the truth: programs that repeat an event until it is acknowledged, a server that counts its hours."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from tallystick import flows
from tallystick.domain.uptime import Reading
from tallystick.domain.usage import Aggregation, Answer, Event, Meter, Verdict
from tallystick.values.errors import Busy
from tallystick.values.ids import CustomerId, EventId
from tests.simulation.shop import SERVER, SOURCES
from tests.simulation.world import Actor

if TYPE_CHECKING:
    from tests.simulation.world import World

Name = tuple[str, str, str]


class Truth:
    """What was sent and acknowledged; what may be there because nobody answered; what was amended; and how long servers ran."""

    def __init__(self) -> None:
        self.acked: dict[Name, Event] = {}
        self.tried: dict[Name, Event] = {}
        self.amended: dict[Name, Name | None] = {}  # what counts no longer, and what counts in its place
        self.boots: list[Boot] = []
        self.duplicates = self.conflicts = self.refused = 0

    def counting(self) -> list[Event]:
        """What was acknowledged and not amended since."""
        return [event for name, event in self.acked.items() if name not in self.amended]


@dataclass
class Boot:
    """As the server saw it: since when, and through when it was told."""

    id: str
    start: datetime
    end: datetime


def name_of(event: Event) -> Name:
    return event.customer_id, event.source, event.id


class Client(Actor):
    """Sends batches, each until it is acknowledged; now and then something that it has sent before, the same or changed."""

    process = "web"

    def __init__(self, world: "World", truth: Truth, customers: Sequence[str], meters: Sequence[Meter], number: int) -> None:
        super().__init__(world, f"client {number}")
        self._truth, self._customers, self._meters, self._number = truth, customers, meters, number
        self.batch: list[Event] = []
        self._sent = 0
        self.is_done = False

    def step(self) -> timedelta | None:
        if not self.batch:
            if self.is_done:
                return None
            self.batch = self._compose()
        for event in self.batch:
            self._truth.tried.setdefault(name_of(event), event)
        try:
            answers = self.world.app.record(self.batch)
        except Busy:
            return timedelta(seconds=3)
        for event, answer in zip(self.batch, answers, strict=True):
            self._learn(event, answer)
        self.batch = []
        return self.about(13)

    def _learn(self, event: Event, answer: Answer) -> None:
        name, truth = name_of(event), self._truth
        stands = truth.acked.get(name)
        match answer.verdict:
            case Verdict.RECORDED:
                self._expect(stands is None, answer, "was acknowledged before")
                truth.acked[name] = event
            case Verdict.DUPLICATE:
                self._expect(_same(event, stands or truth.tried[name]), answer, "is not what was sent before")
                truth.acked.setdefault(name, event)
                truth.duplicates += 1
            case Verdict.CONFLICT:
                self._expect(not _same(event, stands or truth.tried[name]), answer, "is what was sent before")
                truth.conflicts += 1
            case Verdict.REFUSED:
                truth.refused += 1

    def _expect(self, holds: bool, answer: Answer, why: str) -> None:
        if not holds:
            raise self.world.wrong("first wins", f"{answer} {why}")

    def _compose(self) -> list[Event]:
        weather, chance = self.world.weather, self.random
        batch = [self._event() for _ in range(chance.choice((1, 2, 3, 5)))]
        mine = [event for event in self._truth.acked.values() if event.properties.get("of") == self.name]
        if mine and chance.random() < weather["resend"]:
            batch.append(chance.choice(mine))
            self.world.counts["resend"] += 1
        if mine and chance.random() < weather["conflict"]:
            first = chance.choice(mine)
            batch.append(replace(first, at=first.at + timedelta(microseconds=1)))
            self.world.counts["conflict"] += 1
        chance.shuffle(batch)
        return batch

    def _event(self) -> Event:
        chance, meter = self.random, self.random.choice(self._meters)
        self._sent += 1
        quantity = (
            Decimal(chance.randint(1, 20_000)).scaleb(-meter.decimals) if meter.decimals else Decimal(chance.randint(1, 60))
        )
        if meter.aggregation is Aggregation.COUNT:
            quantity = Decimal(1)
        source, number, customer = chance.choice(SOURCES), f"{self._number}-{self._sent}", chance.choice(self._customers)
        if chance.random() < 0.5:  # two in a row that differ only in where a dash stands: joined, they would be one
            pair, place = divmod(self._sent, 2)
            source, number = ((f"{self._number}", f"{pair}-x"), (f"{self._number}-{pair}", "x"))[place]
            customer = self._customers[pair % len(self._customers)]
        return Event(
            customer_id=CustomerId(customer),
            id=EventId(number),
            meter_key=meter.key,
            quantity=quantity,
            at=self._when(),
            source=source,
            properties={"of": self.name, "user": f"u{chance.randint(1, 12)}"},
        )

    def _when(self) -> datetime:
        weather, chance, now = self.world.weather, self.random, self.world.clock.now()
        if chance.random() < weather["late"]:
            self.world.counts["late"] += 1
            return now - timedelta(seconds=chance.randint(60, 40 * 3600))
        if chance.random() < weather["before_all"]:
            self.world.counts["before_all"] += 1
            return now - timedelta(days=chance.randint(3, 30), seconds=chance.randint(0, 86400))
        if chance.random() < weather["out_of_range"]:
            self.world.counts["out_of_range"] += 1
            return now + chance.choice((timedelta(days=-36), timedelta(minutes=45)))
        if chance.random() < 0.1:  # the edges of hours belong to one of them
            return now.replace(minute=0, second=0, microsecond=0)
        return now - timedelta(microseconds=chance.randint(-120_000_000, 600_000_000))


def _same(left: Event, right: Event) -> bool:
    return left.fingerprint() == right.fingerprint()


class Server(Actor):
    """A machine whose uptime is read every few hours, and which is switched off now and then."""

    process = "web"
    name = "server"

    def __init__(self, world: "World", truth: Truth) -> None:
        super().__init__(world)
        self._truth = truth
        self._boots, self._is_off = 0, False
        self.is_done = False
        self._start(world.at - timedelta(hours=2))

    def _start(self, at: datetime) -> None:
        self._boots += 1
        self._truth.boots.append(Boot(f"boot-{self._boots}", at, at))

    def step(self) -> timedelta | None:
        now = self.world.clock.now()
        if self._is_off:  # by then its clock may have been set, and show less than when it was switched off
            self._is_off = False
            self._start(self._set_back(now))
            return timedelta(minutes=4)
        boot = self._truth.boots[-1]
        if now <= boot.start:
            return timedelta(minutes=7)
        reading = Reading(boot.id, boot.start, now)
        # Told, whether or not the answer comes: from here on it may be recorded.
        boot.end = max(boot.end, now)
        try:
            flows.record_uptime.record_uptime(self.world.context, CustomerId(SERVER), reading)
        except Busy:
            return timedelta(seconds=3)
        if self.is_done:
            return None
        if self.random.random() < self.world.weather["reboot"]:
            self.world.happened("reboot", boot.id)
            self._is_off = True
            return self.random.choice((timedelta(seconds=20), self.about(24)))
        return self.about(6)

    def _set_back(self, now: datetime) -> datetime:
        world = self.world
        if not world.is_calm and world.skew > timedelta(0) and self.random.random() < world.weather["clock_step"]:
            now, world.skew = now - world.skew, timedelta(0)
            world.happened("clock_step", "boot")
        return now

    def crashed(self) -> timedelta:
        return timedelta(seconds=2)


def uptime_told(truth: Truth) -> timedelta:
    """The time that the server was up as it was told: no moment of it counts twice, however the clock went."""
    total, reached = timedelta(0), datetime.min.replace(tzinfo=truth.boots[0].start.tzinfo)
    for boot in truth.boots:
        start = max(boot.start, reached)
        total += max(boot.end - start, timedelta(0))
        reached = max(reached, boot.end)
    return total


__all__ = ["Boot", "Client", "Server", "Truth", "name_of", "uptime_told"]
