"""The provider is out for days: nothing is given up, and nothing is asked from an old reading."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tallystick import Tallystick, storage, worker
from tallystick.domain.catalog import Charge, UnitPrice
from tallystick.domain.invoices import InvoiceStatus
from tallystick.domain.payments import Method, payment_id
from tallystick.domain.usage import Event, Meter
from tallystick.flows import collect
from tallystick.flows.bill_usage import Collection
from tallystick.testing import FakeClock, in_memory
from tallystick.values.ids import CustomerId, EventId, InvoiceId, MeterKey
from tallystick.values.money import USD

CARD = Collection(Method.INTENT, automatic=True, payment_method="pm_card_visa")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def billing(clock: FakeClock) -> Tallystick:
    billing = in_memory(clock)
    billing.put_meter(Meter(MeterKey("tokens")))
    price = UnitPrice(currency=USD, unit_amount=Decimal("0.01"))
    billing.put_charge(Charge(key="tokens", meter_key=MeterKey("tokens"), price=price))
    billing.record([Event(CustomerId("ada"), EventId("1"), MeterKey("tokens"), Decimal(1000), clock.now())])
    clock.advance(timedelta(hours=1))
    return billing


def test_a_customer_who_was_made_for_one_payment_is_looked_for_by_another_a_day_later(
    billing: Tallystick, clock: FakeClock
) -> None:
    """The key under which the reply was lost is forgotten by then."""
    assert billing.sandbox is not None
    asked = "POST /v1/customers"
    (first,) = billing.bill("ada")
    billing.sandbox.faults.next("lost_reply", asked)
    billing.collect(first.id)
    clock.advance(timedelta(hours=5))
    billing.record([Event(CustomerId("ada"), EventId("2"), MeterKey("tokens"), Decimal(1000), clock.now())])
    clock.advance(timedelta(hours=1))
    (second,) = billing.bill("ada")
    billing.sandbox.faults.next("lost_request", asked)
    billing.collect(second.id)
    clock.advance(timedelta(hours=19))
    assert billing.collect(second.id).payment.ref is not None
    assert billing.collect(first.id).payment.ref is not None
    assert len(list(billing.sandbox.state.scan("customer"))) == 1


def test_an_outage_of_five_days_buries_no_job(billing: Tallystick, clock: FakeClock) -> None:
    assert billing.sandbox is not None
    billing.sandbox.faults.outage(clock.now(), clock.now() + timedelta(days=5))
    (invoice,) = billing.bill("ada", collection=CARD)
    for _ in range(6 * 24):
        clock.advance(timedelta(hours=1))
        worker.loop.run_until_idle(billing.context)
    with billing.context.database.reading() as conn:
        assert storage.jobs.dead(conn) == []
    assert billing.invoice(invoice.id).status is InvoiceStatus.PAID
    assert billing.verify().clean


def test_what_the_provider_said_in_place_of_an_answer_stands_with_the_job(billing: Tallystick, clock: FakeClock) -> None:
    assert billing.sandbox is not None
    billing.sandbox.faults.next("rate_limited")
    billing.bill("ada", collection=CARD)
    worker.loop.run_until_idle(billing.context)
    (failing,) = billing.jobs("failing")
    assert failing.name == "collect"
    assert "(req_" in (failing.error or ""), "to ask the provider about"


def test_who_was_overtaken_reads_again_before_asking(billing: Tallystick, monkeypatch: pytest.MonkeyPatch) -> None:
    (invoice,) = billing.bill("ada", collection=CARD)
    asked = _asked(billing, monkeypatch)
    real, overtaken = collect._settlement.save, [True, True]

    def save(*given, **named):
        return None if overtaken and overtaken.pop() else real(*given, **named)

    monkeypatch.setattr(collect._settlement, "save", save)
    collect.collect(billing.context, payment_id(InvoiceId(invoice.id)))
    assert len(asked) == len(set(asked)), "no question goes out twice, under whatever key"
    assert billing.invoice(invoice.id).status is InvoiceStatus.PAID


def _asked(billing: Tallystick, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []
    charge = billing.context.provider.charge

    def noted(ref, method, *, key, payment_method=None):
        asked.append(key)
        return charge(ref, method, key=key, payment_method=payment_method)

    monkeypatch.setattr(billing.context.provider, "charge", noted)
    return asked
