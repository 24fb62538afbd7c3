"""Payment: the one provider object that collects an invoice, its life, and what providers tell us, in our words."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from tallystick.domain.ledger import Account, Entry, Transaction
from tallystick.domain.pages import Page
from tallystick.domain.safety import Hold, Reason
from tallystick.domain.withdrawals import Why, Withdrawal
from tallystick.values.errors import IllegalTransition
from tallystick.values.ids import CheckoutId, CustomerId, InvoiceId, PaymentId, SubscriptionId, TransactionId, derived
from tallystick.values.money import Money

# Providers forget an idempotency key after 24 h; past this age we look before we ask again (docs: Money and time, Payments).
KEY_AGE_MAX = timedelta(hours=23)
_SET_BACK_MAX = timedelta(hours=1)  # what that leaves of the 24


class Method(StrEnum):
    """How an invoice is collected: one object of this kind at the provider, never two."""

    INTENT = "intent"  # a payment intent: confirmed on our own page, or by the provider's page that the customer was sent to
    HOSTED = "hosted"  # the provider's invoice, with its hosted page


@dataclass(frozen=True, slots=True)
class Collection:
    """How the invoice is to be paid: through which kind of object, at once or when the customer comes, and by which card.

    `carry` says what happens to a sum below the least that the provider charges: carried to the next invoice, or refused.
    """

    method: Method = Method.HOSTED
    automatic: bool = True
    payment_method: str | None = None
    carry: bool = True


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
FINAL = frozenset(status for status, following in TRANSITIONS.items() if not following)


@dataclass(frozen=True, slots=True)
class Decline:
    """The answer "no" to one attempt. `code` is the provider's; `message` may be shown to the buyer.

    `payment_method` is the one that was charged, `attempt` the provider's id of the attempt, where they are known.
    """

    code: str
    message: str
    payment_method: str | None = field(default=None, compare=False)
    attempt: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderPayment:
    """What the provider holds for one invoice, now.

    `intent_ref` is the payment intent that a customer's browser can confirm: the object itself, or the one inside a hosted
    invoice. `client_secret` opens it; it is for that browser alone, and never stored or logged.
    """

    ref: str
    status: PaymentStatus
    amount: Money
    invoice_id: InvoiceId | None
    url: str | None = None
    intent_ref: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    decline: Decline | None = None
    paid: Money | None = None


class Step(StrEnum):
    """What to ask of the provider next for one payment."""

    OPEN = "open"
    FIND = "find"
    COMPLETE = "complete"
    CHARGE = "charge"
    FETCH = "fetch"
    WITHDRAW = "withdraw"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Payment:
    """Money to be moved for one invoice, and how far that has come.

    `asked_at` is when the outstanding call was first made, while its outcome is unknown. `round` and `charges` are what the
    idempotency keys are derived from: a retry keeps them, a deliberate new try moves them on.
    """

    id: PaymentId
    invoice_id: InvoiceId
    customer_id: CustomerId
    method: Method
    amount: Money
    status: PaymentStatus
    created_at: datetime
    updated_at: datetime
    automatic: bool = False  # charge off session once the object is ready
    payment_method: str | None = None  # the one to charge; else the customer's own
    ref: str | None = None
    url: str | None = None
    ready: bool = False  # the provider's object is complete: lines added, finalised
    charges: int = 0  # attempts to charge that were begun
    charging: bool = False  # the last of them has no outcome yet
    charged_at: datetime | None = None  # when the last of them was begun
    held: Hold | None = None  # beyond a safety bound; not charged until it is released
    round: int = 0  # how often we started anew after looking and finding nothing
    look_first: bool = False  # the same key will not tell us more
    asked_at: datetime | None = None
    decline: Decline | None = None
    page: Page | None = None  # the customer was sent to a page of the provider's, which is its object; only there is it paid
    withdrawal: Withdrawal | None = None  # we cancel its object, or have; before that is known nothing else is asked of it
    version: int = 0  # of the row: who saves must have read the newest

    def key(self, step: Step) -> str:
        """The idempotency key of a step: from facts alone, the same for every retry of it."""
        return f"{self.id}:{step}:{self.charges if step is Step.CHARGE else self.round}"

    @property
    def is_held(self) -> bool:
        """Whether no charge of it is begun. The customer may pay it themselves."""
        return self.held is not None and self.held.released_at is None

    def must_look_first(self, now: datetime) -> bool:
        """Whether the old key is no longer safe to ask with: too old, or known to repeat a stored failure.

        Of one that was asked in the future, by a clock that has gone back since, nobody knows how old it is.
        """
        return self.look_first or is_too_old(self.asked_at, now=now)


def is_too_old(asked_at: datetime | None, *, now: datetime) -> bool:
    """Whether a key that was first used then may be forgotten by the provider."""
    return asked_at is not None and not -_SET_BACK_MAX < now - asked_at < KEY_AGE_MAX


def next_step(payment: Payment, *, now: datetime) -> Step:
    """The one next thing to ask for; NOTHING once the payment is final."""
    if payment.status in FINAL:
        return Step.NOTHING
    if payment.ref is None:
        return Step.FIND if payment.must_look_first(now) else Step.OPEN
    if payment.withdrawal is not None:
        return Step.WITHDRAW
    if not payment.ready:
        return Step.COMPLETE
    if payment.charging:
        return Step.FETCH if payment.must_look_first(now) else Step.CHARGE
    is_ours_to_charge = payment.automatic and payment.page is None and not payment.is_held
    return Step.CHARGE if is_ours_to_charge and payment.charges == 0 else Step.FETCH


def asked(payment: Payment, step: Step, *, now: datetime) -> Payment:
    """The payment as it is written down before `step` is asked: a crash from here on leaves a question, not a hole."""
    if step in {Step.FIND, Step.FETCH, Step.WITHDRAW, Step.NOTHING}:
        return payment
    if step is Step.CHARGE and not payment.charging:
        payment = replace(payment, charging=True, charges=payment.charges + 1, charged_at=now)
    if step is Step.COMPLETE and payment.must_look_first(now):
        payment = replace(payment, round=payment.round + 1, asked_at=None)
    return replace(payment, asked_at=payment.asked_at or now, updated_at=now)


def answered(before: Payment, step: Step, *, now: datetime, told: ProviderPayment | None = None) -> Payment:
    """The payment once `step` has a definite outcome, and the provider has `told` with it how the object stands."""
    payment = before if told is None else learned(before, told, now=now)
    if step is Step.WITHDRAW:  # whatever else was asked is as open as it was, unless this is the end of it
        return replace(payment, charging=payment.charging and payment.status not in FINAL, updated_at=now)
    payment = replace(payment, asked_at=None, look_first=False, updated_at=now)
    match step:
        case Step.COMPLETE:
            return replace(payment, ready=True)
        case Step.CHARGE:
            return _charged(payment, told)
        case Step.FETCH:
            if not payment.charging or payment.status is not PaymentStatus.OPEN or _has_run(before, told):
                return _charged(payment, told)
            # A charge that left no trace never ran: it is tried anew, under a new key, for the old one repeats a failure.
            return replace(payment, charges=payment.charges + 1, charged_at=now)
        case Step.FIND:  # found nothing: what was asked never happened, and its key is spent
            return replace(payment, round=payment.round + (payment.ref is None))
        case Step.OPEN | Step.NOTHING:
            return replace(payment, ready=payment.ready or payment.method is Method.INTENT)
        case _:
            assert_never(step)


def _charged(payment: Payment, told: ProviderPayment | None) -> Payment:
    """The payment with no charge on its way: what was declined since the last one began is the answer to this one."""
    if told is None or told.status is not payment.status:
        return replace(payment, charging=False)
    return replace(payment, charging=False, decline=told.decline)


def _has_run(before: Payment, told: ProviderPayment | None) -> bool:
    """Whether the object shows a decline of the charge on its way, and not that of one before it.

    Where the provider names neither attempt and the two look the same, nothing shows it: one more try does no harm, and a try
    that counts as failed and never was does.
    """
    old, new = before.decline, None if told is None else told.decline
    if old is None or new is None:
        return new is not None
    if old.attempt is not None or new.attempt is not None:
        return old.attempt != new.attempt
    return (old, old.payment_method) != (new, new.payment_method)


def refused(payment: Payment, step: Step, *, now: datetime) -> Payment:
    """The payment once the provider has said that it will not do `step`."""
    match step:
        case Step.CHARGE:
            return answered(payment, step, now=now)
        case Step.FIND | Step.FETCH:  # only asked how things stand: an earlier call is as open as it was
            return replace(payment, updated_at=now)
        case Step.WITHDRAW:
            return replace(payment, withdrawal=None, updated_at=now)
        case Step.OPEN | Step.COMPLETE | Step.NOTHING:
            return replace(payment, asked_at=None, updated_at=now)
        case _:
            assert_never(step)


def tried_again(payment: Payment, *, payment_method: str | None, now: datetime) -> Payment:
    """The payment with one more charge begun on purpose, under a key of its own; by that payment method, or the customer's."""
    assert payment.ready, "only what stands can be charged"
    assert not payment.charging, "one charge at a time: of the last one nobody knows yet"
    assert not payment.is_held, "what is held is not charged"
    assert payment.withdrawal is None, "what we take back is not charged"
    return replace(
        payment, charging=True, charges=payment.charges + 1, charged_at=now, asked_at=None, look_first=False, updated_at=now,
        payment_method=payment_method,
    )  # fmt: skip


