"""An invoice as people read it, in their language: everything that stands on it, in words and in order; how it looks is not said.

What is here is text already, figures too. Nothing that others have named is anything but text.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from tallystick.domain import figures, line_documents
from tallystick.domain.credit_notes import CreditNote, due, paid
from tallystick.domain.customers import Customer
from tallystick.domain.invoice_words import WORDS, Words
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.letter_frames import Locale
from tallystick.domain.line_documents import Row
from tallystick.domain.payments import Payment
from tallystick.values.ids import MeterKey
from tallystick.values.money import Money


@dataclass(frozen=True, slots=True)
class Seller:
    """Who asks for the money, as it stands on every document."""

    name: str = "Tallystick"
    address: tuple[str, ...] = ()
    tax_id: str | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is said at the top, and what it is called."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Sum:
    """One step below the lines; the strong ones are what the eye looks for."""

    label: str
    amount: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A page or more. `written_at` is the instant that the document is of, and not when somebody looked at it."""

    language: Locale
    title: str
    number: str
    stamp: str | None
    written_at: datetime
    facts: tuple[Fact, ...]
    seller: tuple[str, ...]  # the heading, the name, and what else is said of them
    buyer: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    sums: tuple[Sum, ...]
    remarks: tuple[str, ...]
    page: str  # with {page} and {pages}
    link: Fact | None = None


@dataclass(frozen=True, slots=True)
class Papers:
    """What a document is written from. `units` says what each meter counts."""

    invoice: Invoice
    customer: Customer
    seller: Seller
    zone: ZoneInfo
    notes: Sequence[CreditNote] = ()
    payment: Payment | None = None
    units: Mapping[MeterKey, str] = field(default_factory=dict)


def document_of(papers: Papers, locale: Locale) -> Document:
    """The invoice, as it stands."""
    invoice, words, zone, url = papers.invoice, WORDS[locale], papers.zone, pay_link(papers)
    at = invoice.opened_at or invoice.created_at
    units = [papers.units.get(line.meter_key or MeterKey(""), "") for line in invoice.lines]
    rows = (line_documents.row(line, unit, zone, locale) for line, unit in zip(invoice.lines, units, strict=True))
    return Document(
        language=locale,
        title=words.invoice,
        number=invoice.number or words.draft,
        stamp=_stamp(invoice, words),
        written_at=at,
        facts=tuple(_facts(papers, words, locale, at=at)),
        seller=seller(papers.seller, words),
        buyer=buyer(papers.customer, words),
        columns=(words.description, words.quantity, words.price, words.amount),
        rows=tuple(rows),
        sums=(*_sums(papers, words, locale), *_sums_after(papers, words, locale)),
        remarks=(*_remarks(papers, words, locale), words.zone.format(zone=zone.key)),
        page=words.page,
        link=None if url is None else Fact(words.pay_at, url),
    )


def seller(of: Seller, words: Words) -> tuple[str, ...]:
    said = (words.seller, of.name, *of.address, *([] if of.tax_id is None else [words.tax_id.format(tax_id=of.tax_id)]))
    return tuple(figures.plain_text(line) for line in said)


def buyer(of: Customer, words: Words) -> tuple[str, ...]:
    said = (words.buyer, of.name or of.id, *([of.email] if of.email else []))
    return tuple(figures.plain_text(line) for line in said)


def _stamp(invoice: Invoice, words: Words) -> str | None:
    return {
        InvoiceStatus.DRAFT: words.draft,
        InvoiceStatus.OPEN: None,
        InvoiceStatus.PAID: words.paid_stamp,
        InvoiceStatus.VOID: words.void_stamp,
        InvoiceStatus.UNCOLLECTIBLE: words.uncollectible_stamp,
    }[invoice.status]


def _facts(papers: Papers, words: Words, locale: Locale, *, at: datetime) -> Iterator[Fact]:
    invoice, zone = papers.invoice, papers.zone
    yield Fact(words.number, invoice.number or words.draft)
    yield Fact(words.opened_on, figures.day(at, zone, locale))
    if invoice.due_at is not None and invoice.total.minor:
        yield Fact(words.due_on, figures.day(invoice.due_at, zone, locale))
    yield Fact(words.period, figures.days(invoice.period, zone, locale))
    yield Fact(words.customer_id, figures.plain_text(invoice.customer_id))


