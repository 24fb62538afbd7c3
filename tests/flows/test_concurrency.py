"""Many at once, on both engines, with real threads and transactions: each event, invoice, intent and charge is there once."""

import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tallystick.collectors.uptime import Tariff, UptimeBilling
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.payments import Method, PaymentStatus
from tallystick.domain.uptime import Reading
from tallystick.domain.usage import Event, Verdict
from tallystick.flows.bill_usage import Collection
from tallystick.providers.protocol import Outcome
from tallystick.values.errors import Busy, Conflict, ProviderUnavailable
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.money import JPY, Money
from tallystick.worker import loop
from tests.flows.crowd import at_once, billed, charges, intents, invoices, late, patiently, recorded, unbilled
from tests.scenarios.world import World

PRICE = {"model": "per_unit", "currency": "usd", "unit_amount": "1"}
WITH_CARD = Collection(Method.INTENT, payment_method="pm_card_visa")


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    made = World(database_url)
    made.sells("calls", PRICE)
    yield made
    made.billing.close()


def event(world: World, name: str, *, customer: str = "ada", quantity: int = 1, ago: timedelta = timedelta(0)) -> Event:
    return Event(CustomerId(customer), EventId(name), MeterKey("calls"), Decimal(quantity), world.clock.now() - ago)


def test_events_that_sixteen_threads_send_are_there_once(world: World) -> None:
    sent = [event(world, f"event-{number}", ago=timedelta(minutes=number)) for number in range(60)]

    def send(number: int) -> list[Verdict]:
        mine = list(sent)
        random.Random(number).shuffle(mine)
        batches = [mine[i : i + 20] for i in range(0, 60, 20)]
        return [answer.verdict for batch in batches for answer in patiently(lambda batch=batch: world.billing.record(batch))]

    verdicts = [verdict for told in at_once(16, send) for verdict in told]
    assert verdicts.count(Verdict.RECORDED) == 60
    assert verdicts.count(Verdict.DUPLICATE) == 15 * 60
    assert recorded(world.billing, "ada", "calls") == 60
    assert unbilled(world.billing, "ada", "calls") == 59, "the one of this moment belongs to the next bill"
    world.proves()


def test_of_two_that_say_something_else_under_one_name_one_stands_and_the_other_is_told(world: World) -> None:
    def send(number: int) -> list[Verdict]:
        mine = [event(world, f"event-{i}", quantity=1 + number % 2) for i in range(20)]
        return [answer.verdict for answer in patiently(lambda: world.billing.record(mine))]

    told = at_once(8, send)
    for place in range(20):
        verdicts = [verdicts[place] for verdicts in told]
        assert verdicts.count(Verdict.RECORDED) == 1
        assert verdicts.count(Verdict.CONFLICT) == 4
    world.proves()


def test_no_event_slips_between_ingestion_and_a_biller_of_the_same_customer(world: World) -> None:
    """In small rounds, so that the two meet at every place; late ones among them, and the clock moves on."""
    rounds, senders = 12, 4
    tally = [0] * senders

    def work(number: int) -> None:
        chance = random.Random(number)
        for turn in range(rounds):
            if number >= senders:
                patiently(lambda: world.billing.bill("ada"))
                world.later(seconds=chance.random() * 600)
                continue
            quantities = [chance.randint(1, 9) for _ in range(5)]
            batch = [
                event(world, f"{number}-{turn}-{i}", quantity=q, ago=timedelta(minutes=chance.randint(-4, 240)))
                for i, q in enumerate(quantities)
            ]
            told = patiently(lambda batch=batch: world.billing.record(batch))
            assert {answer.verdict for answer in told} == {Verdict.RECORDED}
            tally[number] += sum(quantities)

    at_once(senders + 2, work)
    world.later(minutes=10)
    assert billed(world.billing, "ada", "calls") + unbilled(world.billing, "ada", "calls") == sum(tally), (
        "late marks are complete"
    )
    patiently(lambda: world.billing.bill("ada"))
    assert billed(world.billing, "ada", "calls") == sum(tally)
    assert late(world.billing, "ada", "calls") == []
    assert world.billing.preview("ada") == []
    numbers = sorted(invoice.number or "" for invoice in invoices(world.billing, "ada"))
    assert numbers == [f"INV-{number:06d}" for number in range(1, len(numbers) + 1)]
    world.proves()


