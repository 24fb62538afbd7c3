"""Send a customer to the provider's page to save a payment method for a plan: the row first, then the page, then its address."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.checkouts import Checkout, CheckoutStatus, ProviderCheckout, Wish
from tallystick.flows import _checkouts, _customer_ref
from tallystick.flows.context import Context
from tallystick.providers.protocol import CheckoutOutcome, CheckoutRequest, Limited, Refused, Unknown
from tallystick.storage.jobs import JobName
from tallystick.values.errors import Conflict, NotFound, ProviderRefused, ProviderUnavailable

FIRST_LOOK = timedelta(minutes=10)  # when to ask how the page stands, where no news of it has come
_ROUNDS_MAX = 3


def start_checkout(ctx: Context, wish: Wish) -> Checkout:
    """The checkout with the address of its page. Asked again for the same, it is the same page while that is open.

    Raises InvalidInput for what the plan does not sell, and Conflict for who has subscribed already. Raises ProviderUnavailable
    where it is not known whether the page was made: ask again, and it will be that one.
    """
    for _ in range(_ROUNDS_MAX):
        checkout = _begin(ctx, wish)
        if checkout.url is not None:
            return checkout
        outcome = _ask(ctx, checkout)
        match outcome:
            case ProviderCheckout():
                saved = _save(ctx, checkout, domain.checkouts.learned(checkout, outcome))
                if saved.url is not None:
                    return saved
            case Unknown(stored=True):  # the key will say the same for ever; what it may have made, nobody has the address of
                ctx.faults.mark("checkout.stored_failure")
                _save(ctx, checkout, replace(checkout, status=CheckoutStatus.EXPIRED))
            case Refused(code, message, unheard=False):
                _save(ctx, checkout, replace(checkout, status=CheckoutStatus.EXPIRED))
                raise ProviderRefused(f"the provider does not open a page for plan {wish.plan_key}: {code}: {message}")
            case Limited() | Unknown() | Refused():
                raise ProviderUnavailable(f"{checkout.id}: the provider did not answer; nothing was charged; try again")
    raise ProviderUnavailable("the provider does not keep what it was asked for; nothing was charged; try again later")


def _begin(ctx: Context, wish: Wish) -> Checkout:
    with ctx.database.transaction("begin checkout") as conn:
        now = ctx.clock.now()
        plan = storage.plans.latest(conn).get(wish.plan_key)
        if plan is None:
            raise NotFound(f"plan: there is no plan {wish.plan_key}", field="plan")
        choice = domain.checkouts.chosen(wish, plan)
        if (live := _checkouts.subscribed(conn, wish.customer_id)) is not None:
            told = f"plan: the customer is on {live.terms.plan_key} already, by {live.id}; change that, or open the portal"
            raise Conflict(told, field="plan", code="already_subscribed")
        storage.customers.ensure(conn, [choice.customer_id], at=now)
        newest = storage.checkouts.newest(conn, choice)
        checkout = domain.checkouts.begin(choice, newest, now=now)
        if checkout == newest:
            return checkout
        if storage.checkouts.add(conn, checkout):
            storage.jobs.enqueue(conn, JobName.COMPLETE_CHECKOUT, checkout.id, run_at=now + FIRST_LOOK)
        return _stands(conn, checkout)


def _ask(ctx: Context, checkout: Checkout) -> CheckoutOutcome:
    ref = _customer_ref.of(ctx, checkout.customer_id)
    if not isinstance(ref, str):
        return ref
    choice = checkout.choice
    request = CheckoutRequest(checkout.id, ref, choice.currency, choice.success_url, choice.cancel_url)
    return ctx.provider.start_checkout(request, key=checkout.key)


def _save(ctx: Context, before: Checkout, after: Checkout) -> Checkout:
    """The checkout as it now stands; as somebody else has left it, where they were faster."""
    with ctx.database.transaction("know page") as conn:
        return after if storage.checkouts.move(conn, before, after) else _stands(conn, before)


def _stands(conn: Connection, checkout: Checkout) -> Checkout:
    stands = storage.checkouts.get(conn, checkout.id)
    assert stands is not None, f"{checkout.id}: was there, and stays"
    return stands
