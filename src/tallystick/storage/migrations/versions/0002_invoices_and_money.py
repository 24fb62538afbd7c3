"""Invoices and money."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types
from tallystick.storage.migrations.append_only import make_append_only

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _invoices()
    _ledger_transactions()
    _invoice_lines()
    _ledger_entries()
    _payments()
    make_append_only(op.get_bind(), "tallystick_invoice_lines")
    make_append_only(op.get_bind(), "tallystick_ledger_transactions")
    make_append_only(op.get_bind(), "tallystick_ledger_entries")


def _invoices() -> None:
    op.create_table(
        "tallystick_invoices",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("currency", types.Key(), nullable=False),
        sa.Column("period_start", types.Instant(), nullable=False),
        sa.Column("period_end", types.Instant(), nullable=False),
        sa.Column("total", types.Whole(), nullable=False),
        sa.Column("carried_in", types.Whole(), nullable=False),
        sa.Column("carried_out", types.Whole(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("status", types.Key(), nullable=False),
        sa.Column("number", types.Key(), nullable=True),
        sa.Column("opened_at", types.Instant(), nullable=True),
        sa.Column("due_at", types.Instant(), nullable=True),
        sa.Column("closed_at", types.Instant(), nullable=True),
        sa.CheckConstraint(
            "(status = 'draft') = (number IS NULL) AND (number IS NULL) = (opened_at IS NULL)",
            name=op.f("ck_tallystick_invoices_number"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'open', 'paid', 'uncollectible', 'void')", name=op.f("ck_tallystick_invoices_status")
        ),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_tallystick_invoices_currency")),
        sa.CheckConstraint("period_start < period_end", name=op.f("ck_tallystick_invoices_period")),
        sa.CheckConstraint("total >= 0", name=op.f("ck_tallystick_invoices_total")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_invoices_tallystick_customers")
        ),
        sa.PrimaryKeyConstraint("customer_id", "id", name=op.f("pk_tallystick_invoices")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_invoices_id", "tallystick_invoices", ["id"], unique=False)
    op.create_index("ix_tallystick_invoices_newest", "tallystick_invoices", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_tallystick_invoices_of_customer", "tallystick_invoices", ["customer_id", "created_at", "id"], unique=False
    )
    op.create_index("ix_tallystick_invoices_status", "tallystick_invoices", ["status", "created_at", "id"], unique=False)
    op.create_index(
        "uq_tallystick_invoices_number",
        "tallystick_invoices",
        ["number"],
        unique=True,
        sqlite_where=sa.text("number IS NOT NULL"),
        postgresql_where=sa.text("number IS NOT NULL"),
    )


def _ledger_transactions() -> None:
    op.create_table(
        "tallystick_ledger_transactions",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("kind", types.Key(), nullable=False),
        sa.Column("subject", types.Key(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_ledger_transactions_tallystick_customers")
        ),
        sa.PrimaryKeyConstraint("customer_id", "id", name=op.f("pk_tallystick_ledger_transactions")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_tallystick_ledger_transactions_at", "tallystick_ledger_transactions", ["customer_id", "at", "id"], unique=False
    )
    op.create_index(
        "ix_tallystick_ledger_transactions_subject", "tallystick_ledger_transactions", ["customer_id", "subject"], unique=False
    )


def _invoice_lines() -> None:
    op.create_table(
        "tallystick_invoice_lines",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("invoice_id", types.Key(), nullable=False),
        sa.Column("place", types.Whole(), nullable=False),
        sa.Column("charge_key", types.Key(), nullable=False),
        sa.Column("meter_key", types.Key(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("period_start", types.Instant(), nullable=False),
        sa.Column("period_end", types.Instant(), nullable=False),
        sa.Column("part", types.Whole(), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("amount", types.Whole(), nullable=False),
        sa.Column("currency", types.Key(), nullable=False),
        sa.Column("price", types.JsonDoc(), nullable=False),
        sa.Column("rating", types.JsonDoc(), nullable=False),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_tallystick_invoice_lines_currency")),
        sa.CheckConstraint("part >= 0", name=op.f("ck_tallystick_invoice_lines_part")),
        sa.CheckConstraint("period_start < period_end", name=op.f("ck_tallystick_invoice_lines_period")),
        sa.ForeignKeyConstraint(
            ["customer_id", "invoice_id"],
            ["tallystick_invoices.customer_id", "tallystick_invoices.id"],
            name=op.f("fk_tallystick_invoice_lines_tallystick_invoices"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_invoice_lines_tallystick_customers")
        ),
        sa.ForeignKeyConstraint(
            ["meter_key"], ["tallystick_meters.key"], name=op.f("fk_tallystick_invoice_lines_tallystick_meters")
        ),
        sa.PrimaryKeyConstraint("customer_id", "id", name=op.f("pk_tallystick_invoice_lines")),
        sa.UniqueConstraint("customer_id", "charge_key", "period_start", "part", name=op.f("uq_tallystick_invoice_lines_once")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_tallystick_invoice_lines_of_invoice", "tallystick_invoice_lines", ["customer_id", "invoice_id", "place"], unique=False
    )


def _ledger_entries() -> None:
    op.create_table(
        "tallystick_ledger_entries",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("transaction_id", types.Key(), nullable=False),
        sa.Column("place", types.Whole(), nullable=False),
        sa.Column("account", types.Key(), nullable=False),
        sa.Column("currency", types.Key(), nullable=False),
        sa.Column("amount", types.Whole(), nullable=False),
        sa.CheckConstraint(
            "account IN ('bad_debt', 'carried', 'cash', 'receivable', 'refunds', 'revenue')",
            name=op.f("ck_tallystick_ledger_entries_account"),
        ),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_tallystick_ledger_entries_currency")),
        sa.ForeignKeyConstraint(
            ["customer_id", "transaction_id"],
            ["tallystick_ledger_transactions.customer_id", "tallystick_ledger_transactions.id"],
            name=op.f("fk_tallystick_ledger_entries_tallystick_ledger_transactions"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_ledger_entries_tallystick_customers")
        ),
        sa.PrimaryKeyConstraint("customer_id", "transaction_id", "place", name=op.f("pk_tallystick_ledger_entries")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_tallystick_ledger_entries_balance",
        "tallystick_ledger_entries",
        ["account", "currency", "customer_id", "amount"],
        unique=False,
    )


def _payments() -> None:
    op.create_table(
        "tallystick_payments",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("invoice_id", types.Key(), nullable=False),
        sa.Column("method", types.Key(), nullable=False),
        sa.Column("amount", types.Whole(), nullable=False),
        sa.Column("currency", types.Key(), nullable=False),
        sa.Column("status", types.Key(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.Column("automatic", types.Flag(), nullable=False),
        sa.Column("payment_method", types.Key(), nullable=True),
        sa.Column("ref", types.Key(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("ready", types.Flag(), nullable=False),
        sa.Column("charges", types.Whole(), nullable=False),
        sa.Column("charging", types.Flag(), nullable=False),
        sa.Column("round", types.Whole(), nullable=False),
        sa.Column("look_first", types.Flag(), nullable=False),
        sa.Column("asked_at", types.Instant(), nullable=True),
        sa.Column("decline", types.JsonDoc(), nullable=True),
        sa.Column("version", types.Whole(), nullable=False),
        sa.CheckConstraint("method IN ('hosted', 'intent')", name=op.f("ck_tallystick_payments_method")),
        sa.CheckConstraint(
            "status IN ('canceled', 'open', 'pending', 'processing', 'succeeded')", name=op.f("ck_tallystick_payments_status")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_tallystick_payments_amount")),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_tallystick_payments_currency")),
        sa.ForeignKeyConstraint(
            ["customer_id", "invoice_id"],
            ["tallystick_invoices.customer_id", "tallystick_invoices.id"],
            name=op.f("fk_tallystick_payments_tallystick_invoices"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_payments_tallystick_customers")
        ),
        sa.PrimaryKeyConstraint("customer_id", "id", name=op.f("pk_tallystick_payments")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_payments_id", "tallystick_payments", ["id"], unique=False)
    op.create_index("ix_tallystick_payments_of_invoice", "tallystick_payments", ["customer_id", "invoice_id"], unique=False)
    op.create_index(
        "ix_tallystick_payments_silent",
        "tallystick_payments",
        ["updated_at", "id"],
        unique=False,
        sqlite_where=sa.text("status NOT IN ('canceled', 'succeeded')"),
        postgresql_where=sa.text("status NOT IN ('canceled', 'succeeded')"),
    )
    op.create_index(
        "uq_tallystick_payments_live",
        "tallystick_payments",
        ["customer_id", "invoice_id"],
        unique=True,
        sqlite_where=sa.text("status <> 'canceled'"),
        postgresql_where=sa.text("status <> 'canceled'"),
    )
    op.create_index(
        "uq_tallystick_payments_ref",
        "tallystick_payments",
        ["ref"],
        unique=True,
        sqlite_where=sa.text("ref IS NOT NULL"),
        postgresql_where=sa.text("ref IS NOT NULL"),
    )
