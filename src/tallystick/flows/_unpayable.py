"""Make a payment one that nobody can pay any more: first at the provider, outside of any transaction, then here."""

from tallystick import domain
from tallystick.domain.payments import Payment, PaymentStatus
from tallystick.flows.context import Context
from tallystick.providers.protocol import Done, Refused, Unknown
from tallystick.values.errors import Conflict, ProviderUnavailable


def canceled(ctx: Context, payment: Payment) -> Payment:
    """The payment after the provider has made its object unpayable, to be saved; one it never heard of is given up here alone.

    Raises ProviderUnavailable while it is unknown whether the object can still be paid, and Conflict where it has been.
    """
    now = ctx.clock.now()
    ctx.faults.mark("void.unsent" if payment.ref is None else "void.at_the_provider")
    if payment.ref is None:
        if payment.asked_at is not None:
            raise ProviderUnavailable(
                f"{payment.id}: it is not known yet whether the provider has it; collect it once more, then ask again"
            )
        return domain.payments.dropped(payment, now=now)
    outcome = ctx.provider.cancel(payment.ref, payment.method, key=f"{payment.id}:cancel")
    if isinstance(outcome, Unknown):
        ctx.faults.mark("void.looked_after")
        outcome = ctx.provider.fetch(payment.ref, payment.method)
    if isinstance(outcome, Refused):
        raise Conflict(f"{payment.id}: the provider will not cancel {payment.ref}: {outcome.message}", code=outcome.code)
    if not isinstance(outcome, Done):
        raise ProviderUnavailable(f"{payment.id}: the provider did not cancel {payment.ref}: {outcome}; ask again")
    after = domain.payments.learned(payment, outcome.payment, now=now)
    if after.status is PaymentStatus.OPEN:
        raise ProviderUnavailable(f"{payment.id}: the provider has not canceled {payment.ref} yet; ask again")
    if after.status is not PaymentStatus.CANCELED:
        raise Conflict(f"{payment.id}: {payment.ref} is {after.status} at the provider, and cannot be taken back")
    return after
