"""Find usage that is unusual for its hour of the week. What it costs depends on who used anything in that hour, and no more."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.alerts import HOUR, Alert
from tallystick.domain.usage import Aggregation, Meter
from tallystick.flows import _alerts
from tallystick.flows.context import Context
from tallystick.storage.usage_hours import HourOfCustomer
from tallystick.values.decimals import from_steps, plain

_BATCH = 500


def sweep_spikes(ctx: Context) -> int:
    """How many alerts are new: of the last whole hour, and of this one as far as it has come."""
    this_hour = ctx.clock.now().replace(minute=0, second=0, microsecond=0)
    return sum(_sweep(ctx, hour) for hour in (this_hour - HOUR, this_hour))


def _sweep(ctx: Context, hour: datetime) -> int:
    told, after = 0, None
    while True:
        with ctx.database.reading() as conn:
            meters = storage.catalog.meters(conn)
            page = storage.usage_hours.of_hour(conn, hour, after=after, limit=_BATCH)
            alerts = [_alert(ctx, conn, meters[used.meter_key], used, hour) for used in page]
        for alert in alerts:
            if alert is not None:
                with ctx.database.transaction("sweep spikes") as conn:
                    told += _alerts.tell(conn, alert)
        if len(page) < _BATCH:
            return told
        after = page[-1]


def _alert(ctx: Context, conn: Connection, meter: Meter, used: HourOfCustomer, hour: datetime) -> Alert | None:
    quantity = from_steps(used.steps, meter.decimals)
    # First what is known already: most are below the floor, and of those nothing need be read.
    if meter.aggregation is not Aggregation.SUM or quantity < ctx.outgoing.spike.floor:
        return None
    first = storage.usage_hours.first_hour(conn, used.customer_id, meter.key)
    hours = [before for before in domain.alerts.weeks_before(hour) if first is not None and before >= first]
    found = storage.usage_hours.of_hours(conn, used.customer_id, meter, hours)
    usually = domain.alerts.usual([found.get(before, Decimal(0)) for before in hours])
    if usually is None or not domain.alerts.is_spike(ctx.outgoing.spike, quantity, usually):
        return None
    facts = {"quantity": plain(quantity), "usual": plain(usually), "weeks": str(len(hours)), "unit": meter.unit}
    return domain.alerts.of_spike(used.customer_id, meter.key, hour, facts, at=ctx.clock.now())
