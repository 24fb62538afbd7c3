"""This machine's uptime as usage, and the bill for it: read by psutil, recorded as events, paid like any other invoice."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from tallystick import flows
from tallystick.app import Tallystick
from tallystick.domain import uptime
from tallystick.domain.invoices import Invoice
from tallystick.domain.payments import Collection, Method, PaymentStatus
from tallystick.domain.uptime import CHARGE_KEY, METER, Boot, Reading
from tallystick.flows.collect import Collected
from tallystick.flows.uptime_status import UptimeStatus
from tallystick.values.errors import AmountBelowMinimum
from tallystick.values.ids import CustomerId
from tallystick.values.money import Currency, Money
from tallystick.values.time import Clock, rfc3339

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def this_machine(clock: Clock) -> Reading:
    """Which boot of this machine is running, since when, and what time it is: the kernel's boot id, or its boot time."""
    import psutil

    boot_at = datetime.fromtimestamp(psutil.boot_time(), UTC)
    boot_id = _BOOT_ID.read_text("ascii").strip() if _BOOT_ID.exists() else rfc3339(boot_at.replace(second=0, microsecond=0))
    now = clock.now()
    return Reading(boot_id, min(boot_at, now), now)


@dataclass(frozen=True, slots=True)
class Tariff:
    """What an hour of which server costs, in major units of the currency."""

    server_name: str
    hourly_rate: Decimal
    currency: Currency


class UptimeBilling:
    """Meters one server, and collects its unpaid time. Time that is on an invoice is never put on another."""

    def __init__(self, billing: Tallystick, tariff: Tariff, *, read: Callable[[], Reading] | None = None) -> None:
        self._billing, self.tariff = billing, tariff
        self.customer_id = CustomerId(f"server:{tariff.server_name}")
        self.reading = read or (lambda: this_machine(billing.context.clock))

    def prepare(self) -> None:
        """Makes the server known: its meter, its charge at today's rate, and the server as a customer."""
        self._billing.put_meter(METER)
        self._billing.put_charge(uptime.charge(self.tariff.hourly_rate, self.tariff.currency))
        self._billing.put_customer(self.customer_id, name=self.tariff.server_name)

    def record(self) -> Boot:
        """The uptime so far, on disk."""
        return flows.record_uptime.record_uptime(self._billing.context, self.customer_id, self.reading())

    def status(self) -> UptimeStatus:
        """What is paid, due, and running up; writes nothing."""
        return flows.uptime_status.uptime_status(self._billing.context, self.customer_id, self.reading())

    def pay(self) -> tuple[Invoice, Collected]:
        """The invoice for the unpaid time and the intent that collects it; asked again, the same two until it is paid.

        Where that time is on a hosted invoice already, the intent is the one inside it. Raises AmountBelowMinimum with the
        moment when enough will have run up.
        """
        invoice = self._open_invoice(Method.INTENT)
        collected = self._billing.collect(invoice.id)
        if collected.payment.page is not None and collected.payment.status is PaymentStatus.OPEN:
            self._billing.close_page(invoice.id)  # who pays here does not pay there as well
            collected = self._billing.collect(invoice.id)
        return invoice, collected

    def invoice(self) -> tuple[Invoice, Collected]:
        """The invoice for the unpaid time, to be paid on the provider's hosted page."""
        invoice = self._open_invoice(Method.HOSTED)
        return invoice, self._billing.collect(invoice.id)

    def _open_invoice(self, method: Method) -> Invoice:
        boot = self.record()
        waiting = self.status().open_invoice
        if waiting is not None:
            return waiting
        collection, due = Collection(method, automatic=False, carry=False), Money(0, self.tariff.currency)
        until = min(boot.read_through, self._billing.context.clock.now())  # the clock may have gone back since it was read
        try:
            opened = self._billing.bill(self.customer_id, until=until, charges=[CHARGE_KEY], collection=collection)
        except AmountBelowMinimum as below:
            opened, due = [], Money(below.extra["amount"], self.tariff.currency)
        # Where nothing was opened, somebody else may have opened it since we looked; or the clock stood still, or was set back.
        waiting = opened[0] if opened else self.status().open_invoice
        if waiting is None:
            raise self._not_yet(due, boot)
        return waiting

    def _not_yet(self, due: Money, boot: Boot) -> AmountBelowMinimum:
        currency = self.tariff.currency
        minimum = Money(currency.minimum_charge_minor or 1, currency)
        wait = uptime.until_collectable(due.major, minimum.major, self.tariff.hourly_rate)
        reached_at = rfc3339((boot.read_through + wait).replace(microsecond=0))
        return AmountBelowMinimum(
            f"{due} is due so far; the provider charges no less than {minimum}, which will be reached at {reached_at}",
            amount=due.minor,
            minimum=minimum.minor,
            currency=currency.code,
            reached_at=reached_at,
        )
