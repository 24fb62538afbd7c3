"""The newest events are found, whoever's they are; SQLite numbers its rows as they come, and needs nothing for it."""

from alembic import op

revision = "0022"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("ix_tallystick_events_recorded", "tallystick_events", ["recorded_at"])
