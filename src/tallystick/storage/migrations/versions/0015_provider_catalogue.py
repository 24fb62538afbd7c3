"""The vital signs of the business."""

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
