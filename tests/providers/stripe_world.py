"""A sandbox, the SDK on top of it, and the provider on top of that: real all the way, and on one clock."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import stripe

from tallystick.domain.checkouts import ProviderCheckout
from tallystick.domain.customers import Customer
from tallystick.domain.payments import Method, ProviderPayment
from tallystick.providers.protocol import PaymentRequest, RequestedLine
from tallystick.providers.stripe.client import StripeProvider
from tallystick.sandbox import Faults, InProcessClient, Sandbox, pages
from tallystick.values.ids import CustomerId, InvoiceId
from tallystick.values.money import USD, Money
from tallystick.values.time import Period

START = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
OCTOBER = Period(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
KEY = "sk_test_world"
SECRET = "whsec_" + "0123456789" * 3


class TurnedClock:
    """Stands still until it is turned."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - START).total_seconds()


class World:
    """What a test needs to speak with Stripe, and to see what Stripe then holds."""

    def __init__(self, before_call: Callable[[], None] = lambda: None) -> None:
        self.clock, self.faults = TurnedClock(), Faults(seed=1)
        self.sandbox = Sandbox(clock=self.clock, seed=1, faults=self.faults)
        self.provider = self.provider_with(SECRET, before_call)
        self.stripe = stripe.StripeClient(KEY, http_client=InProcessClient(self.sandbox), max_network_retries=0).v1

    def provider_with(self, secret: str, before_call: Callable[[], None] = lambda: None) -> StripeProvider:
        """The provider, listening for what is signed with that secret."""
        return StripeProvider(KEY, webhook_secrets=[secret], http_client=InProcessClient(self.sandbox), before_call=before_call)

    def interrupted(self, call: int, what: Callable[[], object]) -> StripeProvider:
        """The provider, overtaken: just before its request of that number, somebody else does `what`."""
        counted = itertools.count(1)

        def before_call() -> None:
            if next(counted) == call:
                what()

        return self.provider_with(SECRET, before_call)

    def passes(self, time: timedelta) -> None:
        self.clock.at += time

    def customer(self, identifier: str = "ada", *, card: str | None = None) -> str:
        """A customer of ours at Stripe, with that card as the default."""
        named = Customer(CustomerId(identifier), START, email=f"{identifier}@example.com", name=identifier.title())
        ref = self.provider.ensure_customer(named, key=f"customer:{identifier}")
        assert isinstance(ref, str)
        if card:
            method = self.stripe.payment_methods.attach(card, {"customer": ref})
            self.stripe.customers.update(ref, {"invoice_settings": {"default_payment_method": method.id}})
        return ref

    def completes(self, page: ProviderCheckout, card: str) -> int:
        """The customer saves that card on the page; the status of what they then see."""
        assert page.url is not None
        path = page.url.removeprefix(self.sandbox.public_url)
        return pages.answer(self.sandbox, "POST", path, f"card={card}".encode())[0]

    def pays_on(self, payment: ProviderPayment, card: str) -> int:
        """The customer pays by that card on the payment's page; the status of what they then see."""
        assert payment.url is not None
        path = payment.url.removeprefix(self.sandbox.public_url)
        return pages.answer(self.sandbox, "POST", path, f"card={card}".encode())[0]

    def request(self, customer_ref: str, method: Method, *amounts: int, invoice: str = "inv_1") -> PaymentRequest:
        """To collect these cents, one line for each."""
        lines = tuple(
            RequestedLine(f"{invoice}_line_{number}", f"Line {number}", Money(amount, USD), OCTOBER)
            for number, amount in enumerate(amounts or (1000, 490))
        )
        amount = sum((line.amount for line in lines[1:]), lines[0].amount)
        due_at = START + timedelta(days=14)
        return PaymentRequest(InvoiceId(invoice), CustomerId("ada"), customer_ref, amount, method, "October", due_at, lines)
