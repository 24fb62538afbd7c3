"""Each invariant holds of a real business on both engines, and finds what is planted against it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tallystick import Tallystick, worker
from tallystick.domain.catalog import Charge, PercentagePrice, UnitPrice
from tallystick.domain.payments import Method
from tallystick.domain.usage import Aggregation, Event, Meter
from tallystick.flows.bill_usage import Collection
from tallystick.storage.invariants import INVARIANTS
from tallystick.testing import FakeClock, SeededIds
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.money import USD
from tests.storage.tampering import free, undone

HOUR = timedelta(hours=1)
PAID = Collection(Method.INTENT, automatic=True, payment_method="pm_card_visa")
LEFT_OPEN = Collection(Method.INTENT, automatic=False)

NEWS = (
    "INSERT INTO tallystick_provider_events "
    "(provider, id, kind, body, created_at, livemode, received_at, outcome, reason, settled_at) "
    "VALUES ('stripe', 'evt_1', 'payment_intent.succeeded', '{\"data\":{\"object\":{\"id\":\"pi_nobody\"}}}', 1, "
)
AMENDED = (
    "INSERT INTO tallystick_event_amendments SELECT customer_id, source, id, recorded_at, 'a test', 'test', '', '' "
    "FROM tallystick_events WHERE id = "
)
# Which invariant must find it; the table that it is planted in, freed of all that would refuse it; and what is planted.
PLANTED = (
    ("once", "events", "INSERT INTO tallystick_events SELECT * FROM tallystick_events LIMIT 1"),
    ("exact input", "events", "UPDATE tallystick_events SET at = recorded_at + 300000001"),
    ("exact input", "events", "UPDATE tallystick_events SET unit_price = '1.10'"),
    ("exact input", "events", "UPDATE tallystick_events SET at = 0"),
    ("complete and disjoint", "events", "DELETE FROM tallystick_events WHERE id = 'ada 1'"),
    ("complete and disjoint", "events", "UPDATE tallystick_events SET quantity = quantity + 1 WHERE id = 'ada 1'"),
    ("complete and disjoint", "events", "UPDATE tallystick_events SET at = at - 86400000000 WHERE id = 'ada 1'"),
    ("complete and disjoint", "invoice_lines", "UPDATE tallystick_invoice_lines SET quantity = '2' WHERE meter_key = 'users'"),
    ("derivable", "usage_rollups", "UPDATE tallystick_usage_rollups SET sum = sum + 1"),
    ("derivable", "usage_rollups", "UPDATE tallystick_usage_rollups SET count = count + 1"),
    ("derivable", "usage_rollups", "UPDATE tallystick_usage_rollups SET max = max - 1"),
    ("derivable", "usage_rollups", "UPDATE tallystick_usage_rollups SET latest_id = 'ada 2' WHERE latest_id = 'ada 3'"),
    ("derivable", "usage_rollups", "DELETE FROM tallystick_usage_rollups"),
    ("derivable", "events", "UPDATE tallystick_events SET at = at + 7200000000 WHERE id = 'ada 1'"),
    ("derivable", "usage_uniques", "DELETE FROM tallystick_usage_uniques WHERE value = 'u2'"),
    ("derivable", "usage_uniques", "UPDATE tallystick_usage_uniques SET value = 'u9' WHERE value = 'u2'"),
    ("derivable", "event_amendments", f"{AMENDED}'ada 5'"),
    ("derivable", "event_amendments", f"{AMENDED}'ada 2'"),
    ("derivable", "event_amendments", "DELETE FROM tallystick_event_amendments WHERE id = 'ada 6'"),
    ("complete and disjoint", "event_amendments", f"{AMENDED}'ada 1'"),
    ("amendments", "event_amendments",
     "INSERT INTO tallystick_event_amendments VALUES ('ada', 'api', 'nobody', 1, 'a test', 'test', '', '')"),
    ("amendments", "event_amendments",
     "INSERT INTO tallystick_event_amendments VALUES ('ada', 'api', 'ada 5', 1, 'a test', 'test', 'api', 'nobody')"),
    ("amendments", "event_amendments",
     "INSERT INTO tallystick_event_amendments VALUES ('ada', 'api', 'ada 5', 1, 'a test', 'test', 'api', 'ada 2')"),
    ("amendments", "event_amendments",
     "UPDATE tallystick_event_amendments SET replacement_source = 'api', replacement_id = 'ada 8' WHERE id = 'ada 6'"),
    ("tiling", "invoice_lines", "UPDATE tallystick_invoice_lines SET period_end = period_end + 1 WHERE meter_key = 'tokens'"),
    ("tiling", "billing_positions", "UPDATE tallystick_billing_positions SET billed_through = billed_through + 1"),
    ("tiling", "billing_positions", "DELETE FROM tallystick_billing_positions"),
    ("one rounding", "invoice_lines", "UPDATE tallystick_invoice_lines SET amount = amount + 1"),
    ("one rounding", "invoice_lines", "UPDATE tallystick_invoice_lines SET part = part + 1"),
    ("one rounding", "invoice_lines", "UPDATE tallystick_invoice_lines SET quantity = '7' WHERE meter_key = 'tokens'"),
    ("one rounding", "invoice_lines", "UPDATE tallystick_invoice_lines SET price = '{\"model\":\"unit\"}'"),
    ("one rounding", "events", "UPDATE tallystick_events SET quantity = quantity * 3 WHERE meter_key = 'transfers'"),
    ("sums", "invoices", "UPDATE tallystick_invoices SET total = total + 1"),
    ("sums", "invoice_lines", "DELETE FROM tallystick_invoice_lines WHERE part > 0"),
    ("sums", "invoice_lines", "UPDATE tallystick_invoice_lines SET currency = 'eur'"),
    ("sums", "ledger_entries", "UPDATE tallystick_ledger_entries SET amount = amount + 1 WHERE account = 'revenue'"),
    ("sums", "ledger_transactions", "DELETE FROM tallystick_ledger_transactions WHERE kind = 'invoice.opened'"),
    ("balances", "ledger_entries", "DELETE FROM tallystick_ledger_entries WHERE account IN ('cash', 'receivable')"),
    ("balances", "payments", "UPDATE tallystick_payments SET amount = amount + 1"),
    ("carried", "invoices", "UPDATE tallystick_invoices SET carried_in = 0"),
    ("bounds", "invoices", "UPDATE tallystick_invoices SET total = 49"),
    ("bounds", "invoices", "UPDATE tallystick_invoices SET carried_out = 5 WHERE total > 0"),
    ("one line", "invoice_lines", "INSERT INTO tallystick_invoice_lines SELECT * FROM tallystick_invoice_lines LIMIT 1"),
    ("final is final", "invoices", "UPDATE tallystick_invoices SET closed_at = NULL WHERE status = 'paid'"),
    ("final is final", "invoices", "UPDATE tallystick_invoices SET status = 'open', closed_at = NULL WHERE status = 'void'"),
    ("gapless", "invoices", "UPDATE tallystick_invoices SET number = 'INV-000099' WHERE number = 'INV-000002'"),
    ("gapless", "invoices", "UPDATE tallystick_invoices SET number = 'INV-000001' WHERE number = 'INV-000002'"),
    ("gapless", "counters", "UPDATE tallystick_counters SET value = value + 1 WHERE name = 'invoice_numbers'"),
    ("one payment", "payments", "INSERT INTO tallystick_payments SELECT * FROM tallystick_payments WHERE status <> 'canceled'"),
    ("one payment", "payments", "UPDATE tallystick_payments SET amount = amount - 1"),
    ("one payment", "payments", "DELETE FROM tallystick_payments"),
    ("one payment", "invoices", "UPDATE tallystick_invoices SET status = 'open' WHERE status = 'paid'"),
    ("booked once", "ledger_transactions", "DELETE FROM tallystick_ledger_transactions WHERE kind = 'payment.succeeded'"),
    ("booked once", "payments", "UPDATE tallystick_payments SET status = 'open' WHERE status = 'succeeded'"),
    ("one mode", "provider_events", f"{NEWS}1, 1, 'ignored', NULL, 1)"),
    ("one mode", "settings", "UPDATE tallystick_settings SET value = 'both' WHERE key = 'mode'"),
    ("settled", "provider_events", f"{NEWS}0, 1, 'new', NULL, NULL)"),
    ("settled", "provider_events", f"{NEWS}0, 1, 'settled', NULL, 1)"),
    ("settled", "provider_events", f"{NEWS}0, 1, 'parked', NULL, NULL)"),
    ("held", "payments", "UPDATE tallystick_payments SET held = 'amount', held_after = charges"),
    ("held", "payments", "UPDATE tallystick_payments SET released_at = 1"),
    ("monotonic", "payments", "UPDATE tallystick_payments SET status = 'canceled' WHERE status = 'succeeded'"),
    ("monotonic", "invoices", "UPDATE tallystick_invoices SET status = 'uncollectible' WHERE status = 'paid'"),
    ("tamper-evident", "audit", "UPDATE tallystick_audit SET actor = 'somebody' WHERE seq = 2"),
    ("tamper-evident", "audit", "DELETE FROM tallystick_audit WHERE seq = 1"),
    ("tamper-evident", "audit", "DELETE FROM tallystick_audit WHERE seq > 2"),
    ("explained", "events", "DELETE FROM tallystick_events"),
    ("explained", "invoice_lines",
     "UPDATE tallystick_invoice_lines SET rating = replace(rating, '[{\"amount\":\"', '[{\"amount\":\"9')"),
)  # fmt: skip


@pytest.fixture
def business(database_url: str) -> Iterator[Tallystick]:
    """Late usage, amended usage, a carried sum, a void invoice, a paid one and an open one, of three meters."""
    clock = FakeClock()
    app = Tallystick.from_url(database_url, clock=clock, ids=SeededIds())
    app.put_meter(Meter(MeterKey("tokens"), decimals=2))
    app.put_meter(Meter(MeterKey("users"), Aggregation.UNIQUE, decimals=0, unique_property="user"))
    app.put_meter(Meter(MeterKey("transfers"), decimals=2))
    cent = UnitPrice(currency=USD, unit_amount=Decimal("0.013"))
    percent = PercentagePrice(currency=USD, rate_percent=Decimal("2.9"))
    for meter, price in (("tokens", cent), ("users", UnitPrice(currency=USD, unit_amount=Decimal(2))), ("transfers", percent)):
        app.put_charge(Charge(key=meter, meter_key=MeterKey(meter), price=price, display_name=meter.title()))
    _use(app, "ada 1", 1000)
    _use(app, "ada 2", 2000, meter="users")
    clock.advance(2 * HOUR)
    app.bill("ada", collection=PAID)
    worker.loop.run_until_idle(app.context)
    _use(app, "ada 3", 3, late=3 * HOUR / 2)
    app.bill("ada", collection=PAID)
    _use(app, "ada 4", 5000, meter="transfers", late=HOUR)
    clock.advance(HOUR)
    void = app.bill("ada", collection=LEFT_OPEN)[0]
    app.void(void.id, reason="a test")
    _use(app, "ada 5", 5000)
    _use(app, "ada 6", 90)
    app.retract("ada", "api", "ada 6", reason="a test")
    _use(app, "ada 7", 60)
    right = replace(app.event("ada", "api", "ada 7"), id=EventId("ada 8"), quantity=Decimal(50))
    app.correct("ada", "api", "ada 7", replacement=right, reason="a test")
    clock.advance(HOUR)
    app.bill("ada", collection=LEFT_OPEN)
    worker.loop.run_until_idle(app.context)
    yield app
    app.close()


def _use(app: Tallystick, name: str, quantity: int, *, meter: str = "tokens", late: timedelta = timedelta(0)) -> None:
    at = app.context.clock.now() - late
    user = {"user": f"u{name[-1]}"}
    answers = app.record([Event(CustomerId("ada"), EventId(name), MeterKey(meter), Decimal(quantity), at, properties=user)])
    assert answers[0].verdict == "recorded"


OF_QUOTAS = {"quota", "quota is billed", "reservations end"}  # planted against in test_quotas.py
OF_CREDITS = {"discounts", "redemptions", "credit", "credit burned"}  # in test_credits.py
OF_PLANS = {"fees", "going on", "no time twice", "periods"}  # in test_subscriptions.py
OF_DUNNING = {"tried in time", "tries are counted", "what is settled is not dunned for"}  # in test_dunning.py
OF_NOTES = {"credit notes", "refunds", "gapless notes"}  # in test_credit_notes.py
OF_DISPUTES = {"disputes"}  # in test_disputes.py
OF_LOWERED = {"usage given back"}  # in test_lowered.py
OF_EXPORTS = {"told once", "exported"}  # in test_usage_exports.py of the flows
ELSEWHERE = OF_QUOTAS | OF_CREDITS | OF_NOTES | OF_DISPUTES | OF_PLANS | OF_DUNNING | OF_EXPORTS | OF_LOWERED


def test_a_business_proves_its_books_and_says_how_much_it_looked_at(business: Tallystick) -> None:
    report = business.verify()
    assert report.clean, report.violations
    assert set(report.checked) == {invariant.name for invariant in INVARIANTS}
    unseen = {name for name, looked_at in report.checked.items() if not looked_at}
    # No webhook came, nobody has a plan, a quota or a grant, and nothing was credited.
    assert unseen == {"one mode", "settled"} | ELSEWHERE


def test_each_invariant_finds_what_is_planted_against_it(business: Tallystick) -> None:
    by_name = {invariant.name: invariant for invariant in INVARIANTS}
    assert {name for name, _, _ in PLANTED} == by_name.keys() - ELSEWHERE
    missed = []
    for name, table, tampering in PLANTED:
        with undone(business) as conn:
            free(conn, f"tallystick_{table}")
            assert conn.exec_driver_sql(tampering).rowcount > 0, tampering
            if not by_name[name].check(conn, 5).violations:
                missed.append((name, tampering))
    assert not missed


def test_at_most_so_many_violations_are_named(business: Tallystick) -> None:
    gapless = next(invariant for invariant in INVARIANTS if invariant.name == "derivable")
    with undone(business) as conn:
        free(conn, "tallystick_usage_rollups")
        conn.exec_driver_sql("UPDATE tallystick_usage_rollups SET sum = sum + 1")
        assert len(gapless.check(conn, 2).violations) == 2
