"""That we cancel the provider's object of a payment, and why, is written down before it is asked."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tallystick_payments", sa.Column("withdrawal", types.JsonDoc(), nullable=True))
