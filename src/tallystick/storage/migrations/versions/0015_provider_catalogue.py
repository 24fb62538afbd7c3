"""The vital signs of the business, and what of the catalogue the provider holds."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tallystick_observations",
        sa.Column("vital", types.Key(), nullable=False),
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("good", types.Flag(), nullable=False),
        sa.Column("millis", types.Whole(), nullable=True),
        sa.PrimaryKeyConstraint("vital", "id", name=op.f("pk_tallystick_observations")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_observations_newest", "tallystick_observations", ["vital", "at", "good"], unique=False)
    op.create_table(
        "tallystick_watches",
        sa.Column("vital", types.Key(), nullable=False),
        sa.Column("ill", types.Flag(), nullable=False),
        sa.Column("since", types.Instant(), nullable=False),
        sa.Column("measured_at", types.Instant(), nullable=False),
        sa.Column("value", types.Key(), nullable=True),
        sa.Column("count", types.Whole(), nullable=False),
        sa.Column("limit", types.Key(), nullable=False),
        sa.Column("version", types.Whole(), nullable=False),
        sa.PrimaryKeyConstraint("vital", name=op.f("pk_tallystick_watches")),
        sqlite_strict=True,
    )
    op.create_table(
        "tallystick_provider_items",
        sa.Column("kind", types.Key(), nullable=False),
        sa.Column("key", types.Key(), nullable=False),
        sa.Column("fingerprint", types.Key(), nullable=False),
        sa.Column("status", types.Key(), nullable=False),
        sa.Column("round", types.Whole(), nullable=False),
        sa.Column("ref", types.Key(), nullable=True),
        sa.Column("asked_at", types.Instant(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.CheckConstraint("status IN ('asked', 'held')", name=op.f("ck_tallystick_provider_items_status")),
        sa.CheckConstraint("status = 'asked' OR ref IS NOT NULL", name=op.f("ck_tallystick_provider_items_held")),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_tallystick_provider_items")),
        sqlite_strict=True,
    )
