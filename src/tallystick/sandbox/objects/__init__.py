"""One file per kind of object. TABLES is every endpoint of them."""

from tallystick.sandbox.objects import (
    account,
    billing_portal,
    charges,
    checkout_sessions,
    coupons,
    credit_notes,
    customers,
    disputes,
    event_destinations,
    events,
    invoice_items,
    invoices,
    meter_events,
    meters,
    payment_intents,
    payment_methods,
    previews,
    products,
    refunds,
    setup_intents,
    subscription_items,
    subscriptions,
    test_clocks,
)

TABLES = [
    module.routes
    for module in (
        account, billing_portal, charges, checkout_sessions, coupons, credit_notes, customers, disputes, event_destinations,
        events, invoice_items, invoices, meter_events, meters, payment_intents, payment_methods, previews, products, refunds,
        setup_intents, subscription_items, subscriptions, test_clocks,
    )
]  # fmt: skip
