"""Dunning between processes: everybody at once is one try, a crash between two steps loses none, and there is one owner."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from tallystick import storage
from tallystick.domain.dunning import State, Try
from tallystick.domain.invoices import Invoice
from tallystick.domain.payments import Collection
from tallystick.flows.dun import dun
from tallystick.values.errors import Busy, Conflict
from tallystick.values.faults import NoFaults
from tallystick.values.ids import CustomerId
from tallystick.worker import loop
from tests.scenarios.world import World

FEE = {"key": "base", "kind": "recurring", "prices": [{"currency": "eur", "model": "flat", "amount": "99"}]}
WEEK = timedelta(days=7)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    made = World(database_url)
    made.billing.apply_catalogue({"plans": [{"key": "pro", "charges": [FEE]}]})
    yield made
    made.proves()
    made.billing.close()


def failed(world: World, card: str = "pm_card_visa_chargeDeclinedInsufficientFunds") -> Invoice:
    begun = world.billing.subscribed("ada", "pro", collection=Collection(payment_method=card))
    assert begun.invoice is not None
    world.works()
    return begun.invoice


def tries(world: World, invoice: Invoice) -> list[Try]:
    with world.billing.context.database.reading() as conn:
        return storage.dunning.tries(conn, CustomerId("ada"), invoice.id)


def test_everybody_at_once_is_one_try(world: World) -> None:
    invoice = failed(world)
    world.clock.advance(WEEK)

    def once(_: int) -> None:
        with suppress(Busy, Conflict):  # somebody was faster; a worker would look again
            dun(world.billing.context, invoice.id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(once, range(8)))
    assert [each.charge for each in tries(world, invoice)] == [1, 2]
    world.works()
    assert world.payment(invoice).charges == 2


class Dies(NoFaults):
    """A process that dies at one point, once."""

    def __init__(self, where: str) -> None:
        self.where, self.died = where, False

    def point(self, name: str) -> None:
        if name == self.where and not self.died:
            self.died = True
            raise KeyboardInterrupt(name)


@pytest.mark.parametrize(
    "where", ["dun:before_commit", "dun:after_commit", "ask:after_commit", "answer:before_commit", "job:dun:after"]
)
def test_who_dies_over_a_try_is_followed_by_who_makes_it_once(world: World, where: str) -> None:
    invoice = failed(world)
    world.clock.advance(WEEK)
    alive, dying = world.billing.context, Dies(where)
    with under(alive.database, dying), pytest.raises(KeyboardInterrupt):
        loop.catch_up(replace(alive, faults=dying))
    assert dying.died
    world.clock.advance(timedelta(minutes=10))  # the dead one's lease is over
    world.works()
    assert [each.code for each in tries(world, invoice)] == ["insufficient_funds"] * 2
    with alive.database.reading() as conn:
        dunning = storage.dunning.get(conn, invoice.id)
    assert dunning is not None
    assert (dunning.state, dunning.tries, dunning.failures) == (State.RETRYING, 1, 2)


@contextmanager
def under(database: storage.Database, faults: NoFaults) -> Iterator[None]:
    before, database.faults = database.faults, faults
    yield
    database.faults = before


def test_the_provider_never_collects_by_itself_what_we_collect(world: World) -> None:
    invoice = failed(world)
    (theirs,) = [doc for doc in world.sandbox.state.scan("invoice") if doc["metadata"].get("tallystick_invoice") == invoice.id]
    assert theirs["auto_advance"] is False
    assert theirs["next_payment_attempt"] is None
    assert theirs["status"] == "open"


def test_an_outage_is_no_decline_and_keeps_its_key(world: World) -> None:
    invoice = failed(world)
    now = world.clock.now()
    world.sandbox.faults.outage(now + WEEK - timedelta(hours=1), now + WEEK + timedelta(hours=5))
    world.clock.advance(WEEK)
    for _ in range(3):
        world.works()
        world.later(minutes=30)
    assert [each.code for each in tries(world, invoice)] == ["insufficient_funds", None], "it is not known yet"
    world.later(hours=6)
    world.works()
    assert [(each.charge, each.code) for each in tries(world, invoice)] == [(1, "insufficient_funds"), (2, "insufficient_funds")]
