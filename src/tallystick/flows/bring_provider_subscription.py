"""Bring a subscription that the provider bills to where it is wanted: begun there, ended there, and known as it stands."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from tallystick import domain, storage
from tallystick.domain.provider_subscriptions import FINAL, End, FollowedSubscription, ProviderSubscription, Standing
from tallystick.flows import _customer_ref, _provider_subscriptions, _subscription_page
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, Refused, SubscriptionOutcome, Unknown
from tallystick.values.errors import NotFound
from tallystick.values.ids import SubscriptionId

# A key that stands for another body: an earlier call used it before a price was replaced, and it is forgotten within a day.
_OTHER_BODY = "idempotency_mismatch"
_WHILE_ON_PAGE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Brought:
    """`again_in` is when to go on; None: there is nothing more to do. With a `refusal`, people have to look."""

    again_in: timedelta | None = None
    refusal: Refused | None = None


def bring_provider_subscription(ctx: Context, subscription_id: SubscriptionId, *, attempt: int = 0) -> Brought:
    """Safe to call at any time, any number of times. `attempt` counts earlier tries; each lengthens the wait for the next."""
    with ctx.database.reading() as conn:
        subscription = storage.provider_subscriptions.get(conn, subscription_id)
    if subscription is None:
        raise NotFound(f"{subscription_id}: there is no such subscription at the provider")
    if subscription.standing in FINAL:
        return Brought()
    if subscription.page is not None and subscription.ref is None:
        return _on_page(ctx, subscription, wait=domain.retries.wait(subscription_id, attempt))
    outcome = _begun(ctx, subscription) if subscription.ref is None else _asked(ctx, subscription)
    carried_out = 0 if subscription.ref is None else subscription.wishes
    if isinstance(outcome, ProviderSubscription) and outcome.standing is Standing.INCOMPLETE and subscription.page is None:
        known, ref = _learned(ctx, subscription, outcome, carried_out=0), outcome.ref
        if known is None:
            return Brought(timedelta(0))
        subscription = known
        outcome = _past_stored(f"{subscription_id}:first", lambda key: ctx.provider.pay_subscription(ref, key=key))
    if not isinstance(outcome, ProviderSubscription):
        return _not_known(ctx, subscription_id, outcome, wait=domain.retries.wait(subscription_id, attempt))
    known = _learned(ctx, subscription, outcome, carried_out=carried_out)
    is_done = known is not None and (known.standing in FINAL or known.told == known.wishes)
    return Brought(None if is_done else timedelta(0))


def _on_page(ctx: Context, subscription: FollowedSubscription, *, wait: timedelta) -> Brought:
    """Its customer begins it, or does not: asked now and then, until the page is over; closed, where we no longer want it."""
    stands = _subscription_page.stand(ctx, subscription, close=subscription.end is End.NOW)
    if not isinstance(stands, FollowedSubscription):
        return _not_known(ctx, subscription.id, stands, wait=wait)
    if stands.standing in FINAL or (stands.ref is not None and stands.told == stands.wishes):
        return Brought()
    return Brought(_WHILE_ON_PAGE if stands.ref is None else timedelta(0))


def _not_known(
    ctx: Context, subscription_id: SubscriptionId, outcome: Refused | Limited | Unknown, *, wait: timedelta
) -> Brought:
    """The provider did not say how it stands: asked again later, or it will not have it."""
    match outcome:
        case Limited(after=after) | Unknown(after=after):
            return Brought(max(wait, after))
        case Refused(code, unheard=unheard) if unheard or code == _OTHER_BODY:
            return Brought(wait)
        case Refused():
            return _refused(ctx, subscription_id, outcome)
        case _:
            assert_never(outcome)


def _past_stored(key: str, ask: Callable[[str], SubscriptionOutcome]) -> SubscriptionOutcome:
    """The outcome; a failure that the key repeats for ever is asked past. Only for what looks how things stand before it acts."""
    outcome = ask(key)
    return ask(f"{key}:anew") if isinstance(outcome, Unknown) and outcome.stored else outcome


def _begun(ctx: Context, subscription: FollowedSubscription) -> SubscriptionOutcome:
    """Asked for under its key. Who asks again looks first: the answer to an earlier call may have been lost."""
    ref = _customer_ref.of(ctx, subscription.customer_id)
    if not isinstance(ref, str):
        return ref
    request, is_asked = _provider_subscriptions.request(ctx, subscription, ref), subscription.asked_at is not None
    if is_asked and (found := ctx.provider.find_subscription(request)) is not None:
        ctx.faults.mark("provider_subscription.found")
        return found
    if not is_asked:
        with ctx.database.transaction("ask for subscription") as conn:
            storage.provider_subscriptions.save(conn, subscription, replace(subscription, asked_at=ctx.clock.now()))
    outcome = ctx.provider.subscribe(request, key=subscription.key)
    if isinstance(outcome, Unknown) and outcome.stored:
        # The key repeats that failure for ever. What it may have made is looked for; if it made nothing, another key may.
        found = ctx.provider.find_subscription(request)
        return ctx.provider.subscribe(request, key=f"{subscription.key}:anew") if found is None else found
    return outcome


def _asked(ctx: Context, subscription: FollowedSubscription) -> SubscriptionOutcome:
    """Told what we want of its end, where it has not been told yet; else asked how it stands."""
    assert subscription.ref is not None, "the provider has it"
    ref, end = subscription.ref, subscription.end
    if subscription.told < subscription.wishes:
        return _past_stored(subscription.end_key, lambda key: ctx.provider.end_subscription(ref, end, key=key))
    return ctx.provider.fetch_subscription(ref)


def _learned(
    ctx: Context, seen: FollowedSubscription, told: ProviderSubscription, *, carried_out: int
) -> FollowedSubscription | None:
    """Into the row as it is by now: another wish may have come in between.

    None where somebody else has learned since `seen` how it stands: whose answer is the newer one nobody knows, so it is asked
    again.
    """
    with ctx.database.transaction("know subscription") as conn:
        before = storage.provider_subscriptions.get(conn, seen.id)
        assert before is not None, f"{seen.id}: was there, and stays"
        if domain.provider_subscriptions.known(before) != domain.provider_subscriptions.known(seen):
            ctx.faults.mark("provider_subscription.overtaken")
            return None
        after = _provider_subscriptions.learned(conn, before, told)
        return _provider_subscriptions.saved(ctx, conn, before, replace(after, told=max(after.told, carried_out)))


def _refused(ctx: Context, subscription_id: SubscriptionId, refusal: Refused) -> Brought:
    """What was never begun is not begun any more; of what runs, people have to look."""
    with ctx.database.transaction("refused subscription") as conn:
        before = storage.provider_subscriptions.get(conn, subscription_id)
        assert before is not None, f"{subscription_id}: was there, and stays"
        if before.standing is not Standing.REQUESTED:
            return Brought(refusal=refusal)
        ctx.faults.mark("provider_subscription.refused")
        reason = f"{refusal.code}: {refusal.message}"
        _provider_subscriptions.saved(ctx, conn, before, domain.provider_subscriptions.refused(before, reason))
    return Brought()
