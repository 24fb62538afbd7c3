"""Subscriptions that the provider bills."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _subscriptions()
    _invoices()


def _subscriptions() -> None:
    name = "tallystick_followed_subscriptions"
    op.create_table(
        name,
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("plan_key", types.Key(), nullable=False),
        sa.Column("plan_version", types.Whole(), nullable=False),
        sa.Column("terms", types.JsonDoc(), nullable=False),
        sa.Column("trial_days", types.Whole(), nullable=False),
        sa.Column("standing", types.Key(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("asked_at", types.Instant(), nullable=True),
        sa.Column("ref", types.Key(), nullable=True),
        sa.Column("period_start", types.Instant(), nullable=True),
        sa.Column("period_end", types.Instant(), nullable=True),
        sa.Column("ends_with_period", types.Flag(), nullable=False),
        sa.Column("ended_at", types.Instant(), nullable=True),
        sa.Column("ending", types.Key(), nullable=False),
        sa.Column("wishes", types.Whole(), nullable=False),
        sa.Column("told", types.Whole(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("version", types.Whole(), nullable=False),
        sa.CheckConstraint(
            "standing IN ('active', 'canceled', 'incomplete', 'past_due', 'paused', 'refused', 'requested', "
            "'trialing', 'unpaid')",
            name=op.f(f"ck_{name}_standing"),
        ),
        sa.CheckConstraint("ending IN ('go_on', 'now', 'period_end')", name=op.f(f"ck_{name}_ending")),
        sa.CheckConstraint("period_start < period_end", name=op.f(f"ck_{name}_period")),
        sa.CheckConstraint("(period_start IS NULL) = (period_end IS NULL)", name=op.f(f"ck_{name}_whole_period")),
        sa.CheckConstraint("standing IN ('requested', 'refused') OR ref IS NOT NULL", name=op.f(f"ck_{name}_begun")),
        sa.CheckConstraint("0 <= told AND told <= wishes", name=op.f(f"ck_{name}_told")),
        sa.ForeignKeyConstraint(["customer_id"], ["tallystick_customers.id"], name=op.f(f"fk_{name}_tallystick_customers")),
        sa.ForeignKeyConstraint(
            ["plan_key", "plan_version"],
            ["tallystick_plan_versions.plan_key", "tallystick_plan_versions.version"],
            name=op.f(f"fk_{name}_tallystick_plan_versions"),
        ),
        sa.PrimaryKeyConstraint("customer_id", "id", name=op.f(f"pk_{name}")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_followed_subscriptions_id", name, ["id"])
    op.create_index("ix_tallystick_followed_subscriptions_plan", name, ["plan_key", "plan_version"])
    op.create_index("ix_tallystick_followed_subscriptions_standing", name, ["standing", "id"])
    named = sa.text("ref IS NOT NULL")
    op.create_index(
        "uq_tallystick_followed_subscriptions_ref", name, ["ref"], unique=True, sqlite_where=named, postgresql_where=named
    )


def _invoices() -> None:
    name = "tallystick_mirrored_invoices"
    op.create_table(
        name,
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("ref", types.Key(), nullable=False),
        sa.Column("subscription_id", types.Key(), nullable=False),
        sa.Column("standing", types.Key(), nullable=False),
        sa.Column("number", types.Key(), nullable=True),
        sa.Column("currency", types.Key(), nullable=False),
        sa.Column("total", types.Whole(), nullable=False),
        sa.Column("amount_due", types.Whole(), nullable=False),
        sa.Column("amount_paid", types.Whole(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("lines", types.JsonDoc(), nullable=False),
        sa.Column("asked_at", types.Instant(), nullable=False),
        sa.CheckConstraint("standing IN ('draft', 'open', 'paid', 'uncollectible', 'void')", name=op.f(f"ck_{name}_standing")),
        sa.CheckConstraint("length(currency) = 3", name=op.f(f"ck_{name}_currency")),
        sa.ForeignKeyConstraint(["customer_id"], ["tallystick_customers.id"], name=op.f(f"fk_{name}_tallystick_customers")),
        sa.ForeignKeyConstraint(
            ["customer_id", "subscription_id"],
            ["tallystick_followed_subscriptions.customer_id", "tallystick_followed_subscriptions.id"],
            name=op.f(f"fk_{name}_tallystick_followed_subscriptions"),
        ),
        sa.PrimaryKeyConstraint("customer_id", "ref", name=op.f(f"pk_{name}")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_mirrored_invoices_ref", name, ["ref"])
    op.create_index("ix_tallystick_mirrored_invoices_of_subscription", name, ["customer_id", "subscription_id"])
