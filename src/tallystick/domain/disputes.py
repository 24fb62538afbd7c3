"""Dispute: a bank takes back what was paid, or asks about it; where the money is meanwhile, and what the provider tells of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from tallystick.domain.ledger import Account, Entry, Transaction
from tallystick.domain.payments import Payment
from tallystick.values.ids import CustomerId, DisputeId, InvoiceId, PaymentId, TransactionId, derived
from tallystick.values.money import Money


class DisputeStatus(StrEnum):
    """As the provider says it. There are no transitions to keep: an appeal may open what was lost."""

    INQUIRY = "inquiry"  # the bank asks; nothing was taken
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"  # an inquiry, or one that was prevented: nothing came of it


OVER = frozenset({DisputeStatus.WON, DisputeStatus.LOST, DisputeStatus.CLOSED})


@dataclass(frozen=True, slots=True)
class ProviderDispute:
    """What the provider holds, now. `withdrawn`: the money is with the bank. `payment_ref` is what had collected it."""

    ref: str
    status: DisputeStatus
    amount: Money
    withdrawn: bool
    reason: str
    payment_ref: str | None = None
    due_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Dispute:
    """A payment that a bank disputes, and how that stands. `due_by` is when an answer must be with the provider."""

    id: DisputeId
    payment_id: PaymentId
    invoice_id: InvoiceId
    customer_id: CustomerId
    ref: str
    amount: Money
    status: DisputeStatus
    withdrawn: bool
    reason: str
    created_at: datetime
    updated_at: datetime
    due_by: datetime | None = None
    version: int = 0


def opened(payment: Payment, told: ProviderDispute, *, now: datetime) -> Dispute:
    """The dispute as it is first heard of."""
    return Dispute(
        id=DisputeId(derived("dsp", told.ref)),
        payment_id=payment.id,
        invoice_id=payment.invoice_id,
        customer_id=payment.customer_id,
        ref=told.ref,
        amount=told.amount,
        status=told.status,
        withdrawn=told.withdrawn,
        reason=told.reason,
        created_at=now,
        updated_at=now,
        due_by=told.due_by,
    )


def learned(dispute: Dispute, told: ProviderDispute, *, now: datetime) -> Dispute:
    """The dispute after the provider has told how it stands; the same one where that is as before."""
    known = replace(
        dispute, amount=told.amount, status=told.status, withdrawn=told.withdrawn, reason=told.reason, due_by=told.due_by
    )
    return dispute if known == dispute else replace(known, updated_at=now, version=dispute.version + 1)


def book(before: Dispute | None, after: Dispute, *, at: datetime) -> Transaction | None:
    """What the move does to the books: the difference of where the money was and where it is. None where it has not moved."""
    was = {} if before is None else _held(before)
    amounts = _held(after)
    for account, amount in was.items():
        amounts[account] = amounts[account] - amount if account in amounts else -amount
    entries = tuple(Entry(account, amount) for account, amount in sorted(amounts.items()) if amount.minor)
    if not entries:
        return None
    txn_id = TransactionId(derived("txn", "dispute", after.id, str(after.version)))
    return Transaction(txn_id, after.customer_id, "dispute.moved", after.id, at, entries)


def _held(dispute: Dispute) -> dict[Account, Money]:
    """Which accounts hold what the bank has taken: nothing, while it has not."""
    if not dispute.withdrawn:
        return {}
    lost = dispute.status is DisputeStatus.LOST
    return {Account.CASH: -dispute.amount, Account.BAD_DEBT if lost else Account.DISPUTED: dispute.amount}
