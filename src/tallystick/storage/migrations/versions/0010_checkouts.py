"""Checkouts at the provider."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tallystick_checkouts",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("plan_key", types.Key(), nullable=False),
        sa.Column("plan_version", types.Whole(), nullable=False),
        sa.Column("currency", types.Key(), nullable=False),
        sa.Column("interval", types.Key(), nullable=False),
        sa.Column("success_url", sa.Text(), nullable=False),
        sa.Column("cancel_url", sa.Text(), nullable=False),
        sa.Column("fingerprint", types.Key(), nullable=False),
        sa.Column("number", types.Whole(), nullable=False),
        sa.Column("status", types.Key(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=False),
        sa.Column("ref", types.Key(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("payment_method", types.Key(), nullable=True),
        sa.Column("subscription_id", types.Key(), nullable=True),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_tallystick_checkouts_currency")),
        sa.CheckConstraint("created_at < expires_at", name=op.f("ck_tallystick_checkouts_expires")),
        sa.CheckConstraint("(status = 'complete') = (payment_method IS NOT NULL)", name=op.f("ck_tallystick_checkouts_complete")),
        sa.CheckConstraint("subscription_id IS NULL OR status = 'complete'", name=op.f("ck_tallystick_checkouts_subscription")),
        sa.CheckConstraint("status IN ('complete', 'expired', 'open')", name=op.f("ck_tallystick_checkouts_status")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_checkouts_tallystick_customers")
        ),
        sa.PrimaryKeyConstraint("customer_id", "id", name=op.f("pk_tallystick_checkouts")),
        sa.UniqueConstraint("customer_id", "fingerprint", "number", name=op.f("uq_tallystick_checkouts_once")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_checkouts_id", "tallystick_checkouts", ["id"], unique=False)
    op.create_index(
        "uq_tallystick_checkouts_ref",
        "tallystick_checkouts",
        ["ref"],
        unique=True,
        sqlite_where=sa.text("ref IS NOT NULL"),
        postgresql_where=sa.text("ref IS NOT NULL"),
    )
