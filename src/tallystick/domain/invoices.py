"""Invoice: drafted from usage, opened once, never changed afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from tallystick.domain.coupons import Discount
from tallystick.domain.credits import MINOR_MAX, Burn, CreditGrant, burn
from tallystick.domain.discounts import AppliedDiscount, Discountable, apply
from tallystick.domain.ledger import Account, Entry, Transaction
from tallystick.domain.lines import Line, LineKind, own_key
from tallystick.values.errors import IllegalTransition, InvalidInput
from tallystick.values.ids import CustomerId, InvoiceId, LineId, SubscriptionId, TransactionId, derived
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
    """Amounts in minor units of one currency; `total` is what is left to pay, and never negative.

    Lines, less discounts, with what is carried in, less what credit grants pay, less what is carried out: too little to
    collect, or negative, it is on the customer's next invoice (docs: Money and time, Invoices).
    """

    id: InvoiceId
    customer_id: CustomerId
    currency: Currency
    period: Period
    lines: tuple[Line, ...]
    carried_in: Money
    credits_applied: Money
    carried_out: Money
    created_at: datetime
    status: InvoiceStatus = InvoiceStatus.DRAFT
    number: str | None = None
    opened_at: datetime | None = None
    due_at: datetime | None = None
    closed_at: datetime | None = field(default=None)
    subscription_id: SubscriptionId | None = None
    discounts: tuple[AppliedDiscount, ...] = ()
    burns: tuple[Burn, ...] = field(default=(), compare=False)  # of a draft: which grants pay `credits_applied`

    @property
    def subtotal(self) -> Money:
        return Money(sum(line.amount.minor for line in self.lines), self.currency)

    @property
    def discount(self) -> Money:
        return Money(sum(applied.amount.minor for applied in self.discounts), self.currency)

    @property
    def total(self) -> Money:
        return self.subtotal - self.discount + self.carried_in - self.credits_applied - self.carried_out

    def discount_of(self, line_id: LineId) -> Money:
        """What of the discounts is this line's."""
        shares = (share for applied in self.discounts for of, share in applied.shares if of == line_id)
        return Money(sum(share.minor for share in shares), self.currency)


@dataclass(frozen=True, slots=True)
class Reductions:
    """What may make the invoice less: discounts that are live at `at`, and credit grants. Money that is carried comes before."""

    carried: Money
    discounts: Sequence[Discount] = ()
    grants: Sequence[CreditGrant] = ()
    at: datetime | None = None


