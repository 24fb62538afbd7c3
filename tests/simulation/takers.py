"""Those who take from quotas: one by one, by reservations, out of leases of processes that die; and what the books must say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from tallystick.app import Leases
from tallystick.domain.entitlements import Quota
from tallystick.domain.usage import Event
from tallystick.values.decimals import to_steps
from tallystick.values.errors import Busy, Conflict
from tests.simulation.checkers import rows
from tests.simulation.clients import Truth, name_of
from tests.simulation.world import Actor

if TYPE_CHECKING:
    from tests.simulation.world import World

METER, DECIMALS = "tokens", 3
TTL = timedelta(seconds=30)
IN_TIME = timedelta(seconds=13)  # written down so soon after the answer, nothing is lost
_TAKES = frozenset({"consume", "reserve", "commit reservation", "lease quota", "release"})


@dataclass(frozen=True)
class Asked:
    """One use, under its own name."""

    customer: str
    op: str
    quantity: Decimal


class Books:
    """What was asked for, what was surely granted, and how much there is."""

    def __init__(self, world: "World", customers: Sequence[str]) -> None:
        self.world, self.customers = world, customers
        self.random = world.stream("takers")
        self.limits = {customer: Decimal(self.random.randint(20, 80)) for customer in customers}
        self.asked: dict[tuple[str, str], Asked] = {}
        self.consumed: list[Asked] = []
        self.sure: set[Asked] = set()
        world.after_commit.append(self.committed)

    def grant(self) -> None:
        for customer, limit in self.limits.items():
            self.world.app.grant(customer, METER, Quota(limit))

    def ask(self, taker: "Taker") -> Asked:
        """Something new; or what was asked before, by whomever."""
        chance = taker.random
        if self.consumed and chance.random() < 0.25:
            return chance.choice(self.consumed)
        taker.count += 1
        asked = Asked(chance.choice(self.customers), f"{taker.name}-{taker.count}", Decimal(chance.randint(1, 8000)).scaleb(-3))
        self.asked[asked.customer, asked.op] = asked
        self.consumed.append(asked)
        return asked

    def told(self, asked: Asked, allowed: bool) -> None:
        if allowed:
            self.sure.add(asked)
        elif asked in self.sure:
            raise self.world.wrong("once for its op", f"{asked} was granted before, and is denied when it is sent again")

    def committed(self, name: str) -> None:
        """No hard limit is exceeded, at no instant."""
        if name.partition(":")[0] not in _TAKES:
            return
        for customer, filled in rows(self.world, "SELECT customer_id, used + reserved FROM tallystick_quota_counters"):
            if filled > to_steps(self.limits[customer], DECIMALS):
                raise self.world.wrong("quota", f"{customer}: {filled} of {self.limits[customer]} after {name}")

    def compare(self, truth: Truth) -> None:
        """What was granted is recorded, once, and nothing else is; and nothing is held for ever."""
        stored = set()
        for customer in self.customers:
            for event in self._events(customer):
                asked = self.asked.get((customer, event.id))
                if asked is None or asked.quantity != event.quantity:
                    raise self.world.wrong("taken = recorded", f"{event} was never asked for")
                stored.add(asked)
                truth.tried[name_of(event)] = truth.acked[name_of(event)] = event
            held = self.world.app.check(customer, METER).reserved
            if held:
                raise self.world.wrong("reservations end", f"{customer}: {held} are held by nobody who lives")
        missing = sorted(map(str, self.sure - stored))
        if missing:
            raise self.world.wrong("taken = recorded", f"{missing[:3]} were granted, and are not there")

    def _events(self, customer: str) -> list[Event]:
        of_quota = "SELECT id FROM tallystick_events WHERE source = 'quota' AND customer_id = '{}'"
        named = rows(self.world, of_quota.format(customer.replace("'", "''")))
        return [self.world.app.event(customer, "quota", event_id) for (event_id,) in named]


class Taker(Actor):
    """Consumes, or reserves and commits some of it; asks again, under the same name, until it is answered."""

    def __init__(self, world: "World", books: Books, name: str) -> None:
        super().__init__(world, name)
        self.books, self.count, self.is_done = books, 0, False
        self.pending: Asked | None = None

    def step(self) -> timedelta | None:
        if self.is_done and self.pending is None:
            return None
        asked = self.pending = self.pending or self.books.ask(self)
        try:
            self.books.told(asked, self.world.app.consume(asked.customer, METER, asked.quantity, op=asked.op).allowed)
        except Busy:
            return timedelta(seconds=3)
        self.pending = None
        return self.about(25)


class Reserver(Taker):
    """Of what it reserves, it takes everything, nothing, or forgets it."""

    def step(self) -> timedelta | None:
        if self.is_done:
            return None
        customer, op = self.random.choice(self.books.customers), f"{self.name}-{self.count}"
        try:
            held = self.world.app.reserve(customer, METER, 2, op=op, ttl=timedelta(minutes=self.random.randint(1, 90)))
            if held.decision.allowed:
                self._end(held, Asked(customer, op, Decimal(2)))
        except Busy:
            return timedelta(seconds=3)
        except Conflict as ended:
            self.world.trace(f"{op}: {ended.code}")
        self.count += 1
        return self.about(10)

    def _end(self, held: object, asked: Asked) -> None:
        way = self.random.random()
        if way < 0.5:
            self.books.asked[asked.customer, asked.op] = asked
            held.commit()  # type: ignore[attr-defined]
            self.books.sure.add(asked)
        elif way < 0.75:
            held.release()  # type: ignore[attr-defined]


class Lessee(Taker):
    """A process that answers out of leases; what it had not written down when it dies was perhaps never taken."""

    def __init__(self, world: "World", books: Books, name: str) -> None:
        super().__init__(world, books, name)
        self.process = name
        self._begin()

    def _begin(self) -> None:
        self.leases = Leases(self.world.app, size=10, ttl=TTL, background=False)
        self._unwritten: list[Asked] = []
        self._since: tuple[datetime, timedelta] | None = None

    def step(self) -> timedelta | None:
        try:
            if self.is_done:
                self._written(self.leases.close)
                return None
            for _ in range(self.random.randint(1, 5)):
                self._consume(self.books.ask(self))
            if self.random.random() < 0.85:
                self._written(self.leases.flush)
        except Busy:
            return timedelta(seconds=3)
        return self.about(25)

    def _consume(self, asked: Asked) -> None:
        self._since = self._since or (self.world.at, self.world.skew)
        if self.leases.consume(asked.customer, METER, asked.quantity, op=asked.op).allowed:
            self._unwritten.append(asked)
        else:
            self.books.told(asked, allowed=False)

    def _written(self, write: object) -> None:
        write()  # type: ignore[operator]
        counts = self.leases.counts
        if counts.refused:
            raise self.world.wrong("once for its op", f"{self.name}: {counts} of ops that are always the same")
        if not counts.lost:
            self.books.sure.update(self._unwritten)
        elif self._since is not None and self.world.at - self._since[0] < IN_TIME and self.world.skew == self._since[1]:
            raise self.world.wrong("a lease is a promise", f"{self.name}: {counts}, written down in time")
        counts.lost, self._unwritten, self._since = 0, [], None

    def crashed(self) -> timedelta:
        self._begin()
        return super().crashed()


class Takers:
    """In every other world there are some."""

    def __init__(self, world: "World", truth: Truth, customers: Sequence[str]) -> None:
        self._world, self._truth = world, truth
        self.all: list[Taker] = []
        if world.stream("are there takers").random() < max(0.5, world.weather["takers"]):
            self._books = Books(world, customers)
            self._books.grant()
            self.all = [
                Taker(world, self._books, "taker"),
                Reserver(world, self._books, "reserver"),
                Lessee(world, self._books, "lessee 1"),
                Lessee(world, self._books, "lessee 2"),
            ]
        for number, taker in enumerate(self.all):
            world.schedule(taker, timedelta(minutes=10 + 7 * number))

    def finish(self) -> None:
        for taker in self.all:
            taker.is_done = True

    def compare(self) -> None:
        if self.all:
            self._books.compare(self._truth)