def test_the_first_events_of_a_new_customer_are_not_lost_to_a_biller_who_did_not_know_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no row to lock yet: who is billed then must not be billed for the half of it."""
    from tallystick import storage

    lock, advance = storage.customers.lock, storage.usage.advance_position
    world.later(hours=1)

    def send(name: str) -> None:
        sender = threading.Thread(
            target=lambda: patiently(lambda: world.billing.record([event(world, name, ago=timedelta(minutes=5))]))
        )
        sender.start()
        sender.join(1.0)  # on SQLite, and where the customer is locked, it has to wait for the biller
        waiting.append(sender)

    def locked(*given, **named):
        found = lock(*given, **named)
        send("first")
        return found

    def advanced(*given, **named):
        send("second")
        advance(*given, **named)

    waiting: list[threading.Thread] = []
    monkeypatch.setattr(storage.customers, "lock", locked)
    monkeypatch.setattr(storage.usage, "advance_position", advanced)
    world.billing.bill("ada")
    monkeypatch.undo()
    for sender in waiting:
        sender.join(20)
    world.billing.bill("ada")
    assert billed(world.billing, "ada", "calls") == recorded(world.billing, "ada", "calls")
    world.proves()


def test_eight_who_bill_one_customer_open_one_invoice(world: World) -> None:
    for turn in range(4):
        world.uses("ada", "calls", 10)
        world.uses("bob", "calls", 10)
        world.later(hours=1)
        opened = at_once(8, lambda number: patiently(lambda: world.billing.bill("bob" if number == 7 else "ada")))
        assert sum(len(found) for found in opened) == 2
        numbers = sorted(i.number or "" for i in invoices(world.billing, "ada") + invoices(world.billing, "bob"))
        assert numbers == [f"INV-{number:06d}" for number in range(1, 2 * turn + 3)], "no gap, whoever came first"
    world.proves()


def test_eight_who_pay_for_a_server_at_once_get_one_invoice_and_one_intent(world: World) -> None:
    boot_at = world.clock.now()

    def reading() -> Reading:
        return Reading("boot-1", boot_at, world.clock.advance(timedelta(milliseconds=1)))

    server = UptimeBilling(world.billing, Tariff("web-1", Decimal(100), JPY), read=reading)
    server.prepare()
    world.later(hours=5)
    paid = at_once(8, lambda _: patiently(server.pay))
    assert len({invoice.id for invoice, _ in paid}) == 1
    assert len({collected.payment.ref for _, collected in paid}) == 1
    assert len(intents(world.sandbox)) == 1
    assert paid[0][0].total == Money(500, JPY), "the same hours, read by eight, are counted once"
    world.later(hours=1)
    assert server.status().total == Money(600, JPY)
    world.proves()


def test_readings_of_one_moment_by_eight_threads_are_paid_once(world: World) -> None:
    server = UptimeBilling(world.billing, Tariff("web-1", Decimal(100), JPY), read=lambda: reading)
    server.prepare()
    boot_at = world.clock.now()
    world.later(hours=5)
    reading = Reading("boot-1", boot_at, world.clock.now())
    paid = at_once(8, lambda _: patiently(server.pay))
    assert len({(invoice.id, collected.payment.ref) for invoice, collected in paid}) == 1
    assert len(intents(world.sandbox)) == 1


def test_four_workers_charge_each_invoice_once(world: World) -> None:
    opened = []
    for number in range(12):
        world.uses(f"customer-{number}", "calls", 10 + number)
    world.later(minutes=1)
    for number in range(12):
        opened += world.billing.bill(f"customer-{number}", collection=WITH_CARD)
    stop = threading.Event()

    def work(number: int) -> None:
        if number == 4:
            _until(lambda: all(world.now(invoice).status is InvoiceStatus.PAID for invoice in opened))
            stop.set()
            return
        while not stop.is_set():
            try:
                if loop.run_due(world.billing.context, limit=3) == 0:
                    stop.wait(0.01)
            except Busy:
                world.later(seconds=1)

    at_once(5, work)
    assert charges(world.sandbox) == {invoice.id: [invoice.total.minor] for invoice in opened}
    world.proves()


def _until(done) -> None:
    tick = threading.Event()
    for _ in range(3000):
        if done():
            return
        tick.wait(0.01)
    raise AssertionError("not within half a minute")


@pytest.mark.parametrize("method", list(Method))
def test_who_collects_one_payment_from_eight_threads_charges_once_and_under_one_key(world: World, method: Method) -> None:
    world.uses("ada", "calls", 10)
    world.later(minutes=1)
    (invoice,) = world.billing.bill("ada", collection=replace(WITH_CARD, method=method))
    keys = Keys(world.billing.context.provider)
    world.billing.context = replace(world.billing.context, provider=keys)
    at_once(8, lambda _: patiently(lambda: world.billing.collect(invoice.id)))
    world.later(hours=1).works()
    assert charges(world.sandbox) == {invoice.id: [1000]}
    assert len(keys.used) == 1, "a second key would be a second charge, if the provider did not look"
    assert world.payment(invoice).status is PaymentStatus.SUCCEEDED
    world.proves()


class Keys:
    """The provider, and the keys of the charges that were asked of it."""

    def __init__(self, inner) -> None:
        self._inner, self.used = inner, set()

    def __getattr__(self, name: str):
        return getattr(self._inner, name)

    def charge(self, ref: str, method: Method, *, key: str, payment_method: str | None = None) -> Outcome:
        self.used.add(key)
        return self._inner.charge(ref, method, key=key, payment_method=payment_method)


def test_a_webhook_that_comes_thirty_two_times_at_once_is_kept_and_settled_once(world: World) -> None:
    world.uses("ada", "calls", 10)
    world.later(minutes=1)
    (invoice,) = world.billing.bill("ada", collection=Collection(Method.INTENT, automatic=False))
    world.works()
    world.pays(invoice)
    deliveries: list[tuple[bytes, dict[str, str]]] = []
    world.sandbox.webhooks.deliver_due(lambda _, headers, body: deliveries.append((body, headers)) or 200)
    for body, headers in deliveries:
        kept = at_once(32, lambda _, body=body, headers=headers: patiently(lambda: world.billing.receive(body, headers)))
        assert kept.count(True) == 1
    at_once(4, lambda _: patiently(lambda: loop.run_until_idle(world.billing.context)))
    assert world.now(invoice).status is InvoiceStatus.PAID
    assert world.billing.backlog().dead == 0
    world.proves()


@pytest.mark.parametrize("method", list(Method))
def test_void_collect_and_a_customer_who_pays_meet_and_agree(world: World, method: Method) -> None:
    seen = set()
    for turn in range(6):
        invoice = _opened(world, f"customer-{turn}", method)
        at_once(4, lambda number, invoice=invoice: _meet(world, invoice, number))
        for _ in range(12):
            world.later(minutes=11).delivers()
            world.works()
        stands, payment = world.now(invoice), world.payment(invoice)
        if stands.status is InvoiceStatus.OPEN:  # the provider had let it go, and the void came second: it is asked again
            stands = world.billing.void(invoice.id, reason="asked again")
            payment = world.payment(invoice)
        agreed = {InvoiceStatus.PAID: PaymentStatus.SUCCEEDED, InvoiceStatus.VOID: PaymentStatus.CANCELED}
        assert payment.status is agreed[stands.status]
        taken = charges(world.sandbox).get(invoice.id, [])
        assert taken == ([invoice.total.minor] if stands.status is InvoiceStatus.PAID else [])
        seen.add(stands.status)
        world.proves()
    assert seen <= {InvoiceStatus.PAID, InvoiceStatus.VOID}


def _opened(world: World, customer: str, method: Method) -> Invoice:
    world.uses(customer, "calls", 10)
    world.later(minutes=1)
    (invoice,) = world.billing.bill(customer, collection=Collection(method, automatic=False))
    world.billing.collect(invoice.id)
    return invoice


def _meet(world: World, invoice: Invoice, number: int) -> None:
    try:
        match number:
            case 0:
                patiently(lambda: world.billing.void(invoice.id, reason="wrong"))
            case 1:
                world.pays(invoice)
            case 2:
                patiently(lambda: world.billing.collect(invoice.id))
            case _:
                world.delivers()
                patiently(lambda: loop.run_until_idle(world.billing.context))
    except (Conflict, ProviderUnavailable):
        """Somebody else was faster: that is an answer."""
