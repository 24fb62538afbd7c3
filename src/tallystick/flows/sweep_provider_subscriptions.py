"""Ask how the subscriptions stand that the provider bills: for the webhook that never came."""

from tallystick import storage
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName
from tallystick.values.ids import SubscriptionId

_AT_ONCE = 500


def sweep_provider_subscriptions(ctx: Context) -> int:
    """A job for each that may still change; how many."""
    count, after = 0, None
    while True:
        with ctx.database.transaction("sweep provider subscriptions") as conn:
            found: list[SubscriptionId] = storage.provider_subscriptions.unsettled(conn, after=after, limit=_AT_ONCE)
            for subscription_id in found:
                storage.jobs.enqueue(conn, JobName.PROVIDER_SUBSCRIPTION, subscription_id, run_at=ctx.clock.now())
        count += len(found)
        if len(found) < _AT_ONCE:
            return count
        after = found[-1]
