"""The short way in: UsageTracker, BillingEngine and CostProjector, three classes over one engine."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Self

from tallystick import worker
from tallystick.app import Tallystick
from tallystick.domain import credit_notes, projection
from tallystick.domain.catalog import Charge, DynamicPrice
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.lines import Line
from tallystick.domain.payments import Collection, Method
from tallystick.domain.periods import Cadence, read_cadence
from tallystick.domain.projection import Projection
from tallystick.domain.usage import AHEAD_MAX, Event, Meter, Verdict
from tallystick.values.decimals import EXACT, exact_decimal
from tallystick.values.errors import AmountBelowMinimum, Conflict, InvalidInput
from tallystick.values.ids import CustomerId, EventId, InvoiceId, MeterKey
from tallystick.values.money import USD, Currency, Money
from tallystick.values.time import Clock, to_micros

Number = int | float | str | Decimal
DEFAULT_PATH = "tallystick.db"
_PLACES = 9
_SOURCE = "tracker"


class _Opened:
    """An engine on a file or a URL; closed with the object, or at the end of a `with`."""

    def __init__(self, path_or_url: str = DEFAULT_PATH, *, currency: Currency = USD, clock: Clock | None = None) -> None:
        url = path_or_url if "://" in path_or_url else f"sqlite:///{path_or_url}"
        self.billing = Tallystick.from_url(url, clock=clock)
        self.currency = currency

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives the file back."""
        self.billing.close()


class UsageTracker(_Opened):
    """Records billable actions, each at its own price."""

    def __init__(self, path_or_url: str = DEFAULT_PATH, *, currency: Currency = USD, clock: Clock | None = None) -> None:
        super().__init__(path_or_url, currency=currency, clock=clock)
        self._units: dict[str, str] = {}

    def track_event(  # noqa: PLR0913, PLR0917 the signature that programs already call
        self, customer_id: str, service: str, quantity: Number, unit: str, unit_price: Number,
        metadata: Mapping[str, Any] | None = None, *, id: str | None = None, at: datetime | None = None,  # noqa: A002
    ) -> str:  # fmt: skip
        """Keeps one event on disk, and returns its id; `unit_price` is in major units of the currency.

        With an `id`, sending it again changes nothing; Conflict where it says something else the second time. Floats are
        taken by their shortest decimal form. Raises InvalidInput, with the reason, for what cannot be recorded.
        """
        self._prepare(service, unit)
        event = Event(
            customer_id=CustomerId(customer_id),
            id=EventId(id if id is not None else self.billing.context.ids.new("evt")),
            meter_key=MeterKey(service),
            quantity=_decimal(quantity, "quantity"),
            at=at or self.billing.context.clock.now(),
            source=_SOURCE,
            unit_price=_decimal(unit_price, "unit_price"),
            properties={
                str(key): value if isinstance(value, str) else json.dumps(value) for key, value in (metadata or {}).items()
            },
        )
        answer = self.billing.record([event])[0]
        if answer.verdict is Verdict.REFUSED:
            raise InvalidInput(answer.reason or "refused", code=answer.code)
        if answer.verdict is Verdict.CONFLICT:
            raise Conflict(f"id: {answer.reason}", field="id")
        return event.id

    def calculate_total(self, customer_id: str) -> float:
        """What the customer has used and was not invoiced for yet, in major units of the currency."""
        everything = self.billing.context.clock.now() + 2 * AHEAD_MAX
        invoices = [i for i in self.billing.preview(customer_id, until=everything) if i.currency == self.currency]
        return float(sum((i.subtotal + i.carried_in for i in invoices), Money(0, self.currency)).major)

    def _prepare(self, service: str, unit: str) -> None:
        """A service is a meter, and a charge at the prices that its events carry; both are made when it is first used."""
        known = self._units.get(service)
        if known is None:
            meters = self.billing.meters()
            if MeterKey(service) not in meters:
                self.billing.put_meter(Meter(MeterKey(service), decimals=_PLACES, unit=unit, allow_negative=False))
                self.billing.put_charge(Charge(service, MeterKey(service), DynamicPrice(currency=self.currency), service))
                meters = self.billing.meters()
            known = self._units[service] = meters[MeterKey(service)].unit
        if known != unit:
            raise InvalidInput(f"unit: {service} is counted in {known}, not in {unit}; a service has one unit", field="unit")


