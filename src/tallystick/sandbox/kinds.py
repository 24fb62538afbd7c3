"""Every kind of object that the sandbox keeps: how its ids begin, which class of the SDK describes it, what it is found by."""

from dataclasses import dataclass

import stripe
from stripe import billing, billing_portal, checkout, test_helpers
from stripe.v2 import core


@dataclass(frozen=True)
class Kind:
    """`indexed` fields can be listed by; `absent` ones are left out until a caller expands or sets them, as Stripe does."""

    name: str
    prefix: str
    resource: type[stripe.StripeObject]
    url: str = ""
    indexed: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


_ALL = (
    Kind("account", "acct_", stripe.Account, "/v1/account"),
    Kind(
        "customer",
        "cus_",
        stripe.Customer,
        "/v1/customers",
        ("email", "test_clock"),
        ("cash_balance", "invoice_credit_balance", "sources", "subscriptions", "tax", "tax_ids"),
    ),
    Kind("customer_balance_transaction", "cbtxn_", stripe.CustomerBalanceTransaction, "", ("customer", "invoice")),
    Kind("product", "prod_", stripe.Product, "/v1/products"),
    Kind("price", "price_", stripe.Price, "/v1/prices", ("product", "lookup_key"), ("tiers", "currency_options")),
    Kind("coupon", "", stripe.Coupon, "/v1/coupons", (), ("applies_to", "currency_options")),
    Kind("promotion_code", "promo_", stripe.PromotionCode, "/v1/promotion_codes", ("_code", "_coupon")),
    Kind("discount", "di_", stripe.Discount),
    Kind(
        "subscription",
        "sub_",
        stripe.Subscription,
        "/v1/subscriptions",
        ("customer", "test_clock"),
        ("managed_payments", "presentment_details"),
    ),
    Kind(
        "subscription_item",
        "si_",
        stripe.SubscriptionItem,
        "/v1/subscription_items",
        ("subscription",),
        ("billed_until", "current_trial", "quantity"),
    ),
    Kind("credit_note", "cn_", stripe.CreditNote, "/v1/credit_notes", ("invoice", "customer")),
    Kind("credit_note_line_item", "cnli_", stripe.CreditNoteLineItem, "", ("_credit_note",)),
    Kind("invoiceitem", "ii_", stripe.InvoiceItem, "/v1/invoiceitems", ("customer", "invoice")),
    Kind("line_item", "il_", stripe.InvoiceLineItem, "", ("invoice",)),
    Kind(
        "invoice",
        "in_",
        stripe.Invoice,
        "/v1/invoices",
        ("customer", "status", "test_clock", "_token", "_subscription"),
        ("confirmation_secret", "payments", "threshold_reason"),
    ),
    Kind("invoice_payment", "inpay_", stripe.InvoicePayment, "/v1/invoice_payments", ("invoice", "_payment_intent")),
    Kind("payment_intent", "pi_", stripe.PaymentIntent, "/v1/payment_intents", ("customer",)),
    Kind("setup_intent", "seti_", stripe.SetupIntent, "/v1/setup_intents", ("customer", "payment_method")),
    Kind("payment_method", "pm_", stripe.PaymentMethod, "/v1/payment_methods", ("customer",)),
    Kind("charge", "ch_", stripe.Charge, "/v1/charges", ("customer", "payment_intent"), ("refunds", "level3", "source")),
    Kind(
        "refund",
        "re_",
        stripe.Refund,
        "/v1/refunds",
        ("charge", "payment_intent"),
        ("failure_balance_transaction", "failure_reason", "instructions_email", "next_action", "pending_reason"),
    ),
    Kind("dispute", "du_", stripe.Dispute, "/v1/disputes", ("charge", "payment_intent"), ("intended_submission_method",)),
    Kind("balance_transaction", "txn_", stripe.BalanceTransaction, "/v1/balance_transactions", ("source",)),
    Kind("event", "evt_", stripe.Event, "/v1/events", ("type",), ("account", "context")),
    Kind("webhook_endpoint", "we_", stripe.WebhookEndpoint, "/v1/webhook_endpoints", (), ("secret",)),
    Kind(
        "checkout.session",
        "cs_test_",
        checkout.Session,
        "/v1/checkout/sessions",
        ("customer", "status", "payment_intent", "subscription", "_token"),
        ("line_items", "optional_items", "presentment_details"),
    ),
    Kind("billing_portal.configuration", "bpc_", billing_portal.Configuration, "/v1/billing_portal/configurations"),
    Kind("billing_portal.session", "bps_", billing_portal.Session, "", ("_token",), ("after_expiration",)),
    Kind("billing.meter", "mtr_", billing.Meter, "/v1/billing/meters", ("status", "event_name")),
    Kind("v2.core.event_destination", "ed_test_", core.EventDestination),
    # Its prefix is in no other object's fields, so that nothing takes one of these for an event of version 1.
    Kind("v2.core.event", "evt_test_", core.Event, "", (), ("snapshot_event", "changes", "context")),
    Kind("test_helpers.test_clock", "clock_", test_helpers.TestClock, "/v1/test_helpers/test_clocks"),
)
KINDS = {kind.name: kind for kind in _ALL}
# Our own records, which no caller sees.
_OWN: dict[str, tuple[str, ...]] = {
    "idempotency": (),
    "delivery": (),
    "meter_event": ("_slot", "identifier"),
    "meter_error": ("meter",),
}
INDEXED: dict[str, tuple[str, ...]] = {kind.name: kind.indexed for kind in _ALL} | _OWN
_BY_PREFIX = {kind.prefix: kind.name for kind in _ALL}


def kind_of_id(identifier: str) -> str | None:
    """The kind that an id says it is of."""
    head, separator, _ = identifier.partition("_")
    return _BY_PREFIX.get(head + separator)
