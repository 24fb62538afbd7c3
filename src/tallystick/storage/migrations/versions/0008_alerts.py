"""Alerts, and what is sent out: mail and webhooks."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _alerts()
    _alert_thresholds()
    _endpoints()
    _messages()
    _dispatches()
    op.create_index("ix_tallystick_usage_rollups_hour", "tallystick_usage_rollups", ["hour"], unique=False)


def _alerts() -> None:
    op.create_table(
        "tallystick_alerts",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("kind", types.Key(), nullable=False),
        sa.Column("subject", types.Key(), nullable=False),
        sa.Column("period_start", types.Instant(), nullable=False),
        sa.Column("threshold", types.Whole(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("facts", types.JsonDoc(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "id", name=op.f("pk_tallystick_alerts")),
        sa.UniqueConstraint(
            "customer_id", "kind", "subject", "period_start", "threshold", name=op.f("uq_tallystick_alerts_once")
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_alerts_id", "tallystick_alerts", ["id"], unique=False)
    op.create_index("ix_tallystick_alerts_newest", "tallystick_alerts", ["at", "id"], unique=False)
    op.create_index("ix_tallystick_alerts_of_customer", "tallystick_alerts", ["customer_id", "at", "id"], unique=False)


def _alert_thresholds() -> None:
    op.create_table(
        "tallystick_alert_thresholds",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("meter_key", types.Key(), nullable=False),
        sa.Column("percents", types.JsonDoc(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_alert_thresholds_tallystick_customers")
        ),
        sa.ForeignKeyConstraint(
            ["meter_key"], ["tallystick_meters.key"], name=op.f("fk_tallystick_alert_thresholds_tallystick_meters")
        ),
        sa.PrimaryKeyConstraint("customer_id", "meter_key", name=op.f("pk_tallystick_alert_thresholds")),
        sqlite_strict=True,
    )


def _endpoints() -> None:
    op.create_table(
        "tallystick_endpoints",
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("types", types.JsonDoc(), nullable=False),
        sa.Column("only_for", types.Key(), nullable=True),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("enabled", types.Flag(), nullable=False),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("secret_number", types.Whole(), nullable=False),
        sa.Column("overlap_until", types.Instant(), nullable=True),
        sa.Column("failures", types.Whole(), nullable=False),
        sa.Column("paused_until", types.Instant(), nullable=True),
        sa.Column("delivered_at", types.Instant(), nullable=True),
        sa.CheckConstraint("secret_number >= 1 AND failures >= 0", name=op.f("ck_tallystick_endpoints_counts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tallystick_endpoints")),
        sqlite_strict=True,
    )


def _messages() -> None:
    op.create_table(
        "tallystick_messages",
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("type", types.Key(), nullable=False),
        sa.Column("about", types.Key(), nullable=True),
        sa.Column("body", types.JsonDoc(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tallystick_messages")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_messages_newest", "tallystick_messages", ["created_at", "id"], unique=False)


def _dispatches() -> None:
    op.create_table(
        "tallystick_dispatches",
        sa.Column("message_id", types.Key(), nullable=False),
        sa.Column("target", types.Key(), nullable=False),
        sa.Column("channel", types.Key(), nullable=False),
        sa.Column("status", types.Key(), nullable=False),
        sa.Column("attempts", types.Whole(), nullable=False),
        sa.Column("began_at", types.Instant(), nullable=False),
        sa.Column("next_at", types.Instant(), nullable=True),
        sa.Column("response_status", types.Whole(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("settled_at", types.Instant(), nullable=True),
        sa.CheckConstraint("channel IN ('mail', 'webhook')", name=op.f("ck_tallystick_dispatches_channel")),
        sa.CheckConstraint("status IN ('delivered', 'failed', 'waiting')", name=op.f("ck_tallystick_dispatches_status")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_tallystick_dispatches_attempts")),
        sa.CheckConstraint("(status = 'waiting') = (settled_at IS NULL)", name=op.f("ck_tallystick_dispatches_settled")),
        sa.ForeignKeyConstraint(
            ["message_id"], ["tallystick_messages.id"], name=op.f("fk_tallystick_dispatches_tallystick_messages")
        ),
        sa.PrimaryKeyConstraint("message_id", "target", name=op.f("pk_tallystick_dispatches")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_tallystick_dispatches_channel", "tallystick_dispatches", ["channel", "began_at", "message_id"], unique=False
    )
