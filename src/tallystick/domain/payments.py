"""Payment: the one provider object that collects an invoice, its life, and what providers tell us, in our words."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from tallystick.domain.ledger import Account, Entry, Transaction
from tallystick.values.errors import IllegalTransition
from tallystick.values.ids import CustomerId, InvoiceId, PaymentId, TransactionId, derived
from tallystick.values.money import Money

# Providers forget an idempotency key after 24 h; past this age we look for the object before we ask again (rules: Payments).
KEY_AGE_MAX = timedelta(hours=23)


class Method(StrEnum):
    """How an invoice is collected: one object of this kind at the provider, never two."""

    INTENT = "intent"  # a payment intent, confirmed on our own page
    HOSTED = "hosted"  # the provider's invoice, with its hosted page


class PaymentStatus(StrEnum):
    PENDING = "pending"  # written down; the provider may or may not know of it yet
    OPEN = "open"  # the provider's object stands and waits for money
    PROCESSING = "processing"  # money is on its way: neither granted nor refused
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


TRANSITIONS: dict[PaymentStatus, set[PaymentStatus]] = {
    PaymentStatus.PENDING: {PaymentStatus.OPEN, PaymentStatus.PROCESSING, PaymentStatus.SUCCEEDED, PaymentStatus.CANCELED},
    PaymentStatus.OPEN: {PaymentStatus.PROCESSING, PaymentStatus.SUCCEEDED, PaymentStatus.CANCELED},
    PaymentStatus.PROCESSING: {PaymentStatus.OPEN, PaymentStatus.SUCCEEDED, PaymentStatus.CANCELED},
    PaymentStatus.SUCCEEDED: set(),
    PaymentStatus.CANCELED: set(),
}
LIVE = frozenset({PaymentStatus.PENDING, PaymentStatus.OPEN, PaymentStatus.PROCESSING, PaymentStatus.SUCCEEDED})


@dataclass(frozen=True, slots=True)
class Decline:
    """The answer "no" to one attempt. `code` is the provider's; `message` may be shown to the buyer."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ProviderPayment:
    """What the provider holds for one invoice, now. `client_secret` is for the customer's browser, and never stored or logged."""

    ref: str
    status: PaymentStatus
    amount: Money
    invoice_id: InvoiceId | None
    url: str | None = None
    client_secret: str | None = None
    decline: Decline | None = None
    paid: Money | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """Money to be moved for one invoice. `attempt` counts charges that were really tried; a key is derived from it.

    `asked_at` is when the outstanding call was first made, while its outcome is unknown; None when nothing is outstanding.
    """

    id: PaymentId
    invoice_id: InvoiceId
    customer_id: CustomerId
    method: Method
    amount: Money
    status: PaymentStatus
    created_at: datetime
    updated_at: datetime
    attempt: int = 0
    ref: str | None = None
    url: str | None = None
    ready: bool = False  # the provider's object is complete: lines added, finalised
    asked_at: datetime | None = None
    decline: Decline | None = None

    def key(self, operation: str) -> str:
        """The idempotency key of one operation: the same for every retry, from facts alone."""
        return f"{self.id}:{operation}:{self.attempt}"

    def must_look_first(self, now: datetime) -> bool:
        return self.asked_at is not None and now - self.asked_at >= KEY_AGE_MAX


def payment_id(invoice_id: InvoiceId) -> PaymentId:
    """One payment per invoice, whoever asks and however often."""
    return PaymentId(derived("pay", invoice_id))


def learned(payment: Payment, told: ProviderPayment, *, now: datetime) -> Payment:
    """The payment after the provider has told how it stands.

    News that is older than what we know changes nothing: a final state stays. Money for another amount or another invoice
    is not ours to book: IllegalTransition.
    """
    if told.invoice_id is not None and told.invoice_id != payment.invoice_id:
        raise IllegalTransition(f"{payment.id}: {told.ref} belongs to {told.invoice_id}", code="payment_mismatch")
    if told.status is PaymentStatus.SUCCEEDED and (told.paid or told.amount) != payment.amount:
        collected = told.paid or told.amount
        raise IllegalTransition(f"{payment.id}: {told.ref} collected {collected}, not {payment.amount}", code="amount_mismatch")
    known = replace(payment, ref=told.ref, url=told.url or payment.url, decline=told.decline, updated_at=now)
    if told.status == payment.status:
        return known
    if told.status not in TRANSITIONS[payment.status]:
        return payment
    return replace(known, status=told.status)


def book_payment(payment: Payment, *, at: datetime) -> Transaction:
    """Cash against receivable."""
    entries = (Entry(Account.CASH, payment.amount), Entry(Account.RECEIVABLE, -payment.amount))
    txn_id = TransactionId(derived("txn", "payment", payment.id))
    return Transaction(txn_id, payment.customer_id, "payment.succeeded", payment.id, at, entries)


@dataclass(frozen=True, slots=True)
class PaymentChanged:
    """The provider says that the object `ref` is no longer as it was. A hint: how it stands now is asked, not believed."""

    ref: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A kind of news that changes nothing here; kept, and visible as ignored."""

    reason: str


ProviderFact = PaymentChanged | Ignored
