"""Credit note: the only way to make an issued invoice smaller."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from tallystick.domain.customers import checked_key
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.ledger import Account, Entry, Transaction
from tallystick.values.errors import Conflict, InvalidInput
from tallystick.values.ids import CreditNoteId, CustomerId, InvoiceId, LineId, TransactionId, derived
from tallystick.values.money import Money

REASON_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True)
class CreditOrder:
    """How much less of an invoice (None: all that is left), of which lines (none: of the whole), and why.

    `refund` says whether what was paid goes back (None: where it came through the provider). `op` is the caller's name for
    this: sent again, it credits once.
    """

    reason: str
    op: str
    amount: Money | None = None
    lines: Mapping[LineId, Money] = field(default_factory=dict)
    refund: bool | None = None
    given_back: Money | None = None  # of its fees, by a later invoice


@dataclass(frozen=True, slots=True)
class CreditedLine:
    """How much of a credit note is for one line of the invoice."""

    line_id: LineId
    amount: Money


@dataclass(frozen=True, slots=True)
class CreditNote:
    """So much less of one invoice, and what becomes of it: `amount` = `reduced` + `refunded` + `credited`.

    `reduced` is asked for no more; `refunded` goes back through the provider; `credited` is kept in the customer's favour, for
    the next invoice to take up. `carried` is what that next invoice asks for in this one's place: a rest too little to collect,
    or, where nothing is left, what this invoice had taken up itself.
    """

    id: CreditNoteId
    number: str
    invoice_id: InvoiceId
    customer_id: CustomerId
    amount: Money
    reduced: Money
    refunded: Money
    credited: Money
    carried: Money
    reason: str
    created_at: datetime
    lines: tuple[CreditedLine, ...] = ()


def credit_note_id(invoice_id: InvoiceId, op: str) -> CreditNoteId:
    """One credit note per invoice and operation, however often it is asked for."""
    return CreditNoteId(derived("cn", invoice_id, op))


def left(invoice: Invoice, earlier: Sequence[CreditNote]) -> Money:
    """What can still be credited."""
    return invoice.total - _sum(invoice, (note.amount for note in earlier))


def noted(invoice: Invoice, notes: Sequence[CreditNote]) -> dict[LineId, Money]:
    """What of each line was credited by notes; of a note on the whole, a part of each, by what it asks for after discounts."""
    asked = {line.id: (line.amount - invoice.discount_of(line.id)).minor for line in invoice.lines}
    found = dict.fromkeys(asked, 0)
    asked = {line_id: minor for line_id, minor in asked.items() if minor > 0}
    for note in notes:
        of_lines = {line.line_id: line.amount.minor for line in note.lines}
        rest = note.amount.minor - sum(of_lines.values())
        shares = Money(rest, invoice.currency).split(list(asked.values())) if rest and asked else []
        for line_id, share in zip(asked, shares, strict=False):
            of_lines[line_id] = of_lines.get(line_id, 0) + share.minor
        for line_id, minor in of_lines.items():
            found[line_id] = min(found.get(line_id, 0) + minor, asked.get(line_id, 0))
    return {line_id: Money(minor, invoice.currency) for line_id, minor in found.items()}


def asked(invoice: Invoice, notes: Sequence[CreditNote]) -> dict[LineId, Money]:
    """What is asked for by each line in the end: after discounts and credit notes, and by an invoice that is void, nothing."""
    if invoice.status is InvoiceStatus.VOID:
        return {line.id: Money(0, invoice.currency) for line in invoice.lines}
    taken = noted(invoice, notes)
    return {line.id: line.amount - invoice.discount_of(line.id) - taken[line.id] for line in invoice.lines}


def due(invoice: Invoice, earlier: Sequence[CreditNote]) -> Money:
    """What is asked for now: nothing where the invoice is closed."""
    if invoice.status in {InvoiceStatus.PAID, InvoiceStatus.VOID}:
        return Money(0, invoice.currency)
    return invoice.total - reduced(invoice, earlier)


def paid(invoice: Invoice, notes: Sequence[CreditNote]) -> Money:
    """What came for the invoice, whatever went back later; nothing where its rest is carried to the next one."""
    if invoice.status is not InvoiceStatus.PAID:
        return Money(0, invoice.currency)
    return invoice.total - reduced(invoice, notes) - _sum(invoice, (note.carried for note in notes))


def reduced(invoice: Invoice, notes: Sequence[CreditNote]) -> Money:
    """By how much less is asked for than the invoice says."""
    return _sum(invoice, (note.reduced for note in notes))


def checked_amount(invoice: Invoice, earlier: Sequence[CreditNote], order: CreditOrder) -> Money:
    """What the order comes to. Raises InvalidInput for more than is left, and Conflict where nothing can be credited.

    What a change of its subscription gave back of the invoice's fees is not credited once more.
    """
    checked_key(order.op, field="op")
    if not order.reason.strip() or len(order.reason) > REASON_LENGTH_MAX:
        raise InvalidInput(f"reason: say why, in 1 to {REASON_LENGTH_MAX} characters", field="reason")
    if invoice.status not in {InvoiceStatus.OPEN, InvoiceStatus.PAID}:
        raise Conflict(f"{invoice.number or invoice.id}: is {invoice.status}; only what is open or paid is credited")
    rest = left(invoice, earlier) - (order.given_back or Money(0, invoice.currency))
    listed = _sum(invoice, (_checked(invoice, money, field="lines") for money in order.lines.values()))
    _check_lines(invoice, earlier, order.lines)
    if order.amount is None:
        amount = listed if order.lines else rest
    else:
        amount = _checked(invoice, order.amount, field="amount")
        if order.lines and listed != amount:
            raise InvalidInput(f"lines: come to {listed}, and not to {amount}", field="lines")
    if amount.minor <= 0 or rest < amount:
        raise InvalidInput(
            f"amount: {rest} of {invoice.number} can still be credited, and not {amount}",
            field="amount",
            code="above_what_is_left",
        )
    return amount


def _checked(invoice: Invoice, money: Money, *, field: str) -> Money:
    if money.currency != invoice.currency:
        raise InvalidInput(f"{field}: {invoice.number} is in {invoice.currency}, not in {money.currency}", field=field)
    if money.minor <= 0 or money.minor % invoice.currency.step:
        raise InvalidInput(
            f"{field}: must be above zero, in steps of {Money(invoice.currency.step, money.currency)}", field=field
        )
    return money


def _check_lines(invoice: Invoice, earlier: Sequence[CreditNote], lines: Mapping[LineId, Money]) -> None:
    amounts = {line.id: line.amount for line in invoice.lines}
    for line_id, money in lines.items():
        if line_id not in amounts:
            raise InvalidInput(f"lines: {invoice.number} has no such line", field="lines")
        before = _sum(invoice, (line.amount for note in earlier for line in note.lines if line.line_id == line_id))
        if amounts[line_id] < before + money:
            rest = amounts[line_id] - before
            raise InvalidInput(f"lines: {rest} of {line_id} can still be credited, and not {money}", field="lines")


def check_same(note: CreditNote, order: CreditOrder) -> CreditNote:
    """The note that stands under this op. Raises Conflict where the op now comes with another amount."""
    lines = {line.line_id: line.amount for line in note.lines}
    if (order.amount is not None and order.amount != note.amount) or (order.lines and dict(order.lines) != lines):
        raise Conflict(
            f"op: was used before, for {note.number} over {note.amount}; name a new operation", code="operation_conflict"
        )
    return note


def of_open(invoice: Invoice, earlier: Sequence[CreditNote], order: CreditOrder, *, number: str, now: datetime) -> CreditNote:
    """The note that makes an open invoice ask for less; a rest too little to collect is carried, as a small invoice is."""
    amount, zero = checked_amount(invoice, earlier, order), Money(0, invoice.currency)
    rest = due(invoice, earlier) - amount
    least = max(invoice.currency.minimum_charge_minor or 1, 1)
    taken_up = invoice.carried_in - invoice.carried_out
    carried = taken_up if rest.minor == 0 else rest if rest.minor < least else zero
    return _note(invoice, order, _Parts(amount, zero, zero, carried), number=number, now=now)


def of_paid(
    invoice: Invoice, earlier: Sequence[CreditNote], order: CreditOrder, *, refund: bool, number: str, now: datetime
) -> CreditNote:
    """The note by which money that was paid goes back, or stands in the customer's favour."""
    amount, zero = checked_amount(invoice, earlier, order), Money(0, invoice.currency)
    parts = _Parts(zero, amount, zero, zero) if refund else _Parts(zero, zero, amount, zero)
    return _note(invoice, order, parts, number=number, now=now)


