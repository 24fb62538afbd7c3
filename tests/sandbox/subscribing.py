"""A customer with a card and a test clock, prices, and a month that passes: what the tests of subscriptions begin with."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def day(stamp: int) -> str:
    return datetime.fromtimestamp(stamp, UTC).date().isoformat()


def another(world: Any) -> Any:
    """A second world of the same make."""
    return type(world)()


@dataclass
class Shop:
    """A world in which time is a test clock's, so that a year takes no longer than its events."""

    world: Any
    begins: str = "2026-01-15"
    card: str | None = "pm_card_visa"
    clock: Any = field(init=False)
    customer: Any = field(init=False)

    def __post_init__(self) -> None:
        v1 = self.v1 = self.world.v1
        self.clock = v1.test_helpers.test_clocks.create({"frozen_time": at(self.begins)})
        self.customer = v1.customers.create({"test_clock": self.clock.id, "email": "ada@example.com"})
        if self.card:
            self.pays_with(self.card)
        v1.products.create({"id": "starter", "name": "Starter"})

    def pays_with(self, token: str) -> Any:
        method = self.v1.payment_methods.attach(token, {"customer": self.customer.id})
        self.v1.customers.update(self.customer.id, {"invoice_settings": {"default_payment_method": method.id}})
        return method

    def price(self, unit_amount: int, **params: Any) -> Any:
        recurring = {"interval": "month", **params.pop("recurring", {})}
        return self.v1.prices.create(
            {"product": "starter", "currency": "usd", "unit_amount": unit_amount, "recurring": recurring, **params}
        )

    def metered(self, **params: Any) -> Any:
        """A price by use, of a meter of its own."""
        meters = self.v1.billing.meters
        name = f"calls_{len(meters.list().data)}"
        meter = meters.create({"display_name": "Calls", "event_name": name, "default_aggregation": {"formula": "sum"}})
        recurring = {"interval": "month", "usage_type": "metered", "meter": meter.id}
        wanted = {"product": "starter", "currency": "usd", "recurring": recurring, "nickname": name, **params}
        if "tiers" not in params and "unit_amount" not in params:
            wanted.setdefault("unit_amount_decimal", Decimal("0.5"))
        return self.v1.prices.create(wanted)

    def uses(self, price: Any, quantity: str, when: str) -> None:
        payload = {"stripe_customer_id": self.customer.id, "value": quantity}
        self.v1.billing.meter_events.create({"event_name": price.nickname, "payload": payload, "timestamp": at(when)})

    def subscribes(self, *items: Any, **params: Any) -> Any:
        wanted = [item if isinstance(item, dict) else {"price": item.id} for item in items]
        return self.v1.subscriptions.create({"customer": self.customer.id, "items": wanted, **params})

    def on(self, when: str) -> None:
        self.v1.test_helpers.test_clocks.advance(self.clock.id, {"frozen_time": at(when)})

    def now(self, subscription: Any, **params: Any) -> Any:
        return self.v1.subscriptions.retrieve(subscription.id, params)

    def invoices(self, subscription: Any) -> list[Any]:
        """Oldest first."""
        return list(reversed(self.v1.invoices.list({"subscription": subscription.id, "limit": 100}).data))

    def told(self, *prefixes: str) -> list[str]:
        return [name for name in self.world.events() if name.startswith(prefixes)]
