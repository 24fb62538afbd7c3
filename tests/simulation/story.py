"""One seed from beginning to end: a storm of some days, then calm, a last bill, and every account compared."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from tallystick import worker
from tallystick.storage import jobs
from tests.simulation import (
    actors,
    amenders,
    checkers,
    dashboard,
    debtors,
    exporters,
    followers,
    guards,
    post,
    shop,
    subscribers,
    visitors,
    weather,
)
from tests.simulation.clients import Client, Server, Truth
from tests.simulation.creditor import Creditor
from tests.simulation.takers import Takers
from tests.simulation.weather import INLINE, SWEEP, WEBHOOK, Weather
from tests.simulation.world import World, silent

_REST_MAX = timedelta(days=20)


@dataclass
class Told:
    """What one seed, or several, went through."""

    seeds: int = 0
    steps: int = 0
    events: int = 0
    invoices: int = 0
    charges: int = 0
    calls: int = 0
    commits: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    marks: Counter[str] = field(default_factory=Counter)  # in how many seeds
    digests: list[str] = field(default_factory=list)

    def add(self, other: "Told") -> None:
        for name in ("seeds", "steps", "events", "invoices", "charges", "calls", "commits"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.counts.update(other.counts)
        self.marks.update(other.marks)
        self.digests += other.digests


def run_seed(seed: int, *, url: str = "sqlite://", tracing: bool = False, sky: Weather | None = None) -> Told:
    """Lives through the seed. Raises Failure where a promise is broken."""
    with silent():
        return Story(sky or weather.of_seed(seed), url=url, tracing=tracing).told()


class Story:
    """The world of a seed with everybody in it."""

    def __init__(self, sky: Weather, *, url: str, tracing: bool) -> None:
        self.world = World(sky, url=url, tracing=tracing, policy=debtors.POLICY)
        self._chance = self.world.stream("story")
        self.truth, chosen = Truth(), self._chance.sample(shop.CUSTOMERS, 2)
        meters = shop.stock(self.world.app, self._chance)
        self.world.app.apply_catalogue(subscribers.catalogue(0))
        self.meters = {meter.key: meter for meter in (*meters, subscribers.WORK)}
        self.customers = [*chosen, shop.SERVER, *subscribers.CUSTOMERS]
        if sky["mail"]:
            for customer in self.customers:
                self.world.app.put_customer(customer, email="who@example.com")
        checkers.Watch(self.world)
        world = self.world
        self.clients = [Client(world, self.truth, chosen, meters, number) for number in (1, 2)]
        self.clients.append(Client(world, self.truth, subscribers.CUSTOMERS, [subscribers.WORK], 3))
        self.subscribers = [subscribers.Subscriber(world, customer) for customer in subscribers.CUSTOMERS]
        self.amender = amenders.Amender(world, self.truth, [*chosen, *subscribers.CUSTOMERS])
        self.server, self.biller = Server(world, self.truth), actors.Biller(world, self.customers)
        self.payer, self.operator, self.creditor = actors.Payer(world), actors.Operator(world, chosen), Creditor(world)
        self.debtor = debtors.Debtor(world, self.customers)
        self.dashboard = dashboard.Dashboard(world)
        self.workers = [actors.Worker(world, "worker 1"), actors.Worker(world, "worker 2")]
        self.sweeper, self.deliverer = actors.Sweeper(world), actors.Deliverer(world)
        self.exporter = exporters.Exporter(world, meters)
        self.follower, self.guard = followers.Follower(world), guards.Guard(world)
        self.visitor, self.beginner = visitors.Visitor(world), visitors.Beginner(world)
        world.receiver = actors.Receiver(world)
        self.all = [*self.clients, *self.subscribers, self.server, self.biller, self.payer, self.operator, *self.workers,
                    self.sweeper, self.deliverer, actors.ClockTurner(world), self.amender, self.creditor,
                    self.exporter, self.debtor, self.dashboard]  # fmt: skip

    def told(self) -> Told:
        try:
            self._storm()
            self._calm()
            self._last_bill()
            self._rest()
            self._compare()
            return self._report()
        finally:
            self.world.close()

    def _storm(self) -> None:
        world, days = self.world, self.world.weather.days
        self._plan_outages(timedelta(days=days))
        self.takers = Takers(world, self.truth, self.customers[:2])
        world.storm()
        for actor in self.all:
            world.schedule(actor, timedelta(minutes=self._chance.randint(0, 240)))
        world.schedule(self.follower, timedelta(minutes=self.follower.random.randint(0, 240)))
        if world.weather["bounded"]:
            world.schedule(self.guard, timedelta(minutes=self.guard.random.randint(0, 240)))
        for guest in (self.visitor, self.beginner):
            if not guest.is_done:
                world.schedule(guest, timedelta(minutes=guest.random.randint(0, 240)))
        for _ in range(3):
            world.run(world.at + timedelta(days=days / 3))
            with _quietly(world):
                checkers.invariants(world)
                checkers.money(world, settled=False)
                debtors.dunned(world, settled=False)

    def _plan_outages(self, length: timedelta) -> None:
        world = self.world
        for kind, hours in (("outage", 3), ("long_outage", 30)):
            if self._chance.random() < world.weather[kind]:
                start = world.at + length * self._chance.random()
                world.sandbox.faults.outage(start, start + timedelta(hours=hours * (0.2 + 0.8 * self._chance.random())))
                world.happened(kind, str(start))
        if self._chance.random() < world.weather["receiver_down"]:
            start = world.at + length * self._chance.random() * 0.5
            world.down = (start, start + timedelta(days=3))
        if self.dashboard.random.random() < world.weather["deaf"]:
            start = world.at + length * self.dashboard.random.random() * 0.5
            world.deaf = (start, start + timedelta(days=3))
            world.happened("deaf", str(start))
        if world.weather["limit_storm"]:
            chance = world.stream("limits")
            start = world.at + length * chance.random()
            world.limited = (start, start + timedelta(hours=chance.choice((1, 5, 12))))
            world.happened("limit_storm", str(start))

    def _calm(self) -> None:
        """Everybody finishes what they were about."""
        world = self.world
        world.calm()
        self.takers.finish()
        for actor in (*self.clients, *self.subscribers, self.server, self.biller, self.operator, self.amender, self.creditor,
                      self.exporter, self.debtor, self.dashboard, self.follower, self.visitor, self.beginner):  # fmt: skip
            actor.is_done = True
        world.run(world.at + timedelta(hours=6))
        late = [client.name for client in self.clients if client.batch]
        if late:
            raise world.wrong("liveness", f"{late} got no answer in calm weather")
        if self.amender.doing is not None:
            raise world.wrong("liveness", f"{self.amender.doing} was not amended in calm weather")

    def _last_bill(self) -> None:
        world = self.world
        world.passes(timedelta(minutes=20))  # beyond what was sent ahead of its time
        subscribers.up_to_now(world)
        for subscriber in self.subscribers:
            subscriber.leaves()
        self.follower.leaves()
        self.beginner.leaves()
        self.takers.compare()
        for customer in self.customers:
            opened = world.app.bill(customer)
            again = world.app.bill(customer)
            world.trace(f"last bill of {customer!r}: {[invoice.number for invoice in opened]}")
            if again:
                raise world.wrong("billed once", f"{customer}: billed at once again: {again}")
        checkers.events(world, self.truth, self.meters)
        amenders.amended(world, self.truth)
        checkers.billed(world, self.truth, self.meters)
        subscribers.billed(world, self.truth)
        subscribers.served(world)
        checkers.uptime(world, self.truth)

    def _rest(self) -> None:
        """Customers pay what is open; then time passes until nothing is due any more."""
        world, end = self.world, self.world.at + _REST_MAX
        paid: Counter[str] = Counter()
        while world.at < end:
            self._recover()
            waiting = actors.open_invoices(world)
            if not waiting and self._next_due() is None and not self._is_about_something():
                break
            for invoice in waiting:
                paid[invoice.id] += 1
                comes = paid[invoice.id] % (9 if INLINE in world.weather.closed else 1) == 0
                if comes and paid[invoice.id] < 300 and not self._is_ours_to_charge(invoice.id):
                    self.payer.pay(invoice.id, "pm_card_visa")
            world.passes(timedelta(minutes=40))
        for _ in range(2):  # a refund that succeeded may fail yet, and is asked about once a day
            world.passes(timedelta(hours=25))
            self._recover()
        while self.follower.is_about_to_hear():
            world.passes(timedelta(minutes=12))
            self._recover()

    def _is_ours_to_charge(self, invoice_id: str) -> bool:
        """Nobody comes to pay what is to be charged without them, before that was tried."""
        untried = """
        SELECT invoice_id FROM tallystick_payments WHERE automatic = 1 AND charges = 0 AND status <> 'canceled' AND page IS NULL
        """
        return (invoice_id,) in checkers.rows(self.world, untried)

    def _recover(self) -> None:
        world = self.world
        for actor, is_needed in (
            (self.operator, self.operator.voiding is not None),
            (self.creditor, self.creditor.doing is not None),
            (self.guard, world.weather["bounded"]),
        ):
            if is_needed:
                world.act(actor)
        if WEBHOOK not in world.weather.closed:
            world.sandbox.webhooks.deliver_due(self.deliverer.post)
        if SWEEP not in world.weather.closed:
            worker.schedule.Sweeps().run_due(world.context)
        for _ in range(20):
            if worker.loop.run_due(world.context) == 0:
                break
        if weather.RETRY in world.weather.closed:
            self.workers[0].lose_retries()

    def _is_about_something(self) -> bool:
        return self.operator.voiding is not None or self.creditor.doing is not None or self.exporter.is_waiting()

    def _next_due(self) -> object:
        with self.world.database.reading() as conn:
            return jobs.next_due_at(conn)

    def _compare(self) -> None:
        world = self.world
        checkers.at_rest(world)
        checkers.money(world, settled=True)
        debtors.dunned(world, settled=True)
        checkers.invariants(world)
        checkers.billed(world, self.truth, self.meters)
        self.exporter.compare(self.truth)
        dashboard.check_disputes(world)
        dashboard.alarmed(world, self.dashboard)
        dashboard.both_halves_match(world)
        self.follower.compare()
        self.beginner.compare()
        post.mailed(world)

    def _report(self) -> Told:
        world = self.world
        told = Told(seeds=1, steps=world.steps, events=len(self.truth.acked), calls=world.calls, commits=world.commits)
        told.counts.update(world.all_counts())
        told.counts["closed: " + (", ".join(sorted(world.weather.closed)) or "none")] += 1
        told.marks.update(dict.fromkeys(world.marks, 1))
        taken = checkers.charges(world)
        told.charges = len(taken)
        told.invoices = len(checkers.rows(world, "SELECT id FROM tallystick_invoices"))
        world.trace(f"end: {sorted(taken.values())}")
        told.digests.append(world.digest())
        return told


@contextmanager
def _quietly(world: World) -> Iterator[None]:
    """While we look, nothing strikes."""
    before, world.is_calm = world.is_calm, True
    try:
        yield
    finally:
        world.is_calm = before


__all__ = ["Story", "Told", "run_seed"]
