"""Rows in, values out: SQLAlchemy Core on SQLite and PostgreSQL. Every function takes `conn` first and never commits."""

from tallystick.storage import (
    accounts,
    alerts,
    api_keys,
    audit,
    boots,
    catalog,
    checkouts,
    coupons,
    credit_notes,
    credits,
    customers,
    disputes,
    endpoints,
    entitlements,
    idempotency,
    invariants,
    invoices,
    jobs,
    leases,
    ledger,
    messages,
    payments,
    plans,
    previews,
    provider_events,
    quotas,
    refunds,
    reports,
    revenue,
    settings,
    spend_caps,
    subscriptions,
    usage,
    usage_hours,
)
from tallystick.storage.database import Database

__all__ = [
    "Database",
    "accounts",
    "alerts",
    "api_keys",
    "audit",
    "boots",
    "catalog",
    "checkouts",
    "coupons",
    "credit_notes",
    "credits",
    "customers",
    "disputes",
    "endpoints",
    "entitlements",
    "idempotency",
    "invariants",
    "invoices",
    "jobs",
    "leases",
    "ledger",
    "messages",
    "migrate",
    "payments",
    "plans",
    "previews",
    "provider_events",
    "quotas",
    "refunds",
    "reports",
    "revenue",
    "settings",
    "spend_caps",
    "subscriptions",
    "usage",
    "usage_hours",
]


def migrate(url: str) -> None:
    """Brings the database at `url` to the newest schema."""
    database = Database.from_url(url)
    try:
        database.migrate()
    finally:
        database.close()
