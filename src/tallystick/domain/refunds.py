"""Refund: money of one payment on its way back, its life, and what the provider tells of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from tallystick.domain.ledger import Account, Entry, Transaction
from tallystick.domain.payments import is_too_old
from tallystick.values.errors import IllegalTransition
from tallystick.values.ids import CreditNoteId, CustomerId, InvoiceId, PaymentId, RefundId, TransactionId, derived
from tallystick.values.money import Money


class RefundStatus(StrEnum):
    PENDING = "pending"  # written down; the provider may have it, and has not said how it ends
    SUCCEEDED = "succeeded"  # on its way; weeks later the bank may still send it back
    FAILED = "failed"
    CANCELED = "canceled"


TRANSITIONS: dict[RefundStatus, set[RefundStatus]] = {
    RefundStatus.PENDING: {RefundStatus.SUCCEEDED, RefundStatus.FAILED, RefundStatus.CANCELED},
    RefundStatus.SUCCEEDED: {RefundStatus.FAILED, RefundStatus.CANCELED},
    RefundStatus.FAILED: set(),
    RefundStatus.CANCELED: set(),
}
LIVE = frozenset({RefundStatus.PENDING, RefundStatus.SUCCEEDED})


class Origin(StrEnum):
    """Who began it: we, by a credit note; or somebody in the provider's dashboard, and our credit note follows."""

    OURS = "ours"
    PROVIDER = "provider"


class RefundStep(StrEnum):
    """What to ask of the provider next for one refund."""

    ASK = "ask"
    FIND = "find"
    FETCH = "fetch"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Refund:
    """Money of one payment that goes back, and how far that has come.

    `excess` is the part of a provider's refund that no credit note is for, since the invoice had been credited already: that
    part the customer owes. `asked_at`, `round` and `look_first` are those of a payment.
    """

    id: RefundId
    payment_id: PaymentId
    invoice_id: InvoiceId
    customer_id: CustomerId
    credit_note_id: CreditNoteId | None
    amount: Money
    excess: Money
    status: RefundStatus
    origin: Origin
    reason: str
    created_at: datetime
    updated_at: datetime
    ref: str | None = None
    failure: str | None = None  # why it failed, in the provider's word
    round: int = 0  # how often we started anew after looking and finding nothing
    look_first: bool = False
    asked_at: datetime | None = None
    version: int = 0

    @property
    def key(self) -> str:
        """The idempotency key: from facts alone, the same for every retry."""
        return f"{self.id}:{self.round}"

    def must_look_first(self, now: datetime) -> bool:
        """Whether the old key is no longer safe to ask with."""
        return self.look_first or is_too_old(self.asked_at, now=now)


@dataclass(frozen=True, slots=True)
class ProviderRefund:
    """What the provider holds, now. `refund_id` is ours, where it carries one; `payment_ref` is what collected the money."""

    ref: str
    status: RefundStatus
    amount: Money
    refund_id: RefundId | None = None
    payment_ref: str | None = None
    failure: str | None = None


def refund_id(*facts: str) -> RefundId:
    """One refund per credit note of ours, and one per refund of the provider's."""
    return RefundId(derived("rfd", *facts))


def next_step(refund: Refund, *, now: datetime) -> RefundStep:
    """The one next thing to ask for; NOTHING once the refund is over. One that succeeded is asked about: it may yet fail."""
    if refund.status not in LIVE:
        return RefundStep.NOTHING
    if refund.ref is not None:
        return RefundStep.FETCH
    return RefundStep.FIND if refund.must_look_first(now) else RefundStep.ASK


def asked(refund: Refund, step: RefundStep, *, now: datetime) -> Refund:
    """The refund as it is written down before `step` is asked."""
    return replace(refund, asked_at=refund.asked_at or now, updated_at=now) if step is RefundStep.ASK else refund


def learned(refund: Refund, told: ProviderRefund, *, now: datetime) -> Refund:
    """The refund after the provider has told how it stands; older news changes nothing.

    Another refund under the same name, one over another amount, or one that was refused to us: IllegalTransition, for people
    have to look.
    """
    if refund.ref not in {None, told.ref}:
        raise IllegalTransition(f"{refund.id}: is {refund.ref}, and {told.ref} is a second one", code="refunded_twice")
    if told.amount != refund.amount:
        raise IllegalTransition(f"{refund.id}: {told.ref} is over {told.amount}, not {refund.amount}", code="amount_mismatch")
    if refund.ref is None and refund.status not in LIVE and told.status in LIVE:
        raise IllegalTransition(f"{refund.id}: is {refund.status}, and {told.ref} is {told.status}", code="refunded_after_all")
    known = replace(refund, ref=told.ref, asked_at=None, look_first=False, updated_at=now)
    if told.status not in TRANSITIONS[refund.status]:
        return known
    return replace(known, status=told.status, failure=told.failure)


def not_found(refund: Refund, *, now: datetime) -> Refund:
    """The refund once we looked and found nothing: what was asked never happened, and its key is spent."""
    return replace(refund, round=refund.round + 1, asked_at=None, look_first=False, updated_at=now)


def refused(refund: Refund, step: RefundStep, code: str, *, now: datetime) -> Refund:
    """The refund once the provider has said that it will not do `step`."""
    match step:
        case RefundStep.ASK:
            return replace(refund, status=RefundStatus.FAILED, failure=code, asked_at=None, updated_at=now)
        case RefundStep.FIND | RefundStep.FETCH | RefundStep.NOTHING:
            return replace(refund, updated_at=now)
        case _:
            assert_never(step)


def book(before: Refund, after: Refund, *, at: datetime) -> Transaction:
    """What the move from `before` to `after` does to the books: money that has left, or that is owed to the customer again."""
    noted = after.amount - after.excess
    amounts: tuple[tuple[Account, Money], ...]
    if after.status is RefundStatus.SUCCEEDED:
        amounts = ((Account.REFUNDS_DUE, noted), (Account.CARRIED, after.excess), (Account.CASH, -after.amount))
    elif before.status is RefundStatus.SUCCEEDED:
        amounts = ((Account.CASH, after.amount), (Account.CARRIED, -after.amount))
    else:
        amounts = ((Account.REFUNDS_DUE, noted), (Account.CARRIED, -noted))
    entries = tuple(Entry(account, amount) for account, amount in amounts if amount.minor)
    kind = f"refund.{after.status}"
    return Transaction(TransactionId(derived("txn", kind, after.id)), after.customer_id, kind, after.id, at, entries)
