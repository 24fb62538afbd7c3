"""What customers hold in grants, and each change of it."""

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, PrimaryKeyConstraint, text

from tallystick.domain.credits import GrantKind, Reason
from tallystick.storage.schema.base import LEFT, at, is_currency, key, of_customer, one_of, table, whole, words

credit_grants = table(
    "credit_grants",
    of_customer(),
    key("id"),
    key("currency"),
    whole("amount"),
    whole("remaining"),
    key("kind"),
    whole("priority"),
    words("name"),
    at("granted_at"),
    at("expires_at", nullable=True),
    whole("moves"),  # how often it has changed
    PrimaryKeyConstraint("customer_id", "id"),
    is_currency(),
    one_of("kind", GrantKind),
    CheckConstraint("amount > 0 AND remaining BETWEEN 0 AND amount", name="remaining"),
    Index("ix_tallystick_credit_grants_id", "id"),
    Index("ix_tallystick_credit_grants_ending", "expires_at", sqlite_where=text(LEFT), postgresql_where=text(LEFT)),
)

credit_burns = table(
    "credit_burns",
    of_customer(),
    key("grant_id"),
    whole("place"),
    key("reason"),
    key("invoice_id", nullable=True),
    whole("amount"),
    at("at"),
    PrimaryKeyConstraint("customer_id", "grant_id", "place"),
    ForeignKeyConstraint(["customer_id", "grant_id"], ["tallystick_credit_grants.customer_id", "tallystick_credit_grants.id"]),
    ForeignKeyConstraint(["customer_id", "invoice_id"], ["tallystick_invoices.customer_id", "tallystick_invoices.id"]),
    one_of("reason", Reason),
    CheckConstraint("(reason = 'given_back') = (amount > 0) AND amount <> 0", name="amount"),
    CheckConstraint("(reason = 'expired') = (invoice_id IS NULL)", name="invoice"),
    Index("ix_tallystick_credit_burns_invoice", "invoice_id"),
)
