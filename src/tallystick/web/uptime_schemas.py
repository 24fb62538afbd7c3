"""A server's uptime and bill on the wire."""

from typing import Literal, Self

from pydantic import BaseModel

from tallystick.collectors.uptime import Tariff
from tallystick.domain.invoices import Invoice
from tallystick.domain.uptime import Reading
from tallystick.flows.uptime_status import UptimeStatus
from tallystick.values.decimals import plain
from tallystick.values.money import Money
from tallystick.values.time import rfc3339
from tallystick.web.schemas import Number, moment


class Uptime(BaseModel):
    """Whole seconds; `hours`, `minutes` and `seconds` add up to `uptime_seconds`."""

    uptime_seconds: int
    hours: int
    minutes: int
    seconds: int
    formatted: str
    boot_time: str

    @classmethod
    def of(cls, reading: Reading) -> Self:
        total = int((reading.at - reading.boot_at).total_seconds())
        hours, minutes, seconds = total // 3600, total // 60 % 60, total % 60
        return cls(
            uptime_seconds=total,
            hours=hours,
            minutes=minutes,
            seconds=seconds,
            formatted=f"{hours}h {minutes}m {seconds}s",
            boot_time=rfc3339(reading.boot_at.replace(microsecond=0)),
        )


class OpenInvoice(BaseModel):
    """The one that waits for money; it is paid before the time since is billed."""

    id: str
    number: str | None
    amount: int
    currency: str

    @classmethod
    def of(cls, invoice: Invoice, due: Money) -> Self:
        return cls(id=invoice.id, number=invoice.number, amount=due.minor, currency=due.currency.code)


class BillingStatus(BaseModel):
    """Amounts are whole minor units of `currency`, which has `currency_exponent` places; `hourly_rate` is in major units."""

    server_name: str
    uptime: Uptime
    hourly_rate: Number
    currency: str
    currency_exponent: int
    total_amount: int
    amount_due: int
    amount_paid: int
    minimum_charge: int | None
    unpaid_seconds: int
    paid_through: str | None
    open_invoice: OpenInvoice | None
    mode: Literal["sandbox", "test", "live"]

    @classmethod
    def of(cls, tariff: Tariff, reading: Reading, status: UptimeStatus, *, mode: str) -> Self:
        waiting = status.open_invoice
        on_invoice = 0 if waiting is None else sum(int(line.quantity) for line in waiting.lines)
        return cls.model_validate(
            {
                "server_name": tariff.server_name,
                "uptime": Uptime.of(reading),
                "hourly_rate": plain(tariff.hourly_rate),
                "currency": tariff.currency.code,
                "currency_exponent": tariff.currency.exponent,
                "total_amount": status.total.minor,
                "amount_due": status.due.minor,
                "amount_paid": status.paid.minor,
                "minimum_charge": tariff.currency.minimum_charge_minor,
                "unpaid_seconds": int(status.unbilled_seconds) + on_invoice,
                "paid_through": moment(status.paid_through),
                "open_invoice": None if waiting is None else OpenInvoice.of(waiting, status.due),
                "mode": mode,
            }
        )


class Intent(BaseModel):
    """For Stripe.js in the buyer's browser, which confirms it."""

    client_secret: str
    payment_intent_id: str
    amount: int
    currency: str
    publishable_key: str
    invoice: str
