"""A customer's saved payment methods, asked of the provider: which there are, which is the default, and one more in a browser."""

from collections.abc import Sequence

from tallystick import storage
from tallystick.domain.payment_methods import SavedMethod, Saving
from tallystick.flows import _customer_ref, _dunning
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, Refused, Unknown
from tallystick.values.errors import NotFound, ProviderRefused, ProviderUnavailable
from tallystick.values.ids import CustomerId


def payment_methods(ctx: Context, customer_id: CustomerId) -> Sequence[SavedMethod]:
    """Those that are saved, the newest first; none for whom the provider does not know. Raises ProviderUnavailable."""
    with ctx.database.reading() as conn:
        customer = storage.customers.get(conn, customer_id)
    if customer is None or customer.provider_ref is None:
        return ()
    told = ctx.provider.methods_of(customer.provider_ref)
    if isinstance(told, Refused | Limited | Unknown):
        raise _no_answer(told)
    return told


def make_default(ctx: Context, customer_id: CustomerId, method: str, *, actor: str = "system") -> Sequence[SavedMethod]:
    """The methods, of which this one is the default from now on; what is open and was declined is tried by it at once.

    Raises NotFound for one that the customer has not saved.
    """
    saved = payment_methods(ctx, customer_id)
    if method not in {each.ref for each in saved}:
        raise NotFound("payment_method: the customer has not saved such a payment method", field="payment_method")
    with ctx.database.reading() as conn:
        customer = storage.customers.get(conn, customer_id)
    assert customer is not None, f"{customer_id}: has saved something"
    assert customer.provider_ref is not None, f"{customer_id}: has saved it at the provider"
    # A key of its own each time: there and back again is said three times.
    told = ctx.provider.set_default_method(customer.provider_ref, method, key=ctx.ids.new("default"))
    if isinstance(told, Refused | Limited | Unknown):
        raise _no_answer(told)
    with ctx.database.transaction("make default") as conn:
        act = storage.audit.Act(actor, "customer.payment_method_chosen", customer_id, after={"payment_method": method})
        storage.audit.append(conn, act, at=ctx.clock.now())
        _dunning.look_for_card(ctx, conn, customer_id)
    return payment_methods(ctx, customer_id)


def begin_saving(ctx: Context, customer_id: CustomerId) -> Saving:
    """What the customer's browser needs to save one more, on our own page. Raises ProviderUnavailable."""
    with ctx.database.transaction("begin saving") as conn:
        storage.customers.ensure(conn, [customer_id], at=ctx.clock.now())
    ref = _customer_ref.of(ctx, customer_id)
    told = ctx.provider.begin_saving(ref, key=ctx.ids.new("saving")) if isinstance(ref, str) else ref
    if isinstance(told, Refused | Limited | Unknown):
        raise _no_answer(told)
    return told


def _no_answer(told: Refused | Limited | Unknown) -> ProviderRefused | ProviderUnavailable:
    if isinstance(told, Refused) and not told.unheard:
        return ProviderRefused(f"the provider will not do it: {told.code}: {told.message}")
    return ProviderUnavailable("the provider did not answer; nothing was charged; try again")
