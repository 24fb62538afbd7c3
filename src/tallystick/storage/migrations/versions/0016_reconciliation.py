"""What comparing with the provider found, and disputes."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types
from tallystick.storage.migrations import checks

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_ACCOUNTS = (
    "account IN ('bad_debt', 'carried', 'cash', 'credits', 'deferred_revenue', 'external', 'promotions', "
    " 'receivable', 'refunds', 'refunds_due', 'revenue', 'tax_payable')"
)


def upgrade() -> None:
    with_disputed = _ACCOUNTS.replace("'external'", "'disputed', 'external'")
    checks.widen(op.get_bind(), "tallystick_ledger_entries", "account", before=_ACCOUNTS, after=with_disputed)
    op.add_column("tallystick_customers", sa.Column("provider_round", types.Whole(), nullable=False, server_default="0"))
    op.create_index("ix_tallystick_customers_provider_ref", "tallystick_customers", ["provider_ref"])
    _disputes()
    _reconciliations()


def _disputes() -> None:
    op.create_table(
        "tallystick_disputes",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("payment_id", types.Key(), nullable=False),
        sa.Column("invoice_id", types.Key(), nullable=False),
        sa.Column("ref", types.Key(), nullable=False),
        sa.Column("amount", types.Whole(), nullable=False),
        sa.Column("currency", types.Key(), nullable=False),
        sa.Column("status", types.Key(), nullable=False),
        sa.Column("withdrawn", types.Flag(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.Column("due_by", types.Instant(), nullable=True),
        sa.Column("version", types.Whole(), nullable=False),
        sa.CheckConstraint(
            "status IN ('closed', 'inquiry', 'lost', 'needs_response', 'under_review', 'won')",
            name=op.f("ck_tallystick_disputes_status"),
        ),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_tallystick_disputes_currency")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_tallystick_disputes_amount")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_disputes_tallystick_customers")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id", "payment_id"],
            ["tallystick_payments.customer_id", "tallystick_payments.id"],
            name=op.f("fk_tallystick_disputes_tallystick_payments"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id", "invoice_id"],
            ["tallystick_invoices.customer_id", "tallystick_invoices.id"],
            name=op.f("fk_tallystick_disputes_tallystick_invoices"),
        ),
        sa.PrimaryKeyConstraint("customer_id", "id", name=op.f("pk_tallystick_disputes")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_disputes_newest", "tallystick_disputes", ["created_at", "id"])
    op.create_index("ix_tallystick_disputes_of_payment", "tallystick_disputes", ["customer_id", "payment_id"])
    op.create_index("uq_tallystick_disputes_ref", "tallystick_disputes", ["ref"], unique=True)


def _reconciliations() -> None:
    op.create_table(
        "tallystick_reconciliations",
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("since", types.Instant(), nullable=False),
        sa.Column("repair", types.Flag(), nullable=False),
        sa.Column("equal", types.JsonDoc(), nullable=False),
        sa.Column("findings", types.JsonDoc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tallystick_reconciliations")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_reconciliations_newest", "tallystick_reconciliations", ["at", "id"])
