"""The engine's calls about invoices and what is paid of them."""

from collections.abc import Iterable
from datetime import datetime

from tallystick import domain, flows, storage
from tallystick.app.engine import Engine
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.payments import Collection, Payment
from tallystick.flows.bill_usage import Order
from tallystick.flows.collect import Collected
from tallystick.flows.explain_invoice import Explanation
from tallystick.values.errors import InvalidInput, NotFound
from tallystick.values.ids import CustomerId, InvoiceId


class InvoiceCalls(Engine):
    """Preview, bill, collect, release, void, explain."""

    def preview(self, customer_id: str, *, until: datetime | None = None) -> list[Invoice]:
        """What `bill` would open at `until` (None: now), one invoice per currency, by the same function; nothing is kept."""
        return flows.bill_usage.preview_usage(self.context, Order(CustomerId(customer_id), until))

    def bill(
        self, customer_id: str, *, until: datetime | None = None, charges: Iterable[str] | None = None,
        collection: Collection | None = None, actor: str = "system",
    ) -> list[Invoice]:  # fmt: skip
        """The invoices opened for usage before `until` (None: now); a second call finds nothing more to bill."""
        order = Order(CustomerId(customer_id), until, None if charges is None else tuple(charges))
        return flows.bill_usage.bill_usage(self.context, order, collection or Collection(), actor=actor)

    def collect(self, invoice_id: InvoiceId) -> Collected:
        """The invoice's payment, brought as far as it goes now."""
        with self.context.database.reading() as conn:
            payment = storage.payments.of_invoice(conn, invoice_id)
        return flows.collect.collect(self.context, payment.id if payment is not None else domain.payments.payment_id(invoice_id))

    def invoice(self, invoice_id: str) -> Invoice:
        """Raises NotFound."""
        with self.context.database.reading() as conn:
            invoice = storage.invoices.get(conn, InvoiceId(invoice_id))
        if invoice is None:
            raise NotFound("invoice: there is no such invoice", field="invoice")
        return invoice

    def invoices(
        self, *, customer_id: str | None = None, status: str | None = None, after: str | None = None, limit: int = 50
    ) -> list[Invoice]:
        """A page of invoices, newest first, behind `after`; of one customer or status where given."""
        if status is not None and status not in set(InvoiceStatus):
            raise InvalidInput(f"status: one of {', '.join(InvoiceStatus)}", field="status")
        with self.context.database.reading() as conn:
            return storage.invoices.page(
                conn,
                customer_id=None if customer_id is None else CustomerId(customer_id),
                status=None if status is None else InvoiceStatus(status),
                after=None if after is None else InvoiceId(after),
                limit=limit,
            )

    def find_invoice(self, reference: str) -> Invoice:
        """The invoice of that id or number, or the one that the provider's object of that id collects. Raises NotFound."""
        with self.context.database.reading() as conn:
            numbered, payment = storage.invoices.by_number(conn, reference), storage.payments.by_ref(conn, reference)
        return numbered or self.invoice(reference if payment is None else payment.invoice_id)

    def explain(self, invoice_id: str, *, events_max: int = 20) -> Explanation:
        """The invoice with its payment, and each line with the first of its events."""
        return flows.explain_invoice.explain_invoice(self.context, InvoiceId(invoice_id), events_max=events_max)

    def release_payment(self, invoice_id: str, *, reason: str, actor: str = "system") -> Payment:
        """The invoice's held payment, charged as usual from now on; released twice is released once. Conflict: it is not held."""
        return flows.release_payment.release_payment(self.context, InvoiceId(invoice_id), reason=reason, actor=actor)

    def void(self, invoice_id: str, *, reason: str, actor: str = "system") -> Invoice:
        """The open invoice, taken back here and at the provider. What is paid cannot be voided: Conflict."""
        return flows.void_invoice.void_invoice(self.context, InvoiceId(invoice_id), reason=reason, actor=actor)
