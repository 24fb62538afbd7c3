"""One file per kind of object. TABLES is every endpoint of them."""

from tallystick.sandbox.objects import (
    charges,
    customers,
    events,
    payment_intents,
    payment_methods,
    refunds,
    setup_intents,
    test_clocks,
)

TABLES = [
    module.routes
    for module in (charges, customers, events, payment_intents, payment_methods, refunds, setup_intents, test_clocks)
]
