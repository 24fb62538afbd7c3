"""The engine's calls about what is taken off an issued invoice, and what goes back."""

from collections.abc import Iterable, Mapping

from tallystick import flows, storage
from tallystick.app.engine import Engine
from tallystick.domain.credit_notes import CreditNote, CreditOrder
from tallystick.domain.invoices import Invoice
from tallystick.domain.refunds import Refund
from tallystick.values.errors import NotFound
from tallystick.values.ids import CreditNoteId, CustomerId, InvoiceId, LineId, PaymentId, RefundId
from tallystick.values.money import Money


class CreditNoteCalls(Engine):
    """Credit notes and refunds."""

    def credit_note(  # noqa: PLR0913 the form that is filled in, each field by its name
        self, invoice_id: str, *, reason: str, op: str, amount: Money | None = None, lines: Mapping[str, Money] | None = None,
        refund: bool | None = None, actor: str = "system",
    ) -> CreditNote:  # fmt: skip
        """So much less of an issued invoice (None: all that is left; or so much of each line), once per `op`.

        What was paid goes back through the provider, or, without `refund`, stays as the customer's balance. What is not paid yet
        is asked for no more.
        """
        order = _order(reason=reason, op=op, amount=amount, lines=lines, refund=refund)
        return flows.issue_credit_note.issue_credit_note(self.context, InvoiceId(invoice_id), order, actor=actor)

    def preview_credit_note(
        self, invoice_id: str, *, reason: str, op: str, amount: Money | None = None, lines: Mapping[str, Money] | None = None,
        refund: bool | None = None,
    ) -> CreditNote:  # fmt: skip
        """What `credit_note` would issue now; nothing is kept, and it has no number."""
        order = _order(reason=reason, op=op, amount=amount, lines=lines, refund=refund)
        return flows.issue_credit_note.preview_credit_note(self.context, InvoiceId(invoice_id), order)

    def refund(self, reference: str, *, reason: str, op: str, amount: Money | None = None, actor: str = "system") -> CreditNote:
        """Money of a paid invoice, named by its own id or its payment's, goes back: a credit note with a refund."""
        with self.context.database.reading() as conn:
            payment = storage.payments.get(conn, PaymentId(reference))
        invoice_id = reference if payment is None else payment.invoice_id
        return self.credit_note(invoice_id, reason=reason, op=op, amount=amount, refund=True, actor=actor)

    def credit_notes(self, *, customer_id: str | None = None, after: str | None = None, limit: int = 50) -> list[CreditNote]:
        """A page of credit notes, newest first, behind `after`."""
        who, behind = None if customer_id is None else CustomerId(customer_id), None if after is None else CreditNoteId(after)
        with self.context.database.reading() as conn:
            return storage.credit_notes.page(conn, customer_id=who, after=behind, limit=limit)

    def credit_note_by_id(self, note_id: str) -> CreditNote:
        """Raises NotFound."""
        with self.context.database.reading() as conn:
            note = storage.credit_notes.get(conn, CreditNoteId(note_id))
        if note is None:
            raise NotFound("credit note: there is no such credit note", field="credit_note")
        return note

    def credit_notes_of(self, invoices: Iterable[Invoice]) -> dict[InvoiceId, list[CreditNote]]:
        """By invoice, in the order in which they were issued; invoices without any are left out."""
        with self.context.database.reading() as conn:
            return storage.credit_notes.of_invoices(conn, [(invoice.customer_id, invoice.id) for invoice in invoices])

    def refunds(self, *, customer_id: str | None = None, after: str | None = None, limit: int = 50) -> list[Refund]:
        """A page of refunds, newest first, behind `after`."""
        who, behind = None if customer_id is None else CustomerId(customer_id), None if after is None else RefundId(after)
        with self.context.database.reading() as conn:
            return storage.refunds.page(conn, customer_id=who, after=behind, limit=limit)

    def refunds_of(self, invoice: Invoice) -> list[Refund]:
        """The refunds of one invoice, oldest first."""
        with self.context.database.reading() as conn:
            return storage.refunds.of_invoice(conn, invoice.customer_id, invoice.id)

    def refund_by_id(self, refund_id: str) -> Refund:
        """Raises NotFound."""
        with self.context.database.reading() as conn:
            refund = storage.refunds.get(conn, RefundId(refund_id))
        if refund is None:
            raise NotFound("refund: there is no such refund", field="refund")
        return refund


def _order(*, reason: str, op: str, amount: Money | None, lines: Mapping[str, Money] | None, refund: bool | None) -> CreditOrder:
    """What was asked for, as the flow takes it."""
    by_line = {LineId(line_id): money for line_id, money in (lines or {}).items()}
    return CreditOrder(reason, op, amount, by_line, refund)
