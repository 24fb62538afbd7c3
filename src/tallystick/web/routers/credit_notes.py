"""Credit notes, and the refunds by which money goes back."""

from typing import Annotated

from fastapi import Path, Query

from tallystick.domain.refunds import refund_id
from tallystick.values.errors import InvalidInput
from tallystick.values.money import Money
from tallystick.web.credit_note_schemas import (
    CreditNoteBody,
    CreditNoteShown,
    CreditNotesShown,
    InvoiceRefundBody,
    RefundBody,
    RefundShown,
)
from tallystick.web.door import Billing, Caller, Scope, router
from tallystick.web.once import IdempotencyKey
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.schemas import Key
from tallystick.web.security import needs

routes = router("credit notes")
_NOTES, _REFUNDS = "credit_notes", "refunds"
_READS, _WRITES = [needs(Scope.BILLING_READ)], [needs(Scope.BILLING_WRITE)]
_Id = Annotated[Key, Path()]
_Customer = Annotated[Key | None, Query()]


@routes.post("/v1/invoices/{invoice_id}/credit-notes", dependencies=_WRITES, summary="Credit an invoice", status_code=201)
def credit_invoice(
    billing: Billing, caller: Caller, invoice_id: _Id, body: CreditNoteBody, key: IdempotencyKey = None
) -> CreditNoteShown:
    """What is not paid yet is asked for no more; what was paid goes back, or stays as a balance. Once per `op`.

    503 or 409 say that the provider has not let go of the payment yet: send the same again.
    """
    currency = billing.invoice(invoice_id).currency
    note = billing.credit_note(
        invoice_id,
        amount=None if body.amount is None else Money(body.amount, currency),
        lines=body.money_of_lines(currency),
        refund=body.refund,
        reason=body.reason,
        op=_op(body, key),
        actor=caller.actor,
    )
    return CreditNoteShown.of(note)


@routes.get("/v1/invoices/{invoice_id}/credit-notes", dependencies=_READS, summary="The credit notes of an invoice")
def list_credit_notes_of_invoice(billing: Billing, invoice_id: _Id) -> CreditNotesShown:
    invoice = billing.invoice(invoice_id)
    notes = billing.credit_notes_of([invoice]).get(invoice.id, [])
    return CreditNotesShown(data=[CreditNoteShown.of(note) for note in notes])


@routes.get("/v1/credit-notes", dependencies=_READS, summary="Credit notes, newest first")
def list_credit_notes(billing: Billing, asked: AskedPage, customer: _Customer = None) -> Page[CreditNoteShown]:
    place = asked.place(_NOTES)
    after = None if place is None else str(place[0])
    rows = billing.credit_notes(customer_id=customer, after=after, limit=asked.limit + 1)
    return page(rows, asked.limit, CreditNoteShown.of, lambda note: (note.id,), kind=_NOTES)


@routes.get("/v1/credit-notes/{credit_note_id}", dependencies=_READS, summary="One credit note")
def get_credit_note(billing: Billing, credit_note_id: _Id) -> CreditNoteShown:
    return CreditNoteShown.of(billing.credit_note_by_id(credit_note_id))


@routes.post("/v1/refunds", dependencies=_WRITES, summary="Give back what was paid", status_code=201)
def refund_invoice(billing: Billing, caller: Caller, body: InvoiceRefundBody, key: IdempotencyKey = None) -> RefundShown:
    """A credit note with its refund, which a job then asks the provider for. Once per `op`."""
    currency = billing.invoice(body.invoice).currency
    amount = None if body.amount is None else Money(body.amount, currency)
    note = billing.refund(body.invoice, amount=amount, reason=body.reason, op=_op(body, key), actor=caller.actor)
    return RefundShown.of(billing.refund_by_id(refund_id(note.id)))


@routes.get("/v1/refunds", dependencies=_READS, summary="Refunds, newest first")
def list_refunds(billing: Billing, asked: AskedPage, customer: _Customer = None) -> Page[RefundShown]:
    place = asked.place(_REFUNDS)
    after = None if place is None else str(place[0])
    rows = billing.refunds(customer_id=customer, after=after, limit=asked.limit + 1)
    return page(rows, asked.limit, RefundShown.of, lambda refund: (refund.id,), kind=_REFUNDS)


@routes.get("/v1/refunds/{refund_id}", dependencies=_READS, summary="One refund")
def get_refund(billing: Billing, refund_id: _Id) -> RefundShown:
    return RefundShown.of(billing.refund_by_id(refund_id))


def _op(body: RefundBody, key: str | None) -> str:
    op = body.op or key
    if op is None:
        raise InvalidInput("op: name this operation, here or in Idempotency-Key, so that it is done once", field="op")
    return op
