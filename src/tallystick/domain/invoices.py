"""Invoice: drafted from usage, opened once, never changed afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from tallystick.domain.ledger import Account, Entry, Transaction
from tallystick.domain.lines import Line
from tallystick.values.errors import IllegalTransition
from tallystick.values.ids import CustomerId, InvoiceId, SubscriptionId, TransactionId, derived
from tallystick.values.money import Currency, Money
from tallystick.values.time import Period


class InvoiceStatus(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


TRANSITIONS: dict[InvoiceStatus, set[InvoiceStatus]] = {
    InvoiceStatus.DRAFT: {InvoiceStatus.OPEN},
    InvoiceStatus.OPEN: {InvoiceStatus.PAID, InvoiceStatus.VOID, InvoiceStatus.UNCOLLECTIBLE},
    InvoiceStatus.UNCOLLECTIBLE: {InvoiceStatus.PAID, InvoiceStatus.VOID},
    InvoiceStatus.PAID: set(),
    InvoiceStatus.VOID: set(),
}


@dataclass(frozen=True, slots=True)
class Invoice:
    """Amounts in minor units of one currency. `total` = lines + carried_in - carried_out, and is never negative.

    What is too little to collect, or negative, is carried to the customer's next invoice and said here
    (docs: Money and time, Invoices).
    """

    id: InvoiceId
    customer_id: CustomerId
    currency: Currency
    period: Period
    lines: tuple[Line, ...]
    carried_in: Money
    carried_out: Money
    created_at: datetime
    status: InvoiceStatus = InvoiceStatus.DRAFT
    number: str | None = None
    opened_at: datetime | None = None
    due_at: datetime | None = None
    closed_at: datetime | None = field(default=None)
    subscription_id: SubscriptionId | None = None

    @property
    def subtotal(self) -> Money:
        return Money(sum(line.amount.minor for line in self.lines), self.currency)

    @property
    def total(self) -> Money:
        return self.subtotal + self.carried_in - self.carried_out


def draft(
    customer_id: CustomerId,
    currency: Currency,
    lines: Sequence[Line],
    *,
    carried: Money,
    now: datetime,
    subscription_id: SubscriptionId | None = None,
) -> Invoice | None:
    """The invoice of `lines`, or None where there is nothing to say.

    `carried` is what earlier invoices left over (negative: in the customer's favour). A sum below the least that the provider
    charges is carried on, whole. The id is derived from what is billed: drafting the same again is the same invoice.
    """
    if not lines:
        return None
    assert all(line.amount.currency == currency for line in lines), "an invoice is of one currency"
    sum_due = Money(sum(line.amount.minor for line in lines), currency) + carried
    collectable = sum_due.minor >= max(currency.minimum_charge_minor or 1, 1)
    return Invoice(
        id=InvoiceId(derived("inv", *(line.id for line in lines))),
        customer_id=customer_id,
        currency=currency,
        period=Period(min(line.period.start for line in lines), max(line.period.end for line in lines)),
        lines=tuple(lines),
        carried_in=carried,
        carried_out=Money(0, currency) if collectable else sum_due,
        created_at=now,
        subscription_id=subscription_id,
    )


def opened(invoice: Invoice, *, number: str, at: datetime, due_at: datetime) -> Invoice:
    """The invoice as it is sent: numbered, and final. With nothing to collect it is paid at once, by nothing."""
    _check_transition(invoice, InvoiceStatus.OPEN)
    invoice = replace(invoice, status=InvoiceStatus.OPEN, number=number, opened_at=at, due_at=due_at)
    return moved(invoice, InvoiceStatus.PAID, at=at) if invoice.total.minor == 0 else invoice


def moved(invoice: Invoice, status: InvoiceStatus, *, at: datetime) -> Invoice:
    """The invoice in its next state; raises IllegalTransition where TRANSITIONS does not list it."""
    _check_transition(invoice, status)
    return replace(invoice, status=status, closed_at=at)


def _check_transition(invoice: Invoice, status: InvoiceStatus) -> None:
    if status not in TRANSITIONS[invoice.status]:
        raise IllegalTransition(f"{invoice.id}: is {invoice.status}, and cannot become {status}")


def book_open(invoice: Invoice) -> Transaction:
    """Receivable and what is carried, against revenue."""
    assert invoice.opened_at is not None, "only an opened invoice is booked"
    amounts = (
        (Account.RECEIVABLE, invoice.total),
        (Account.CARRIED, invoice.carried_out - invoice.carried_in),
        (Account.REVENUE, -invoice.subtotal),
    )
    return _transaction(invoice, "invoice.opened", amounts, at=invoice.opened_at)


def book_void(invoice: Invoice) -> Transaction:
    """The opening, taken back."""
    assert invoice.status is InvoiceStatus.VOID, "only what is void is taken back"
    assert invoice.closed_at is not None, "what is void was closed"
    amounts = (
        (Account.RECEIVABLE, -invoice.total),
        (Account.CARRIED, invoice.carried_in - invoice.carried_out),
        (Account.REVENUE, invoice.subtotal),
    )
    return _transaction(invoice, "invoice.voided", amounts, at=invoice.closed_at)


def _transaction(invoice: Invoice, kind: str, amounts: Sequence[tuple[Account, Money]], *, at: datetime) -> Transaction:
    entries = tuple(Entry(account, amount) for account, amount in amounts if amount.minor)
    return Transaction(TransactionId(derived("txn", kind, invoice.id)), invoice.customer_id, kind, invoice.id, at, entries)
