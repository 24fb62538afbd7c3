"""Several worker processes beside each other: each invoice is charged once, and what one leaves another takes up."""

import multiprocessing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from tallystick.domain.invoices import InvoiceStatus
from tallystick.domain.payments import Method
from tallystick.domain.usage import Event
from tallystick.flows.bill_usage import Collection
from tallystick.values.errors import Busy
from tallystick.values.ids import CustomerId, EventId
from tallystick.worker import loop
from tests.flows.crowd import charges
from tests.flows.victim import METER, LaterClock, engine, sells

CUSTOMERS = 16
AHEAD = timedelta(minutes=5)


def work(url: str, sandbox: str) -> int:
    """A worker until there is nothing to do; how many jobs it ran."""
    billing, ran = engine(url, sandbox, LaterClock(AHEAD)), 0
    for _ in range(30):
        try:
            ran += loop.run_due(billing.context, limit=2)
        except Busy:
            continue
    billing.close()
    return ran


def test_three_worker_processes_charge_each_invoice_once(database_url: str, tmp_path: Path) -> None:
    sandbox = str(tmp_path / "sandbox.db")
    billing = engine(database_url, sandbox, LaterClock(timedelta(0)))
    sells(billing)
    now, opened = billing.context.clock.now(), []
    for number in range(CUSTOMERS):
        customer = f"customer-{number}"
        billing.record([Event(CustomerId(customer), EventId("first"), METER, Decimal(10 + number), now - timedelta(minutes=5))])
        method = list(Method)[number % 2]
        opened += billing.bill(customer, collection=Collection(method, payment_method="pm_card_visa"))
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tests.flows.victim"])
    with forks.Pool(3) as pool:
        ran = pool.starmap(work, [(database_url, sandbox)] * 3, chunksize=1)
    assert sum(ran) >= CUSTOMERS
    assert isinstance(billing.context.clock, LaterClock)
    billing.context.clock.ahead = AHEAD + timedelta(hours=1)
    loop.catch_up(billing.context)
    assert charges(billing.sandbox) == {invoice.id: [invoice.total.minor] for invoice in opened}
    assert {billing.invoice(invoice.id).status for invoice in opened} == {InvoiceStatus.PAID}
    assert (billing.backlog().due, billing.backlog().dead) == (0, 0)
    assert billing.verify().clean
    billing.close()
