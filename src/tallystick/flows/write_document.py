"""Write an invoice, or a credit note, as a file that people read: PDF, HTML or CSV."""

from enum import StrEnum
from typing import assert_never

from tallystick import domain, storage
from tallystick.documents.csv import lines_csv
from tallystick.documents.html import page
from tallystick.domain.invoice_documents import Document
from tallystick.flows import _documents
from tallystick.flows.context import Context
from tallystick.values.errors import NotFound
from tallystick.values.ids import CreditNoteId, InvoiceId


class Form(StrEnum):
    """As what it is written."""

    PDF = "pdf"
    HTML = "html"


def write_invoice(ctx: Context, invoice_id: InvoiceId, form: Form, *, language: str | None = None) -> bytes:
    """The invoice as it stands; the same invoice is the same bytes. Raises NotFound, and InvalidInput for a language we lack."""
    with ctx.database.reading() as conn:
        invoice = storage.invoices.get(conn, invoice_id)
        if invoice is None:
            raise NotFound("invoice: there is no such invoice", field="invoice")
        papers = _documents.papers(ctx, conn, invoice)
    locale = _documents.language(ctx, papers.customer, language)
    return _written(ctx, domain.invoice_documents.document_of(papers, locale), form)


def write_credit_note(ctx: Context, note_id: CreditNoteId, form: Form, *, language: str | None = None) -> bytes:
    """Likewise the credit note."""
    with ctx.database.reading() as conn:
        note = storage.credit_notes.get(conn, note_id)
        if note is None:
            raise NotFound("credit note: there is no such credit note", field="credit_note")
        invoice = storage.invoices.get(conn, note.invoice_id)
        assert invoice is not None, "a credit note is of an invoice"
        papers = _documents.papers(ctx, conn, invoice)
    locale = _documents.language(ctx, papers.customer, language)
    return _written(ctx, domain.credit_note_documents.note_document_of(note, papers, locale), form)


def write_lines(ctx: Context, invoice_id: InvoiceId) -> str:
    """The invoice's lines as CSV. Raises NotFound."""
    with ctx.database.reading() as conn:
        invoice = storage.invoices.get(conn, invoice_id)
    if invoice is None:
        raise NotFound("invoice: there is no such invoice", field="invoice")
    return lines_csv(invoice)


def _written(ctx: Context, document: Document, form: Form) -> bytes:
    match form:
        case Form.PDF:
            return ctx.press.pdf(document)
        case Form.HTML:
            return page(document).encode()
        case _:
            assert_never(form)
