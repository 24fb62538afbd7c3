"""SIGKILL at any moment: what was acknowledged is there, nothing is charged twice, and the next process finishes the work."""

import multiprocessing
import os
import random
import time
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tallystick.app import Tallystick
from tallystick.domain.invoices import InvoiceStatus
from tallystick.flows.bill_usage import Collection
from tallystick.storage.jobs import next_due_at
from tallystick.worker import loop
from tests.flows.crowd import billed, charges, invoices, unbilled
from tests.flows.victim import CUSTOMERS, LaterClock, engine, live, sells, settles

KILLS = int(os.environ.get("TALLYSTICK_KILLS", "22"))
PATIENCE_S = 30.0


def kill(url: str, folder: Path, *, kills: int, seed: int) -> Tallystick:
    """The engine that comes after `kills` lives that were cut short, each at another moment."""
    print(f"seed {seed}")
    sandbox, acks, chance = folder / "sandbox.db", folder / "acks", random.Random(seed)
    first = engine(url, sandbox, LaterClock(timedelta(0)))
    sells(first)
    first.context.database.close()
    acks.touch()
    # Forked from a process that has imported everything and opened nothing: a life begins within milliseconds.
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tests.flows.victim"])
    for number in range(1, kills + 1):
        # Lives are as long as what they have done: on a slow machine they take longer.
        enough = acks.stat().st_size + chance.randrange(1, 900)
        process = forks.Process(target=live, args=(url, str(sandbox), str(acks), number), daemon=True)
        process.start()
        patience = time.monotonic() + PATIENCE_S
        at_its_start = chance.random() < 0.2
        while not at_its_start and acks.stat().st_size < enough and time.monotonic() < patience:
            assert process.is_alive(), "it lives until it is killed"
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.12))
        assert process.is_alive(), "it lives until it is killed"
        process.kill()
        process.join(PATIENCE_S)
        process.close()
    return engine(url, sandbox, LaterClock(timedelta(minutes=10 * (kills + 1))))


def finish(billing: Tallystick) -> None:
    """A worker that lives on, and has the time: two hours and a half of it."""
    clock = billing.context.clock
    assert isinstance(clock, LaterClock)
    for customer in CUSTOMERS:
        billing.bill(customer, collection=Collection(payment_method="pm_card_visa"))
    for _ in range(15):
        settles(billing)
        loop.catch_up(billing.context)
        clock.ahead += timedelta(minutes=10)


def proves(billing: Tallystick, acks: Path) -> None:
    told = [line.split() for line in acks.read_text().splitlines()]
    assert {verdict for *_, verdict in told} == {"recorded"}
    with billing.context.database.reading() as conn:
        rows = conn.exec_driver_sql("SELECT customer_id, id, quantity FROM tallystick_events").all()
        assert next_due_at(conn) is None, "no work is left"
    stored = Counter((row.customer_id, row.id, Decimal(row.quantity).scaleb(-6)) for row in rows)
    lost = [line for line in told if (line[0], line[1], Decimal(line[2])) not in stored]
    assert not lost, "what was acknowledged is there"
    assert set(stored.values()) == {1}
    for customer in CUSTOMERS:
        quantity = sum((quantity for name, _, quantity in stored if name == customer), Decimal(0))
        assert billed(billing, customer, "calls") + unbilled(billing, customer, "calls") == quantity
    opened = [invoice for customer in CUSTOMERS for invoice in invoices(billing, customer)]
    assert len(opened) > 5, "the lives were long enough"
    assert {invoice.status for invoice in opened} == {InvoiceStatus.PAID}, "nothing is stuck"
    assert charges(billing.sandbox) == {i.id: [i.total.minor] for i in opened if i.total.minor}, "and nothing charged twice"
    numbers = sorted(invoice.number or "" for invoice in opened)
    assert numbers == [f"INV-{number:06d}" for number in range(1, len(opened) + 1)]
    assert billing.backlog().dead == 0
    report = billing.verify()
    assert report.clean, report.violations


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_process_that_is_killed_again_and_again_on_sqlite_loses_nothing(sqlite_url: str, tmp_path: Path, seed: int) -> None:
    billing = kill(sqlite_url, tmp_path, kills=KILLS, seed=seed)
    finish(billing)
    proves(billing, tmp_path / "acks")
    billing.close()


def test_a_client_of_postgresql_that_is_killed_again_and_again_loses_nothing(postgres_url: str, tmp_path: Path) -> None:
    billing = kill(postgres_url, tmp_path, kills=KILLS * 2 // 3, seed=4)
    finish(billing)
    proves(billing, tmp_path / "acks")
    billing.close()
