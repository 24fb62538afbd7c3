"""One file per kind of object. TABLES is every endpoint of them."""

from tallystick.sandbox.objects import (
    charges,
    customers,
    disputes,
    events,
    invoice_items,
    invoices,
    payment_intents,
    payment_methods,
    products,
    refunds,
    setup_intents,
    test_clocks,
)

TABLES = [
    module.routes
    for module in (
        charges, customers, disputes, events, invoice_items, invoices, payment_intents, payment_methods, products, refunds,
        setup_intents, test_clocks,
    )
]  # fmt: skip
