"""One world in one thread: a clock that jumps from event to event, the real engine, the real sandbox, and actors between them."""

import hashlib
import heapq
import itertools
import json
import random
import sqlite3
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode

import structlog

from tallystick.app import Tallystick
from tallystick.domain.dunning import Policy
from tallystick.flows.context import Context, Outgoing, Terms
from tallystick.providers.circuits import Circuits
from tallystick.providers.stripe.client import StripeProvider
from tallystick.sandbox import Sandbox
from tallystick.sandbox.faults import Lost
from tallystick.storage import settings
from tallystick.storage.database import Database
from tallystick.values.ids import SeededIds
from tests.simulation.bounded import bounds
from tests.simulation.post import BlankPress, Post
from tests.simulation.seams import Crash, SeamFaults, StripesFaults, Wire
from tests.simulation.weather import STRIPES, Weather

START = datetime(2026, 3, 28, 9, 0, tzinfo=UTC)
SECRET_KEY = "sk_test_simulation"
PUBLISHABLE_KEY = "pk_test_simulation"
OLD_SECRET = "whsec_0123456789abcdefghijklmnop"
STEPS_MAX = 20_000
_NOTHING: Mapping[str, object] = {}
# Enough of them to come twice for one fact, and one that means nothing to us.
_HEARD = (
    "payment_intent.created", "payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled",
    "invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_failed", "invoice.voided", "customer.updated",
    "refund.created", "refund.updated", "refund.failed", "charge.refunded", "charge.dispute.created", "charge.dispute.updated",
    "charge.dispute.closed", "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated",
)  # fmt: skip
_FOLLOWED = ("customer.subscription.created", "customer.subscription.updated", "customer.subscription.deleted")
_OF_PAGES = tuple(
    f"checkout.session.{what}" for what in ("completed", "expired", "async_payment_succeeded", "async_payment_failed")
)


class Failure(BaseException):
    """What must never happen has happened; says where, and how to see it again. Not an Exception: no worker may take it for a bug
    of one job and go on.
    """


class _Clock:
    """The engine's clock may be wrong by some minutes; the provider's is right."""

    def __init__(self, world: "World", *, is_ours: bool) -> None:
        self._world, self._is_ours = world, is_ours

    def now(self) -> datetime:
        return self._world.at + (self._world.skew if self._is_ours else timedelta(0))

    def monotonic(self) -> float:
        return (self._world.at - START).total_seconds()


class Actor:
    """Somebody who does something from time to time. One step of one actor is never run inside another step of the same."""

    process = "web"
    name = "actor"

    def __init__(self, world: "World", name: str | None = None) -> None:
        self.world, self.busy = world, False
        self.name = name or self.name
        self.random = world.stream(self.name)

    def step(self) -> timedelta | None:
        """Does one thing; returns when it wants to do the next, or None: never again."""
        raise NotImplementedError

    def crashed(self) -> timedelta:
        """Its process died under it; returns when it is back."""
        return timedelta(seconds=self.random.choice((1, 20, 300)))

    def about(self, times: float) -> timedelta:
        """A wait, so that it acts about so many times in all, however long the storm: time costs nothing, steps do."""
        mean = self.world.weather.days * 86400 / times
        return timedelta(seconds=min(self.random.expovariate(1 / mean), mean * 4) + 1)


