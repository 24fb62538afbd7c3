"""What a document of an invoice is written from, in the language and the zone of whoever reads it."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.documents import pdf
from tallystick.domain.customers import Customer
from tallystick.domain.invoice_documents import Papers
from tallystick.domain.invoices import Invoice
from tallystick.domain.letter_frames import Attachment, Letter, Locale
from tallystick.flows.context import Context
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import InvoiceId, MeterKey


def papers(ctx: Context, conn: Connection, invoice: Invoice) -> Papers:
    """The invoice with all that stands on it, as it is now."""
    customer = storage.customers.get(conn, invoice.customer_id)
    assert customer is not None, "an invoice has its customer"
    return Papers(
        invoice,
        customer,
        ctx.terms.seller,
        _zone(conn, invoice),
        notes=storage.credit_notes.of_invoice(conn, invoice.customer_id, invoice.id),
        payment=storage.payments.of_invoice(conn, invoice.id),
        units=_units(conn),
    )


def language(ctx: Context, customer: Customer, asked: str | None) -> Locale:
    """The one that is asked for, else the customer's, else that of the business. Raises InvalidInput for others."""
    if asked is not None and asked not in domain.customers.LANGUAGES:
        raise InvalidInput(f"language: must be one of {', '.join(domain.customers.LANGUAGES)}", field="language")
    chosen = asked or customer.language
    if chosen is None:
        return ctx.outgoing.locale
    return "ja" if chosen == "ja" else "en"


def letter(ctx: Context, conn: Connection, invoice_id: InvoiceId, locale: Locale, *, with_files: bool) -> Letter:
    """The letter that brings the invoice; with it as PDF, where that can be written here."""
    invoice = storage.invoices.get(conn, invoice_id)
    assert invoice is not None, "what is written about is there"
    found, attached = papers(ctx, conn, invoice), None
    if with_files and pdf.installed():
        content = ctx.press.pdf(domain.invoice_documents.document_of(found, locale))
        attached = Attachment(f"{invoice.number}.pdf", "application/pdf", content)
    return domain.invoice_letters.letter_of(found, locale, attached=attached)


def _zone(conn: Connection, invoice: Invoice) -> ZoneInfo:
    """That of the subscription; days of what is billed without one are UTC's."""
    kept = None if invoice.subscription_id is None else storage.subscriptions.get(conn, invoice.subscription_id)
    return domain.periods.time_zone("UTC" if kept is None else kept.subscription.zone)


def _units(conn: Connection) -> Mapping[MeterKey, str]:
    """What a meter counts, where somebody has said it."""
    return {key: meter.unit for key, meter in storage.catalog.meters(conn).items() if meter.unit != "unit"}
