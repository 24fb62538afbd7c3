"""Rules and maths of billing: pure functions on frozen values. No I/O, no clock, no settings."""

from tallystick.domain import (
    api_keys,
    catalog,
    catalog_documents,
    customers,
    entitlements,
    invoices,
    ledger,
    payments,
    rating,
    uptime,
    usage,
)

__all__ = [
    "api_keys",
    "catalog",
    "catalog_documents",
    "customers",
    "entitlements",
    "invoices",
    "ledger",
    "payments",
    "rating",
    "uptime",
    "usage",
]
