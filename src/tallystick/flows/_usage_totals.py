"""What was recorded beside what the provider's meters have added up: figures, and no opinion."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from tallystick import domain, storage
from tallystick.domain.usage_exports import Held
from tallystick.flows import _customer_ref
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, Refused, Unknown
from tallystick.values.ids import CustomerId, MeterKey
from tallystick.values.time import Period


@dataclass(frozen=True, slots=True)
class Compared:
    """One customer's usage of one meter in a period: recorded here, by our rows with the provider, and as the provider says.

    `provider` is None where it could not be asked; `problem` says why.
    """

    customer_id: CustomerId
    meter_key: MeterKey
    event_name: str
    period: Period
    recorded: Decimal
    held: Held
    provider: Decimal | None
    problem: str | None = None

    @property
    def difference(self) -> Decimal | None:
        """How much the provider has too much, or too little where it is negative, but for what is on its way."""
        return None if self.provider is None else self.held.unexplained(self.recorded, self.provider)

    @property
    def agrees(self) -> bool:
        """Whether the provider has what was recorded, but for what is on its way, which may have come or not."""
        return self.difference == 0


def totals(ctx: Context, period: Period, *, customer_id: CustomerId | None = None, day: int | None = None) -> Iterator[Compared]:
    """Of everybody of whom the provider was told anything in the period; or of those of them whose turn it is on the `day`.

    One question to the provider for each customer and meter.
    """
    with ctx.database.reading() as conn:
        holders = storage.usage_exports.holders(conn, period)
    asked = holders if day is None else domain.reconciliation.turn(holders, day)
    return (compared(ctx, period, *each) for each in asked if customer_id in {None, each[0]})


def compared(ctx: Context, period: Period, customer_id: CustomerId, meter_key: MeterKey, event_name: str) -> Compared:
    """Of one customer and meter: one question."""
    with ctx.database.reading() as conn:
        meter = storage.catalog.meter(conn, meter_key)
        assert meter is not None, f"{meter_key}: is kept for ever"
        recorded = storage.usage.total(conn, customer_id, meter, period).quantity
        held = storage.usage_exports.held(conn, customer_id, event_name, period)
    ref = _customer_ref.of(ctx, customer_id)
    told = ctx.provider.usage_total(event_name, ref, period) if isinstance(ref, str) else ref
    if isinstance(told, Refused | Limited | Unknown):
        return Compared(customer_id, meter_key, event_name, period, recorded, held, None, told.message)
    return Compared(customer_id, meter_key, event_name, period, recorded, held, told)
