"""Of usage that is given back: what discounts and credit notes had taken off it."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tallystick_invoice_lines", sa.Column("taken_off", types.Whole(), nullable=True))
