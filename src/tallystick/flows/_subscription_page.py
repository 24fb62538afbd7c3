"""A subscription that its customer begins on a page of the provider's: the page opened, asked about or closed, and its end."""

from dataclasses import replace

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.checkouts import CheckoutStatus
from tallystick.domain.provider_subscriptions import End, FollowedSubscription, ProviderPage, ProviderSubscription, Standing
from tallystick.flows import _customer_ref, _provider_subscriptions
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, PageOutcome, Refused, Unknown

Stands = FollowedSubscription | Refused | Limited | Unknown


def stand(ctx: Context, seen: FollowedSubscription, *, close: bool = False) -> Stands:
    """The subscription as it stands now that its page was asked about; where it has none yet, that is opened first.

    Begun on its page it is ours from then on, and is followed as one that we have begun.
    """
    told = _asked(ctx, seen, close=close)
    if told is None:
        return _over(ctx, seen)
    if not isinstance(told, ProviderPage):
        return told
    begun = None
    if told.status is CheckoutStatus.COMPLETE and told.subscription_ref is not None:
        answer = ctx.provider.fetch_subscription(told.subscription_ref)
        if not isinstance(answer, ProviderSubscription):
            return answer
        ctx.faults.mark("page.subscribed")
        begun = answer
    with ctx.database.transaction("know page of subscription") as conn:
        before = _now(conn, seen)
        after = domain.provider_subscriptions.on_page(before, told)
        if begun is not None and domain.provider_subscriptions.known(before) == domain.provider_subscriptions.known(seen):
            after = _provider_subscriptions.learned(conn, after, begun)
        return _provider_subscriptions.saved(ctx, conn, before, after)


def given_up(ctx: Context, seen: FollowedSubscription) -> Stands:
    """One that its customer began on a page that is closed now, and has not paid: ended, as nobody can pay it there any more."""
    assert seen.ref is not None, f"{seen.id}: what is incomplete was begun"
    told = ctx.provider.end_subscription(seen.ref, End.NOW, key=f"{seen.id}:give_up")
    if not isinstance(told, ProviderSubscription):
        return told
    with ctx.database.transaction("give up subscription") as conn:
        before = _now(conn, seen)
        return _provider_subscriptions.saved(ctx, conn, before, _provider_subscriptions.learned(conn, before, told))


def _asked(ctx: Context, seen: FollowedSubscription, *, close: bool) -> PageOutcome | None:
    """None where it is over without anybody having been given its address, so that nothing can be begun there."""
    if seen.page_ref is not None:
        if close:
            return ctx.provider.close_subscription_page(seen.page_ref, key=f"{seen.id}:close")
        return ctx.provider.fetch_subscription_page(seen.page_ref)
    if close or domain.payments.is_too_old(seen.asked_at, now=ctx.clock.now()):
        return None
    ref = _customer_ref.of(ctx, seen.customer_id)
    if not isinstance(ref, str):
        return ref
    if seen.asked_at is None:
        with ctx.database.transaction("ask for page") as conn:
            storage.provider_subscriptions.save(conn, seen, replace(seen, asked_at=ctx.clock.now()))
    outcome = ctx.provider.open_subscription_page(_provider_subscriptions.request(ctx, seen, ref), key=seen.key)
    # The key will say the same for ever; what it may have made, nobody has the address of.
    return None if isinstance(outcome, Unknown) and outcome.stored else outcome


def _over(ctx: Context, seen: FollowedSubscription) -> FollowedSubscription:
    ctx.faults.mark("page.never_known")
    with ctx.database.transaction("page never known") as conn:
        before = _now(conn, seen)
        if before.standing is not Standing.REQUESTED or before.page_ref is not None:
            return before
        after = domain.provider_subscriptions.refused(before, "page_closed: nobody was given its address")
        return _provider_subscriptions.saved(ctx, conn, before, after)


def _now(conn: Connection, seen: FollowedSubscription) -> FollowedSubscription:
    stands = storage.provider_subscriptions.get(conn, seen.id)
    assert stands is not None, f"{seen.id}: was there, and stays"
    return stands
