"""Of usage that is given back, what had been taken off it; and versions of plans that are never written again."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types
from tallystick.storage.migrations.append_only import make_append_only

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tallystick_invoice_lines", sa.Column("taken_off", types.Whole(), nullable=True))
    op.drop_table("tallystick_plan_sales")
    make_append_only(op.get_bind(), "tallystick_plan_versions")