def held_back(payment: Payment, reason: Reason, *, now: datetime) -> Payment:
    """The payment, of which no charge is begun until somebody releases it."""
    assert not payment.charging, "what was begun is not held"
    return replace(payment, held=Hold(reason, payment.charges), updated_at=now)


def was_held(payment: Payment, *, since: datetime) -> bool:
    """Whether it is held, or was until after that instant."""
    return payment.held is not None and (payment.held.released_at is None or payment.held.released_at > since)


def released(payment: Payment, *, now: datetime) -> Payment:
    assert payment.held is not None, "only what is held is released"
    return replace(payment, held=replace(payment.held, released_at=now), updated_at=now)


def payment_id(invoice_id: InvoiceId, *, nth: int = 0) -> PaymentId:
    """One payment per invoice, whoever asks and however often; the nth further one once a credit note makes it ask for less."""
    return PaymentId(derived("pay", invoice_id, *([str(nth)] if nth else [])))


def learned(payment: Payment, told: ProviderPayment, *, now: datetime) -> Payment:
    """The payment after the provider has told how it stands.

    News that is older than what we know changes nothing: a final state stays. Money for another amount or another invoice
    is not ours to book: IllegalTransition. While a charge is on its way, the decline that was known before it stays: only what
    comes after that one is its answer.
    """
    if told.invoice_id is not None and told.invoice_id != payment.invoice_id:
        raise IllegalTransition(f"{payment.id}: {told.ref} belongs to {told.invoice_id}", code="payment_mismatch")
    if told.status is PaymentStatus.SUCCEEDED and (told.paid or told.amount) != payment.amount:
        collected = told.paid or told.amount
        raise IllegalTransition(f"{payment.id}: {told.ref} collected {collected}, not {payment.amount}", code="amount_mismatch")
    decline = payment.decline if payment.charging and told.status is PaymentStatus.OPEN else told.decline
    known = replace(payment, ref=told.ref, url=told.url or payment.url, decline=decline, updated_at=now)
    if told.status == payment.status:
        return known
    if told.status not in TRANSITIONS[payment.status]:
        return payment
    # With money on its way there is nothing to take back any more.
    is_in_time = told.status in {PaymentStatus.OPEN, PaymentStatus.CANCELED}
    return replace(known, status=told.status, withdrawal=payment.withdrawal if is_in_time else None)


