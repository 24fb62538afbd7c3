"""Invoices and credit notes as files: for programs under a key, and for users of their own alone."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from tallystick.documents.html import policy
from tallystick.domain.credit_notes import CreditNote
from tallystick.domain.invoices import Invoice
from tallystick.values.errors import NotFound
from tallystick.web.door import Billing, Scope
from tallystick.web.door import router as engine_router
from tallystick.web.embedding import Embedding, TheEmbedding, TheVisitor, Visitor, router
from tallystick.web.schemas import Key
from tallystick.web.security import SIGNED_IN, needs

_READS = [needs(Scope.BILLING_READ)]
_Id = Annotated[Key, Path()]
_Language = Annotated[Literal["en", "ja"] | None, Query(description="Default: the customer's own, else that of the business.")]
_Bom = Annotated[bool, Query(description="Begin with a byte order mark, for spreadsheets that need it to read UTF-8.")]


class PdfResponse(Response):
    media_type = "application/pdf"


class PageResponse(Response):
    """A page that runs nothing, whatever is written on it."""

    media_type = "text/html"

    def __init__(self, content: Any = None, status_code: int = 200, **given: Any) -> None:
        super().__init__(content, status_code, **given)  # FastAPI reads the default for the OpenAPI document
        self.headers["Content-Security-Policy"] = policy()


class CsvResponse(Response):
    media_type = "text/csv"


routes = engine_router("documents")


@routes.get(
    "/v1/invoices/{invoice_id}/pdf", dependencies=_READS, summary="An invoice as PDF", response_class=PdfResponse
)  # fmt: skip
def get_invoice_pdf(billing: Billing, invoice_id: _Id, language: _Language = None) -> Response:
    """The same invoice is the same bytes. 422 `pdf_not_installed` where the extra `pdf` is not installed."""
    return _pdf(billing.invoice(invoice_id), billing.invoice_pdf(invoice_id, language=language))


@routes.get(
    "/v1/invoices/{invoice_id}/html", dependencies=_READS, summary="An invoice as a page", response_class=PageResponse
)  # fmt: skip
def get_invoice_html(billing: Billing, invoice_id: _Id, language: _Language = None) -> Response:
    """Without scripts; it prints well."""
    return PageResponse(billing.invoice_html(invoice_id, language=language))


@routes.get(
    "/v1/invoices/{invoice_id}/csv", dependencies=_READS, summary="The lines of an invoice", response_class=CsvResponse
)  # fmt: skip
def get_invoice_csv(billing: Billing, invoice_id: _Id, bom: _Bom = False) -> Response:
    return _csv(billing.invoice(invoice_id), billing.invoice_csv(invoice_id), bom=bom)


@routes.get(
    "/v1/credit-notes/{credit_note_id}/pdf", dependencies=_READS, summary="A credit note as PDF", response_class=PdfResponse
)  # fmt: skip
def get_credit_note_pdf(billing: Billing, credit_note_id: _Id, language: _Language = None) -> Response:
    """As of an invoice."""
    return _pdf(billing.credit_note_by_id(credit_note_id), billing.credit_note_pdf(credit_note_id, language=language))


@routes.get(
    "/v1/credit-notes/{credit_note_id}/html", dependencies=_READS, summary="A credit note as a page", response_class=PageResponse
)  # fmt: skip
def get_credit_note_html(billing: Billing, credit_note_id: _Id, language: _Language = None) -> Response:
    return PageResponse(billing.credit_note_html(credit_note_id, language=language))


def own_document_routes(embedding: Embedding | None = None) -> APIRouter:
    """The same for users; of this embedding, or of the one that their application has."""
    own, mine = router("billing", embedding), [SIGNED_IN]
    invoice, note = "/billing/invoices/{invoice_id}", "/billing/credit-notes/{credit_note_id}"
    own.get(
        f"{invoice}/pdf", dependencies=mine, summary="One's own invoice as PDF", response_class=PdfResponse
    )(get_own_invoice_pdf)  # fmt: skip
    own.get(
        f"{invoice}/html", dependencies=mine, summary="One's own invoice as a page", response_class=PageResponse
    )(get_own_invoice_html)  # fmt: skip
    own.get(
        f"{invoice}/csv", dependencies=mine, summary="The lines of one's own invoice", response_class=CsvResponse
    )(get_own_invoice_csv)  # fmt: skip
    own.get(
        f"{note}/pdf", dependencies=mine, summary="One's own credit note as PDF", response_class=PdfResponse
    )(get_own_credit_note_pdf)  # fmt: skip
    own.get(
        f"{note}/html", dependencies=mine, summary="One's own credit note as a page", response_class=PageResponse
    )(get_own_credit_note_html)  # fmt: skip
    return own


def get_own_invoice_pdf(embedding: TheEmbedding, visitor: TheVisitor, invoice_id: _Id, language: _Language = None) -> Response:
    invoice = _own_invoice(embedding, visitor, invoice_id)
    return _pdf(invoice, embedding.billing.invoice_pdf(invoice.id, language=language))


def get_own_invoice_html(embedding: TheEmbedding, visitor: TheVisitor, invoice_id: _Id, language: _Language = None) -> Response:
    invoice = _own_invoice(embedding, visitor, invoice_id)
    return PageResponse(embedding.billing.invoice_html(invoice.id, language=language))


def get_own_invoice_csv(embedding: TheEmbedding, visitor: TheVisitor, invoice_id: _Id, bom: _Bom = False) -> Response:
    invoice = _own_invoice(embedding, visitor, invoice_id)
    return _csv(invoice, embedding.billing.invoice_csv(invoice.id), bom=bom)


def get_own_credit_note_pdf(
    embedding: TheEmbedding, visitor: TheVisitor, credit_note_id: _Id, language: _Language = None
) -> Response:
    note = _own_note(embedding, visitor, credit_note_id)
    return _pdf(note, embedding.billing.credit_note_pdf(note.id, language=language))


def get_own_credit_note_html(
    embedding: TheEmbedding, visitor: TheVisitor, credit_note_id: _Id, language: _Language = None
) -> Response:
    note = _own_note(embedding, visitor, credit_note_id)
    return PageResponse(embedding.billing.credit_note_html(note.id, language=language))


def _own_invoice(embedding: Embedding, visitor: Visitor, invoice_id: str) -> Invoice:
    """Raises NotFound for what is somebody else's, as for what is not there."""
    invoice = embedding.billing.invoice(invoice_id)
    if invoice.customer_id != visitor.customer_id:
        raise NotFound("invoice: there is no such invoice", field="invoice")
    return invoice


def _own_note(embedding: Embedding, visitor: Visitor, note_id: str) -> CreditNote:
    note = embedding.billing.credit_note_by_id(note_id)
    if note.customer_id != visitor.customer_id:
        raise NotFound("credit note: there is no such credit note", field="credit_note")
    return note


def _pdf(of: Invoice | CreditNote, content: bytes) -> Response:
    return PdfResponse(content, headers={"Content-Disposition": f'inline; filename="{of.number or of.id}.pdf"'})


def _csv(of: Invoice, content: str, *, bom: bool) -> Response:
    text = f"\ufeff{content}" if bom else content
    return CsvResponse(text, headers={"Content-Disposition": f'attachment; filename="{of.number or of.id}.csv"'})