def draft(
    customer_id: CustomerId,
    currency: Currency,
    lines: Sequence[Line],
    *,
    reductions: Reductions,
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
    _check_amounts(lines)
    discounts = apply(_discountable(lines), reductions.discounts, currency=currency, at=reductions.at or now)
    taken_off = sum(applied.amount.minor for applied in discounts)
    sum_due = Money(sum(line.amount.minor for line in lines) - taken_off, currency) + reductions.carried
    burns = burn(reductions.grants, sum_due, now=now)
    credits_applied = Money(sum(each.amount.minor for each in burns), currency)
    sum_due -= credits_applied
    collectable = sum_due.minor >= max(currency.minimum_charge_minor or 1, 1)
    return Invoice(
        id=InvoiceId(derived("inv", *(line.id for line in lines))),
        customer_id=customer_id,
        currency=currency,
        period=Period(min(line.period.start for line in lines), max(line.period.end for line in lines)),
        lines=tuple(lines),
        carried_in=reductions.carried,
        credits_applied=credits_applied,
        carried_out=Money(0, currency) if collectable else sum_due,
        created_at=now,
        subscription_id=subscription_id,
        discounts=discounts,
        burns=burns,
    )


def _check_amounts(lines: Sequence[Line]) -> None:
    """Whether the sums can be kept, and added up, at all. Raises InvalidInput."""
    for line in lines:
        if abs(line.amount.minor) > MINOR_MAX:
            raise InvalidInput(
                f"{own_key(line.charge_key)}: comes to more than can be billed, {Money(MINOR_MAX, line.amount.currency)}; "
                "look at its price",
                code="amount_overflow",
            )


def _discountable(lines: Sequence[Line]) -> list[Discountable]:
    """What is asked for, and not what is given back: that was reduced when it was asked for."""
    asked_for = [line for line in lines if line.amount.minor > 0]
    return [Discountable(line.id, own_key(line.charge_key), line.amount, line.share) for line in asked_for]


def opened(invoice: Invoice, *, number: str, at: datetime, due_at: datetime) -> Invoice:
    """The invoice as it is sent: numbered, and final. With nothing to collect it is paid at once, by nothing."""
    _check_transition(invoice, InvoiceStatus.OPEN)
    invoice = replace(invoice, status=InvoiceStatus.OPEN, number=number, opened_at=at, due_at=due_at)
    return moved(invoice, InvoiceStatus.PAID, at=at) if invoice.total.minor == 0 else invoice


def undone(invoice: Invoice) -> Invoice:
    """The draft that the invoice was before it was opened: for one that was opened to see what it says, and not kept."""
    return replace(invoice, status=InvoiceStatus.DRAFT, number=None, opened_at=None, due_at=None, closed_at=None)


def moved(invoice: Invoice, status: InvoiceStatus, *, at: datetime) -> Invoice:
    """The invoice in its next state; raises IllegalTransition where TRANSITIONS does not list it."""
    _check_transition(invoice, status)
    return replace(invoice, status=status, closed_at=at)


def _check_transition(invoice: Invoice, status: InvoiceStatus) -> None:
    if status not in TRANSITIONS[invoice.status]:
        raise IllegalTransition(f"{invoice.id}: is {invoice.status}, and cannot become {status}")


@dataclass(frozen=True, slots=True)
class Deferred:
    """What a line asks for a service that is not rendered yet: revenue when its period is over."""

    line_id: LineId
    amount: Money
    due_at: datetime


def deferred(invoice: Invoice) -> tuple[Deferred, ...]:
    """Fees, and what is given back of them, whose periods end after the invoice was opened; net of their discounts."""
    assert invoice.opened_at is not None, "only what is opened is revenue"
    fees = (line for line in invoice.lines if line.kind in {LineKind.RECURRING, LineKind.CREDIT})
    return tuple(
        Deferred(line.id, line.amount - invoice.discount_of(line.id), line.period.end)
        for line in fees
        if line.period.end > invoice.opened_at and line.amount.minor
    )


def book_open(invoice: Invoice) -> Transaction:
    """Receivable, what is carried and what grants pay, against revenue, and against what is still to be served."""
    assert invoice.opened_at is not None, "only an opened invoice is booked"
    later = Money(sum(each.amount.minor for each in deferred(invoice)), invoice.currency)
    amounts = (
        (Account.RECEIVABLE, invoice.total),
        (Account.CARRIED, invoice.carried_out - invoice.carried_in),
        (Account.CREDITS, invoice.credits_applied),
        (Account.DEFERRED_REVENUE, -later),
        (Account.REVENUE, later - invoice.subtotal + invoice.discount),
    )
    return _transaction(invoice, "invoice.opened", amounts, at=invoice.opened_at)


def book_recognised(customer_id: CustomerId, service: Deferred) -> Transaction:
    """The service of a line is rendered: what was deferred of it is revenue."""
    amounts = ((Account.DEFERRED_REVENUE, service.amount), (Account.REVENUE, -service.amount))
    entries = tuple(Entry(account, amount) for account, amount in amounts)
    kind = "revenue.recognised"
    return Transaction(
        TransactionId(derived("txn", kind, service.line_id)), customer_id, kind, service.line_id, service.due_at, entries
    )


def book_void(invoice: Invoice, *, unearned: Money, reduced: Money) -> Transaction:
    """The opening, taken back; `unearned` is what was still deferred of it, `reduced` what credit notes had taken off."""
    assert invoice.status is InvoiceStatus.VOID, "only what is void is taken back"
    assert invoice.closed_at is not None, "what is void was closed"
    amounts = (
        (Account.RECEIVABLE, reduced - invoice.total),
        (Account.REFUNDS, -reduced),
        (Account.CARRIED, invoice.carried_in - invoice.carried_out),
        (Account.CREDITS, -invoice.credits_applied),
        (Account.DEFERRED_REVENUE, unearned),
        (Account.REVENUE, invoice.subtotal - invoice.discount - unearned),
    )
    return _transaction(invoice, "invoice.voided", amounts, at=invoice.closed_at)


def _transaction(invoice: Invoice, kind: str, amounts: Sequence[tuple[Account, Money]], *, at: datetime) -> Transaction:
    entries = tuple(Entry(account, amount) for account, amount in amounts if amount.minor)
    return Transaction(TransactionId(derived("txn", kind, invoice.id)), invoice.customer_id, kind, invoice.id, at, entries)
