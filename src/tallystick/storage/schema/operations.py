"""How the business itself does: single observations for some days, and how each vital sign stands."""

from sqlalchemy import Index, PrimaryKeyConstraint

from tallystick.storage.schema.base import at, flag, key, table, whole

observations = table(
    "observations",
    key("vital"),
    key("id"),  # of what was observed: seen twice, it counts once
    at("at"),
    flag("good"),
    whole("millis", nullable=True),
    PrimaryKeyConstraint("vital", "id"),
    Index("ix_tallystick_observations_newest", "vital", "at", "good"),
)

watches = table(
    "watches",
    key("vital"),  # any word: an older version reads what a newer one has written
    flag("ill"),
    at("since"),
    at("measured_at"),
    key("value", nullable=True),
    whole("count"),
    key("limit"),
    whole("version"),
    PrimaryKeyConstraint("vital"),
)
