"""Events whoever's they are: the newest by when they were recorded, and those of one id."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Integer, Select, bindparam, func, literal_column, select

from tallystick.domain.usage import Feed, Recorded
from tallystick.storage import schema
from tallystick.storage.usage_rows import event_of
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.time import EPOCH


def newest(
    conn: Connection, *, since: datetime | None = None, customer_id: CustomerId | None = None,
    meter_key: MeterKey | None = None, limit: int,
) -> Feed:  # fmt: skip
    """Of the last `limit` events that were recorded since then, those of the customer and meter, the oldest first.

    However many events there are, no more rows than that are looked at.
    """
    rows = conn.execute(_newest(conn.dialect.name), {"since": since or EPOCH, "most": limit + 1}).all()
    if not rows:
        return Feed([])
    looked_at = rows[limit - 1 :: -1]
    wanted = [
        Recorded(event_of(row, row.decimals), row.recorded_at)
        for row in looked_at
        if customer_id in {None, row.customer_id} and meter_key in {None, row.meter_key}
    ]
    return Feed(wanted, looked_at[0].recorded_at, looked_at[-1].recorded_at, more=len(rows) > limit)


def named(conn: Connection, event_id: EventId, *, limit: int) -> Sequence[Recorded]:
    """The events of this id, of whichever customer and source, the newest first; whether or not they count."""
    rows = conn.execute(_named(), {"event": event_id, "most": limit})
    return [Recorded(event_of(row, row.decimals), row.recorded_at) for row in rows]


@cache
def _newest(dialect: str) -> Select[Any]:
    # SQLite numbers its rows as they come, so that there recording pays for no index.
    place = literal_column("tallystick_events.rowid") if dialect == "sqlite" else schema.events.c.recorded_at
    looked_at = select(schema.events).order_by(place.desc()).limit(bindparam("most", type_=Integer)).subquery()
    asked = select(looked_at, schema.meters.c.decimals).join(schema.meters, schema.meters.c.key == looked_at.c.meter_key)
    return asked.where(looked_at.c.recorded_at >= bindparam("since")).order_by(looked_at.c.recorded_at.desc())


@cache
def _named() -> Select[Any]:
    # No index begins with the id, for each event would pay for it. So each source of each customer is asked by the key itself,
    # and the sources of a customer are found by leaping from one to the next.
    events, customers = schema.events.c, schema.customers.c
    first = select(func.min(events.source)).where(events.customer_id == customers.id).correlate(schema.customers)
    sources = select(customers.id.label("customer_id"), first.scalar_subquery().label("source")).cte("sources", recursive=True)
    following = select(func.min(events.source)).where(
        events.customer_id == sources.c.customer_id, events.source > sources.c.source
    )
    leap = select(sources.c.customer_id, following.correlate(sources).scalar_subquery())
    sources = sources.union_all(leap.where(sources.c.source.is_not(None)))
    asked = (
        select(schema.events, schema.meters.c.decimals)
        .join(sources, (sources.c.customer_id == events.customer_id) & (sources.c.source == events.source))
        .join(schema.meters, schema.meters.c.key == events.meter_key)
        .where(events.id == bindparam("event"))
    )
    return asked.order_by(events.recorded_at.desc(), events.customer_id, events.source).limit(bindparam("most", type_=Integer))
