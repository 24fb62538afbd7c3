"""Who is billed, and for what."""

from sqlalchemy import CheckConstraint, Column, Index, PrimaryKeyConstraint

from tallystick.domain.usage import Aggregation
from tallystick.storage.schema.base import at, doc, flag, key, of_meter, one_of, table, unique_where, whole, words
from tallystick.storage.types import Whole

customers = table(
    "customers",
    key("id"),
    at("created_at"),
    words("email", nullable=True),
    words("name", nullable=True),
    key("provider_ref", nullable=True),
    key("language", nullable=True),  # null: the language of the business
    Column("provider_round", Whole(), nullable=False, server_default="0"),
    PrimaryKeyConstraint("id"),
    Index("ix_tallystick_customers_provider_ref", "provider_ref"),
)

meters = table(
    "meters",
    key("key"),
    key("aggregation"),
    whole("decimals"),
    words("unit"),
    flag("allow_negative"),
    words("unique_property", nullable=True),
    at("created_at"),
    key("export_as", nullable=True),  # null: what it measures is not exported
    at("export_since", nullable=True),
    PrimaryKeyConstraint("key"),
    one_of("aggregation", Aggregation),
    CheckConstraint("decimals BETWEEN 0 AND 12", name="decimals"),
    unique_where("uq_tallystick_meters_export_as", "export_as", where="export_as IS NOT NULL"),
)

charges = table(
    "charges",
    key("key"),
    of_meter(),
    doc("price"),
    words("display_name"),
    at("updated_at"),
    PrimaryKeyConstraint("key"),
)
