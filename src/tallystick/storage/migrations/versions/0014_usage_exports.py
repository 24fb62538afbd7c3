"""Usage exported to the provider's meters."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TO_DO = sa.text("(status = 'pending' OR (status = 'sent' AND amended = 1))")
_EXPORTED = sa.text("export_as IS NOT NULL")


def upgrade() -> None:
    """Meters say what they are called at the provider; each event that it is told of has a row."""
    op.add_column("tallystick_meters", sa.Column("export_as", types.Key(), nullable=True))
    op.add_column("tallystick_meters", sa.Column("export_since", types.Instant(), nullable=True))
    op.create_index(
        "uq_tallystick_meters_export_as",
        "tallystick_meters",
        ["export_as"],
        unique=True,
        sqlite_where=_EXPORTED,
        postgresql_where=_EXPORTED,
    )
    _exports()
    _hours()


def _exports() -> None:
    op.create_table(
        "tallystick_usage_exports",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("source", types.Key(), nullable=False),
        sa.Column("event_id", types.Key(), nullable=False),
        sa.Column("part", types.Key(), nullable=False),
        sa.Column("meter_key", types.Key(), nullable=False),
        sa.Column("event_name", types.Key(), nullable=False),
        sa.Column("identifier", types.Key(), nullable=False),
        sa.Column("quantity", types.Whole(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("amended", types.Flag(), nullable=False),
        sa.Column("status", types.Key(), nullable=False),
        sa.Column("attempt", types.Whole(), nullable=False),
        sa.Column("round", types.Whole(), nullable=False),
        sa.Column("asked_at", types.Instant(), nullable=True),
        sa.Column("cancel_asked_at", types.Instant(), nullable=True),
        sa.Column("code", types.Key(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.Column("version", types.Whole(), nullable=False),
        sa.CheckConstraint("part IN ('reversal', 'usage')", name=op.f("ck_tallystick_usage_exports_part")),
        sa.CheckConstraint(
            "status IN ('canceled', 'dropped', 'pending', 'rejected', 'reversed', 'sent', 'unclear')",
            name=op.f("ck_tallystick_usage_exports_status"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_usage_exports_tallystick_customers")
        ),
        sa.ForeignKeyConstraint(
            ["meter_key"], ["tallystick_meters.key"], name=op.f("fk_tallystick_usage_exports_tallystick_meters")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id", "source", "event_id"],
            ["tallystick_events.customer_id", "tallystick_events.source", "tallystick_events.id"],
            name=op.f("fk_tallystick_usage_exports_tallystick_events"),
        ),
        sa.PrimaryKeyConstraint("customer_id", "source", "event_id", "part", name=op.f("pk_tallystick_usage_exports")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_usage_exports_identifier", "tallystick_usage_exports", ["identifier"], unique=False)
    op.create_index(
        "ix_tallystick_usage_exports_at", "tallystick_usage_exports", ["customer_id", "meter_key", "at"], unique=False
    )
    op.create_index(
        "ix_tallystick_usage_exports_to_do",
        "tallystick_usage_exports",
        ["customer_id", "at"],
        unique=False,
        sqlite_where=_TO_DO,
        postgresql_where=_TO_DO,
    )


def _hours() -> None:
    op.create_table(
        "tallystick_usage_export_hours",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("meter_key", types.Key(), nullable=False),
        sa.Column("hour", types.Instant(), nullable=False),
        sa.Column("unit_price", types.Key(), nullable=False),
        sa.Column("count", types.Whole(), nullable=False),
        sa.Column("sum", types.Whole(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_usage_export_hours_tallystick_customers")
        ),
        sa.ForeignKeyConstraint(
            ["meter_key"], ["tallystick_meters.key"], name=op.f("fk_tallystick_usage_export_hours_tallystick_meters")
        ),
        sa.PrimaryKeyConstraint("customer_id", "meter_key", "hour", "unit_price", name=op.f("pk_tallystick_usage_export_hours")),
        sqlite_strict=True,
    )
