"""Subscriptions that the provider bills, and its invoices of them, as it shows them."""

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, PrimaryKeyConstraint

from tallystick.domain.provider_subscriptions import End, InvoiceStanding, Standing
from tallystick.storage.schema.base import at, doc, flag, is_currency, key, of_customer, one_of, table, unique_where, whole, words

followed_subscriptions = table(
    "followed_subscriptions",
    of_customer(),
    key("id"),
    key("plan_key"),
    whole("plan_version"),
    doc("terms"),
    whole("trial_days"),
    key("standing"),
    at("created_at"),
    at("asked_at", nullable=True),
    key("ref", nullable=True),
    at("period_start", nullable=True),
    at("period_end", nullable=True),
    flag("ends_with_period"),
    at("ended_at", nullable=True),
    key("ending"),
    whole("wishes"),
    whole("told"),
    words("reason", nullable=True),
    whole("version"),
    PrimaryKeyConstraint("customer_id", "id"),
    ForeignKeyConstraint(["plan_key", "plan_version"], ["tallystick_plan_versions.plan_key", "tallystick_plan_versions.version"]),
    one_of("standing", Standing),
    one_of("ending", End),
    CheckConstraint("period_start < period_end", name="period"),
    CheckConstraint("(period_start IS NULL) = (period_end IS NULL)", name="whole_period"),
    CheckConstraint("standing IN ('requested', 'refused') OR ref IS NOT NULL", name="begun"),
    CheckConstraint("0 <= told AND told <= wishes", name="told"),
    Index("ix_tallystick_followed_subscriptions_id", "id"),
    Index("ix_tallystick_followed_subscriptions_plan", "plan_key", "plan_version"),
    Index("ix_tallystick_followed_subscriptions_standing", "standing", "id"),
    unique_where("uq_tallystick_followed_subscriptions_ref", "ref", where="ref IS NOT NULL"),
)

mirrored_invoices = table(
    "mirrored_invoices",
    of_customer(),
    key("ref"),
    key("subscription_id"),
    key("standing"),
    key("number", nullable=True),
    key("currency"),
    whole("total"),
    whole("amount_due"),
    whole("amount_paid"),
    at("created_at"),
    words("url", nullable=True),
    doc("lines"),
    at("asked_at"),
    PrimaryKeyConstraint("customer_id", "ref"),
    ForeignKeyConstraint(
        ["customer_id", "subscription_id"],
        ["tallystick_followed_subscriptions.customer_id", "tallystick_followed_subscriptions.id"],
    ),
    one_of("standing", InvoiceStanding),
    is_currency(),
    Index("ix_tallystick_mirrored_invoices_ref", "ref"),
    Index("ix_tallystick_mirrored_invoices_of_subscription", "customer_id", "subscription_id"),
)
