"""Alerts, spend caps, and what is sent out: mail and webhooks."""

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
