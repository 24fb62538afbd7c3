"""Small values to store: what a test does not say is the same in all of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tallystick.domain.catalog import Charge, Price, UnitPrice
from tallystick.domain.invoices import Invoice, Reductions, draft, opened
from tallystick.domain.lines import Billable, usage_line
from tallystick.domain.payments import Method, Payment, PaymentStatus, payment_id
from tallystick.domain.usage import Event, Meter, Usage
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.money import USD, Money
from tallystick.values.time import Period

NOW = datetime(2026, 2, 1, tzinfo=UTC)
JANUARY = Period(datetime(2026, 1, 1, tzinfo=UTC), NOW)
ADA, BEN = CustomerId("cus_ada"), CustomerId("cus_ben")
TOKENS = Meter(MeterKey("tokens"), decimals=0)
CENT = UnitPrice(Decimal("0.01"), currency=USD)


def an_event(name: str, quantity: int = 1, *, at: datetime = NOW, customer: CustomerId = ADA, meter: Meter = TOKENS) -> Event:
    return Event(customer, EventId(name), meter.key, Decimal(quantity), at)


def sent(*events: Event, meter: Meter = TOKENS) -> list[tuple[Event, Meter]]:
    return [(event, meter) for event in events]


def a_charge(key: str = "tokens", price: Price = CENT) -> Charge:
    return Charge(key=key, meter_key=TOKENS.key, price=price, display_name="Tokens")


def an_invoice(
    *, customer: CustomerId = ADA, period: Period = JANUARY, charges: Sequence[Charge] = (a_charge(),), quantity: int = 1000
) -> Invoice:
    usage = Usage(TOKENS.key, Decimal(quantity), 1)
    billables = [Billable(charge, period, usage) for charge in charges]
    lines = [usage_line(customer, billable) for billable in billables]
    invoice = draft(customer, USD, lines, reductions=Reductions(Money(0, USD)), now=period.end)
    assert invoice is not None
    return invoice


def an_open_invoice(number: int = 1, **facts) -> Invoice:
    return opened(an_invoice(**facts), number=f"INV-{number:06d}", at=NOW, due_at=NOW + timedelta(days=14))


def a_payment(invoice: Invoice, **facts) -> Payment:
    said = {
        "id": payment_id(invoice.id),
        "invoice_id": invoice.id,
        "customer_id": invoice.customer_id,
        "method": Method.INTENT,
        "amount": invoice.total,
        "status": PaymentStatus.PENDING,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Payment(**said | facts)
