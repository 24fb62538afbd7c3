"""What dunning hears of and what it begins: a try that has failed is noted where that is learned, and the rest is a job."""

from dataclasses import replace

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.dunning import Cause, Dunning, Try
from tallystick.domain.payments import FINAL, Decline, Payment
from tallystick.flows import _safety
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName
from tallystick.values.errors import Conflict
from tallystick.values.ids import CustomerId


def follow(ctx: Context, conn: Connection, before: Payment, after: Payment, *, refusal: str | None = None) -> None:
    """Call it where a payment is saved. `refusal`: why the provider did not even try, as where there is no card any more.

    Nothing has failed where the very first charge found no card: nobody was asked, and the invoice says how it is paid.
    """
    ends = after.status in FINAL and before.status not in FINAL
    if domain.dunning.is_renamed(before, after):
        storage.dunning.rename_try(conn, _try(ctx, before, None), charge=after.charges)
    elif domain.dunning.has_failed(before, after):
        if refusal is not None and storage.dunning.get(conn, after.invoice_id) is None:
            return
        decline = after.decline if refusal is None else Decline(refusal, "")
        failed = _try(ctx, before, decline or Decline("card_declined", ""))
        if storage.dunning.fail_try(conn, failed):
            storage.dunning.begin(conn, domain.dunning.noticed(failed))
            look(ctx, conn, after)
    elif ends and storage.dunning.hasten(conn, after.customer_id, after.invoice_id, at=ctx.clock.now()):
        look(ctx, conn, after)


def look(ctx: Context, conn: Connection, payment: Payment) -> None:
    """Writes down to see what is to be done about its invoice, after this transaction."""
    storage.jobs.enqueue(conn, JobName.DUN, payment.invoice_id, run_at=ctx.clock.now())


def look_for_card(ctx: Context, conn: Connection, customer_id: CustomerId) -> bool:
    """Writes down to see whether the customer has a new card. False where they owe nothing that it could pay."""
    owes = bool(storage.payments.owed(conn, customer_id))
    if owes:
        storage.jobs.enqueue(conn, JobName.NEW_CARD, customer_id, run_at=ctx.clock.now())
    return owes


def begin(ctx: Context, conn: Connection, dunning: Dunning | None, payment: Payment, begun: Try) -> bool:
    """One more try, under a key of its own; in the transaction with what it is counted in. Its answer is noted by `follow`.

    False where it is beyond a safety bound, and held.
    """
    if _safety.held(ctx, conn, payment):
        return False
    after = domain.payments.tried_again(payment, payment_method=begun.payment_method, now=begun.begun_at)
    if not storage.payments.move(conn, payment, replace(after, version=payment.version + 1)):
        raise Conflict(f"{payment.id}: has moved meanwhile; look again", code="changed_meanwhile")
    storage.dunning.begin_try(conn, begun)
    if dunning is not None:
        trying = domain.dunning.trying(dunning, begun.cause, now=begun.begun_at)
        if trying != dunning:
            storage.dunning.save(conn, dunning, trying)
    storage.jobs.enqueue(conn, JobName.COLLECT, payment.id, run_at=begun.begun_at)
    ctx.faults.mark(f"dunning.try.{begun.cause}")
    return True


def _try(ctx: Context, payment: Payment, decline: Decline | None) -> Try:
    """The charge that was on its way; where nobody had begun it on purpose, it was the first one."""
    now = ctx.clock.now()
    begun_at = min(payment.asked_at or now, now)
    return Try(
        customer_id=payment.customer_id,
        invoice_id=payment.invoice_id,
        payment_id=payment.id,
        charge=payment.charges,
        cause=Cause.FIRST,
        due_at=begun_at,
        begun_at=begun_at,
        failed_at=None if decline is None else now,
        code=None if decline is None else decline.code,
        message=None if decline is None else decline.message,
        payment_method=None if decline is None else decline.payment_method or payment.payment_method,
    )
