"""Coupons, discounts and credit grants."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types
from tallystick.storage.migrations.append_only import make_append_only

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_LEFT = "remaining > 0"


def upgrade() -> None:
    _coupons()
    _promotion_codes()
    _discounts()
    _invoice_discounts()
    _credit_grants()
    _credit_burns()
    for table in ("tallystick_invoice_discounts", "tallystick_credit_burns"):
        make_append_only(op.get_bind(), table)


def _of_customer(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["customer_id"], ["tallystick_customers.id"], name=op.f(f"fk_tallystick_{table}_tallystick_customers")
    )


def _of_invoice(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["customer_id", "invoice_id"],
        ["tallystick_invoices.customer_id", "tallystick_invoices.id"],
        name=op.f(f"fk_tallystick_{table}_tallystick_invoices"),
    )


def _redemptions(table: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        "redemptions >= 0 AND (max_redemptions IS NULL OR redemptions <= max_redemptions)",
        name=op.f(f"ck_tallystick_{table}_redemptions"),
    )


def _coupons() -> None:
    op.create_table(
        "tallystick_coupons",
        sa.Column("key", types.Key(), nullable=False),
        sa.Column("document", types.JsonDoc(), nullable=False),
        sa.Column("redeem_by", types.Instant(), nullable=True),
        sa.Column("max_redemptions", types.Whole(), nullable=True),
        sa.Column("redemptions", types.Whole(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        _redemptions("coupons"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_tallystick_coupons")),
        sqlite_strict=True,
    )


def _promotion_codes() -> None:
    op.create_table(
        "tallystick_promotion_codes",
        sa.Column("code", types.Key(), nullable=False),
        sa.Column("coupon_key", types.Key(), nullable=False),
        sa.Column("max_redemptions", types.Whole(), nullable=True),
        sa.Column("redemptions", types.Whole(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=True),
        sa.Column("active", types.Flag(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        _redemptions("promotion_codes"),
        sa.ForeignKeyConstraint(
            ["coupon_key"], ["tallystick_coupons.key"], name=op.f("fk_tallystick_promotion_codes_tallystick_coupons")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_tallystick_promotion_codes")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_promotion_codes_coupon", "tallystick_promotion_codes", ["coupon_key", "code"], unique=False)


def _discounts() -> None:
    op.create_table(
        "tallystick_discounts",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("subscription_id", types.Key(), nullable=False),
        sa.Column("coupon_key", types.Key(), nullable=False),
        sa.Column("code", types.Key(), nullable=True),
        sa.Column("coupon", types.JsonDoc(), nullable=False),
        sa.Column("duration", types.Key(), nullable=False),
        sa.Column("redeemed_at", types.Instant(), nullable=False),
        sa.Column("ends_at", types.Instant(), nullable=True),
        sa.Column("used_up", types.Flag(), nullable=False),
        sa.CheckConstraint("duration IN ('forever', 'months', 'once')", name=op.f("ck_tallystick_discounts_duration")),
        sa.CheckConstraint("used_up = 0 OR duration = 'once'", name=op.f("ck_tallystick_discounts_used_up")),
        _of_customer("discounts"),
        sa.ForeignKeyConstraint(
            ["coupon_key"], ["tallystick_coupons.key"], name=op.f("fk_tallystick_discounts_tallystick_coupons")
        ),
        sa.ForeignKeyConstraint(
            ["code"], ["tallystick_promotion_codes.code"], name=op.f("fk_tallystick_discounts_tallystick_promotion_codes")
        ),
        sa.PrimaryKeyConstraint("customer_id", "id", name=op.f("pk_tallystick_discounts")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_discounts_id", "tallystick_discounts", ["id"], unique=False)
    op.create_index("ix_tallystick_discounts_coupon", "tallystick_discounts", ["coupon_key"], unique=False)


def _invoice_discounts() -> None:
    op.create_table(
        "tallystick_invoice_discounts",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("invoice_id", types.Key(), nullable=False),
        sa.Column("discount_id", types.Key(), nullable=False),
        sa.Column("place", types.Whole(), nullable=False),
        sa.Column("coupon_key", types.Key(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("amount", types.Whole(), nullable=False),
        sa.Column("currency", types.Key(), nullable=False),
        sa.Column("shares", types.JsonDoc(), nullable=False),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_tallystick_invoice_discounts_currency")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_tallystick_invoice_discounts_amount")),
        _of_customer("invoice_discounts"),
        _of_invoice("invoice_discounts"),
        sa.ForeignKeyConstraint(
            ["customer_id", "discount_id"],
            ["tallystick_discounts.customer_id", "tallystick_discounts.id"],
            name=op.f("fk_tallystick_invoice_discounts_tallystick_discounts"),
        ),
        sa.PrimaryKeyConstraint("customer_id", "invoice_id", "discount_id", name=op.f("pk_tallystick_invoice_discounts")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_invoice_discounts_invoice", "tallystick_invoice_discounts", ["invoice_id"], unique=False)


def _credit_grants() -> None:
    op.create_table(
        "tallystick_credit_grants",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("currency", types.Key(), nullable=False),
        sa.Column("amount", types.Whole(), nullable=False),
        sa.Column("remaining", types.Whole(), nullable=False),
        sa.Column("kind", types.Key(), nullable=False),
        sa.Column("priority", types.Whole(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("granted_at", types.Instant(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=True),
        sa.Column("moves", types.Whole(), nullable=False),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_tallystick_credit_grants_currency")),
        sa.CheckConstraint("kind IN ('prepaid', 'promotional')", name=op.f("ck_tallystick_credit_grants_kind")),
        sa.CheckConstraint("amount > 0 AND remaining BETWEEN 0 AND amount", name=op.f("ck_tallystick_credit_grants_remaining")),
        _of_customer("credit_grants"),
        sa.PrimaryKeyConstraint("customer_id", "id", name=op.f("pk_tallystick_credit_grants")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_credit_grants_id", "tallystick_credit_grants", ["id"], unique=False)
    op.create_index(
        "ix_tallystick_credit_grants_ending",
        "tallystick_credit_grants",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text(_LEFT),
        postgresql_where=sa.text(_LEFT),
    )


def _credit_burns() -> None:
    op.create_table(
        "tallystick_credit_burns",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("grant_id", types.Key(), nullable=False),
        sa.Column("place", types.Whole(), nullable=False),
        sa.Column("reason", types.Key(), nullable=False),
        sa.Column("invoice_id", types.Key(), nullable=True),
        sa.Column("amount", types.Whole(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.CheckConstraint("reason IN ('burned', 'expired', 'given_back')", name=op.f("ck_tallystick_credit_burns_reason")),
        sa.CheckConstraint(
            "(reason = 'given_back') = (amount > 0) AND amount <> 0", name=op.f("ck_tallystick_credit_burns_amount")
        ),
        sa.CheckConstraint("(reason = 'expired') = (invoice_id IS NULL)", name=op.f("ck_tallystick_credit_burns_invoice")),
        _of_customer("credit_burns"),
        sa.ForeignKeyConstraint(
            ["customer_id", "grant_id"],
            ["tallystick_credit_grants.customer_id", "tallystick_credit_grants.id"],
            name=op.f("fk_tallystick_credit_burns_tallystick_credit_grants"),
        ),
        _of_invoice("credit_burns"),
        sa.PrimaryKeyConstraint("customer_id", "grant_id", "place", name=op.f("pk_tallystick_credit_burns")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_credit_burns_invoice", "tallystick_credit_burns", ["invoice_id"], unique=False)
