"""Dunning, and the language in which a customer is written to."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tallystick_customers", sa.Column("language", types.Key(), nullable=True))
    _dunning()
    _tries()


def _dunning() -> None:
    op.create_table(
        "tallystick_dunning",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("invoice_id", types.Key(), nullable=False),
        sa.Column("state", types.Key(), nullable=False),
        sa.Column("code", types.Key(), nullable=False),
        sa.Column("failures", types.Whole(), nullable=False),
        sa.Column("tries", types.Whole(), nullable=False),
        sa.Column("begun_at", types.Instant(), nullable=False),
        sa.Column("failed_at", types.Instant(), nullable=False),
        sa.Column("since", types.Instant(), nullable=False),
        sa.Column("next_at", types.Instant(), nullable=True),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.Column("version", types.Whole(), nullable=False),
        sa.CheckConstraint(
            "state IN ('given_up', 'over', 'retrying', 'trying', 'waiting')", name=op.f("ck_tallystick_dunning_state")
        ),
        sa.CheckConstraint("failures >= 0 AND tries >= 0", name=op.f("ck_tallystick_dunning_counts")),
        sa.CheckConstraint("state IN ('given_up', 'over') OR next_at IS NOT NULL", name=op.f("ck_tallystick_dunning_goes_on")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_dunning_tallystick_customers")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id", "invoice_id"],
            ["tallystick_invoices.customer_id", "tallystick_invoices.id"],
            name=op.f("fk_tallystick_dunning_tallystick_invoices"),
        ),
        sa.PrimaryKeyConstraint("customer_id", "invoice_id", name=op.f("pk_tallystick_dunning")),
        sqlite_strict=True,
    )
    due = sa.text("next_at IS NOT NULL")
    op.create_index(
        "ix_tallystick_dunning_due",
        "tallystick_dunning",
        ["next_at", "invoice_id"],
        unique=False,
        sqlite_where=due,
        postgresql_where=due,
    )
    op.create_index("ix_tallystick_dunning_invoice", "tallystick_dunning", ["invoice_id"], unique=False)
    op.create_index("ix_tallystick_dunning_newest", "tallystick_dunning", ["begun_at", "invoice_id"], unique=False)


def _tries() -> None:
    op.create_table(
        "tallystick_dunning_tries",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("payment_id", types.Key(), nullable=False),
        sa.Column("charge", types.Whole(), nullable=False),
        sa.Column("invoice_id", types.Key(), nullable=False),
        sa.Column("cause", types.Key(), nullable=False),
        sa.Column("due_at", types.Instant(), nullable=False),
        sa.Column("begun_at", types.Instant(), nullable=False),
        sa.Column("failed_at", types.Instant(), nullable=True),
        sa.Column("code", types.Key(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("payment_method", types.Key(), nullable=True),
        sa.CheckConstraint("cause IN ('first', 'new_card', 'schedule')", name=op.f("ck_tallystick_dunning_tries_cause")),
        sa.CheckConstraint("due_at <= begun_at", name=op.f("ck_tallystick_dunning_tries_not_early")),
        sa.CheckConstraint("(failed_at IS NULL) = (code IS NULL)", name=op.f("ck_tallystick_dunning_tries_failed")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_dunning_tries_tallystick_customers")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id", "payment_id"],
            ["tallystick_payments.customer_id", "tallystick_payments.id"],
            name=op.f("fk_tallystick_dunning_tries_tallystick_payments"),
        ),
        sa.PrimaryKeyConstraint("customer_id", "payment_id", "charge", name=op.f("pk_tallystick_dunning_tries")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_tallystick_dunning_tries_invoice",
        "tallystick_dunning_tries",
        ["customer_id", "invoice_id", "begun_at"],
        unique=False,
    )
