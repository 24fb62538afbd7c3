"""Corrections and retractions of events, and levels over time."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types
from tallystick.storage.migrations.append_only import make_append_only
from tallystick.storage.migrations.checks import widen

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _event_amendments()
    make_append_only(op.get_bind(), "tallystick_event_amendments")
    widen(
        op.get_bind(),
        "tallystick_meters",
        "aggregation",
        before="aggregation IN ('count', 'latest', 'max', 'sum', 'unique')",
        after="aggregation IN ('count', 'latest', 'max', 'sum', 'time_weighted', 'unique')",
    )


def _event_amendments() -> None:
    op.create_table(
        "tallystick_event_amendments",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("source", types.Key(), nullable=False),
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", types.Key(), nullable=False),
        sa.Column("replacement_source", types.Key(), nullable=False),
        sa.Column("replacement_id", types.Key(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id", "source", "id"],
            ["tallystick_events.customer_id", "tallystick_events.source", "tallystick_events.id"],
            name=op.f("fk_tallystick_event_amendments_tallystick_events"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_event_amendments_tallystick_customers")
        ),
        sa.PrimaryKeyConstraint("customer_id", "source", "id", name=op.f("pk_tallystick_event_amendments")),
        sqlite_strict=True,
    )