class BillingEngine(_Opened):
    """Invoices what a UsageTracker on the same file has recorded."""

    def generate_invoice(self, customer_id: str, customer_email: str, billing_period_days: int = 30) -> dict[str, Any]:
        """An open invoice over everything that was not invoiced before, and the address where the customer pays it.

        {"invoice_id", "amount_cents" (minor units), "line_items": {service: {"quantity", "unit", "unit_price", "total"}},
        "payment_url", "due_date" (Unix seconds)}, or {"error": why} when there is nothing to bill. An event is on one
        invoice, once, however often and however late this runs: `billing_period_days` says how often you mean to run it, and
        leaves nothing out.
        """
        if billing_period_days < 1:
            raise InvalidInput("billing_period_days: at least 1", field="billing_period_days")
        self.billing.put_customer(customer_id, email=customer_email)
        try:
            invoices = self.billing.bill(customer_id, collection=Collection(automatic=False, carry=False))
        except AmountBelowMinimum as below:
            return {"error": below.message}
        invoice = next((i for i in invoices if i.currency == self.currency), None)
        if invoice is None:
            return {"error": f"nothing to bill: {customer_id} has no usage that was not invoiced before"}
        return self._written(invoice)

    def setup_recurring_billing(self, customer_email: str, plan_amount_cents: int, interval: str = "month") -> dict[str, Any]:
        """Charges the customer so much (minor units) at the beginning of every interval ("month", "year", "3 months").

        {"subscription_id", "status", "client_secret"}: with the secret the customer's browser pays the first invoice, and
        saves the card that the next ones are charged to. Set up twice, it is one subscription. The customer's id is the
        address; usage that is tracked for it is invoiced by `generate_invoice`, beside the base fee.
        """
        self.billing.put_customer(customer_email, email=customer_email)
        plan = self._plan(plan_amount_cents, read_cadence(interval))
        begun = self.billing.subscribed(
            customer_email,
            plan,
            currency=self.currency.code,
            interval=interval,
            collection=Collection(Method.INTENT),
            op=f"recurring {plan}",
        )
        first = begun.invoice or next(iter(self.billing.invoices(customer_id=customer_email, status=InvoiceStatus.OPEN)), None)
        collected = None if first is None or first.status is not InvoiceStatus.OPEN else self.billing.collect(first.id)
        return {
            "subscription_id": begun.subscription.id,
            "status": str(begun.subscription.status),
            "client_secret": None if collected is None else collected.client_secret,
        }

    def _plan(self, amount_minor: int, cadence: Cadence) -> str:
        """A plan of that fee alone, made when it is first asked for."""
        if type(amount_minor) is not int or amount_minor <= 0:
            raise InvalidInput("plan_amount_cents: a whole number of minor units, above 0", field="plan_amount_cents")
        key = f"recurring-{self.currency.code}-{amount_minor}-{cadence}".replace(" ", "-")
        price = {"currency": self.currency.code, "model": "flat", "amount": str(Money(amount_minor, self.currency).major)}
        base = {"key": "base", "kind": "recurring", "name": "Base fee", "prices": [price]}
        self.billing.apply_catalogue({"plans": [{"key": key, "intervals": [str(cadence)], "charges": [base]}]})
        return key

    def check_payment_status(self, invoice_id: str) -> dict[str, Any]:
        """{"status", "amount_paid", "amount_due"} in minor units, as the provider has it now.

        Takes our id of the invoice, or the provider's. Raises NotFound.
        """
        invoice = self.billing.find_invoice(invoice_id)
        if invoice.status is InvoiceStatus.OPEN:
            self.billing.collect(invoice.id)
            invoice = self.billing.invoice(invoice.id)
        notes = self.billing.credit_notes_of([invoice]).get(invoice.id, ())
        paid, due = credit_notes.paid(invoice, notes), credit_notes.due(invoice, notes)
        return {"status": str(invoice.status), "amount_paid": paid.minor, "amount_due": due.minor}

    def _written(self, invoice: Invoice) -> dict[str, Any]:
        assert invoice.due_at is not None, "an opened invoice has a due date"
        collected = self.billing.collect(InvoiceId(invoice.id))
        worker.loop.run_until_idle(self.billing.context)
        units = {meter.key: meter.unit for meter in self.billing.meters().values()}
        return {
            "invoice_id": invoice.id,
            "amount_cents": invoice.total.minor,
            "line_items": _line_items(invoice, units),
            "payment_url": collected.payment.url,
            "due_date": to_micros(invoice.due_at) // 1_000_000,
        }


