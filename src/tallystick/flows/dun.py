"""Bring the dunning of one invoice up to this instant: take note of what failed, tell the customer, try again, or give up."""

from dataclasses import dataclass

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.dunning import Cause, Dunning, End, Move, State, Try
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.payments import Payment, PaymentStatus
from tallystick.domain.subscriptions import Act, Status
from tallystick.flows import _dunning, _dunning_letters, _preview, _subscriptions
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName
from tallystick.values.errors import NotFound
from tallystick.values.ids import InvoiceId

_ACTS = {End.PAUSE: Act.PAUSE, End.CANCEL: Act.CANCEL}
_TOLD = {
    Status.ACTIVE: "subscription.recovered",
    Status.PAST_DUE: "subscription.past_due",
    Status.UNPAID: "subscription.unpaid",
}
_ASKED_FOR = frozenset({InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE})
_STEPS_MAX = 10


@dataclass(frozen=True, slots=True)
class _Seen:
    """An invoice with its payment, every try of it, and how far its dunning has come."""

    invoice: Invoice
    payment: Payment | None
    tries: list[Try]
    dunning: Dunning | None

    @property
    def failed(self) -> list[Try]:
        """The tries that have failed, the newest last."""
        return sorted((each for each in self.tries if each.failed_at is not None), key=lambda each: (each.failed_at, each.charge))


def dun(ctx: Context, invoice_id: InvoiceId) -> None:
    """Safe to call at any time, any number of times: when a try has failed, when the invoice was paid, and by the calendar."""
    for _ in range(_STEPS_MAX):
        if not ctx.database.run("dun", lambda conn: _step(ctx, conn, invoice_id)):
            return
        _end(ctx, invoice_id)


def _step(ctx: Context, conn: Connection, invoice_id: InvoiceId) -> bool:
    """Whatever can be done at once. Whether it has come to the end that the subscription is to have, outside of this."""
    seen = _seen(conn, invoice_id)
    if seen.dunning is not None and seen.dunning.state is State.OVER:
        return False
    if seen.invoice.status not in _ASKED_FOR:
        _over(ctx, conn, seen)
        return False
    dunning = _taken_note(ctx, conn, seen)
    if dunning is None:
        return False
    if dunning.state is State.TRYING:
        dunning = _waited(ctx, conn, seen.payment, dunning)
    if dunning.state in {State.RETRYING, State.WAITING}:
        dunning = _gone_on(ctx, conn, seen, dunning)
    return dunning.state is State.GIVEN_UP and dunning.next_at is not None


def _seen(conn: Connection, invoice_id: InvoiceId) -> _Seen:
    invoice = storage.invoices.get(conn, invoice_id)
    if invoice is None:
        raise NotFound("invoice: there is no such invoice", field="invoice")
    payment = storage.payments.of_invoice(conn, invoice_id)
    if payment is not None:  # first, as where one succeeds or is voided
        storage.payments.lock(conn, payment)
    storage.customers.lock(conn, invoice.customer_id)
    invoice = storage.invoices.get(conn, invoice_id)
    assert invoice is not None, f"{invoice_id}: was there, and stays"
    tries = storage.dunning.tries(conn, invoice.customer_id, invoice_id)
    return _Seen(invoice, storage.payments.of_invoice(conn, invoice_id), tries, storage.dunning.get(conn, invoice_id))


def _over(ctx: Context, conn: Connection, seen: _Seen) -> None:
    """Nothing is asked for any more."""
    if seen.dunning is not None:
        _save(conn, seen.dunning, domain.dunning.over(seen.dunning, now=ctx.clock.now()))
        _stand(ctx, conn, seen.invoice)
        ctx.faults.mark(f"dunning.over.{seen.invoice.status}")


def _taken_note(ctx: Context, conn: Connection, seen: _Seen) -> Dunning | None:
    """The dunning with every failure in it, of which the customer is told once; None where nothing has failed."""
    before, failed = seen.dunning, seen.failed
    if before is None or len(failed) == before.failures:
        return before
    dunning = _save(conn, before, domain.dunning.failed(ctx.terms.dunning, before, failed[-1], failures=len(failed)))
    _dunning_letters.tell_failed(ctx, conn, seen.invoice, dunning)
    _stand(ctx, conn, seen.invoice)
    ctx.faults.mark(f"dunning.{dunning.state}")
    return dunning


def _waited(ctx: Context, conn: Connection, payment: Payment | None, dunning: Dunning) -> Dunning:
    """A try is on its way, and news of it will come. Asked about once more where it has been long; else it is as before it."""
    now = ctx.clock.now()
    if payment is not None and payment.status is PaymentStatus.OPEN and not payment.charging:
        ctx.faults.mark("dunning.try_came_to_nothing")
        return _save(conn, dunning, domain.dunning.resumed(ctx.terms.dunning, dunning, now=now))
    return _looked(ctx, conn, payment, dunning)


