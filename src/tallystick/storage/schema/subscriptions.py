"""What is sold, and who has subscribed to it."""

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, PrimaryKeyConstraint, text

from tallystick.domain.subscriptions import Act, Anchoring, PeriodKind, Status
from tallystick.storage.schema.base import at, doc, flag, is_currency, key, of_customer, of_meter, one_of, table, whole

# Of subscriptions, said in the same words by the index and by the query that is to use it.
DUE = "due_at IS NOT NULL"
# Likewise, of periods that are over.
NOT_INVOICED = "invoiced = 0"

_SUBSCRIPTION = (
    ["customer_id", "subscription_id"],
    ["tallystick_subscriptions.customer_id", "tallystick_subscriptions.id"],
)

plan_versions = table(
    "plan_versions",
    key("plan_key"),
    whole("version"),
    doc("document"),
    at("created_at"),
    PrimaryKeyConstraint("plan_key", "version"),
    CheckConstraint("version > 0", name="version"),
)

subscriptions = table(
    "subscriptions",
    of_customer(),
    key("id"),
    key("status"),
    key("plan_key"),
    whole("plan_version"),
    doc("terms"),
    doc("next_terms", nullable=True),
    key("zone"),
    key("anchoring"),
    at("anchor"),
    at("started_at"),
    at("period_start"),
    at("period_end"),
    at("full_start"),
    at("full_end"),
    at("terms_since"),
    at("trial_end", nullable=True),
    flag("cancel_at_period_end"),
    at("paused_at", nullable=True),
    at("ended_at", nullable=True),
    doc("collection"),
    at("due_at", nullable=True),  # when something is to be done for it; null: never again
    whole("version"),
    PrimaryKeyConstraint("customer_id", "id"),
    ForeignKeyConstraint(["plan_key", "plan_version"], ["tallystick_plan_versions.plan_key", "tallystick_plan_versions.version"]),
    one_of("status", Status),
    one_of("anchoring", Anchoring),
    CheckConstraint("period_start < period_end AND full_start <= period_start AND period_end <= full_end", name="period"),
    CheckConstraint("(status = 'canceled') = (ended_at IS NOT NULL)", name="ended"),
    CheckConstraint("(status = 'paused') = (paused_at IS NOT NULL)", name="paused"),
    Index("ix_tallystick_subscriptions_id", "id"),
    Index("ix_tallystick_subscriptions_plan", "plan_key", "plan_version"),
    Index("ix_tallystick_subscriptions_status", "status", "id"),
    Index("ix_tallystick_subscriptions_due", "due_at", "id", sqlite_where=text(DUE), postgresql_where=text(DUE)),
)

subscription_periods = table(
    "subscription_periods",
    of_customer(),
    key("subscription_id"),
    at("period_start"),
    at("period_end"),
    at("full_start"),
    at("full_end"),
    at("terms_since"),
    key("kind"),
    doc("terms"),
    at("invoice_at"),
    flag("invoiced"),
    PrimaryKeyConstraint("customer_id", "subscription_id", "period_start"),
    ForeignKeyConstraint(*_SUBSCRIPTION),
    one_of("kind", PeriodKind),
    CheckConstraint("period_start < period_end AND full_start <= period_start AND period_end <= full_end", name="period"),
)

subscription_meters = table(
    "subscription_meters",
    of_customer(),
    key("charge_key"),
    at("counted_from"),
    key("subscription_id"),
    of_meter(),
    at("counted_until", nullable=True),
    PrimaryKeyConstraint("customer_id", "charge_key", "counted_from"),
    ForeignKeyConstraint(*_SUBSCRIPTION),
    CheckConstraint("counted_until >= counted_from", name="counted"),
    Index("ix_tallystick_subscription_meters_of_subscription", "customer_id", "subscription_id"),
)

subscription_previews = table(
    "subscription_previews",
    of_customer(),
    key("id"),
    key("subscription_id"),
    doc("terms"),
    key("act"),
    at("at"),
    at("expires_at"),
    key("currency"),
    whole("amount_due"),
    key("fingerprint"),
    whole("subscription_version"),
    flag("accepted"),
    PrimaryKeyConstraint("customer_id", "id"),
    is_currency(),
    one_of("act", Act),
    Index("ix_tallystick_subscription_previews_id", "id"),
    Index("ix_tallystick_subscription_previews_expires", "expires_at"),
)

deferred_revenue = table(
    "deferred_revenue",
    of_customer(),
    key("line_id"),
    key("invoice_id"),
    key("currency"),
    whole("amount"),
    at("due_at"),
    PrimaryKeyConstraint("customer_id", "line_id"),
    is_currency(),
    Index("ix_tallystick_deferred_revenue_due", "due_at"),
    Index("ix_tallystick_deferred_revenue_of_invoice", "customer_id", "invoice_id"),
)
