"""Understand one delivery, ask the provider how its object stands now, and let our books follow."""

from datetime import timedelta

from tallystick import storage
from tallystick.flows import _follow
from tallystick.flows._news import News
from tallystick.flows.context import Context
from tallystick.values.errors import NotFound


def settle(ctx: Context, delivery_id: str, *, attempt: int = 0) -> timedelta | None:
    """None when the delivery is settled, ignored or parked; else how long to wait before the next try.

    `attempt` counts earlier tries; each lengthens the wait for the next.
    """
    with ctx.database.reading() as conn:
        stored = storage.provider_events.get(conn, delivery_id)
    if stored is None:
        raise NotFound(f"{delivery_id}: there is no such delivery")
    news = News(ctx.provider.interpret(stored.delivery), delivery_id=delivery_id, attempt=attempt)
    became = _follow.follow(ctx, news)
    return became if isinstance(became, timedelta) else None
