"""A credit note as people read it: of which invoice, how much less of what, why, and what becomes of the money."""

from collections.abc import Iterator

from tallystick.domain import figures, invoice_documents, line_documents
from tallystick.domain.credit_notes import CreditNote
from tallystick.domain.invoice_documents import Document, Fact, Papers, Sum
from tallystick.domain.invoice_words import WORDS, Words
from tallystick.domain.letter_frames import Locale
from tallystick.domain.line_documents import Row


def note_document_of(note: CreditNote, papers: Papers, locale: Locale) -> Document:
    """The credit note; `papers` are those of its invoice."""
    words, zone = WORDS[locale], papers.zone
    return Document(
        language=locale,
        title=words.credit_note,
        number=note.number,
        stamp=None,
        written_at=note.created_at,
        facts=(
            Fact(words.number, note.number),
            Fact(words.issued_on, figures.day(note.created_at, zone, locale)),
            Fact(words.of_invoice, papers.invoice.number or papers.invoice.id),
            Fact(words.customer_id, figures.plain_text(note.customer_id)),
        ),
        seller=invoice_documents.seller(papers.seller, words),
        buyer=invoice_documents.buyer(papers.customer, words),
        columns=(words.description, "", "", words.amount),
        rows=tuple(_rows(note, papers, words, locale)),
        sums=(Sum(words.credited, figures.money(note.amount, locale), strong=True),),
        remarks=(
            words.reason.format(reason=figures.plain_text(note.reason)),
            *_remarks(note, words, locale),
            words.zone.format(zone=zone.key),
        ),
        page=words.page,
    )


def _rows(note: CreditNote, papers: Papers, words: Words, locale: Locale) -> Iterator[Row]:
    """Each line that it is for; of the rest, the invoice as a whole."""
    lines = {line.id: line for line in papers.invoice.lines}
    rest = note.amount
    for credited in note.lines:
        of = line_documents.row(lines[credited.line_id], "", papers.zone, locale)
        yield Row(of.text, of.period, (), "", "", figures.money(credited.amount, locale))
        rest -= credited.amount
    if rest.minor or not note.lines:
        whole = words.whole_invoice.format(number=papers.invoice.number or papers.invoice.id)
        yield Row(whole, figures.days(papers.invoice.period, papers.zone, locale), (), "", "", figures.money(rest, locale))


def _remarks(note: CreditNote, words: Words, locale: Locale) -> Iterator[str]:
    """What becomes of the amount."""
    parts = (
        (words.reduced, note.reduced),
        (words.to_be_refunded, note.refunded),
        (words.to_be_kept, note.credited),
        (words.to_be_carried, note.carried),
    )
    yield from (said.format(amount=figures.money(amount, locale)) for said, amount in parts if amount.minor > 0)
