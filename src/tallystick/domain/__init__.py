"""Rules and maths of billing: pure functions on frozen values. No I/O, no clock, no settings."""

from tallystick.domain import (
    accounts,
    api_keys,
    catalog,
    catalog_documents,
    customers,
    entitlements,
    invoices,
    ledger,
    lines,
    payments,
    rating,
    uptime,
    usage,
)

__all__ = [
    "accounts",
    "api_keys",
    "catalog",
    "catalog_documents",
    "customers",
    "entitlements",
    "invoices",
    "ledger",
    "lines",
    "payments",
    "rating",
    "uptime",
    "usage",
]
