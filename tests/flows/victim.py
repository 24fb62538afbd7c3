"""A process that lives to be killed: it records, bills, collects and settles, and says what it was told is recorded."""

import os
import random
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from tallystick import wiring
from tallystick.app import Tallystick
from tallystick.domain.catalog import Charge
from tallystick.domain.payments import Method
from tallystick.domain.price_documents import read_price
from tallystick.domain.safety import Bounds
from tallystick.domain.usage import Event, Meter
from tallystick.flows.bill_usage import Collection
from tallystick.flows.context import Context, Terms
from tallystick.storage.database import Database
from tallystick.values.errors import Busy
from tallystick.values.ids import CustomerId, EventId, MeterKey, SystemIds
from tallystick.values.time import SystemClock
from tallystick.worker import loop

METER = MeterKey("calls")
CUSTOMERS = ("ada", "bob", "eve")
PRICE = read_price({"model": "per_unit", "currency": "usd", "unit_amount": "1"})
BUSY = Bounds(charges_per_day=10**6)  # all of it happens in one day
HOOKS = "http://victim/webhooks/stripe"


class LaterClock:
    """The wall's time, and `ahead` of it: so that the leases of those who were killed before are over."""

    def __init__(self, ahead: timedelta) -> None:
        self._wall, self.ahead = SystemClock(), ahead

    def now(self) -> datetime:
        return self._wall.now() + self.ahead

    def monotonic(self) -> float:
        return self._wall.monotonic() + self.ahead.total_seconds()


def engine(url: str, sandbox: Path | str, clock: LaterClock) -> Tallystick:
    """One on this database, with the sandbox whose state is in that file."""
    database = Database.from_url(url, clock=clock)
    wired = wiring.sandboxed(sandbox, clock=clock, before_call=wiring.outside(database), webhook_url=HOOKS)
    ctx = Context(database, clock, SystemIds(clock), wired.provider, Terms(safety=BUSY))
    return Tallystick(ctx, sandbox=wired.sandbox)


def sells(billing: Tallystick) -> None:
    billing.put_meter(Meter(METER))
    billing.put_charge(Charge("calls", METER, PRICE))


def live(url: str, sandbox: str, acks: str, seed: int) -> None:
    """Goes on until it is killed. `acks` gets a line for each event, after the engine has said that it is recorded."""
    billing = engine(url, sandbox, LaterClock(timedelta(minutes=10 * seed)))
    chance, told = random.Random(seed), os.open(acks, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    turn = 0
    while True:
        turn += 1
        try:
            if chance.random() < 0.6:
                _records(billing, chance, told, f"{seed}-{turn}")
            if chance.random() < 0.3:
                method = chance.choice(list(Method))
                billing.bill(chance.choice(CUSTOMERS), collection=Collection(method, payment_method="pm_card_visa"))
            if chance.random() < 0.5:
                loop.catch_up(billing.context)
            if chance.random() < 0.3:
                settles(billing)
        except Busy:
            continue


def _records(billing: Tallystick, chance: random.Random, told: int, name: str) -> None:
    now = billing.context.clock.now()
    batch = [
        Event(
            CustomerId(chance.choice(CUSTOMERS)),
            EventId(f"{name}-{number}"),
            METER,
            Decimal(chance.randint(1, 9)),
            now - timedelta(minutes=chance.randint(0, 60)),
        )
        for number in range(3)
    ]
    for event, answer in zip(batch, billing.record(batch), strict=True):
        os.write(told, f"{event.customer_id} {event.id} {event.quantity} {answer.verdict}\n".encode())


def settles(billing: Tallystick) -> None:
    """The sandbox's news arrive here."""
    assert billing.sandbox is not None

    def post(_: str, headers: dict[str, str], body: bytes) -> int:
        billing.receive(body, headers)
        return 200

    billing.sandbox.webhooks.deliver_due(post)
