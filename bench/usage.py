"""The usage that is measured: of 50 customers in the hour that passes, with ids and properties as a service sends them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import text

from tallystick.domain.usage import Event, Meter
from tallystick.storage.database import Database
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.time import rfc3339

METER = Meter(MeterKey("tokens"))
CUSTOMERS = 50
STEPS = 10**METER.decimals


def events(first: int, count: int, *, since: datetime) -> Iterator[Event]:
    """The events numbered from `first`; no two numbers share an id. A thousand fall into each second."""
    for number in range(first, first + count):
        yield Event(
            customer_id=CustomerId(f"cus_{(number * 7919) % CUSTOMERS:04}"),
            id=EventId(f"evt_{number * 0x9E3779B97F4A7C15 % 2**64:022x}"),
            meter_key=METER.key,
            quantity=Decimal(number % 977) + Decimal("0.25"),
            at=since + timedelta(milliseconds=number - first),
            properties={"model": "large", "region": "eu-1"},
        )


def wire(event: Event) -> dict[str, object]:
    """The event as it is sent to POST /v1/events."""
    return {
        "customer": event.customer_id,
        "id": event.id,
        "meter": event.meter_key,
        "quantity": str(event.quantity),
        "at": rfc3339(event.at),
        "properties": dict(event.properties),
    }


@dataclass(frozen=True, slots=True)
class Total:
    """How many events, and what they sum up to in steps of the meter."""

    count: int = 0
    steps: int = 0

    def and_these(self, sent: list[Event]) -> "Total":
        return Total(self.count + len(sent), self.steps + sum(int(event.quantity * STEPS) for event in sent))


def check_kept(url: str, expected: Total) -> None:
    """Fails unless the events are there, each once, and the rollups hold the same sum."""
    database = Database.from_url(url)
    with database.reading() as conn:
        events = conn.execute(text("SELECT count(*), sum(quantity) FROM tallystick_events")).one()
        rollups = conn.execute(text("SELECT sum(count), sum(sum) FROM tallystick_usage_rollups")).one()
    database.close()
    for table, (count, steps) in (("events", events), ("rollups", rollups)):
        found = Total(int(count or 0), int(steps or 0))
        if found != expected:
            raise AssertionError(f"{database.safe_url}: the {table} hold {found}, sent were {expected}")
