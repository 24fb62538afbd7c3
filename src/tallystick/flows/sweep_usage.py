"""Find what was recorded and has yet to be told to the provider, whoever recorded it and however late."""

from datetime import UTC, date, datetime, time, timedelta

from tallystick import storage
from tallystick.domain.usage import BACK_MAX
from tallystick.flows import _exports
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName
from tallystick.values.time import EPOCH, Period

_RECENT = timedelta(days=2)
_AHEAD = timedelta(days=1)
_ROUNDS_MAX = 100
_AT_ONCE = 1000


def sweep_usage(ctx: Context) -> int:
    """How many customers have something to be told, of usage of the last days: most that comes is of now."""
    return _sweep(ctx, ctx.clock.now() - _RECENT)


def sweep_all_usage(ctx: Context) -> int:
    """The same, of usage of any time: what comes late is found here."""
    return _sweep(ctx, EPOCH)


def sweep_comparison(ctx: Context) -> int:
    """Writes down to compare what the provider has added up with what was recorded, of all days that can still change there."""
    now = ctx.clock.now()
    with ctx.database.reading() as conn:
        if not storage.catalog.exported(conn):
            return 0
    with ctx.database.transaction("sweep comparison") as conn:
        storage.jobs.enqueue(conn, JobName.COMPARE_USAGE, now.date().isoformat(), run_at=now)
    return 1


def compared_period(day: str) -> Period:
    """The days before that one, by UTC."""
    end = datetime.combine(date.fromisoformat(day), time(), UTC)
    return Period(end - BACK_MAX, end)


def compared_day(day: str) -> int:
    """The number of that day, by which it is told whose turn it is."""
    return date.fromisoformat(day).toordinal()


def _sweep(ctx: Context, since: datetime) -> int:
    with ctx.database.reading() as conn:
        if not storage.catalog.exported(conn):
            return 0
    now = ctx.clock.now()
    period = Period(storage.usage_exports.hour_of(since), now + _AHEAD)
    for _ in range(_ROUNDS_MAX):
        with ctx.database.transaction("find usage to export") as conn:
            found, is_all = _exports.find(ctx, conn, period)
            for customer_id in sorted(found):
                storage.jobs.enqueue(conn, JobName.EXPORT_USAGE, customer_id, run_at=now)
        if is_all:
            break
    return _waiting(ctx)


def _waiting(ctx: Context) -> int:
    """A job for each whose own was lost or buried, and for what had to wait for its time; how many."""
    count, after = 0, None
    while True:
        with ctx.database.transaction("sweep exports") as conn:
            found = storage.usage_exports.customers_to_do(conn, _exports.due(ctx), after=after, limit=_AT_ONCE)
            for customer_id in found:
                storage.jobs.enqueue(conn, JobName.EXPORT_USAGE, customer_id, run_at=ctx.clock.now())
        count += len(found)
        if len(found) < _AT_ONCE:
            return count
        after = found[-1]
