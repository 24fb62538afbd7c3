"""A checkout is brought to its end: asked how its page stands, its payment method made the one that is charged, and begun."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.checkouts import Checkout, CheckoutStatus
from tallystick.flows import _begin, _checkouts, _dunning
from tallystick.flows._begin import Wanted
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, Refused, Unknown
from tallystick.values.errors import NotFound, ProviderRefused
from tallystick.values.ids import CheckoutId

_WAIT_FIRST = timedelta(minutes=10)
_WAIT_MAX = timedelta(hours=6)


def complete_checkout(ctx: Context, checkout_id: CheckoutId, *, attempt: int = 0) -> timedelta | None:
    """None when nothing more will come of it; else how long to wait before asking again.

    Safe to call at any time, any number of times: by the news that its page is complete, by the customer who comes back, and
    without either, now and then, as long as the page is open.
    """
    with ctx.database.reading() as conn:
        checkout = storage.checkouts.get(conn, checkout_id)
    if checkout is None:
        raise NotFound(f"{checkout_id}: there is no such checkout")
    if checkout.status is CheckoutStatus.OPEN:
        asked = _asked(ctx, checkout)
        if asked is None:
            return domain.retries.wait(checkout_id, attempt)
        checkout = asked
    match checkout.status:
        case CheckoutStatus.OPEN:
            return domain.retries.wait(checkout_id, attempt, first=_WAIT_FIRST, longest=_WAIT_MAX)
        case CheckoutStatus.EXPIRED:
            return None
        case CheckoutStatus.COMPLETE:
            return _begun(ctx, checkout, attempt=attempt)


def _asked(ctx: Context, checkout: Checkout) -> Checkout | None:
    """The checkout as the provider says that it stands; None where that is not to be had now."""
    if checkout.ref is None:
        # Its page may have been made, but nobody was ever given the address.
        is_over = domain.checkouts.is_stale(checkout, now=ctx.clock.now())
        return _save(ctx, checkout, replace(checkout, status=CheckoutStatus.EXPIRED)) if is_over else checkout
    told = ctx.provider.fetch_checkout(checkout.ref)
    match told:
        case Limited() | Unknown() | Refused(unheard=True):
            return None
        case Refused(code, message):
            raise ProviderRefused(f"{checkout.id}: {checkout.ref}: {code}: {message}")
        case _:
            return _save(ctx, checkout, domain.checkouts.learned(checkout, told))


def _save(ctx: Context, before: Checkout, after: Checkout) -> Checkout | None:
    if before == after:
        return before
    with ctx.database.transaction("complete checkout") as conn:
        if not storage.checkouts.move(conn, before, after):
            ctx.faults.mark("checkout.lost_race")
            return None
        if after.status is CheckoutStatus.COMPLETE:
            said = {"plan": after.choice.plan_key, "payment_method": after.payment_method}
            act = storage.audit.Act("provider", "checkout.completed", after.id, after=said)
            storage.audit.append(conn, act, at=ctx.clock.now())
    return after


def _begun(ctx: Context, checkout: Checkout, *, attempt: int) -> timedelta | None:
    if checkout.subscription_id is not None:
        return None
    with ctx.database.reading() as conn:
        customer = storage.customers.get(conn, checkout.customer_id)
    assert customer is not None, f"{checkout.id}: its customer is kept for ever"
    assert customer.provider_ref is not None, f"{checkout.id}: its page was made for a customer of the provider's"
    assert checkout.payment_method is not None, f"{checkout.id}: complete is what has saved a payment method"
    # Before anything is charged: the page attaches the card to the customer, and leaves the old one the default.
    outcome = ctx.provider.set_default_method(customer.provider_ref, checkout.payment_method, key=f"{checkout.id}:default")
    match outcome:
        case Limited(after=after) | Unknown(after=after):
            return max(domain.retries.wait(checkout.id, attempt), after)
        case Refused(unheard=True):
            return domain.retries.wait(checkout.id, attempt)
        case Refused(code, message):
            raise ProviderRefused(f"{checkout.id}: {checkout.payment_method} cannot be charged: {code}: {message}")
        case _:
            ctx.database.run("begin subscription", lambda conn: _subscribed(ctx, conn, checkout))
            return None


def _subscribed(ctx: Context, conn: Connection, checkout: Checkout) -> None:
    """In one transaction: the subscription, and that this checkout has begun it.

    Who has subscribed meanwhile, in another tab perhaps, pays for that one with the new card, and not for two.
    """
    storage.customers.lock(conn, checkout.customer_id)
    subscription = before = _checkouts.subscribed(conn, checkout.customer_id)
    if subscription is None:
        choice = checkout.choice
        wanted = Wanted(choice.customer_id, choice.plan_key, choice.currency, choice.cadence, plan_version=choice.plan_version)
        subscription = _begin.begin(ctx, conn, wanted, actor="provider").subscription
    moved = storage.checkouts.move(conn, checkout, replace(checkout, subscription_id=subscription.id))
    assert moved or before is not None, f"{checkout.id}: under the lock of its customer, nobody else begins it"
    if before is not None:
        ctx.faults.mark("checkout.subscribed_already")
        _dunning.look_for_card(ctx, conn, checkout.customer_id)
