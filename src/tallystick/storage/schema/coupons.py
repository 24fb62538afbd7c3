"""Offers, who has redeemed them, and what they took off invoices."""

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, PrimaryKeyConstraint

from tallystick.domain.coupons import Duration
from tallystick.storage.schema.base import at, doc, flag, is_currency, key, of_customer, one_of, table, whole, words

# The limits stand beside the document for the statements that guard them; `redemptions` counts what they are compared with.
coupons = table(
    "coupons",
    key("key"),
    doc("document"),
    at("redeem_by", nullable=True),
    whole("max_redemptions", nullable=True),
    whole("redemptions"),
    at("updated_at"),
    PrimaryKeyConstraint("key"),
    CheckConstraint("redemptions >= 0 AND (max_redemptions IS NULL OR redemptions <= max_redemptions)", name="redemptions"),
)

promotion_codes = table(
    "promotion_codes",
    key("code"),
    key("coupon_key"),
    whole("max_redemptions", nullable=True),
    whole("redemptions"),
    at("expires_at", nullable=True),
    flag("active"),
    at("updated_at"),
    PrimaryKeyConstraint("code"),
    ForeignKeyConstraint(["coupon_key"], ["tallystick_coupons.key"]),
    CheckConstraint("redemptions >= 0 AND (max_redemptions IS NULL OR redemptions <= max_redemptions)", name="redemptions"),
    Index("ix_tallystick_promotion_codes_coupon", "coupon_key", "code"),
)

discounts = table(
    "discounts",
    of_customer(),
    key("id"),
    key("subscription_id"),  # empty: of every invoice of the customer
    key("coupon_key"),
    key("code", nullable=True),
    doc("coupon"),
    key("duration"),
    at("redeemed_at"),
    at("ends_at", nullable=True),
    flag("used_up"),
    PrimaryKeyConstraint("customer_id", "id"),
    ForeignKeyConstraint(["coupon_key"], ["tallystick_coupons.key"]),
    ForeignKeyConstraint(["code"], ["tallystick_promotion_codes.code"]),
    one_of("duration", Duration),
    CheckConstraint("used_up = 0 OR duration = 'once'", name="used_up"),
    Index("ix_tallystick_discounts_id", "id"),
    Index("ix_tallystick_discounts_coupon", "coupon_key"),
)

invoice_discounts = table(
    "invoice_discounts",
    of_customer(),
    key("invoice_id"),
    key("discount_id"),
    whole("place"),
    key("coupon_key"),
    words("description"),
    whole("amount"),
    key("currency"),
    doc("shares"),
    PrimaryKeyConstraint("customer_id", "invoice_id", "discount_id"),
    ForeignKeyConstraint(["customer_id", "invoice_id"], ["tallystick_invoices.customer_id", "tallystick_invoices.id"]),
    ForeignKeyConstraint(["customer_id", "discount_id"], ["tallystick_discounts.customer_id", "tallystick_discounts.id"]),
    is_currency(),
    CheckConstraint("amount > 0", name="amount"),
    Index("ix_tallystick_invoice_discounts_invoice", "invoice_id"),
)