def _sums(papers: Papers, words: Words, locale: Locale) -> Iterator[Sum]:
    """From the lines to the total, as the invoice adds them up."""
    invoice = papers.invoice
    yield Sum(words.subtotal, figures.money(invoice.subtotal, locale))
    for applied in invoice.discounts:
        said = figures.plain_text(applied.description or applied.coupon_key)
        yield Sum(words.discounted.format(description=said), figures.money(-applied.amount, locale))
    steps = (
        (words.carried_in, invoice.carried_in),
        (words.from_credit, -invoice.credits_applied),
        (words.carried_out, -invoice.carried_out),
    )
    yield from (Sum(label, figures.money(amount, locale)) for label, amount in steps if amount.minor)
    yield Sum(words.total, figures.money(invoice.total, locale), strong=True)


def _sums_after(papers: Papers, words: Words, locale: Locale) -> Iterator[Sum]:
    """From the total to what is asked for now; of what is void, nothing is."""
    invoice, zone = papers.invoice, papers.zone
    for note in papers.notes:
        if note.reduced.minor:
            said = words.less_note.format(number=note.number, day=figures.day(note.created_at, zone, locale))
            yield Sum(said, figures.money(-note.reduced, locale))
    if invoice.status is InvoiceStatus.PAID:
        rest = _total(invoice, (note.carried for note in papers.notes))
        if rest.minor:
            yield Sum(words.rest_carried, figures.money(-rest, locale))
        came = paid(invoice, papers.notes)
        if came.minor:
            yield Sum(words.paid.format(day=paid_day(papers, locale)), figures.money(-came, locale))
    yield Sum(words.due, figures.money(due(invoice, papers.notes), locale), strong=True)


def _remarks(papers: Papers, words: Words, locale: Locale) -> Iterator[str]:
    yield from _carried(papers.invoice, words, locale)
    yield from _standing(papers, words, locale)
    for note in papers.notes:
        for said, amount in ((words.refunded, note.refunded), (words.kept, note.credited)):
            if amount.minor:
                reason = figures.plain_text(note.reason)
                yield said.format(number=note.number, amount=figures.money(amount, locale), reason=reason)


def _standing(papers: Papers, words: Words, locale: Locale) -> Iterator[str]:
    """What is to be paid, or how it was."""
    invoice = papers.invoice
    match invoice.status:
        case InvoiceStatus.OPEN:
            assert invoice.due_at is not None, "what is open is due"
            asked, day = due(invoice, papers.notes), figures.day(invoice.due_at, papers.zone, locale)
            yield words.pay_by.format(amount=figures.money(asked, locale), day=day)
        case InvoiceStatus.PAID if paid(invoice, papers.notes).minor:
            yield words.paid_on.format(day=paid_day(papers, locale))
            if papers.payment is not None and papers.payment.ref is not None:
                yield words.paid_under.format(ref=figures.plain_text(papers.payment.ref))
        case InvoiceStatus.PAID:
            yield words.paid_by_nothing
        case InvoiceStatus.VOID:
            yield words.voided
        case InvoiceStatus.UNCOLLECTIBLE:
            yield words.uncollectible
        case InvoiceStatus.DRAFT:
            pass


def _carried(invoice: Invoice, words: Words, locale: Locale) -> Iterator[str]:
    """Why something comes from earlier invoices, or goes to the next one."""
    taken_up, left = invoice.carried_in, invoice.carried_out
    if taken_up.minor:
        said = words.owed_before if taken_up.minor > 0 else words.in_favour_before
        yield said.format(amount=figures.money(_size(taken_up), locale))
    if left.minor:
        said = words.too_small if left.minor > 0 else words.in_favour
        yield said.format(amount=figures.money(_size(left), locale))


def paid_day(papers: Papers, locale: Locale) -> str:
    assert papers.invoice.closed_at is not None, "what is paid was closed"
    return figures.day(papers.invoice.closed_at, papers.zone, locale)


def pay_link(papers: Papers) -> str | None:
    """Where it can be paid, while it is to be paid."""
    url = None if papers.payment is None else papers.payment.url
    if url is None or papers.invoice.status is not InvoiceStatus.OPEN or not url.startswith(("https://", "http://")):
        return None
    return url


def _size(money: Money) -> Money:
    return Money(abs(money.minor), money.currency)


def _total(invoice: Invoice, amounts: Iterable[Money]) -> Money:
    return Money(sum(amount.minor for amount in amounts), invoice.currency)
