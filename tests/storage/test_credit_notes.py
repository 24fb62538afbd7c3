"""The books of a business that credits and refunds hold on both engines, and each wrong that is planted in them is seen."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from tallystick import Tallystick, worker
from tallystick.domain.catalog import Charge, UnitPrice
from tallystick.domain.payments import Method
from tallystick.domain.usage import Event, Meter
from tallystick.flows.bill_usage import Collection
from tallystick.storage import payments
from tallystick.storage.invariants import INVARIANTS
from tallystick.testing import FakeClock, SeededIds
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.money import USD, Money
from tests.storage.test_invariants import free, undone

HOUR = timedelta(hours=1)
LEFT_OPEN = Collection(Method.INTENT, automatic=False)
NOTE, REFUND = "tallystick_credit_notes", "tallystick_refunds"
# Which invariant must find it; the table that it is planted in, freed of all that would refuse it; and what is planted.
PLANTED = (
    (
        "credit notes",
        "credit_notes",
        f"UPDATE {NOTE} SET amount = amount + 1, refunded = refunded + 1 WHERE number = 'CN-000001'",
    ),
    ("credit notes", "credit_notes", f"UPDATE {NOTE} SET reduced = reduced + 90000, amount = amount + 90000 WHERE reduced > 0"),
    ("credit notes", "credit_notes", f"UPDATE {NOTE} SET amount = amount - 1"),
    ("credit notes", "credit_notes", f"UPDATE {NOTE} SET refunded = 0, credited = refunded WHERE refunded > 0"),
    ("credit notes", "credit_notes", f"UPDATE {NOTE} SET invoice_id = 'inv_nobody'"),
    ("credit notes", "credit_note_lines", "UPDATE tallystick_credit_note_lines SET amount = amount + 1"),
    ("credit notes", "credit_note_lines", "UPDATE tallystick_credit_note_lines SET line_id = 'line_nobody'"),
    ("credit notes", "ledger_transactions", "DELETE FROM tallystick_ledger_transactions WHERE kind = 'credit_note.issued'"),
    ("credit notes", "audit", "DELETE FROM tallystick_audit WHERE action = 'credit_note.issued'"),
    ("credit notes", "refunds", f"INSERT INTO {REFUND} SELECT * FROM {REFUND}"),
    ("gapless notes", "credit_notes", f"UPDATE {NOTE} SET number = 'CN-000009' WHERE number = 'CN-000002'"),
    ("gapless notes", "counters", "UPDATE tallystick_counters SET value = value + 1 WHERE name = 'credit_note_numbers'"),
    ("refunds", "refunds", f"UPDATE {REFUND} SET amount = amount + 1"),
    ("refunds", "refunds", f"UPDATE {REFUND} SET status = 'failed' WHERE status = 'succeeded'"),
    ("refunds", "refunds", f"UPDATE {REFUND} SET status = 'succeeded' WHERE status = 'failed'"),
    ("refunds", "refunds", f"UPDATE {REFUND} SET ref = NULL"),
    ("refunds", "refunds", f"UPDATE {REFUND} SET payment_id = 'pay_nobody'"),
    ("refunds", "payments", "UPDATE tallystick_payments SET refunded = 0"),
    ("refunds", "payments", "UPDATE tallystick_payments SET refunded = amount + 1 WHERE refunded > 0"),
    ("refunds", "ledger_transactions", "DELETE FROM tallystick_ledger_transactions WHERE kind = 'refund.succeeded'"),
    ("refunds", "audit", "DELETE FROM tallystick_audit WHERE action = 'refund.failed'"),
    ("balances", "refunds", f"DELETE FROM {REFUND} WHERE status = 'failed'"),
    ("balances", "credit_notes", f"UPDATE {NOTE} SET carried = carried + 1 WHERE reduced > 0"),
    ("balances", "ledger_entries", "DELETE FROM tallystick_ledger_entries WHERE account IN ('refunds', 'refunds_due')"),
    ("carried", "credit_notes", f"UPDATE {NOTE} SET carried = carried + 1 WHERE carried > 0"),
    ("carried", "credit_notes", f"UPDATE {NOTE} SET credited = credited - 1 WHERE credited > 0"),
    ("carried", "refunds", f"UPDATE {REFUND} SET amount = amount + 1 WHERE status = 'failed'"),
    ("one payment", "payments", "UPDATE tallystick_payments SET amount = amount + 1 WHERE status = 'open'"),
    ("one payment", "credit_notes", f"UPDATE {NOTE} SET reduced = reduced - 1 WHERE reduced > 0"),
)  # fmt: skip


@pytest.fixture
def business(database_url: str) -> Iterator[Tallystick]:
    """Credited before payment, whole, in part, and with a rest that is carried; refunded, kept, and refunded in vain."""
    clock = FakeClock()
    app = Tallystick.from_url(database_url, clock=clock, ids=SeededIds())
    app.put_meter(Meter(MeterKey("calls"), decimals=0))
    app.put_charge(Charge(key="calls", meter_key=MeterKey("calls"), price=UnitPrice(currency=USD, unit_amount=Decimal(1))))

    def billed(number: int, card: str | None) -> str:
        at = clock.now()
        app.record([Event(CustomerId("ada"), EventId(f"e{number}"), MeterKey("calls"), Decimal(100), at)])
        clock.advance(HOUR)
        how = LEFT_OPEN if card is None else Collection(Method.INTENT, payment_method=card)
        (invoice,) = app.bill("ada", collection=how)
        worker.loop.run_until_idle(app.context)
        return invoice.id

    paid = billed(1, "pm_card_visa")
    app.refund(paid, amount=Money(1000, USD), reason="a test", op="1")
    app.credit_note(paid, amount=Money(2000, USD), refund=False, reason="a test", op="2")
    in_vain = billed(2, "pm_card_refundFail")
    app.refund(in_vain, amount=Money(3000, USD), reason="a test", op="1")
    worker.loop.run_until_idle(app.context)
    clock.advance(timedelta(days=2))
    worker.loop.catch_up(app.context)
    app.credit_note(billed(3, None), amount=Money(6980, USD), reason="a test", op="1")
    app.credit_note(billed(4, None), reason="a test", op="1")
    part = app.invoice(billed(5, None))
    app.credit_note(part.id, lines={part.lines[0].id: Money(500, USD)}, reason="a test", op="1")
    worker.loop.run_until_idle(app.context)
    yield app
    app.close()


def test_a_business_that_credits_and_refunds_proves_its_books(business: Tallystick) -> None:
    report = business.verify()
    assert report.clean, report.violations
    assert (report.checked["credit notes"], report.checked["refunds"], report.checked["gapless notes"]) == (6, 2, 6)
    assert {refund.status.value for refund in business.refunds()} == {"succeeded", "failed"}


def test_each_invariant_finds_what_is_planted_against_it(business: Tallystick) -> None:
    by_name = {invariant.name: invariant for invariant in INVARIANTS}
    missed = []
    for name, table, tampering in PLANTED:
        with undone(business) as conn:
            free(conn, f"tallystick_{table}")
            assert conn.exec_driver_sql(tampering).rowcount > 0, tampering
            if not by_name[name].check(conn, 5).violations:
                missed.append((name, tampering))
    assert not missed


def test_no_more_is_set_aside_of_a_payment_than_was_paid(business: Tallystick) -> None:
    (invoice,) = [each for each in business.invoices() if each.number == "INV-000001"]
    with business.context.database.transaction("a test") as conn:
        payment = payments.of_invoice(conn, invoice.id)
        assert payment is not None
        assert not payments.give_back(conn, payment, Money(9001, USD))
        assert payments.give_back(conn, payment, Money(9000, USD))
        assert not payments.give_back(conn, payment, Money(1, USD))
        assert payments.take_back(conn, payment, Money(10000, USD))
        assert not payments.take_back(conn, payment, Money(1, USD))