def withdrawn(payment: Payment, withdrawal: Withdrawal, *, now: datetime) -> Payment:
    """The payment with the intent to cancel its object. Why stays, where its invoice is to be void: that ends all the rest."""
    assert payment.ref is not None, "what the provider never heard of is dropped"
    if payment.status in FINAL or payment.withdrawal == withdrawal or (is_to_be_void(payment) and withdrawal.why is not Why.VOID):
        return payment
    return replace(payment, withdrawal=withdrawal, updated_at=now)


def is_to_be_void(payment: Payment) -> bool:
    """Whether its object is being canceled so that its invoice can be void."""
    return payment.withdrawal is not None and payment.withdrawal.why is Why.VOID


def dropped(payment: Payment, *, now: datetime) -> Payment:
    """The payment, given up before the provider ever heard of it."""
    assert payment.ref is None, "what the provider has is canceled there first"
    assert payment.asked_at is None, "what may have been asked is not dropped"
    return replace(payment, status=PaymentStatus.CANCELED, updated_at=now)


def book_payment(payment: Payment, *, at: datetime) -> Transaction:
    """Cash against receivable."""
    entries = (Entry(Account.CASH, payment.amount), Entry(Account.RECEIVABLE, -payment.amount))
    txn_id = TransactionId(derived("txn", "payment", payment.id))
    return Transaction(txn_id, payment.customer_id, "payment.succeeded", payment.id, at, entries)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook as received: verified, not yet understood."""

    id: str
    kind: str
    body: str
    created_at: datetime
    livemode: bool


@dataclass(frozen=True, slots=True)
class PaymentChanged:
    """The provider says that the object `ref` is no longer as it was. A hint: how it stands now is asked, not believed.

    `invoice_id` is what the object's metadata says it is for: news may come before the call that made it has returned.
    """

    ref: str
    invoice_id: InvoiceId | None = None


@dataclass(frozen=True, slots=True)
class CheckoutCompleted:
    """The customer has saved a payment method on the page `ref`, which was made for the checkout `reference`. A hint as well:
    which method it is, the news does not tell.
    """

    ref: str
    reference: CheckoutId
    customer_ref: str | None = None


@dataclass(frozen=True, slots=True)
class CheckoutExpired:
    """Nobody will save anything on the page `ref` any more."""

    ref: str
    reference: CheckoutId


@dataclass(frozen=True, slots=True)
class RefundChanged:
    """The provider says that its refund `ref` is new, or no longer as it was. A hint likewise."""

    ref: str


@dataclass(frozen=True, slots=True)
class PaymentRefunded:
    """The provider says that money of the payment intent `intent_ref` was given back, and not by which refund: look at all."""

    intent_ref: str


@dataclass(frozen=True, slots=True)
class NotFinalized:
    """The provider says that it could not make its invoice `ref` one to be paid: nobody is asked for the money."""

    ref: str
    invoice_id: InvoiceId | None
    reason: str


@dataclass(frozen=True, slots=True)
class DisputeChanged:
    """The provider says that a bank disputes a payment, or that the dispute `ref` is no longer as it was. A hint likewise."""

    ref: str


@dataclass(frozen=True, slots=True)
class CustomerChanged:
    """The provider says that its customer `ref` is no longer as it was, or is gone. `customer_id` is who its metadata says it is.

    A hint likewise.
    """

    ref: str
    customer_id: CustomerId | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class MethodsChanged:
    """The provider says that its customer `customer_ref` has a payment method that was not there before, or another one."""

    customer_ref: str


@dataclass(frozen=True, slots=True)
class UsageRejected:
    """The provider says, in its report `ref`, that it does not count some usage it took: which, and why, is asked for."""

    ref: str


@dataclass(frozen=True, slots=True)
class SubscriptionChanged:
    """The provider says that something happened to the subscription `ref` that it bills, which is ours of that id. A hint."""

    ref: str
    subscription_id: SubscriptionId


@dataclass(frozen=True, slots=True)
class SubscriptionInvoiceChanged:
    """The provider says that something happened to an invoice `ref` that it has made of that subscription. A hint likewise."""

    ref: str
    subscription_id: SubscriptionId


@dataclass(frozen=True, slots=True)
class SubscriptionPageChanged:
    """The provider says that something happened to the page `ref`, on which a customer begins that subscription. A hint."""

    ref: str
    subscription_id: SubscriptionId


@dataclass(frozen=True, slots=True)
class Ignored:
    """A kind of news that changes nothing here; kept, and visible as ignored."""

    reason: str


ProviderFact = (
    PaymentChanged
    | NotFinalized
    | RefundChanged
    | PaymentRefunded
    | DisputeChanged
    | CustomerChanged
    | MethodsChanged
    | CheckoutCompleted
    | CheckoutExpired
    | UsageRejected
    | SubscriptionChanged
    | SubscriptionInvoiceChanged
    | SubscriptionPageChanged
    | Ignored
)
