"""Those who log in, their sessions, and how often somebody has tried."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, PrimaryKeyConstraint, UniqueConstraint

from tallystick.domain.accounts import Role
from tallystick.storage.schema.base import at, key, one_of, table, whole, words
from tallystick.storage.types import Key

accounts = table(
    "accounts",
    key("id"),  # and of their customer
    key("email"),
    words("password_hash"),
    key("role"),
    at("created_at"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("email", name="email"),
    one_of("role", Role),
    Index("ix_tallystick_accounts_role", "role", "id"),
)

sessions = table(
    "sessions",
    key("digest"),
    Column("account_id", Key(), ForeignKey("tallystick_accounts.id"), nullable=False),
    at("created_at"),
    at("seen_at"),
    PrimaryKeyConstraint("digest"),
    CheckConstraint("created_at <= seen_at", name="seen"),
    Index("ix_tallystick_sessions_account", "account_id"),
    Index("ix_tallystick_sessions_seen", "seen_at"),
)

tries = table(
    "tries",
    key("counted_by"),
    at("began_at"),
    whole("count"),
    PrimaryKeyConstraint("counted_by"),
    CheckConstraint("count > 0", name="count"),
    Index("ix_tallystick_tries_began", "began_at"),
)
