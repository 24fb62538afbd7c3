"""What banks have taken back, and what comparing with the provider has found."""

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, PrimaryKeyConstraint

from tallystick.domain.disputes import DisputeStatus
from tallystick.storage.schema.base import at, doc, flag, is_currency, key, of_customer, one_of, table, whole, words

disputes = table(
    "disputes",
    of_customer(),
    key("id"),
    key("payment_id"),
    key("invoice_id"),
    key("ref"),
    whole("amount"),
    key("currency"),
    key("status"),
    flag("withdrawn"),
    words("reason"),
    at("created_at"),
    at("updated_at"),
    at("due_by", nullable=True),
    whole("version"),
    PrimaryKeyConstraint("customer_id", "id"),
    ForeignKeyConstraint(["customer_id", "payment_id"], ["tallystick_payments.customer_id", "tallystick_payments.id"]),
    ForeignKeyConstraint(["customer_id", "invoice_id"], ["tallystick_invoices.customer_id", "tallystick_invoices.id"]),
    one_of("status", DisputeStatus),
    is_currency(),
    CheckConstraint("amount > 0", name="amount"),
    Index("ix_tallystick_disputes_newest", "created_at", "id"),
    Index("ix_tallystick_disputes_of_payment", "customer_id", "payment_id"),
    Index("uq_tallystick_disputes_ref", "ref", unique=True),
)

reconciliations = table(
    "reconciliations",
    key("id"),
    at("at"),
    at("since"),
    flag("repair"),
    doc("equal"),
    doc("findings"),
    key("actor"),
    at("done_at", nullable=True),
    doc("usage_round", nullable=True),
    PrimaryKeyConstraint("id"),
    Index("ix_tallystick_reconciliations_newest", "at", "id"),
)