def _gone_on(ctx: Context, conn: Connection, seen: _Seen, dunning: Dunning) -> Dunning:
    """What the calendar says."""
    now, payment = ctx.clock.now(), seen.payment
    following = domain.dunning.follows(ctx.terms.dunning, dunning, now=now)
    if following.move is Move.WAIT:
        return dunning if dunning.next_at == following.at else _save(conn, dunning, domain.dunning.waits(dunning, following.at))
    if following.move is Move.TRY and payment is not None and payment.automatic:
        if not domain.dunning.can_be_tried(payment):
            return _looked(ctx, conn, payment, dunning)
        last = seen.failed[-1] if seen.failed else None
        method = domain.dunning.method_for(payment, last)
        key = (dunning.customer_id, dunning.invoice_id, payment.id, payment.charges + 1)
        begun = Try(*key, Cause.SCHEDULE, due_at=following.at, begun_at=now, payment_method=method)
        if not _dunning.begin(ctx, conn, dunning, payment, begun):
            return _looked(ctx, conn, payment, dunning)
        return domain.dunning.trying(dunning, Cause.SCHEDULE, now=now)
    if payment is not None and domain.payments.was_held(payment, since=now - domain.dunning.LOOK_AGAIN):
        return _looked(ctx, conn, payment, dunning)  # it is not for the customer that nothing was charged
    return _given_up(ctx, conn, seen.invoice, dunning)


def _looked(ctx: Context, conn: Connection, payment: Payment | None, dunning: Dunning) -> Dunning:
    """Money may be on its way, or nobody knows yet: nothing is begun beside it, and it is looked at again later."""
    now = ctx.clock.now()
    if dunning.next_at is not None and dunning.next_at > now:
        return dunning
    if payment is not None:
        storage.jobs.enqueue(conn, JobName.COLLECT, payment.id, run_at=now)
    return _save(conn, dunning, domain.dunning.waits(dunning, now + domain.dunning.LOOK_AGAIN))


def _given_up(ctx: Context, conn: Connection, invoice: Invoice, dunning: Dunning) -> Dunning:
    settled = invoice.subscription_id is None or ctx.terms.dunning_end is End.KEEP
    after = _save(conn, dunning, domain.dunning.given_up(dunning, now=ctx.clock.now(), settled=settled))
    _dunning_letters.tell_given_up(ctx, conn, invoice, after)
    _stand(ctx, conn, invoice)
    said = {"code": after.code, "tries": after.tries}
    storage.audit.append(conn, storage.audit.Act("dunning", "dunning.given_up", invoice.id, after=said), at=ctx.clock.now())
    ctx.faults.mark("dunning.given_up")
    return after


def _end(ctx: Context, invoice_id: InvoiceId) -> None:
    """The subscription is paused, or canceled, as anybody would do it; then that is noted, so that it is done once."""
    with ctx.database.reading() as conn:
        invoice = storage.invoices.get(conn, invoice_id)
        assert invoice is not None, f"{invoice_id}: was there, and stays"
        of = invoice.subscription_id
        subscription = None if of is None else _subscriptions.found(conn, of).subscription
    act = _ACTS.get(ctx.terms.dunning_end)
    if subscription is not None and subscription.status is Status.UNPAID and act is not None:
        _preview.done(ctx, subscription.id, _preview.only(act), actor="dunning")
        ctx.faults.mark(f"dunning.end.{act}")

    def settle(conn: Connection) -> None:
        dunning = _seen(conn, invoice_id).dunning
        if dunning is not None and dunning.state is State.GIVEN_UP:
            _save(conn, dunning, domain.dunning.given_up(dunning, now=ctx.clock.now(), settled=True))

    ctx.database.run("dunning ends", settle)


def _save(conn: Connection, before: Dunning, after: Dunning) -> Dunning:
    storage.dunning.save(conn, before, after)
    return domain.dunning.saved(before, after)


def _stand(ctx: Context, conn: Connection, invoice: Invoice) -> None:
    """The subscription, in the state that the dunnings of its invoices come to."""
    if invoice.subscription_id is None:
        return
    kept = _subscriptions.found(conn, invoice.subscription_id)
    states = storage.dunning.states(conn, invoice.customer_id, invoice.subscription_id)
    to = domain.dunning.moves_to(kept.subscription, states)
    if to is not None:
        after = domain.subscriptions.moved(kept.subscription, to)
        _subscriptions.save(ctx, conn, kept, after, act=_TOLD[to], actor="dunning")
        ctx.faults.mark(_TOLD[to])