class CostProjector:
    """Margins before anything is sold. All figures are of one month, in major units of whatever currency you price in."""

    @staticmethod
    def project_api_service(
        expected_calls_per_month: Number, api_cost_per_call: Number, proposed_price_per_1k: Number
    ) -> dict[str, Any]:
        """{"calls_per_month", "monthly_cost", "monthly_revenue", "monthly_profit", "margin_percent", "recommendation"}."""
        return _projected("calls_per_month", projection.project_api_service(
            _decimal(expected_calls_per_month, "expected_calls_per_month"),
            _decimal(api_cost_per_call, "api_cost_per_call"),
            _decimal(proposed_price_per_1k, "proposed_price_per_1k"),
        ))  # fmt: skip

    @staticmethod
    def project_custom_code(
        expected_hours_per_month: Number, cost_per_hour: Number, proposed_price_per_hour: Number
    ) -> dict[str, Any]:
        """As project_api_service, with "hours_per_month"; viable from a margin of 70 %."""
        return _projected("hours_per_month", projection.project_custom_code(
            _decimal(expected_hours_per_month, "expected_hours_per_month"),
            _decimal(cost_per_hour, "cost_per_hour"),
            _decimal(proposed_price_per_hour, "proposed_price_per_hour"),
        ))  # fmt: skip

    @staticmethod
    def project_data_processing(
        expected_gb_per_month: Number, cost_per_gb: Number, proposed_price_per_gb: Number
    ) -> dict[str, Any]:
        """As project_api_service, with "gb_per_month"; viable from a margin of 60 %."""
        return _projected("gb_per_month", projection.project_data_processing(
            _decimal(expected_gb_per_month, "expected_gb_per_month"),
            _decimal(cost_per_gb, "cost_per_gb"),
            _decimal(proposed_price_per_gb, "proposed_price_per_gb"),
        ))  # fmt: skip


def _decimal(value: Number, field: str) -> Decimal:
    """A float is what it prints: 0.1 is "0.1", not the binary number nearest to it."""
    return exact_decimal(repr(value) if isinstance(value, float) else value, field=field)


def _plain_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _line_items(invoice: Invoice, units: Mapping[MeterKey, str]) -> dict[str, dict[str, Any]]:
    """By service; a late line of an earlier period is added to its service."""
    by_service: dict[str, list[Line]] = {}
    for line in invoice.lines:
        by_service.setdefault(line.charge_key, []).append(line)
    items = {}
    for service, lines in by_service.items():
        quantity = Decimal(0)
        for line in lines:
            quantity = EXACT.add(quantity, line.quantity)
        total = sum((line.amount for line in lines), Money(0, invoice.currency))
        items[service] = {
            "quantity": _plain_number(quantity),
            "unit": units.get(MeterKey(service), "unit"),
            "unit_price": _unit_price(lines, quantity, total),
            "total": float(total.major),
        }
    return items


def _unit_price(lines: list[Line], quantity: Decimal, total: Money) -> float:
    """What a unit came to: the one price of all events, exactly; where they carried several, their average."""
    exact = lines[0].rating.exact.amount if len(lines) == 1 and lines[0].part == 0 else total.major
    return float(Fraction(exact) / Fraction(quantity)) if quantity else 0.0


def _projected(quantity_name: str, result: Projection) -> dict[str, Any]:
    return {
        quantity_name: _plain_number(result.quantity),
        "monthly_cost": float(result.monthly_cost),
        "monthly_revenue": float(result.monthly_revenue),
        "monthly_profit": float(result.monthly_profit),
        "margin_percent": float(result.margin_percent),
        "recommendation": str(result.recommendation),
    }
