"""Credit notes and refunds."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types
from tallystick.storage.migrations.append_only import make_append_only

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ALIVE = "status IN ('pending', 'succeeded')"


def upgrade() -> None:
    _refunded()
    _credit_notes()
    _credit_note_lines()
    _refunds()
    make_append_only(op.get_bind(), "tallystick_credit_notes")
    make_append_only(op.get_bind(), "tallystick_credit_note_lines")


def _refunded() -> None:
    # In one statement, which SQLite can do with a check and without writing the table anew.
    whole = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        f"ALTER TABLE tallystick_payments ADD COLUMN refunded {whole} DEFAULT 0 NOT NULL "
        "CONSTRAINT ck_tallystick_payments_refunded "
        "CHECK (refunded >= 0 AND refunded <= amount AND (refunded = 0 OR status = 'succeeded'))"
    )


def _credit_notes() -> None:
    op.create_table(
        "tallystick_credit_notes",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("number", types.Key(), nullable=False),
        sa.Column("invoice_id", types.Key(), nullable=False),
        sa.Column("amount", types.Whole(), nullable=False),
        sa.Column("reduced", types.Whole(), nullable=False),
        sa.Column("refunded", types.Whole(), nullable=False),
        sa.Column("credited", types.Whole(), nullable=False),
        sa.Column("carried", types.Whole(), nullable=False),
        sa.Column("currency", types.Key(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_tallystick_credit_notes_currency")),
        sa.CheckConstraint(
            "amount > 0 AND amount = reduced + refunded + credited", name=op.f("ck_tallystick_credit_notes_amount")
        ),
        sa.CheckConstraint("reduced >= 0 AND refunded >= 0 AND credited >= 0", name=op.f("ck_tallystick_credit_notes_parts")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_credit_notes_tallystick_customers")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id", "invoice_id"],
            ["tallystick_invoices.customer_id", "tallystick_invoices.id"],
            name=op.f("fk_tallystick_credit_notes_tallystick_invoices"),
        ),
        sa.PrimaryKeyConstraint("customer_id", "id", name=op.f("pk_tallystick_credit_notes")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_credit_notes_id", "tallystick_credit_notes", ["id"])
    op.create_index("ix_tallystick_credit_notes_newest", "tallystick_credit_notes", ["created_at", "id"])
    op.create_index("ix_tallystick_credit_notes_of_invoice", "tallystick_credit_notes", ["customer_id", "invoice_id"])
    op.create_index("uq_tallystick_credit_notes_number", "tallystick_credit_notes", ["number"], unique=True)


def _credit_note_lines() -> None:
    op.create_table(
        "tallystick_credit_note_lines",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("credit_note_id", types.Key(), nullable=False),
        sa.Column("line_id", types.Key(), nullable=False),
        sa.Column("amount", types.Whole(), nullable=False),
        sa.Column("currency", types.Key(), nullable=False),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_tallystick_credit_note_lines_currency")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_tallystick_credit_note_lines_amount")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_credit_note_lines_tallystick_customers")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id", "credit_note_id"],
            ["tallystick_credit_notes.customer_id", "tallystick_credit_notes.id"],
            name=op.f("fk_tallystick_credit_note_lines_tallystick_credit_notes"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id", "line_id"],
            ["tallystick_invoice_lines.customer_id", "tallystick_invoice_lines.id"],
            name=op.f("fk_tallystick_credit_note_lines_tallystick_invoice_lines"),
        ),
        sa.PrimaryKeyConstraint("customer_id", "credit_note_id", "line_id", name=op.f("pk_tallystick_credit_note_lines")),
        sqlite_strict=True,
    )


def _refunds() -> None:
    op.create_table(
        "tallystick_refunds",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("payment_id", types.Key(), nullable=False),
        sa.Column("invoice_id", types.Key(), nullable=False),
        sa.Column("credit_note_id", types.Key(), nullable=True),
        sa.Column("amount", types.Whole(), nullable=False),
        sa.Column("excess", types.Whole(), nullable=False),
        sa.Column("currency", types.Key(), nullable=False),
        sa.Column("status", types.Key(), nullable=False),
        sa.Column("origin", types.Key(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.Column("ref", types.Key(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("round", types.Whole(), nullable=False),
        sa.Column("look_first", types.Flag(), nullable=False),
        sa.Column("asked_at", types.Instant(), nullable=True),
        sa.Column("version", types.Whole(), nullable=False),
        sa.CheckConstraint("status IN ('canceled', 'failed', 'pending', 'succeeded')", name=op.f("ck_tallystick_refunds_status")),
        sa.CheckConstraint("origin IN ('ours', 'provider')", name=op.f("ck_tallystick_refunds_origin")),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_tallystick_refunds_currency")),
        sa.CheckConstraint("amount > 0 AND excess >= 0 AND excess <= amount", name=op.f("ck_tallystick_refunds_amount")),
        sa.CheckConstraint("(credit_note_id IS NULL) = (excess = amount)", name=op.f("ck_tallystick_refunds_noted")),
        *_keys_of_refunds(),
        sa.PrimaryKeyConstraint("customer_id", "id", name=op.f("pk_tallystick_refunds")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_refunds_id", "tallystick_refunds", ["id"])
    op.create_index("ix_tallystick_refunds_newest", "tallystick_refunds", ["created_at", "id"])
    op.create_index("ix_tallystick_refunds_of_invoice", "tallystick_refunds", ["customer_id", "invoice_id"])
    op.create_index("ix_tallystick_refunds_of_payment", "tallystick_refunds", ["customer_id", "payment_id"])
    op.create_index(
        "ix_tallystick_refunds_silent", "tallystick_refunds", ["updated_at", "id"],
        sqlite_where=sa.text(_ALIVE), postgresql_where=sa.text(_ALIVE),
    )  # fmt: skip
    op.create_index(
        "uq_tallystick_refunds_ref", "tallystick_refunds", ["ref"], unique=True,
        sqlite_where=sa.text("ref IS NOT NULL"), postgresql_where=sa.text("ref IS NOT NULL"),
    )  # fmt: skip


def _keys_of_refunds() -> list[sa.ForeignKeyConstraint]:
    keys = [
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_refunds_tallystick_customers")
        )
    ]
    for column, table in (("payment_id", "payments"), ("invoice_id", "invoices"), ("credit_note_id", "credit_notes")):
        keys.append(
            sa.ForeignKeyConstraint(
                ["customer_id", column],
                [f"tallystick_{table}.customer_id", f"tallystick_{table}.id"],
                name=op.f(f"fk_tallystick_refunds_tallystick_{table}"),
            )
        )
    return keys
