"""Comparisons that somebody has asked for, and how far that of usage has come."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_TABLE = "tallystick_reconciliations"


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("actor", types.Key(), nullable=False, server_default="system"))
    op.add_column(_TABLE, sa.Column("done_at", types.Instant(), nullable=True))
    op.add_column(_TABLE, sa.Column("usage_round", types.JsonDoc(), nullable=True))
    op.execute("UPDATE tallystick_reconciliations SET done_at = at")
