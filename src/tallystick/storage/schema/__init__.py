"""Every table, with its rules. A customer's row has the customer in each of its unique and foreign keys."""

from tallystick.storage.schema.accounts import accounts, sessions, tries
from tallystick.storage.schema.alerts import alert_thresholds, alerts, dispatches, endpoints, messages
from tallystick.storage.schema.base import ALIVE, APPEND_ONLY, HELD, LEFT, NOT_FINAL, TO_EXPORT, metadata
from tallystick.storage.schema.business import counters, settings
from tallystick.storage.schema.catalog import charges, customers, meters
from tallystick.storage.schema.checkouts import checkouts
from tallystick.storage.schema.coupons import coupons, discounts, invoice_discounts, promotion_codes
from tallystick.storage.schema.credit_notes import credit_note_lines, credit_notes, refunds
from tallystick.storage.schema.credits import credit_burns, credit_grants
from tallystick.storage.schema.dunning import dunning, dunning_tries
from tallystick.storage.schema.invoices import invoice_lines, invoices, ledger_entries, ledger_transactions, payments
from tallystick.storage.schema.operations import observations, watches
from tallystick.storage.schema.provider_catalogue import provider_items
from tallystick.storage.schema.provider_subscriptions import followed_subscriptions, mirrored_invoices
from tallystick.storage.schema.quotas import entitlements, quota_counters, quota_operations, spend_caps
from tallystick.storage.schema.reconciliation import disputes, reconciliations
from tallystick.storage.schema.subscriptions import (
    deferred_revenue,
    plan_versions,
    subscription_meters,
    subscription_periods,
    subscription_previews,
    subscriptions,
)
from tallystick.storage.schema.usage import billing_positions, event_amendments, events, late_usage, usage_rollups, usage_uniques
from tallystick.storage.schema.usage_exports import usage_export_hours, usage_exports
from tallystick.storage.schema.work import api_keys, audit, boots, idempotency_keys, jobs, provider_events

__all__ = [
    "ALIVE",
    "APPEND_ONLY",
    "HELD",
    "LEFT",
    "NOT_FINAL",
    "TO_EXPORT",
    "accounts",
    "alert_thresholds",
    "alerts",
    "api_keys",
    "audit",
    "billing_positions",
    "boots",
    "charges",
    "checkouts",
    "counters",
    "coupons",
    "credit_burns",
    "credit_grants",
    "credit_note_lines",
    "credit_notes",
    "customers",
    "deferred_revenue",
    "discounts",
    "dispatches",
    "disputes",
    "dunning",
    "dunning_tries",
    "endpoints",
    "entitlements",
    "event_amendments",
    "events",
    "followed_subscriptions",
    "idempotency_keys",
    "invoice_discounts",
    "invoice_lines",
    "invoices",
    "jobs",
    "late_usage",
    "ledger_entries",
    "ledger_transactions",
    "messages",
    "metadata",
    "meters",
    "mirrored_invoices",
    "observations",
    "payments",
    "plan_versions",
    "promotion_codes",
    "provider_events",
    "provider_items",
    "quota_counters",
    "quota_operations",
    "reconciliations",
    "refunds",
    "sessions",
    "settings",
    "spend_caps",
    "subscription_meters",
    "subscription_periods",
    "subscription_previews",
    "subscriptions",
    "tries",
    "usage_export_hours",
    "usage_exports",
    "usage_rollups",
    "usage_uniques",
    "watches",
]
