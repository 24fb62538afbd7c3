"""What is due now? Sweeps that ask the database, so that there is no schedule to lose and a week of downtime is caught up."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tallystick import flows
from tallystick.flows.context import Context

Sweep = Callable[[Context], object]
SWEEPS: dict[str, tuple[timedelta, Sweep]] = {
    "credits": (timedelta(minutes=5), flows.sweep_credits.sweep_credits),
    "dunning": (timedelta(minutes=1), flows.sweep_dunning.sweep_dunning),
    "operations": (timedelta(minutes=1), flows.sweep_operations.sweep_operations),
    "payments": (timedelta(minutes=5), flows.sweep_payments.sweep_payments),
    "provider_subscriptions": (
        timedelta(hours=6),
        flows.sweep_provider_subscriptions.sweep_provider_subscriptions,
    ),
    "reconciliation": (timedelta(hours=1), flows.sweep_reconciliation.sweep_reconciliation),
    "refunds": (timedelta(minutes=5), flows.sweep_refunds.sweep_refunds),
    "reservations": (timedelta(minutes=1), flows.sweep_reservations.sweep_reservations),
    "revenue": (timedelta(minutes=15), flows.recognise_revenue.recognise_revenue),
    "subscriptions": (timedelta(minutes=1), flows.sweep_subscriptions.sweep_subscriptions),
    "usage": (timedelta(minutes=1), flows.sweep_usage.sweep_usage),
    "all_usage": (timedelta(hours=1), flows.sweep_usage.sweep_all_usage),
    "compared_usage": (timedelta(days=1), flows.sweep_usage.sweep_comparison),
    "spikes": (timedelta(minutes=10), flows.sweep_spikes.sweep_spikes),
}


@dataclass
class Sweeps:
    """Remembers when each sweep last ran in this process; a new process runs each at once, which does no harm."""

    ran_at: dict[str, datetime] = field(default_factory=dict)

    def run_due(self, ctx: Context) -> None:
        now = ctx.clock.now()
        for name, (every, sweep) in SWEEPS.items():
            last = self.ran_at.get(name)
            if last is None or not last <= now < last + every:
                sweep(ctx)
                self.ran_at[name] = now
