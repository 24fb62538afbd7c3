"""Close the pages on which a customer might begin other subscriptions, before another is opened: nobody pays for both."""

from tallystick import storage
from tallystick.domain.provider_subscriptions import FINAL, FollowedSubscription, Standing
from tallystick.flows import _subscription_page
from tallystick.flows.context import Context
from tallystick.values.errors import Conflict, ProviderUnavailable
from tallystick.values.ids import CustomerId, SubscriptionId


def close_subscription_pages(ctx: Context, customer_id: CustomerId, *, but: SubscriptionId | None = None) -> None:
    """Raises Conflict for who has subscribed, perhaps on one of them just now; ProviderUnavailable while that is not known."""
    with ctx.database.reading() as conn:
        others = storage.provider_subscriptions.of_customer(conn, customer_id)
    for other in others:
        if other.standing in FINAL or other.id == but:
            continue
        stands = _closed(ctx, other) if other.is_on_page else other
        if stands.standing not in FINAL:
            told = f"plan: the customer is on {stands.terms.plan_key} already, by {stands.id}; end that first"
            raise Conflict(told, field="plan", code="already_subscribed")


def _closed(ctx: Context, other: FollowedSubscription) -> FollowedSubscription:
    ctx.faults.mark("page.closed_for_another")
    stands = _subscription_page.stand(ctx, other, close=True)
    if isinstance(stands, FollowedSubscription) and stands.standing is Standing.INCOMPLETE:
        stands = _subscription_page.given_up(ctx, stands)
    if isinstance(stands, FollowedSubscription):
        return stands
    raise ProviderUnavailable(f"{other.id}: the provider did not close its page; nothing was charged; try again")
