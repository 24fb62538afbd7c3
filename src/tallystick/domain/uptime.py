"""A server's uptime as usage: readings become events, boots are told apart, and gaps between them are not billed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tallystick.domain.catalog import Charge, Conversion, UnitPrice
from tallystick.domain.usage import Aggregation, Event, Meter
from tallystick.values.decimals import from_steps
from tallystick.values.ids import CustomerId, EventId, MeterKey, derived
from tallystick.values.money import Currency, Rate
from tallystick.values.time import rfc3339

METER = Meter(MeterKey("uptime_seconds"), Aggregation.SUM, decimals=6, unit="second")
CHARGE_KEY = "uptime"
SOURCE = "uptime"
_MICROSECOND = timedelta(microseconds=1)
_HOUR = Decimal(3600)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the machine says of itself: which boot this is, since when, and when it was asked."""

    boot_id: str
    boot_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Boot:
    """One boot of one server, and through when its uptime is recorded."""

    server: CustomerId
    boot_id: str
    boot_at: datetime
    read_through: datetime


def read_on(server: CustomerId, boots: Sequence[Boot], reading: Reading) -> tuple[Boot, list[Event]]:
    """The boot as it is now known, and the uptime since it was last read, an event per hour of the clock.

    A boot that was never seen counts from its start: what passed between the last reading before it and that start was not
    observed, and is not billed. A clock that went back records nothing until it has caught up.
    """
    known = next((boot for boot in boots if boot.boot_id == reading.boot_id), None)
    start = unread_since(boots, reading)
    boot_at = reading.boot_at if known is None else known.boot_at
    events, at = [], start
    while at < reading.at:
        hour_end = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        end = min(hour_end, reading.at)
        events.append(_event(server, reading.boot_id, at, end))
        at = end
    return Boot(server, reading.boot_id, boot_at, max(start, reading.at)), events


def unread_since(boots: Sequence[Boot], reading: Reading) -> datetime:
    """From where on the time of this reading is not recorded yet.

    Never before what another boot is read through: a clock that was set back over a reboot, or one boot under two names where
    the kernel gives it none, would bill the same time twice.
    """
    return max([reading.boot_at, *(boot.read_through for boot in boots)])


def _event(server: CustomerId, boot_id: str, start: datetime, end: datetime) -> Event:
    return Event(
        customer_id=server,
        id=EventId(derived("up", boot_id, rfc3339(start), rfc3339(end))),
        meter_key=METER.key,
        quantity=from_steps((end - start) // _MICROSECOND, 6),
        at=start,
        source=SOURCE,
        properties={"boot": boot_id, "until": rfc3339(end)},
    )


def charge(hourly_rate: Decimal, currency: Currency) -> Charge:
    """Uptime at `hourly_rate` major units an hour; under one minute, the price of a minute (docs: Money and time, Uptime)."""
    minimum = Rate(hourly_rate, currency).per(Decimal(60)).rounded().major
    price = UnitPrice(currency=currency, unit_amount=hourly_rate, convert=Conversion(divide_by=_HOUR), minimum_amount=minimum)
    return Charge(key=CHARGE_KEY, meter_key=METER.key, price=price, display_name="Server uptime")


def until_collectable(due: Decimal, minimum: Decimal, hourly_rate: Decimal) -> timedelta:
    """How much longer the server must run until `due` has grown to `minimum` (both in major units)."""
    missing = max(minimum - due, Decimal(0))
    seconds = -(-missing * _HOUR // hourly_rate)
    return timedelta(seconds=int(seconds))
