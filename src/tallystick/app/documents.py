"""The engine's calls for invoices and credit notes as files that people read."""

from tallystick import flows
from tallystick.app.engine import Engine
from tallystick.flows.write_document import Form
from tallystick.values.ids import CreditNoteId, InvoiceId


class DocumentCalls(Engine):
    """PDF, HTML, CSV. `language` is `en` or `ja`; None: the customer's, else that of the business."""

    def invoice_pdf(self, invoice_id: str, *, language: str | None = None) -> bytes:
        """The invoice as PDF; the same invoice is the same bytes. Needs the extra `pdf`: InvalidInput without it."""
        return flows.write_document.write_invoice(self.context, InvoiceId(invoice_id), Form.PDF, language=language)

    def invoice_html(self, invoice_id: str, *, language: str | None = None) -> str:
        """The invoice as one page, without scripts, ready to print."""
        return flows.write_document.write_invoice(self.context, InvoiceId(invoice_id), Form.HTML, language=language).decode()

    def invoice_csv(self, invoice_id: str) -> str:
        """The invoice's lines, for spreadsheets."""
        return flows.write_document.write_lines(self.context, InvoiceId(invoice_id))

    def credit_note_pdf(self, note_id: str, *, language: str | None = None) -> bytes:
        """As `invoice_pdf`, of a credit note."""
        return flows.write_document.write_credit_note(self.context, CreditNoteId(note_id), Form.PDF, language=language)

    def credit_note_html(self, note_id: str, *, language: str | None = None) -> str:
        """As `invoice_html`, of a credit note."""
        return flows.write_document.write_credit_note(self.context, CreditNoteId(note_id), Form.HTML, language=language).decode()
