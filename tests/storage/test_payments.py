"""One live payment per invoice; who saves must have read the newest."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tallystick.domain.invoices import Invoice
from tallystick.domain.payments import FINAL, Decline, Payment, PaymentStatus
from tallystick.storage import catalog, invoices, payments, schema
from tallystick.storage.database import Database
from tallystick.values.ids import InvoiceId, PaymentId
from tests.storage.worlds import BEN, NOW, TOKENS, a_payment, an_open_invoice

HOUR = timedelta(hours=1)


@pytest.fixture
def invoice(database: Database) -> Invoice:
    invoice = an_open_invoice()
    with database.transaction("meter") as conn:
        catalog.put_meter(conn, TOKENS, at=NOW)
        invoices.add(conn, invoice)
    return invoice


def following(payment: Payment, **facts) -> Payment:
    return replace(payment, version=payment.version + 1, **facts)


def test_a_payment_comes_back_as_it_was(database: Database, invoice: Invoice) -> None:
    payment = a_payment(
        invoice, automatic=True, payment_method="pm_1", ref="pi_1", url="https://pay", ready=True, charges=2, charging=True,
        round=1, look_first=True, asked_at=NOW, decline=Decline("no", "No."), version=3,
    )  # fmt: skip
    with database.transaction("add") as conn:
        assert payments.add(conn, payment)
        assert payments.get(conn, payment.id) == payment
        assert payments.by_ref(conn, "pi_1") == payment
        assert payments.of_invoice(conn, invoice.id) == payment
        assert payments.get(conn, PaymentId("none")) is payments.by_ref(conn, "pi_2") is None
        assert payments.of_invoice(conn, InvoiceId("none")) is None


def test_an_invoice_has_one_live_payment(database: Database, invoice: Invoice) -> None:
    payment = a_payment(invoice)
    other = replace(payment, id=PaymentId("pay_other"), created_at=NOW + HOUR)
    with database.transaction("add") as conn:
        assert payments.add(conn, payment)
        assert not payments.add(conn, payment)
        assert not payments.add(conn, other)
        canceled = following(payment, status=PaymentStatus.CANCELED)
        assert payments.move(conn, payment, canceled)
        assert payments.of_invoice(conn, invoice.id) == canceled
        assert payments.add(conn, other)
        assert payments.of_invoice(conn, invoice.id) == other


def test_an_object_of_the_providers_is_one_payment(database: Database, invoice: Invoice) -> None:
    other = an_open_invoice(2, customer=BEN)
    with database.transaction("add") as conn:
        invoices.add(conn, other)
        assert payments.add(conn, a_payment(invoice, ref="pi_1"))
        assert not payments.add(conn, a_payment(other, ref="pi_1"))


def test_who_is_slower_saves_nothing(database: Database, invoice: Invoice) -> None:
    payment = a_payment(invoice)
    with database.transaction("add") as conn:
        payments.add(conn, payment)
        mine, theirs = following(payment, ref="pi_1"), following(payment, ref="pi_2")
        assert payments.move(conn, payment, mine)
        assert not payments.move(conn, payment, theirs)
        assert payments.get(conn, payment.id) == mine


def test_the_silent_ones_are_found(database: Database, invoice: Invoice) -> None:
    others = [an_open_invoice(n, customer=f"cus_{n}") for n in range(2, 6)]
    statuses = [PaymentStatus.PENDING, PaymentStatus.SUCCEEDED, PaymentStatus.CANCELED, PaymentStatus.PROCESSING]
    with database.transaction("add") as conn:
        for n, (each, status) in enumerate(zip(others, statuses, strict=True)):
            invoices.add(conn, each)
            payments.add(conn, a_payment(each, status=status, updated_at=NOW - n * HOUR))
        found = payments.stale(conn, before=NOW + HOUR, limit=9)
        assert [payment.status for payment in found] == [PaymentStatus.PROCESSING, PaymentStatus.PENDING]
        assert len(payments.stale(conn, before=NOW + HOUR, limit=1)) == 1
        assert payments.stale(conn, before=NOW - 3 * HOUR, limit=9) == []


def test_final_is_what_the_domain_says() -> None:
    assert sorted(FINAL) == ["canceled", "succeeded"]
    assert all(f"'{status}'" in schema.NOT_FINAL for status in FINAL)
