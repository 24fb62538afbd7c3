"""Rows in, values out: SQLAlchemy Core on SQLite and PostgreSQL. Every function takes `conn` first and never commits."""

from tallystick.storage import (
    accounts,
    api_keys,
    audit,
    boots,
    catalog,
    coupons,
    credits,
    customers,
    entitlements,
    idempotency,
    invariants,
    invoices,
    jobs,
    ledger,
    payments,
    provider_events,
    quotas,
    reports,
    settings,
    usage,
)
from tallystick.storage.database import Database

__all__ = [
    "Database",
    "accounts",
    "api_keys",
    "audit",
    "boots",
    "catalog",
    "coupons",
    "credits",
    "customers",
    "entitlements",
    "idempotency",
    "invariants",
    "invoices",
    "jobs",
    "ledger",
    "migrate",
    "payments",
    "provider_events",
    "quotas",
    "reports",
    "settings",
    "usage",
]


def migrate(url: str) -> None:
    """Brings the database at `url` to the newest schema."""
    database = Database.from_url(url)
    try:
        database.migrate()
    finally:
        database.close()
