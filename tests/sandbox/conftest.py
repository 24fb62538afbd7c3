"""A sandbox with a clock that a test moves, and the real SDK in front of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from tallystick.sandbox import Faults, InProcessClient, Sandbox

stripe.enable_telemetry = False


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def move(self, **by: int) -> None:
        self.at += timedelta(**by)


@dataclass
class World:
    clock: HandClock = field(default_factory=HandClock)
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        self.sandbox = Sandbox(clock=self.clock, faults=self.faults)
        self.v1 = self.client().v1

    def client(self, key: str = "sk_test_sandbox", before_call: Callable[[], None] | None = None) -> stripe.StripeClient:
        return stripe.StripeClient(key, http_client=InProcessClient(self.sandbox, before_call), max_network_retries=0)

    def customer(self, **params: Any) -> Any:
        return self.v1.customers.create(params)  # type: ignore[arg-type]

    def pays(self, method: str, **params: Any) -> Any:
        """A payment intent, confirmed at once with that payment method; by default nobody is there to authenticate."""
        wanted = {"amount": 5000, "currency": "usd", "payment_method": method, "confirm": True, "off_session": True, **params}
        if not wanted["off_session"]:
            del wanted["off_session"]
            wanted["automatic_payment_methods"] = {"enabled": True, "allow_redirects": "never"}
        return self.v1.payment_intents.create(wanted)  # type: ignore[arg-type]

    def card_of(self, token: str, customer: Any) -> Any:
        return self.v1.payment_methods.attach(token, {"customer": customer.id})

    def events(self, *types: str) -> list[str]:
        """What has happened, oldest first."""
        found = self.v1.events.list({"limit": 100, **({"types": list(types)} if types else {})})  # type: ignore[typeddict-item]
        return [event.type for event in reversed(found.data)]


@pytest.fixture
def world() -> World:
    return World()
