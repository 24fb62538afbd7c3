"""The letter that an invoice comes with: what it is over, what is to be paid of it and until when, and where."""

from collections.abc import Iterator
from dataclasses import replace

from tallystick.domain import figures
from tallystick.domain.credit_notes import due, paid
from tallystick.domain.invoice_documents import Papers, paid_day, pay_link
from tallystick.domain.invoice_words import WORDS, Words
from tallystick.domain.letter_frames import Attachment, Letter, Link, Locale, framed

TYPE = "invoice.opened"


def letter_of(papers: Papers, locale: Locale, *, attached: Attachment | None = None) -> Letter:
    """As the invoice stands now: it may have been paid before its letter goes."""
    words, url = WORDS[locale], pay_link(papers)
    assert papers.invoice.number is not None, "what is sent has a number"
    subject = words.mail_subject.format(number=papers.invoice.number)
    paragraphs = [*_said(papers, words, locale), *([] if attached is None else [words.mail_attached])]
    letter = framed(subject, paragraphs, locale, link=None if url is None else Link(words.mail_pay, url))
    return letter if attached is None else replace(letter, attachments=(attached,))


def _said(papers: Papers, words: Words, locale: Locale) -> Iterator[str]:
    invoice, zone = papers.invoice, papers.zone
    assert invoice.opened_at is not None, "what is sent was opened"
    yield words.mail_said.format(
        seller=figures.plain_text(papers.seller.name),
        number=invoice.number,
        day=figures.day(invoice.opened_at, zone, locale),
        total=figures.money(invoice.total, locale),
    )
    asked = due(invoice, papers.notes)
    if asked.minor and invoice.due_at is not None:
        day = figures.day(invoice.due_at, zone, locale)
        yield words.mail_due.format(amount=figures.money(asked, locale), day=day)
    elif paid(invoice, papers.notes).minor:
        yield words.paid_on.format(day=paid_day(papers, locale))
    else:
        yield words.paid_by_nothing
