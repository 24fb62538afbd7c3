"""The engine's calls that send a customer to the provider: to save a payment method for a plan, to pay, or to manage cards."""

from collections.abc import Collection, Sequence

from tallystick import flows, storage
from tallystick.app.engine import Engine
from tallystick.domain.checkouts import Checkout, Wish, checked_url
from tallystick.domain.customers import checked_key
from tallystick.domain.pages import Page
from tallystick.domain.payment_methods import SavedMethod, Saving
from tallystick.domain.payments import Payment
from tallystick.domain.periods import read_cadence
from tallystick.flows.mend_payment import Mending
from tallystick.values.errors import NotFound, ProviderRefused, ProviderUnavailable
from tallystick.values.ids import CustomerId, InvoiceId
from tallystick.values.money import currency as known_currency


class CheckoutCalls(Engine):
    """Start, look, open the portal. An address must be of one of `allowed_origins`, where they are given."""

    def start_checkout(  # noqa: PLR0913 each is said by name
        self, customer_id: str, *, plan: str, success_url: str, cancel_url: str, currency: str | None = None,
        interval: str | None = None, allowed_origins: Collection[str] | None = None,
    ) -> Checkout:  # fmt: skip
        """The checkout, with the `url` to send the customer to: the same for the same wish, while its page is open.

        There the customer saves a payment method; then the subscription begins, and is charged to it.
        """
        wish = Wish(
            customer_id=_customer(customer_id),
            plan_key=plan,
            success_url=checked_url(success_url, field="success_url", allowed_origins=allowed_origins),
            cancel_url=checked_url(cancel_url, field="cancel_url", allowed_origins=allowed_origins),
            currency=None if currency is None else known_currency(currency),
            cadence=None if interval is None else read_cadence(interval),
        )
        return flows.start_checkout.start_checkout(self.context, wish)

    def checkout(self, reference: str, *, customer_id: str | None = None) -> Checkout:
        """How it stands, asked of the provider: for the page that the customer comes back to.

        `reference` is our id or the provider's of its page, as `{CHECKOUT_SESSION_ID}` in the address tells it. Raises NotFound
        for none, and for another customer's.
        """
        checkout = self._checkout(reference, customer_id)
        flows.complete_checkout.complete_checkout(self.context, checkout.id)
        return self._checkout(checkout.id, customer_id)

    def _checkout(self, reference: str, customer_id: str | None) -> Checkout:
        with self.context.database.reading() as conn:
            checkout = storage.checkouts.find(conn, reference)
        if checkout is None or customer_id not in {None, checkout.customer_id}:
            raise NotFound("checkout: there is no such checkout", field="checkout")
        return checkout

    def pay_on_page(
        self, invoice_id: str, *, success_url: str, cancel_url: str, customer_id: str | None = None,
        allowed_origins: Collection[str] | None = None, actor: str = "system",
    ) -> Payment:  # fmt: skip
        """The payment of an open invoice, with the `url` of the provider's page on which it is paid: one page at a time.

        Whatever else would have collected the invoice is canceled first, so that it is paid once; a page whose day is over gives
        it back. An invoice that is collected by a hosted one is paid on that one's own page. Raises NotFound for none and for
        another customer's, Conflict for what is not open, ProviderUnavailable where the answer is not known: ask again.
        """
        page = Page(
            success_url=checked_url(success_url, field="success_url", allowed_origins=allowed_origins),
            cancel_url=checked_url(cancel_url, field="cancel_url", allowed_origins=allowed_origins),
        )
        payment = self._sent(invoice_id, page, customer_id, actor)
        self._url(payment)
        return payment

    def close_page(self, invoice_id: str, *, customer_id: str | None = None, actor: str = "system") -> Payment:
        """The payment of the invoice without a page of the provider's, as it was before `pay_on_page`. Raises as that does."""
        return self._sent(invoice_id, None, customer_id, actor)

    def _url(self, payment: Payment) -> str:
        if payment.url is None:
            message = f"{payment.id}: the provider did not open its page; nothing was charged; try again"
            raise ProviderUnavailable(message)
        return payment.url

    def _sent(self, invoice_id: str, page: Page | None, customer_id: str | None, actor: str) -> Payment:
        """Asked before and after: a page may be over without our knowing, and the next one is opened by collecting."""
        with self.context.database.reading() as conn:
            invoice = storage.invoices.get(conn, InvoiceId(invoice_id))
        if invoice is None or customer_id not in {None, invoice.customer_id}:
            raise NotFound("invoice: there is no such invoice", field="invoice")
        self._ask(invoice.id)
        payment = flows.pay_on_page.pay_on_page(self.context, invoice.id, page, actor=actor)
        collected = flows.collect.collect(self.context, payment.id)
        if collected.refusal is not None:
            raise ProviderRefused(f"the provider will not do it: {collected.refusal.message}", code="provider_refused")
        return collected.payment

    def _ask(self, invoice_id: InvoiceId) -> None:
        with self.context.database.reading() as conn:
            payment = storage.payments.of_invoice(conn, invoice_id)
        if payment is not None:
            flows.collect.collect(self.context, payment.id)

    def mending(self, token: str) -> Mending:
        """What the link in a letter is about, which asks nobody, and writes nothing. Raises NotFound for one that is not ours."""
        return flows.mend_payment.mending(self.context, token)

    def mend_payment(self, token: str) -> str | None:
        """Where the button behind the link in a letter leads to now, for one visit; None where nothing is left to be paid.

        To a page on which a card is saved, or the payment confirmed. Raises NotFound for a link that is not ours, Conflict while
        the payment is on its way, ProviderUnavailable.
        """
        mending = self.mending(token)
        if mending.is_over:
            return None
        if not mending.confirms:
            return flows.mend_payment.open_portal(self.context, mending)
        page = Page(success_url=mending.back, cancel_url=mending.back)
        return self._url(self._sent(mending.invoice.id, page, mending.invoice.customer_id, "customer"))

    def come_back(self, token: str) -> Mending:
        """The customer comes back: a new card pays at once, by a job; what was confirmed is asked for. Raises NotFound."""
        mending = flows.mend_payment.come_back(self.context, token)
        if mending.is_over or not mending.confirms:
            return mending
        self._ask(mending.invoice.id)
        return self.mending(token)

    def payment_methods(self, customer_id: str) -> Sequence[SavedMethod]:
        """What the customer has saved at the provider, the newest first, with the default marked."""
        return flows.payment_methods.payment_methods(self.context, _customer(customer_id))

    def set_default_payment_method(self, customer_id: str, method: str, *, actor: str = "system") -> Sequence[SavedMethod]:
        """From now on the customer is charged by this one, and what was declined is tried by it. Raises NotFound."""
        return flows.payment_methods.make_default(self.context, _customer(customer_id), method, actor=actor)

    def save_payment_method(self, customer_id: str) -> Saving:
        """The secret by which the customer's browser saves one, in a Payment Element of your own page. For that browser alone."""
        return flows.payment_methods.begin_saving(self.context, _customer(customer_id))

    def open_portal(self, customer_id: str, *, return_url: str, allowed_origins: Collection[str] | None = None) -> str:
        """The address at which the customer manages their payment methods; for one visit, which begins within minutes."""
        customer = _customer(customer_id)
        address = checked_url(return_url, field="return_url", allowed_origins=allowed_origins)
        return flows.open_portal.open_portal(self.context, customer, return_url=address)


def _customer(customer_id: str) -> CustomerId:
    return CustomerId(checked_key(customer_id, field="customer"))
