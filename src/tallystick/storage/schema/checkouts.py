"""Visits to the provider's page on which a payment method is saved."""

from sqlalchemy import CheckConstraint, Index, PrimaryKeyConstraint, UniqueConstraint

from tallystick.domain.checkouts import CheckoutStatus
from tallystick.storage.schema.base import at, is_currency, key, of_customer, one_of, table, unique_where, whole, words

checkouts = table(
    "checkouts",
    of_customer(),
    key("id"),
    key("plan_key"),
    whole("plan_version"),
    key("currency"),
    key("interval"),
    words("success_url"),
    words("cancel_url"),
    key("fingerprint"),
    whole("number"),
    key("status"),
    at("created_at"),
    at("expires_at"),
    key("ref", nullable=True),
    words("url", nullable=True),
    key("payment_method", nullable=True),
    key("subscription_id", nullable=True),
    PrimaryKeyConstraint("customer_id", "id"),
    UniqueConstraint("customer_id", "fingerprint", "number", name="once"),
    one_of("status", CheckoutStatus),
    is_currency(),
    CheckConstraint("created_at < expires_at", name="expires"),
    CheckConstraint("(status = 'complete') = (payment_method IS NOT NULL)", name="complete"),
    CheckConstraint("subscription_id IS NULL OR status = 'complete'", name="subscription"),
    Index("ix_tallystick_checkouts_id", "id"),
    unique_where("uq_tallystick_checkouts_ref", "ref", where="ref IS NOT NULL"),
)
