"""What the whole database is about."""

from sqlalchemy import PrimaryKeyConstraint

from tallystick.storage.schema.base import key, table, whole, words

settings = table("settings", key("key"), words("value"), PrimaryKeyConstraint("key"))

counters = table("counters", key("name"), whole("value"), PrimaryKeyConstraint("name"))
