"""The state is the two files and nothing else: whoever opens them goes on, beside others or after them."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tallystick.app import Tallystick
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.payments import Method, payment_id
from tallystick.domain.usage import Event, Verdict
from tallystick.flows.bill_usage import Collection
from tallystick.providers.protocol import Done
from tallystick.storage import payments
from tallystick.testing import FakeClock
from tallystick.values.errors import NotFound
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.worker import loop
from tests.flows.crowd import at_once, billed, charges, intents, patiently, recorded, unbilled
from tests.flows.victim import METER, sells


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def file(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'billing.db'}"


@contextmanager
def opened(file: str, clock: FakeClock) -> Iterator[Tallystick]:
    billing = Tallystick.from_url(file, clock=clock)
    yield billing
    billing.close()


def uses(billing: Tallystick, name: str, quantity: int = 10, customer: str = "ada") -> Verdict:
    at = billing.context.clock.now()
    event = Event(CustomerId(customer), EventId(name), MeterKey("calls"), Decimal(quantity), at)
    return patiently(lambda: billing.record([event])[0].verdict)


def pays(billing: Tallystick, invoice: Invoice) -> None:
    """The customer, at the provider."""
    with billing.context.database.reading() as conn:
        payment = payments.get(conn, payment_id(invoice.id))
    assert payment is not None
    assert payment.ref is not None
    outcome = billing.context.provider.charge(payment.ref, payment.method, key="customer", payment_method="pm_card_visa")
    assert isinstance(outcome, Done)


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize("paid_before", [True, False], ids=["paid before the restart", "paid after it"])
def test_an_open_invoice_is_paid_across_a_restart_and_no_webhook_is_needed(
    file: str, clock: FakeClock, method: Method, paid_before: bool
) -> None:
    with opened(file, clock) as billing:
        sells(billing)
        uses(billing, "first")
        clock.advance(timedelta(hours=1))
        (invoice,) = billing.bill("ada", collection=Collection(method, automatic=False))
        before = billing.collect(invoice.id)
        if paid_before:
            pays(billing, invoice)
    with opened(file, clock) as billing:
        again = billing.collect(invoice.id)
        assert again.payment.ref == before.payment.ref, "the same object, and it can still be paid"
        assert again.client_secret == (None if paid_before else before.client_secret)
        if not paid_before:
            pays(billing, invoice)
    clock.advance(timedelta(minutes=11))
    with opened(file, clock) as billing:
        loop.catch_up(billing.context)
        assert billing.invoice(invoice.id).status is InvoiceStatus.PAID
        assert charges(billing.sandbox) == {invoice.id: [1000]}
        assert billing.verify().clean


def test_everything_is_as_it_was_after_a_restart(file: str, clock: FakeClock) -> None:
    with opened(file, clock) as billing:
        sells(billing)
        uses(billing, "first")
        token = billing.create_api_key("mine", ["admin"]).token
        clock.advance(timedelta(hours=1))
        billing.bill("ada", collection=Collection(payment_method="pm_card_visa"))
    with opened(file, clock) as billing:
        assert uses(billing, "second") is Verdict.RECORDED
        assert uses(billing, "first") is Verdict.CONFLICT, "told at another time, and the first stands"
        assert billing.authenticate(token).name == "mine"
        assert loop.catch_up(billing.context) == 1, "the job was written down"
        assert [invoice.status for invoice in billing.invoices()] == [InvoiceStatus.PAID]
        assert [entry.act.action for entry in billing.audit()] == ["payment.succeeded", "invoice.opened", "api_key.issued"]
        assert token not in repr(billing.audit())
        assert billing.verify().clean


def test_two_engines_in_one_process_share_one_file(file: str, clock: FakeClock) -> None:
    one, other = Tallystick.from_url(file, clock=clock), Tallystick.from_url(file, clock=clock)
    sells(one)

    def work(number: int) -> int:
        billing = (one, other)[number % 2]
        told = [uses(billing, f"event-{i}", quantity=1) for i in range(25)]
        if number < 2:
            clock.advance(timedelta(minutes=1))
            patiently(lambda: billing.bill("ada", collection=Collection(Method.INTENT, payment_method="pm_card_visa")))
            patiently(lambda: loop.run_until_idle(billing.context))
        return told.count(Verdict.RECORDED)

    assert sum(at_once(8, work)) == 25
    clock.advance(timedelta(hours=1))
    for billing in (one, other):
        loop.catch_up(billing.context)
        assert recorded(billing, "ada", "calls") == 25
        assert billed(billing, "ada", "calls") + unbilled(billing, "ada", "calls") == 25
        assert all(len(amounts) == 1 for amounts in charges(billing.sandbox).values())
        assert billing.verify().clean
        billing.close()


def test_two_processes_share_one_file(file: str) -> None:
    with opened(file, FakeClock()) as billing:
        sells(billing)
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tests.flows.victim"])
    with forks.Pool(2) as pool:
        told = pool.starmap(_share, [(file, number) for number in range(2)], chunksize=1)
    assert sum(told) == 60, "each event was new to one of them"
    clock = FakeClock()
    clock.advance(timedelta(hours=2))
    with opened(file, clock) as billing:
        loop.catch_up(billing.context)
        assert recorded(billing, "ada", "calls") == 60
        assert billed(billing, "ada", "calls") + unbilled(billing, "ada", "calls") == 60
        assert all(len(amounts) == 1 for amounts in charges(billing.sandbox).values())
        assert len(intents(billing.sandbox)) == len([i for i in billing.invoices() if i.total.minor])
        assert billing.verify().clean


def _share(file: str, number: int) -> int:
    clock, new = FakeClock(), 0
    with opened(file, clock) as billing:
        for turn in range(60):
            clock.set(FakeClock().now())  # each event says the same, whoever sends it
            new += uses(billing, f"event-{turn}", quantity=1) is Verdict.RECORDED
            if turn % 10 == number:
                clock.advance(timedelta(minutes=turn))
                patiently(lambda: billing.bill("ada", collection=Collection(Method.INTENT, payment_method="pm_card_visa")))
                patiently(lambda: loop.run_until_idle(billing.context))
    return new


def test_two_databases_in_one_process_do_not_meet(tmp_path: Path, clock: FakeClock) -> None:
    one, other = (Tallystick.from_url(f"sqlite:///{tmp_path / name}", clock=clock) for name in ("one.db", "other.db"))
    memory = Tallystick.from_url("sqlite://", clock=clock)
    for billing in (one, memory):
        sells(billing)
        uses(billing, "first")
    token = one.create_api_key("mine", ["admin"]).token
    clock.advance(timedelta(hours=1))
    (invoice,) = one.bill("ada", collection=Collection(Method.INTENT, automatic=False))
    one.collect(invoice.id)
    assert other.meters() == {}
    assert METER in memory.meters()
    for stranger in (other, memory):
        assert stranger.invoices() == []
        assert intents(stranger.sandbox) == []
        assert stranger.api_keys() == []
        assert loop.catch_up(stranger.context) == 0
        with pytest.raises(NotFound):
            stranger.collect(invoice.id)
        with pytest.raises(Exception, match="API key"):
            stranger.authenticate(token)
    assert one.context.provider is not other.context.provider
    for billing in (one, other, memory):
        billing.close()
    uses(fresh := Tallystick.from_url(f"sqlite:///{tmp_path / 'one.db'}", clock=clock), "second")
    fresh.close()
