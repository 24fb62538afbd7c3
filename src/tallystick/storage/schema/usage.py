"""Usage: events, what they come to, and up to where they were billed."""

from sqlalchemy import Column, ForeignKeyConstraint, Index, PrimaryKeyConstraint, Text

from tallystick.storage.schema.base import at, key, of_customer, of_meter, table, whole, words
from tallystick.storage.types import Key

events = table(
    "events",
    of_customer(),
    key("source"),
    key("id"),
    of_meter(),
    at("at"),
    whole("quantity"),
    Column("unit_price", Text(), nullable=False),  # '' where the event carries none: a price in a key is never null
    Column("properties", Text(), nullable=False),
    at("recorded_at"),
    PrimaryKeyConstraint("customer_id", "source", "id"),
    Index("ix_tallystick_events_at", "customer_id", "meter_key", "at"),
    # The newest, whoever's; each new one is put at its end. SQLite numbers its rows anyway.
    Index("ix_tallystick_events_recorded", "recorded_at").ddl_if(dialect="postgresql"),
)

# An event that stands here counts no longer; what counts in its place, if anything does, is named by `replacement_…`.
event_amendments = table(
    "event_amendments",
    of_customer(),
    key("source"),
    key("id"),
    at("at"),
    words("reason"),
    key("actor"),
    key("replacement_source"),  # '' where nothing does
    key("replacement_id"),
    PrimaryKeyConstraint("customer_id", "source", "id"),
    ForeignKeyConstraint(
        ["customer_id", "source", "id"],
        ["tallystick_events.customer_id", "tallystick_events.source", "tallystick_events.id"],
    ),
)

usage_rollups = table(
    "usage_rollups",
    of_customer(),
    key("meter_key"),
    at("hour"),
    Column("unit_price", Key(), nullable=False),
    whole("count"),
    whole("sum"),
    whole("max"),
    at("latest_at"),
    key("latest_source"),
    key("latest_id"),
    whole("latest_quantity"),
    PrimaryKeyConstraint("customer_id", "meter_key", "hour", "unit_price"),
    Index("ix_tallystick_usage_rollups_hour", "hour"),  # who used anything in this hour, however long the history is
)

usage_uniques = table(
    "usage_uniques",
    of_customer(),
    key("meter_key"),
    at("hour"),
    key("value"),
    PrimaryKeyConstraint("customer_id", "meter_key", "hour", "value"),
)

billing_positions = table(
    "billing_positions",
    of_customer(),
    key("charge_key"),
    key("meter_key"),
    at("billed_through"),
    PrimaryKeyConstraint("customer_id", "charge_key"),
)

late_usage = table(
    "late_usage",
    of_customer(),
    key("charge_key"),
    at("hour"),
    PrimaryKeyConstraint("customer_id", "charge_key", "hour"),
)
