"""Spend caps."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tallystick_spend_caps",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("limit_minor", types.Whole(), nullable=False),
        sa.Column("currency", types.Key(), nullable=False),
        sa.Column("policy", types.Key(), nullable=False),
        sa.Column("zone", types.Key(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.CheckConstraint("policy IN ('hard', 'soft')", name=op.f("ck_tallystick_spend_caps_policy")),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_tallystick_spend_caps_currency")),
        sa.CheckConstraint("limit_minor >= 0", name=op.f("ck_tallystick_spend_caps_limit")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_spend_caps_tallystick_customers")
        ),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_tallystick_spend_caps")),
        sqlite_strict=True,
    )
