"""Invoices: previewed, opened, explained, paid and taken back."""

from typing import Annotated, Literal

from fastapi import Path, Query
from starlette.responses import Response

from tallystick.app import Tallystick
from tallystick.domain.invoices import Invoice
from tallystick.values.errors import ProviderRefused
from tallystick.values.ids import InvoiceId
from tallystick.web.billing_schemas import PageBody, PageShown
from tallystick.web.door import Billing, Caller, Scope, router
from tallystick.web.invoice_schemas import CollectedShown, ExplanationShown, InvoiceShown, InvoicesShown, PaymentShown
from tallystick.web.once import IdempotencyKey, answered_once
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.schemas import InvoiceBody, Key, PreviewBody, ReleaseBody, VoidBody
from tallystick.web.security import needs

routes = router("invoices")
_KIND = "invoices"
_READS, _WRITES = [needs(Scope.BILLING_READ)], [needs(Scope.BILLING_WRITE)]
_ADMIN = [needs(Scope.ADMIN)]
_Id = Annotated[Key, Path()]
_Status = Literal["draft", "open", "paid", "void", "uncollectible"]


@routes.post("/v1/invoices/preview", dependencies=_READS, summary="What an invoice would say now")
def preview_invoices(billing: Billing, body: PreviewBody) -> InvoicesShown:
    """By the same function as the invoice itself; nothing is kept."""
    drafts = billing.preview(body.customer, until=body.until_at)
    return InvoicesShown(data=[InvoiceShown.of(draft) for draft in drafts])


@routes.post("/v1/invoices", dependencies=_WRITES, summary="Bill a customer", response_model=InvoicesShown, status_code=201)
def bill_customer(billing: Billing, caller: Caller, body: InvoiceBody, key: IdempotencyKey = None) -> Response:
    """One invoice per currency over what was not billed before; asked again, nothing more is found.

    Their payment is asked for afterwards, by a job that is written down with them.
    """

    def effect() -> tuple[int, str]:
        opened = billing.bill(
            body.customer,
            until=body.until_at,
            charges=body.charges,
            collection=body.collection.to_domain(),
            actor=caller.actor,
        )
        return 201, InvoicesShown(data=[InvoiceShown.of(invoice) for invoice in opened]).model_dump_json()

    billing.customer(body.customer)
    return answered_once(billing, key, "POST /v1/invoices", body, effect)[0]


@routes.get("/v1/invoices", dependencies=_READS, summary="Invoices, newest first")
def list_invoices(
    billing: Billing,
    asked: AskedPage,
    customer: Annotated[Key | None, Query()] = None,
    status: Annotated[_Status | None, Query()] = None,
) -> Page[InvoiceShown]:
    place = asked.place(_KIND)
    after = None if place is None else str(place[0])
    rows = billing.invoices(customer_id=customer, status=status, after=after, limit=asked.limit + 1)
    notes = billing.credit_notes_of(rows)
    return page(
        rows, asked.limit, lambda row: InvoiceShown.of(row, notes.get(row.id, ())), lambda invoice: (invoice.id,), kind=_KIND
    )


@routes.get("/v1/invoices/{invoice_id}", dependencies=_READS, summary="One invoice")
def get_invoice(billing: Billing, invoice_id: _Id) -> InvoiceShown:
    return _shown(billing, billing.invoice(invoice_id))


@routes.get("/v1/invoices/{invoice_id}/explanation", dependencies=_READS, summary="An invoice, down to its events")
def explain_invoice(
    billing: Billing, invoice_id: _Id, events: Annotated[int, Query(ge=0, le=200, description="How many for each line.")] = 20
) -> ExplanationShown:
    return ExplanationShown.of(billing.explain(invoice_id, events_max=events))


@routes.post("/v1/invoices/{invoice_id}/pay", dependencies=_WRITES, summary="Ask the provider for an invoice's money")
def pay_invoice(billing: Billing, invoice_id: _Id) -> CollectedShown:
    """The payment, brought as far as it goes now. An invoice has one payment: asked again, it is that one, and no key is kept."""
    invoice = billing.invoice(invoice_id)
    collected = billing.collect(InvoiceId(invoice.id))
    if collected.refusal is not None:
        raise ProviderRefused(f"the provider will not do it: {collected.refusal.message}", code="provider_refused")
    return CollectedShown.of(collected)


@routes.post("/v1/invoices/{invoice_id}/checkout", dependencies=_WRITES, summary="The provider's page to pay an invoice on")
def pay_invoice_on_page(billing: Billing, caller: Caller, invoice_id: _Id, body: PageBody) -> PageShown:
    """One page at a time, for a day; nothing else collects the invoice meanwhile. Asked again, it is the same: no key is kept."""
    payment = billing.pay_on_page(invoice_id, success_url=body.success_url, cancel_url=body.cancel_url, actor=caller.actor)
    return PageShown.of(payment)


@routes.delete("/v1/invoices/{invoice_id}/checkout", dependencies=_WRITES, summary="Close that page")
def close_invoice_page(billing: Billing, caller: Caller, invoice_id: _Id) -> PaymentShown:
    """The invoice is collected as it was before it had a page. Closed twice is closed once; what was paid there: 409."""
    return PaymentShown.of(billing.close_page(invoice_id, actor=caller.actor))


@routes.post("/v1/invoices/{invoice_id}/void", dependencies=_WRITES, summary="Take an open invoice back")
def void_invoice(billing: Billing, caller: Caller, invoice_id: _Id, body: VoidBody) -> InvoiceShown:
    """Here and at the provider. Voided twice is voided once, so no key is kept; what is paid stays: 409."""
    return _shown(billing, billing.void(invoice_id, reason=body.reason, actor=caller.actor))


@routes.post(
    "/v1/invoices/{invoice_id}/release", dependencies=_ADMIN, summary="Charge a payment that is held", response_model=PaymentShown
)
def release_payment(billing: Billing, caller: Caller, invoice_id: _Id, body: ReleaseBody, key: IdempotencyKey = None) -> Response:
    """It is charged as usual, soon. Released twice is released once; what is not held: 409.

    With a key, what is held for another reason meanwhile is not released by the same request, sent again.
    """

    def effect() -> tuple[int, str]:
        payment = billing.release_payment(invoice_id, reason=body.reason, actor=caller.actor)
        return 200, PaymentShown.of(payment).model_dump_json()

    return answered_once(billing, key, f"POST /v1/invoices/{invoice_id}/release", body, effect)[0]


def _shown(billing: Tallystick, invoice: Invoice) -> InvoiceShown:
    return InvoiceShown.of(invoice, billing.credit_notes_of([invoice]).get(invoice.id, ()))
