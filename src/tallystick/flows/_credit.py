"""Issue a credit note and write down its refund: the same for one of ours, and for one that follows a provider's refund."""

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.credit_notes import CreditNote
from tallystick.domain.payments import Payment
from tallystick.domain.refunds import Origin, Refund, RefundStatus
from tallystick.flows import _outgoing
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName
from tallystick.values.money import Money

PREFIX = "CN"


def next_number(conn: Connection) -> str:
    """The number of the credit note that is about to be issued."""
    return f"{PREFIX}-{storage.credit_notes.next_number(conn):06d}"


def issue(ctx: Context, conn: Connection, note: CreditNote, *, rest: Money, actor: str) -> None:
    """Keeps the note and books it; `rest` is left of an open invoice. Who calls holds the locks of customer and invoice."""
    added = storage.credit_notes.add(conn, note)
    assert added, f"{note.id}: was looked for under the invoice's lock"
    storage.ledger.book(conn, domain.credit_notes.book(note, rest=rest))
    after: dict[str, object] = {"number": note.number, "invoice": note.invoice_id, "currency": note.amount.currency.code}
    after |= {"amount": note.amount.minor, "reduced": note.reduced.minor, "refunded": note.refunded.minor}
    after |= {"credited": note.credited.minor, "carried": note.carried.minor}
    act = storage.audit.Act(actor, "credit_note.issued", note.id, after=after, reason=note.reason)
    storage.audit.append(conn, act, at=ctx.clock.now())
    told = {"customer": note.customer_id, **after}
    _outgoing.publish(ctx, conn, "credit_note.issued", note.id, told, customer_id=note.customer_id)


def write_refund(ctx: Context, conn: Connection, payment: Payment, note: CreditNote) -> Refund:
    """The refund of a note of ours, with the job to ask the provider for it."""
    now = ctx.clock.now()
    refund = Refund(
        id=domain.refunds.refund_id(note.id),
        payment_id=payment.id,
        invoice_id=note.invoice_id,
        customer_id=note.customer_id,
        credit_note_id=note.id,
        amount=note.refunded,
        excess=Money(0, note.refunded.currency),
        status=RefundStatus.PENDING,
        origin=Origin.OURS,
        reason=note.reason,
        created_at=now,
        updated_at=now,
    )
    added = storage.refunds.add(conn, refund)
    assert added, f"{refund.id}: one for each note"
    storage.jobs.enqueue(conn, JobName.REFUND, refund.id, run_at=now)
    return refund
