"""Make a payment one that nobody can pay any more: that it is to be is written down, then it is done at the provider, then here.

Whoever finds it canceled there from then on takes it for ours, and goes on (docs: Operations, When the provider does not answer).
"""

from dataclasses import replace
from datetime import timedelta

from tallystick import domain, storage
from tallystick.domain.payments import Payment, PaymentStatus
from tallystick.domain.withdrawals import Withdrawal
from tallystick.flows import _settlement
from tallystick.flows.context import Context
from tallystick.providers.protocol import Done, Outcome, Refused, Unknown
from tallystick.storage.jobs import JobName
from tallystick.values.errors import Conflict, ProviderUnavailable

_FINISHED_AFTER = timedelta(minutes=1)  # by a job, where whoever began it did not


def withdrawn(ctx: Context, payment: Payment, withdrawal: Withdrawal) -> Payment | None:
    """The payment with the intent to cancel it, kept; as it is, where the provider has never heard of it.

    None where somebody else has moved it since it was read.
    """
    if payment.ref is None:
        return payment
    now = ctx.clock.now()
    with ctx.database.transaction("withdraw") as conn:
        after = domain.payments.withdrawn(payment, withdrawal, now=now)
        saved = _settlement.save(ctx, conn, payment, after, via="withdraw")
        storage.jobs.enqueue(conn, JobName.COLLECT, payment.id, run_at=now + _FINISHED_AFTER)
        return saved


def canceled(ctx: Context, payment: Payment) -> Payment:
    """The payment, which was `withdrawn`, after the provider has made its object unpayable, to be saved; one that it never heard
    of is given up here alone.

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
    outcome = asked(ctx, payment)
    if isinstance(outcome, Refused):
        _given_up(ctx, payment)
        raise Conflict(f"{payment.id}: the provider will not cancel {payment.ref}: {outcome.message}", code=outcome.code)
    if not isinstance(outcome, Done):
        raise ProviderUnavailable(f"{payment.id}: the provider did not cancel {payment.ref}: {outcome}; ask again")
    after = domain.payments.learned(payment, outcome.payment, now=now)
    if after.status is PaymentStatus.OPEN:
        raise ProviderUnavailable(f"{payment.id}: the provider has not canceled {payment.ref} yet; ask again")
    if after.status is not PaymentStatus.CANCELED:
        _given_up(ctx, payment)
        raise Conflict(f"{payment.id}: {payment.ref} is {after.status} at the provider, and cannot be taken back")
    return after


def asked(ctx: Context, payment: Payment) -> Outcome:
    """What the provider says to it, and where the reply is lost, what became of the object."""
    assert payment.ref is not None, f"{payment.id}: the provider never heard of it"
    outcome = ctx.provider.cancel(payment.ref, payment.method, key=f"{payment.id}:cancel")
    if not isinstance(outcome, Unknown):
        return outcome
    ctx.faults.mark("void.looked_after")
    found = ctx.provider.fetch(payment.ref, payment.method)
    return outcome if isinstance(found, Refused) else found


def _given_up(ctx: Context, payment: Payment) -> None:
    """It will not be canceled by us: whoever else does it is told of."""
    with ctx.database.transaction("withdraw no more") as conn:
        _settlement.save(ctx, conn, payment, replace(payment, withdrawal=None), via="withdraw")
