"""What of our catalogue the provider holds, under which id."""

from sqlalchemy import CheckConstraint, PrimaryKeyConstraint

from tallystick.storage.schema.base import at, key, table, whole

provider_items = table(
    "provider_items",
    key("kind"),
    key("key"),
    key("fingerprint"),  # of the content that was asked for last
    key("status"),
    whole("round"),
    key("ref", nullable=True),
    at("asked_at"),
    at("updated_at"),
    PrimaryKeyConstraint("kind", "key"),
    CheckConstraint("status IN ('asked', 'held')", name="status"),
    CheckConstraint("status = 'asked' OR ref IS NOT NULL", name="held"),
)
