"""Usage that Stripe's meters count too: somebody syncs by hand beside the workers, and in the end both sides say the same."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tallystick.domain import usage_exports
from tallystick.domain.usage import Aggregation, Event, Meter
from tallystick.flows.sync_usage import SyncOrder
from tallystick.sandbox.objects import meters
from tallystick.values.errors import Busy
from tests.simulation import checkers
from tests.simulation.clients import Truth
from tests.simulation.weather import SWEEP
from tests.simulation.world import SECRET_KEY, Actor

if TYPE_CHECKING:
    from tests.simulation.world import World

_TO_DO = "SELECT event_id FROM tallystick_usage_exports WHERE status = 'pending' OR (status = 'sent' AND amended = 1)"
_UNCLEAR = "SELECT customer_id FROM tallystick_usage_exports WHERE status = 'unclear'"


class Exporter(Actor):
    """Sends the month's usage from the shell, now and then, and twice in a row."""

    name = "exporter"
    process = "shell"

    def __init__(self, world: "World", measured: Sequence[Meter]) -> None:
        super().__init__(world)
        chosen = [meter for meter in measured if meter.aggregation in (Aggregation.SUM, Aggregation.COUNT)]
        # What is found, a sweep finds.
        self.is_done = world.weather["export"] == 0 or SWEEP in world.weather.closed
        self.meters = {} if self.is_done else {meter.key: self._exported(meter) for meter in chosen[:2]}

    def _exported(self, meter: Meter) -> str:
        """The id of the provider's meter that is told of what ours measures."""
        self.world.app.put_meter(replace(meter, export_as=f"{meter.key} there"))
        wanted = {"display_name": meter.key, "event_name": f"{meter.key} there", "default_aggregation[formula]": "sum"}
        headers, body = {"Authorization": f"Bearer {SECRET_KEY}"}, urlencode(wanted).encode()
        return str(json.loads(self.world.sandbox.handle("POST", "/v1/billing/meters", body=body, headers=headers).body)["id"])

    def step(self) -> timedelta | None:
        if self.is_done:
            return None
        month = usage_exports.month(f"{self.world.clock.now():%Y-%m}")
        try:
            for _ in range(self.random.choice((1, 1, 2))):
                self.world.app.sync(SyncOrder(month))
        except Busy:
            return timedelta(seconds=11)
        return self.about(4)

    def is_waiting(self) -> bool:
        return bool(self.meters) and bool(checkers.rows(self.world, _TO_DO))

    def compare(self, truth: Truth) -> None:
        """What is sent at the provider is what was acknowledged and counts, once; customer by customer."""
        unclear = {row[0] for row in checkers.rows(self.world, _UNCLEAR)}
        for key, there in self.meters.items():
            mine = [event for event in truth.counting() if event.meter_key == key]
            for customer in sorted({event.customer_id for event in truth.acked.values()} - unclear):
                expected = _expected([event for event in mine if event.customer_id == customer], self.world.app.meters()[key])
                found = self._there(there, customer)
                if found != expected:
                    raise self.world.wrong("sent = recorded", f"{customer}/{key}: {found} at the provider, {expected} recorded")

    def _there(self, meter_id: str, customer: str) -> Decimal:
        refs = checkers.rows(self.world, "SELECT id, provider_ref FROM tallystick_customers WHERE provider_ref IS NOT NULL")
        ref = dict(refs).get(customer)
        return Decimal(0) if ref is None else meters.total(self.world.sandbox.state, meter_id, ref, 0, 2**40)


def _expected(mine: Sequence[Event], meter: Meter) -> Decimal:
    if meter.aggregation is Aggregation.COUNT:
        return Decimal(len(mine))
    return sum((event.quantity for event in mine), Decimal(0))
