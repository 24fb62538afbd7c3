"""Usage exported to the provider's meters: what each event came to there, and how far each hour was looked at."""

from sqlalchemy import Column, ForeignKeyConstraint, Index, PrimaryKeyConstraint, text

from tallystick.domain.usage_exports import ExportStatus, Part
from tallystick.storage.schema.base import TO_EXPORT, at, flag, key, of_customer, of_meter, one_of, table, whole, words
from tallystick.storage.types import Key

usage_exports = table(
    "usage_exports",
    of_customer(),
    key("source"),
    key("event_id"),
    key("part"),
    of_meter(),
    key("event_name"),
    key("identifier"),
    whole("quantity"),
    at("at"),
    flag("amended"),
    key("status"),
    whole("attempt"),
    whole("round"),
    at("asked_at", nullable=True),
    at("cancel_asked_at", nullable=True),
    key("code", nullable=True),
    words("reason", nullable=True),
    at("created_at"),
    at("updated_at"),
    whole("version"),
    PrimaryKeyConstraint("customer_id", "source", "event_id", "part"),
    ForeignKeyConstraint(
        ["customer_id", "source", "event_id"],
        ["tallystick_events.customer_id", "tallystick_events.source", "tallystick_events.id"],
    ),
    one_of("part", Part),
    one_of("status", ExportStatus),
    Index("ix_tallystick_usage_exports_identifier", "identifier"),
    Index("ix_tallystick_usage_exports_at", "customer_id", "meter_key", "at"),
    Index(
        "ix_tallystick_usage_exports_to_do",
        "customer_id",
        "at",
        sqlite_where=text(TO_EXPORT),
        postgresql_where=text(TO_EXPORT),
    ),
)

# The sums of an hour when its events were last looked at: where they are the same now, there is nothing new in it.
usage_export_hours = table(
    "usage_export_hours",
    of_customer(),
    of_meter(),
    at("hour"),
    Column("unit_price", Key(), nullable=False),
    whole("count"),
    whole("sum"),
    PrimaryKeyConstraint("customer_id", "meter_key", "hour", "unit_price"),
)
