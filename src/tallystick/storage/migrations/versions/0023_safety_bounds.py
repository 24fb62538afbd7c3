"""Payments that are held, and when the last charge of each was begun."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = "tallystick_payments"
    op.add_column(table, sa.Column("charged_at", types.Instant(), nullable=True))
    op.add_column(table, sa.Column("held", types.Key(), nullable=True))
    op.add_column(table, sa.Column("held_after", types.Whole(), nullable=True))
    op.add_column(table, sa.Column("released_at", types.Instant(), nullable=True))
    op.create_index("ix_tallystick_payments_charged", table, ["customer_id", "charged_at"])
