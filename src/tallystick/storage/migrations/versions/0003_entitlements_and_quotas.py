"""Entitlements and quotas."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_HELD = "status = 'reserved'"


def upgrade() -> None:
    _entitlements()
    _quota_counters()
    _quota_operations()


def _entitlements() -> None:
    op.create_table(
        "tallystick_entitlements",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("meter_key", types.Key(), nullable=False),
        sa.Column("quota_limit", types.Whole(), nullable=True),
        sa.Column("policy", types.Key(), nullable=False),
        sa.Column("reset", types.Key(), nullable=False),
        sa.Column("zone", types.Key(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.CheckConstraint("policy IN ('hard', 'soft')", name=op.f("ck_tallystick_entitlements_policy")),
        sa.CheckConstraint("reset IN ('calendar_month', 'never')", name=op.f("ck_tallystick_entitlements_reset")),
        sa.CheckConstraint("quota_limit >= 0", name=op.f("ck_tallystick_entitlements_quota_limit")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_entitlements_tallystick_customers")
        ),
        sa.ForeignKeyConstraint(
            ["meter_key"], ["tallystick_meters.key"], name=op.f("fk_tallystick_entitlements_tallystick_meters")
        ),
        sa.PrimaryKeyConstraint("customer_id", "meter_key", name=op.f("pk_tallystick_entitlements")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_entitlements_meter", "tallystick_entitlements", ["meter_key"], unique=False)


def _quota_counters() -> None:
    op.create_table(
        "tallystick_quota_counters",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("meter_key", types.Key(), nullable=False),
        sa.Column("period_start", types.Instant(), nullable=False),
        sa.Column("used", types.Whole(), nullable=False),
        sa.Column("reserved", types.Whole(), nullable=False),
        sa.CheckConstraint("used >= 0 AND reserved >= 0", name=op.f("ck_tallystick_quota_counters_sums")),
        sa.ForeignKeyConstraint(
            ["customer_id", "meter_key"],
            ["tallystick_entitlements.customer_id", "tallystick_entitlements.meter_key"],
            name=op.f("fk_tallystick_quota_counters_tallystick_entitlements"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_quota_counters_tallystick_customers")
        ),
        sa.PrimaryKeyConstraint("customer_id", "meter_key", "period_start", name=op.f("pk_tallystick_quota_counters")),
        sqlite_strict=True,
    )


def _quota_operations() -> None:
    op.create_table(
        "tallystick_quota_operations",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("reservation_id", types.Key(), nullable=False),
        sa.Column("meter_key", types.Key(), nullable=False),
        sa.Column("period_start", types.Instant(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("quantity", types.Whole(), nullable=False),
        sa.Column("taken", types.Whole(), nullable=False),
        sa.Column("status", types.Key(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=True),
        sa.Column("filled", types.Whole(), nullable=False),
        sa.Column("hard_limit", types.Whole(), nullable=True),
        sa.CheckConstraint("status IN ('released', 'reserved', 'taken')", name=op.f("ck_tallystick_quota_operations_status")),
        sa.CheckConstraint(
            "quantity > 0 AND taken >= 0 AND (status = 'taken' OR taken = 0)",
            name=op.f("ck_tallystick_quota_operations_quantity"),
        ),
        sa.CheckConstraint("status = 'taken' OR expires_at IS NOT NULL", name=op.f("ck_tallystick_quota_operations_expires")),
        sa.CheckConstraint("hard_limit IS NULL OR filled <= hard_limit", name=op.f("ck_tallystick_quota_operations_hard_limit")),
        sa.ForeignKeyConstraint(
            ["customer_id", "meter_key", "period_start"],
            [
                "tallystick_quota_counters.customer_id",
                "tallystick_quota_counters.meter_key",
                "tallystick_quota_counters.period_start",
            ],
            name=op.f("fk_tallystick_quota_operations_tallystick_quota_counters"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_quota_operations_tallystick_customers")
        ),
        sa.PrimaryKeyConstraint("customer_id", "id", name=op.f("pk_tallystick_quota_operations")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_quota_operations_reservation", "tallystick_quota_operations", ["reservation_id"], unique=False)
    op.create_index(
        "ix_tallystick_quota_operations_held",
        "tallystick_quota_operations",
        ["customer_id", "meter_key", "expires_at"],
        unique=False,
        sqlite_where=sa.text(_HELD),
        postgresql_where=sa.text(_HELD),
    )
    op.create_index(
        "ix_tallystick_quota_operations_expired",
        "tallystick_quota_operations",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text(_HELD),
        postgresql_where=sa.text(_HELD),
    )
