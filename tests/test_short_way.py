"""UsageTracker, BillingEngine and CostProjector, as programs already call them."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tallystick import BillingEngine, CostProjector, UsageTracker, worker
from tallystick.testing import FakeClock
from tallystick.values.errors import Conflict, InvalidInput, NotFound


class Business:
    """A tracker and an engine on one file, and a clock."""

    def __init__(self, path: Path) -> None:
        self.clock = FakeClock()
        self.tracker = UsageTracker(str(path), clock=self.clock)
        self.engine = BillingEngine(str(path), clock=self.clock)


@pytest.fixture
def business(tmp_path: Path) -> Iterator[Business]:
    made = Business(tmp_path / "my_business.db")
    yield made
    made.tracker.close()
    made.engine.close()


def test_an_invoice_says_what_each_service_came_to(business: Business) -> None:
    for _ in range(3):
        business.tracker.track_event(
            customer_id="cust_techstartup",
            service="api_development",
            quantity=1,
            unit="endpoint",
            unit_price=500.00,
            metadata={"project": "user_auth_api"},
        )
    business.clock.advance(timedelta(days=30))
    invoice = business.engine.generate_invoice(
        customer_id="cust_techstartup", customer_email="billing@techstartup.com", billing_period_days=30
    )
    assert invoice["amount_cents"] == 150000
    assert invoice["line_items"] == {"api_development": {"quantity": 3, "unit": "endpoint", "unit_price": 500.0, "total": 1500.0}}
    assert invoice["payment_url"].startswith("http")
    assert invoice["due_date"] == int((business.clock.now() + timedelta(days=14)).timestamp())
    assert json.loads(json.dumps(invoice)) == invoice


def test_base_and_overage_cost_what_they_say(business: Business) -> None:
    for i in range(9_990, 10_060):
        business.tracker.track_event("cust_customer", "api_calls", 1, "call", 0.01 if i >= 10000 else 0)
    business.clock.advance(timedelta(days=1))
    invoice = business.engine.generate_invoice("cust_customer", "billing@customer.com")
    assert invoice["amount_cents"] == 60
    assert invoice["line_items"]["api_calls"]["quantity"] == 70


def test_running_it_twice_or_late_neither_doubles_nor_leaves_a_gap(business: Business) -> None:
    start = business.clock.now()
    business.tracker.track_event("cust_1", "etl_pipeline", 150, "GB", 0.10)
    business.clock.advance(timedelta(days=45))
    assert business.engine.generate_invoice("cust_1", "a@example.com")["amount_cents"] == 1500
    assert "error" in business.engine.generate_invoice("cust_1", "a@example.com")
    business.tracker.track_event("cust_1", "etl_pipeline", 10, "GB", 0.10, at=start + timedelta(days=20))
    assert business.engine.generate_invoice("cust_1", "a@example.com")["amount_cents"] == 100


def test_nothing_to_bill_is_an_answer(business: Business) -> None:
    assert set(business.engine.generate_invoice("cust_nobody", "nobody@example.com")) == {"error"}


def test_less_than_the_provider_charges_is_said_and_adds_up(business: Business) -> None:
    business.tracker.track_event("cust_1", "calls", 10, "call", 0.01)
    business.clock.advance(timedelta(days=1))
    assert "error" in business.engine.generate_invoice("cust_1", "a@example.com")
    business.tracker.track_event("cust_1", "calls", 90, "call", 0.01)
    business.clock.advance(timedelta(days=1))
    assert business.engine.generate_invoice("cust_1", "a@example.com")["amount_cents"] == 100


def test_the_status_follows_the_money(business: Business) -> None:
    business.tracker.track_event("cust_1", "calls", 100, "call", "0.5")
    business.clock.advance(timedelta(days=1))
    invoice = business.engine.generate_invoice("cust_1", "a@example.com")
    unpaid = business.engine.check_payment_status(invoice["invoice_id"])
    assert unpaid == {"status": "open", "amount_paid": 0, "amount_due": 5000}
    billing = business.engine.billing
    payment = billing.explain(invoice["invoice_id"]).payment
    assert payment is not None
    assert payment.ref is not None
    billing.context.provider.charge(payment.ref, payment.method, key="customer-pays", payment_method="pm_card_visa")
    paid = {"status": "paid", "amount_paid": 5000, "amount_due": 0}
    assert business.engine.check_payment_status(invoice["invoice_id"]) == paid
    assert business.engine.check_payment_status(payment.ref) == paid
    with pytest.raises(NotFound):
        business.engine.check_payment_status("in_nowhere")
    assert billing.verify().clean


def test_floats_are_what_they_print(business: Business) -> None:
    business.tracker.track_event("cust_1", "compute", 0.1, "hour", 0.7)
    business.tracker.track_event("cust_1", "compute", 0.2, "hour", 0.7)
    assert business.tracker.calculate_total("cust_1") == 0.21


def test_a_retry_with_its_id_counts_once_and_never_says_something_else(business: Business) -> None:
    at = business.clock.now()
    for _ in range(2):
        assert business.tracker.track_event("cust_1", "calls", 1, "call", 2, id="job-1", at=at) == "job-1"
    assert business.tracker.calculate_total("cust_1") == 2.0
    with pytest.raises(Conflict):
        business.tracker.track_event("cust_1", "calls", 3, "call", 2, id="job-1", at=at)


@pytest.mark.parametrize("quantity", [float("nan"), float("inf"), -1, True, "many", 1e-30])
def test_what_is_no_quantity_is_refused(business: Business, quantity: object) -> None:
    with pytest.raises(InvalidInput):
        business.tracker.track_event("cust_1", "calls", quantity, "call", 1)  # type: ignore[arg-type]


def test_a_service_is_counted_in_one_unit(business: Business) -> None:
    business.tracker.track_event("cust_1", "storage", 1, "GB", 1)
    with pytest.raises(InvalidInput, match="counted in GB"):
        business.tracker.track_event("cust_1", "storage", 1024, "MB", 1)


def test_a_projection_says_the_margin_and_what_to_make_of_it() -> None:
    projection = CostProjector.project_api_service(
        expected_calls_per_month=50000, api_cost_per_call=0.002, proposed_price_per_1k=5.0
    )
    assert projection == {
        "calls_per_month": 50000,
        "monthly_cost": 100.0,
        "monthly_revenue": 250.0,
        "monthly_profit": 150.0,
        "margin_percent": 60.0,
        "recommendation": "Viable",
    }
    assert CostProjector.project_custom_code(100, 40, 100)["recommendation"] != "Viable"
    assert CostProjector.project_data_processing(1000, "0.04", "0.10")["recommendation"] == "Viable"


def test_the_complete_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    projection = CostProjector.project_api_service(
        expected_calls_per_month=100000, api_cost_per_call=0.002, proposed_price_per_1k=10.0
    )
    assert projection["margin_percent"] == 80.0
    with UsageTracker() as tracker, BillingEngine() as engine:

        def process_api_request(customer_id: str) -> str:
            result = "done"
            tracker.track_event(customer_id=customer_id, service="api_calls", quantity=1, unit="call", unit_price=0.01)
            return result

        def monthly_billing_job() -> dict[str, dict[str, object]]:
            invoices = {}
            for customer_id in ["cust_001", "cust_002", "cust_003"]:
                invoices[customer_id] = engine.generate_invoice(
                    customer_id=customer_id, customer_email=f"{customer_id}@example.com", billing_period_days=30
                )
            return invoices

        for customer_id, calls in (("cust_001", 60), ("cust_002", 75)):
            for _ in range(calls):
                assert process_api_request(customer_id) == "done"
        invoices = monthly_billing_job()
        assert [invoices[c].get("amount_cents") for c in ("cust_001", "cust_002", "cust_003")] == [60, 75, None]
        assert all("error" in invoice for invoice in monthly_billing_job().values())
        assert engine.billing.verify().clean


def test_recurring_billing_is_set_up_once_paid_in_the_browser_and_charged_each_month(business: Business) -> None:
    engine = business.engine
    subscription = engine.setup_recurring_billing(customer_email="billing@startup.com", plan_amount_cents=19900, interval="month")
    assert subscription["status"] == "active"
    assert subscription["client_secret"].startswith("pi_")
    assert engine.setup_recurring_billing("billing@startup.com", 19900, "month") == subscription
    (first,) = engine.billing.invoices(customer_id="billing@startup.com")
    assert engine.check_payment_status(first.id) == {"status": "open", "amount_paid": 0, "amount_due": 19900}
    payment = engine.billing.explain(first.id).payment
    assert payment is not None
    assert payment.ref is not None
    engine.billing.context.provider.charge(payment.ref, payment.method, key="browser", payment_method="pm_card_visa")
    assert engine.check_payment_status(first.id)["status"] == "paid"
    business.clock.advance(timedelta(days=31, hours=1))
    worker.loop.catch_up(engine.billing.context)
    assert [invoice.status for invoice in engine.billing.invoices(customer_id="billing@startup.com")] == ["paid", "paid"]
    with pytest.raises(InvalidInput, match="plan_amount_cents"):
        engine.setup_recurring_billing("billing@startup.com", 0)


def test_base_by_subscription_and_overage_by_invoice_are_two_bills_of_one_month(business: Business) -> None:
    engine = business.engine
    engine.setup_recurring_billing(customer_email="billing@customer.com", plan_amount_cents=9900, interval="month")
    for i in range(9_950, 10_100):
        business.tracker.track_event("billing@customer.com", "api_calls", 1, "call", 0.01 if i >= 10_000 else 0)
    business.clock.advance(timedelta(days=1))
    overage = engine.generate_invoice(customer_id="billing@customer.com", customer_email="billing@customer.com")
    assert overage["amount_cents"] == 100
    assert [invoice.total.minor for invoice in engine.billing.invoices(customer_id="billing@customer.com")] == [100, 9900]
