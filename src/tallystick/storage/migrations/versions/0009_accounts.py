"""Embedded accounts and their sessions."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tallystick_accounts",
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("email", types.Key(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", types.Key(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.CheckConstraint("role IN ('admin', 'user')", name=op.f("ck_tallystick_accounts_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tallystick_accounts")),
        sa.UniqueConstraint("email", name=op.f("uq_tallystick_accounts_email")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_accounts_role", "tallystick_accounts", ["role", "id"], unique=False)
    op.create_table(
        "tallystick_sessions",
        sa.Column("digest", types.Key(), nullable=False),
        sa.Column("account_id", types.Key(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("seen_at", types.Instant(), nullable=False),
        sa.CheckConstraint("created_at <= seen_at", name=op.f("ck_tallystick_sessions_seen")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["tallystick_accounts.id"], name=op.f("fk_tallystick_sessions_tallystick_accounts")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_tallystick_sessions")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_sessions_account", "tallystick_sessions", ["account_id"], unique=False)
    op.create_index("ix_tallystick_sessions_seen", "tallystick_sessions", ["seen_at"], unique=False)
    op.create_table(
        "tallystick_tries",
        sa.Column("counted_by", types.Key(), nullable=False),
        sa.Column("began_at", types.Instant(), nullable=False),
        sa.Column("count", types.Whole(), nullable=False),
        sa.CheckConstraint("count > 0", name=op.f("ck_tallystick_tries_count")),
        sa.PrimaryKeyConstraint("counted_by", name=op.f("pk_tallystick_tries")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_tries_began", "tallystick_tries", ["began_at"], unique=False)