class _Parts(NamedTuple):
    reduced: Money
    refunded: Money
    credited: Money
    carried: Money


def _note(invoice: Invoice, order: CreditOrder, parts: _Parts, *, number: str, now: datetime) -> CreditNote:
    return CreditNote(
        id=credit_note_id(invoice.id, order.op),
        number=number,
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        amount=parts.reduced + parts.refunded + parts.credited,
        reduced=parts.reduced,
        refunded=parts.refunded,
        credited=parts.credited,
        carried=parts.carried,
        reason=order.reason,
        created_at=now,
        lines=tuple(CreditedLine(line_id, amount) for line_id, amount in sorted(order.lines.items())),
    )


def status_after(invoice: Invoice, rest: Money, note: CreditNote) -> InvoiceStatus:
    """What an open invoice is once `rest` of it is left: void where that is nothing; where it is carried, paid by nothing."""
    if rest.minor == 0:
        return InvoiceStatus.VOID
    return InvoiceStatus.PAID if note.carried.minor else invoice.status


def book(note: CreditNote, *, rest: Money) -> Transaction:
    """Refunds against what is asked for, what is to go back, and the customer's balance; `rest` is left of an open invoice."""
    carried = note.carried if rest.minor else Money(0, note.amount.currency)  # of a whole one the void gives back
    amounts = (
        (Account.REFUNDS, note.amount),
        (Account.RECEIVABLE, -note.reduced - carried),
        (Account.REFUNDS_DUE, -note.refunded),
        (Account.CARRIED, carried - note.credited),
    )
    entries = tuple(Entry(account, amount) for account, amount in amounts if amount.minor)
    kind = "credit_note.issued"
    return Transaction(TransactionId(derived("txn", kind, note.id)), note.customer_id, kind, note.id, note.created_at, entries)


def _sum(invoice: Invoice, amounts: Iterable[Money]) -> Money:
    return Money(sum(amount.minor for amount in amounts), invoice.currency)
