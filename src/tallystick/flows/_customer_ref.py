"""Who a customer of ours is at the provider: known, or made there now."""

from tallystick import storage
from tallystick.domain.customers import Customer
from tallystick.domain.payments import KEY_AGE_MAX
from tallystick.flows.context import Context
from tallystick.providers.protocol import CustomerOutcome, Unknown
from tallystick.values.ids import CustomerId


def ensured(ctx: Context, customer: Customer, *, look_first: bool) -> CustomerOutcome:
    """Asked outside of any transaction. `look_first`: an earlier call may have made one under a key that is forgotten by now."""
    if customer.provider_ref is not None:
        return customer.provider_ref
    # One that was deleted there would be answered under the old key for a day.
    key = f"customer:{customer.id}" if customer.provider_round == 0 else f"customer:{customer.id}:{customer.provider_round}"
    ref = ctx.provider.ensure_customer(customer, key=key, look_first=look_first)
    if isinstance(ref, str):
        with ctx.database.transaction("know customer") as conn:
            return storage.customers.set_provider_ref(conn, customer.id, ref)
    return ref


def of(ctx: Context, customer_id: CustomerId) -> CustomerOutcome:
    """For a customer who comes in person, perhaps for the first time; nobody knows here what was asked before."""
    now = ctx.clock.now()
    with ctx.database.transaction("know who asks") as conn:
        storage.customers.ensure(conn, [customer_id], at=now)
        customer = storage.customers.get(conn, customer_id)
    assert customer is not None, f"{customer_id}: has just been made sure of"
    ref = ensured(ctx, customer, look_first=now - customer.created_at >= KEY_AGE_MAX)
    if isinstance(ref, Unknown) and ref.stored:
        ref = ensured(ctx, customer, look_first=True)
    # Stored or not, that was about the customer, and says nothing of what is to be asked next.
    return Unknown(ref.message) if isinstance(ref, Unknown) else ref
