"""Work, news and witnesses."""

from sqlalchemy import CheckConstraint, Column, Index, PrimaryKeyConstraint, Table, UniqueConstraint

from tallystick.storage.schema.base import at, doc, flag, key, metadata, of_customer, table, whole, words
from tallystick.storage.types import Whole

jobs = Table(
    "tallystick_jobs",
    metadata,
    # Never the same id again, so that the fence of a job that is gone cannot fit another one.
    Column("id", Whole(), primary_key=True, autoincrement=True),
    key("key"),
    key("name"),
    key("subject"),
    at("run_at"),
    whole("attempt"),
    whole("fence"),
    at("leased_until", nullable=True),
    at("again_at", nullable=True),
    flag("dead"),
    words("error", nullable=True),
    UniqueConstraint("key", name="key"),
    Index("ix_tallystick_jobs_due", "dead", "run_at", "id"),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)

provider_events = table(
    "provider_events",
    key("id"),
    key("provider"),
    key("kind"),
    words("body"),
    at("created_at"),
    flag("livemode"),
    at("received_at"),
    key("outcome"),
    words("reason", nullable=True),
    at("settled_at", nullable=True),
    PrimaryKeyConstraint("id"),
    CheckConstraint("outcome IN ('ignored', 'new', 'parked', 'settled')", name="outcome"),
    Index("ix_tallystick_provider_events_newest", "received_at", "id"),
    Index("ix_tallystick_provider_events_outcome", "outcome", "received_at", "id"),
)

audit = table(
    "audit",
    Column("seq", Whole(), nullable=False, autoincrement=False),
    at("at"),
    key("actor"),
    key("action"),
    key("subject"),
    doc("before", nullable=True),
    doc("after", nullable=True),
    words("reason", nullable=True),
    key("hash"),
    PrimaryKeyConstraint("seq"),
)

api_keys = table(
    "api_keys",
    key("key_id"),
    key("secret_hash"),
    words("name"),
    doc("scopes"),
    at("created_at"),
    at("expires_at", nullable=True),
    at("revoked_at", nullable=True),
    at("last_used_at", nullable=True),
    PrimaryKeyConstraint("key_id"),
)

idempotency_keys = table(
    "idempotency_keys",
    key("key"),
    key("route"),
    key("fingerprint"),
    at("claimed_at"),
    whole("status", nullable=True),
    words("body", nullable=True),
    PrimaryKeyConstraint("key"),
    Index("ix_tallystick_idempotency_keys_claimed", "claimed_at"),
)

boots = table(
    "boots",
    of_customer(),
    key("boot_id"),
    at("boot_at"),
    at("read_through"),
    PrimaryKeyConstraint("customer_id", "boot_id"),
    CheckConstraint("boot_at <= read_through", name="read"),
)
