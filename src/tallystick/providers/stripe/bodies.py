"""What we send to Stripe. Pure, and nothing in it depends on when it is sent: a key stands for one body only."""

from datetime import datetime, timedelta

from stripe import RequestOptions
from stripe.params import (
    CustomerUpdateParams,
    InvoiceCreateParams,
    InvoiceItemCreateParams,
    PaymentIntentCreateParams,
    RefundCreateParams,
)
from stripe.params.checkout import SessionCreateParams

from tallystick.domain.customers import Customer
from tallystick.providers.protocol import CheckoutRequest, PaymentRequest, RefundRequest, RequestedLine
from tallystick.providers.stripe.translate import CHECKOUT, CUSTOMER, INVOICE, LINE, PAYMENT, REFUND
from tallystick.values.ids import derived
from tallystick.values.money import Money
from tallystick.values.time import EPOCH, Period

LINES_MAX = 250  # on one invoice of Stripe's
TEXT_LENGTH_MAX = 500
PRODUCT_LENGTH_MAX = 250
KEY_LENGTH_MAX = 255


def options(key: str) -> RequestOptions:
    """Our key; where it would not pass as a header, a digest of it, which stands for it as well."""
    return {"idempotency_key": key if key.isascii() and len(key) <= KEY_LENGTH_MAX else derived("key", key)}


def customer(customer: Customer) -> CustomerUpdateParams:
    """What a customer is called, as far as we know."""
    body: CustomerUpdateParams = {}
    if customer.email:
        body["email"] = customer.email
    if customer.name:
        body["name"] = customer.name
    return body


def intent(request: PaymentRequest) -> PaymentIntentCreateParams:
    """A payment intent that waits for the buyer, or for us, and keeps the card for the next time.

    No method that redirects: we confirm from here as well, where there is no page to come back to.
    """
    return {
        "amount": request.amount.minor,
        "currency": request.amount.currency.code,
        "customer": request.customer_ref,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "setup_future_usage": "off_session",
        "description": request.description[:TEXT_LENGTH_MAX],
        "metadata": _metadata(request),
    }


def invoice(request: PaymentRequest) -> InvoiceCreateParams:
    """An empty draft that stays one until we finalise it, and takes up nothing but what we put on it."""
    return {
        "customer": request.customer_ref,
        "currency": request.amount.currency.code,
        "auto_advance": False,
        "collection_method": "send_invoice",
        "due_date": _seconds(request.due_at),
        "pending_invoice_items_behavior": "exclude",
        "description": request.description[:TEXT_LENGTH_MAX],
        "metadata": _metadata(request),
    }


def item(ref: str, request: PaymentRequest, line: RequestedLine) -> InvoiceItemCreateParams:
    """One line, rated by us to the cent; no discount of Stripe's may touch it."""
    return {
        "customer": request.customer_ref,
        "invoice": ref,
        "amount": line.amount.minor,
        "currency": line.amount.currency.code,
        "description": line.description[:TEXT_LENGTH_MAX],
        "discountable": False,
        "period": {"start": _seconds(line.period.start), "end": _seconds(line.period.end)},
        "metadata": {**_metadata(request), LINE: line.id},
    }


def checkout(request: CheckoutRequest) -> SessionCreateParams:
    """A page that saves a payment method and charges nothing. Open for as long as Stripe likes, which is a day: an instant
    of ours would differ from one try to the next.
    """
    named: dict[str, str] = {CHECKOUT: request.reference}
    return {
        "mode": "setup",
        "currency": request.currency.code,
        "customer": request.customer_ref,
        "client_reference_id": request.reference,
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
        "metadata": named,
        "setup_intent_data": {"metadata": named},
    }


def page(request: PaymentRequest) -> SessionCreateParams:
    """A page on which the invoice is paid, as one line, for Stripe takes no negative ones; it keeps the card for the next time.

    Its payment intent does not say which invoice it is for: the page does, and booking both would book the money twice.
    """
    assert request.page is not None, f"{request.invoice_id}: only who is sent to a page comes back from one"
    made_by: dict[str, str] = {CUSTOMER: request.customer_id, PAYMENT: request.payment_id or request.invoice_id}
    return {
        "mode": "payment",
        "customer": request.customer_ref,
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": request.amount.currency.code,
                    "unit_amount": request.amount.minor,
                    "product_data": {"name": request.description[:PRODUCT_LENGTH_MAX]},
                },
            }
        ],
        # Else the customer might pay in a currency in which the invoice is not.
        "adaptive_pricing": {"enabled": False},
        "success_url": request.page.success_url,
        "cancel_url": request.page.cancel_url,
        "metadata": _metadata(request),
        "payment_intent_data": {
            "setup_future_usage": "off_session",
            "description": request.description[:TEXT_LENGTH_MAX],
            "metadata": made_by,
        },
    }


def refund(intent_ref: str, request: RefundRequest) -> RefundCreateParams:
    """So much of what the payment intent collected, named so that we find it again. Why, is ours to know."""
    return {
        "payment_intent": intent_ref,
        "amount": request.amount.minor,
        "metadata": {INVOICE: request.invoice_id, REFUND: request.refund_id},
    }


def fitted(lines: tuple[RequestedLine, ...]) -> tuple[RequestedLine, ...]:
    """At most as many lines as fit: the smallest become one, at the end; which they are depends on the lines alone."""
    if len(lines) <= LINES_MAX:
        return lines
    by_size = sorted(lines, key=lambda line: (-abs(line.amount.minor), line.id))
    shown = {line.id for line in by_size[: LINES_MAX - 1]}
    rest = [line for line in lines if line.id not in shown]
    period = Period(min(line.period.start for line in rest), max(line.period.end for line in rest))
    name = derived("line", *sorted(line.id for line in rest))
    merged = RequestedLine(name, f"{len(rest)} smaller lines", total(tuple(rest)), period)
    return (*(line for line in lines if line.id in shown), merged)


def total(lines: tuple[RequestedLine, ...]) -> Money:
    """The sum; there is at least one line."""
    return sum((line.amount for line in lines[1:]), lines[0].amount)


def _metadata(request: PaymentRequest) -> dict[str, str]:
    named = {INVOICE: request.invoice_id, CUSTOMER: request.customer_id}
    # Said of a second payment only: what was asked before there were any is asked again in the same words.
    return named if request.payment_id is None else {**named, PAYMENT: request.payment_id}


def _seconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(seconds=1)
