"""Payments that are made, and subscriptions that are begun, on a page of the provider's."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tallystick_payments", sa.Column("page", types.JsonDoc(), nullable=True))
    followed = "tallystick_followed_subscriptions"
    op.add_column(followed, sa.Column("page", types.JsonDoc(), nullable=True))
    op.add_column(followed, sa.Column("page_ref", types.Key(), nullable=True))
    op.add_column(followed, sa.Column("page_url", sa.Text(), nullable=True))
