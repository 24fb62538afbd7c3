"""Every table, with its rules. A customer's row has the customer in each of its unique and foreign keys."""

from tallystick.storage.schema.base import APPEND_ONLY, HELD, NOT_FINAL, metadata
from tallystick.storage.schema.business import counters, settings
from tallystick.storage.schema.catalog import charges, customers, meters
from tallystick.storage.schema.invoices import invoice_lines, invoices, ledger_entries, ledger_transactions, payments
from tallystick.storage.schema.quotas import entitlements, quota_counters, quota_operations
from tallystick.storage.schema.usage import billing_positions, events, late_usage, usage_rollups, usage_uniques
from tallystick.storage.schema.work import api_keys, audit, boots, idempotency_keys, jobs, provider_events

__all__ = [
    "APPEND_ONLY",
    "HELD",
    "NOT_FINAL",
    "api_keys",
    "audit",
    "billing_positions",
    "boots",
    "charges",
    "counters",
    "customers",
    "entitlements",
    "events",
    "idempotency_keys",
    "invoice_lines",
    "invoices",
    "jobs",
    "late_usage",
    "ledger_entries",
    "ledger_transactions",
    "metadata",
    "meters",
    "payments",
    "provider_events",
    "quota_counters",
    "quota_operations",
    "settings",
    "usage_rollups",
    "usage_uniques",
]
