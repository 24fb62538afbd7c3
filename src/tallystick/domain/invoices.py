"""Invoice: drafted from usage, opened once, never changed afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from tallystick.domain.catalog import Charge, Price
from tallystick.domain.ledger import Account, Entry, Transaction
from tallystick.domain.rating import Rating, needs_events, rate, rate_events
from tallystick.domain.usage import Usage
from tallystick.values.decimals import EXACT
from tallystick.values.errors import IllegalTransition
from tallystick.values.ids import CustomerId, InvoiceId, LineId, MeterKey, TransactionId, derived
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
class Billable:
    """What one charge has to rate for one customer and period: all its usage so far, and what was billed of it before.

    `amounts` are the single amounts of events, for prices that need them. `part` counts the lines that this charge and
    period already have: 0 for a period billed for the first time, more for late usage, which is billed by difference.
    """

    charge: Charge
    period: Period
    usage: Usage
    amounts: tuple[Decimal, ...] = ()
    part: int = 0
    billed: Money | None = None
    billed_quantity: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Line:
    """One charge for one period on one invoice. Of `rating`, `amount` is what this line adds after what was billed before."""

    id: LineId
    charge_key: str
    meter_key: MeterKey
    description: str
    period: Period
    part: int
    quantity: Decimal
    amount: Money
    price: Price
    rating: Rating


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

    @property
    def subtotal(self) -> Money:
        return Money(sum(line.amount.minor for line in self.lines), self.currency)

    @property
    def total(self) -> Money:
        return self.subtotal + self.carried_in - self.carried_out


def rated(price: Price, usage: Usage, amounts: Sequence[Decimal]) -> Rating:
    """The usage of a whole period under `price`: by its quantity, or by single amounts where the price needs them."""
    return rate_events(price, amounts) if needs_events(price) else rate(price, usage.quantity)


def since(now: Billable, lines: Sequence[Line]) -> Billable | None:
    """What has come to a closed period since `lines` billed it, by difference; None where that is nothing.

    round(total now) - round(total billed before): any number of late arrivals adds up to the cent of the whole.
    """
    billed = Money(sum(line.amount.minor for line in lines), now.charge.price.currency)
    quantity = Decimal(0)
    for line in lines:
        quantity = EXACT.add(quantity, line.quantity)
    if rated(now.charge.price, now.usage, now.amounts).total == billed and now.usage.quantity == quantity:
        return None
    return replace(now, part=len(lines), billed=billed, billed_quantity=quantity)


def draft(
    customer_id: CustomerId, currency: Currency, billables: Sequence[Billable], *, carried: Money, now: datetime
) -> Invoice | None:
    """The invoice over `billables`, or None where there is nothing to say.

    `carried` is what earlier invoices left over (negative: in the customer's favour). A sum below the least that the provider
    charges is carried on, whole. The id is derived from what is billed: drafting the same again is the same invoice.
    """
    lines = tuple(_line(customer_id, billable) for billable in billables)
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
        lines=lines,
        carried_in=carried,
        carried_out=Money(0, currency) if collectable else sum_due,
        created_at=now,
    )


def _line(customer_id: CustomerId, billable: Billable) -> Line:
    charge, period = billable.charge, billable.period
    rating = rated(charge.price, billable.usage, billable.amounts)
    amount = rating.total if billable.billed is None else rating.total - billable.billed
    facts = (customer_id, charge.key, str(period), str(billable.part))
    return Line(
        id=LineId(derived("line", *facts)),
        charge_key=charge.key,
        meter_key=charge.meter_key,
        description=charge.display_name or charge.key,
        period=period,
        part=billable.part,
        quantity=EXACT.subtract(billable.usage.quantity, billable.billed_quantity),
        amount=amount,
        price=charge.price,
        rating=rating,
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