class World:
    """Everything of one seed."""

    def __init__(self, weather: Weather, *, url: str = "sqlite://", tracing: bool = False, policy: Policy | None = None) -> None:
        self.policy = policy
        self.weather, self.at, self.skew = weather, START, timedelta(0)
        self.marks: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.steps = self.points = self.calls = self.commits = 0
        self.is_calm, self.depth = True, 0
        self.inside: list[str] = []
        self.generations: Counter[str] = Counter()
        self.on_restart: list[Callable[[], None]] = []
        self.after_commit: list[Callable[[str], None]] = []
        self.after_call: list[Callable[[], None]] = []
        self.last: deque[str] = deque(maxlen=50)
        self.receiver: Any = None
        self.down: tuple[datetime, datetime] | None = None
        self.deaf: tuple[datetime, datetime] | None = None
        self.limited: tuple[datetime, datetime] | None = None
        self._tracing, self._digest = tracing, hashlib.sha256()
        self._queue: list[tuple[datetime, int, Actor]] = []
        self._numbers = itertools.count()
        self.faults = SeamFaults(self)
        self._build(url)

    def _build(self, url: str) -> None:
        seed = self.weather.seed
        self.database = Database.from_url(url, clock=self.clock, faults=self.faults)
        if url == "sqlite://":
            _share_compiled(_template(), self.database)
            _raw(_template()).backup(_raw(self.database))
        self.sandbox = Sandbox(clock=_Clock(self, is_ours=False), seed=seed, faults=StripesFaults(self))
        self.sandbox.webhooks.retries = (0, 3600, 3 * 3600, *(12 * 3600,) * 5)
        self.secret = self._listen()
        self.provider = StripeProvider(
            SECRET_KEY,
            webhook_secrets=[self.secret, OLD_SECRET],
            http_client=Wire(self, self.sandbox),
            circuits=Circuits(self.clock),
        )
        terms = Terms(safety=bounds(self))
        terms = terms if self.policy is None else replace(terms, dunning=self.policy)
        context = Context(self.database, self.clock, SeededIds(seed), self.provider, terms, faults=self.faults)
        self.post, outgoing = Post(self), Outgoing(mail_invoices=True)
        mailing = replace(context, mailer=self.post, outgoing=outgoing, press=BlankPress())
        self.context = mailing if self.weather["mail"] else context
        self.app = Tallystick(self.context, sandbox=self.sandbox)
        with self.database.transaction("pin mode") as conn:
            settings.pin(conn, "mode", "sandbox")

    def _listen(self) -> str:
        wanted = (*_HEARD, *(_FOLLOWED if self.weather["followed"] else ()), *(_OF_PAGES if self.weather["paged"] else ()))
        heard = {f"enabled_events[{place}]": kind for place, kind in enumerate(wanted)}
        body = urlencode({"url": "https://engine.test/hook", **heard}).encode()
        headers = {"Authorization": f"Bearer {SECRET_KEY}"}
        made = json.loads(self.sandbox.handle("POST", "/v1/webhook_endpoints", body=body, headers=headers).body)
        return str(made["secret"])

    @property
    def clock(self) -> _Clock:
        return _Clock(self, is_ours=True)

    def stream(self, name: str) -> random.Random:
        """Chance for one actor alone: what another one does, does not shift it."""
        return random.Random(f"{self.weather.seed}:{name}")

    # What happened

    def trace(self, what: str) -> None:
        line = f"{self.steps:5} {self.at:%m-%d %H:%M:%S} {'  ' * self.depth}{'/'.join(self.inside[-1:])}: {what}"
        self._digest.update(line.encode(errors="backslashreplace"))
        self.last.append(line)
        if self._tracing:
            print(line)

    def happened(self, fault: str, where: str) -> None:
        self.counts[fault] += 1
        self.trace(f"!! {fault} at {where}")

    def digest(self) -> str:
        return self._digest.hexdigest()[:24]

    def committed(self, name: str) -> None:
        self.commits += 1
        self.trace(name.removesuffix(":after_commit"))
        for check in self.after_commit:
            check(name)

    def provider_answered(self) -> None:
        for check in self.after_call:
            check()

    def wrong(self, promise: str, detail: str) -> Failure:
        lines = "\n".join(self.last)
        return Failure(
            f"{promise}: {detail}\n{lines}\n{self.weather}\nstep {self.steps}, {self.at:%Y-%m-%d %H:%M:%S}; again with: "
            f"python -m tests.simulation --seed {self.weather.seed} --trace"
        )

    # Time

    def passes(self, time: timedelta) -> None:
        self.at += time

    def schedule(self, actor: Actor, wait: timedelta) -> None:
        heapq.heappush(self._queue, (self.at + wait, next(self._numbers), actor))

    def run(self, until: datetime) -> None:
        """Lets everybody act until then."""
        while self._queue and self._queue[0][0] <= until:
            self._next()
        self.at = max(self.at, until)

    def pause(self, length: timedelta) -> None:
        """Whoever acts now waits, and the others go on. If its own process died meanwhile, it wakes up no more."""
        if self.depth >= 2:
            return
        process, until = self.inside[-1], self.at + length
        generation = self.generations[process]
        self.depth += 1
        try:
            while self._queue and self._queue[0][0] <= until:
                self._next()
        finally:
            self.depth -= 1
        self.at = max(self.at, until)
        if self.generations[process] != generation:
            raise Crash("its process died while it waited")

    def _next(self) -> None:
        at, _, actor = heapq.heappop(self._queue)
        self.at = max(self.at, at)
        if actor.busy:
            self.schedule(actor, timedelta(seconds=7))
            return
        wait = self.act(actor)
        if wait is not None:
            self.schedule(actor, wait)

    def act(self, actor: Actor) -> timedelta | None:
        self.steps += 1
        if self.steps > STEPS_MAX:
            raise self.wrong("liveness", f"more than {STEPS_MAX} steps")
        actor.busy = True
        self.inside.append(actor.process)
        try:
            return actor.step()
        except Crash:
            self._restart(actor.process)
            return actor.crashed()
        finally:
            self.inside.pop()
            actor.busy = False

    def _restart(self, process: str) -> None:
        """Everything that the process held in memory is gone."""
        self.generations[process] += 1
        self.trace("restarts")
        for forget in self.on_restart:
            forget()

    # The provider, for others than us

    def in_the_dashboard(self, method: str, path: str, said: Mapping[str, object] = _NOTHING) -> dict[str, Any] | None:
        """What somebody does there without us: how it stands after; None where it is refused, or the reply is lost."""
        headers = {"Authorization": "Bearer sk_test_dashboard"}
        try:
            reply = self.sandbox.handle(method, path, body=urlencode(said).encode(), headers=headers)
        except Lost:
            return None
        found: dict[str, Any] = json.loads(reply.body)
        return found if reply.status == 200 else None

    def saves_card(self, ref: str, card: str) -> None:
        """That customer, on a page of the provider's, whose news of it may come late, twice, or never."""
        saved = self.in_the_dashboard("POST", f"/v1/payment_methods/{card}/attach", {"customer": ref})
        if saved is not None:
            wanted = {"invoice_settings[default_payment_method]": saved["id"]}
            self.in_the_dashboard("POST", f"/v1/customers/{ref}", wanted)
            self.trace(f"{ref} has saved {saved['id']}")

    # Weather

    def storm(self) -> None:
        self.is_calm = False
        for kind in STRIPES:
            self.sandbox.faults.set(kind, self.weather[kind])

    def calm(self) -> None:
        """No new faults; what is lost stays lost, and closed paths stay closed."""
        self.is_calm = True
        self.sandbox.faults.off()

    def all_counts(self) -> Counter[str]:
        """Every fault by kind; of outages, the calls that met one."""
        return self.counts + Counter({kind: n for kind, n in self.sandbox.faults.counts.items() if kind != "outage"})

    # News

    def received(self, headers: dict[str, str], body: bytes) -> int:
        """Our endpoint's status for one delivery. Raises OSError where it died over it."""
        assert self.receiver is not None, "somebody listens"
        self.receiver.headers, self.receiver.body, self.receiver.status = headers, body, 0
        self.act(self.receiver)
        if self.receiver.status == 0:
            raise OSError("connection reset")
        return self.receiver.status

    def receiver_is_down(self) -> bool:
        return self.down is not None and self.down[0] <= self.at < self.down[1]

    def is_deaf(self) -> bool:
        """Whether what is posted now arrives nowhere, and is not posted again."""
        return self.deaf is not None and self.deaf[0] <= self.at < self.deaf[1]

    def is_limited(self) -> bool:
        """Whether the provider takes no call at all now, as there are too many of them."""
        return not self.is_calm and self.limited is not None and self.limited[0] <= self.at < self.limited[1]

    def close(self) -> None:
        self.database.close()


@contextmanager
def silent() -> Iterator[None]:
    """The engine's log is not printed: thousands of failures are meant here."""
    before: dict[str, Any] = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        yield
    finally:
        structlog.configure(**before)


@cache
def _template() -> Database:
    database = Database.from_url("sqlite://")
    database.migrate()
    return database


def _share_compiled(first: Database, other: Database) -> None:
    """What one world has compiled of its statements, the next one need not; a dialect belongs to what was compiled for it."""
    other._writer.dialect, other._writer._compiled_cache = first._writer.dialect, first._writer._compiled_cache


def _raw(database: Database) -> sqlite3.Connection:
    with database._writer.connect() as conn:
        raw = conn.connection.driver_connection
        conn.rollback()
    assert isinstance(raw, sqlite3.Connection)
    return raw
