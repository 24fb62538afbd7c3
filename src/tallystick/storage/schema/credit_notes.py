"""Credit notes, and the refunds by which money goes back."""

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, PrimaryKeyConstraint, text

from tallystick.domain.refunds import Origin, RefundStatus
from tallystick.storage.schema.base import (
    ALIVE,
    at,
    flag,
    is_currency,
    key,
    of_customer,
    one_of,
    table,
    unique_where,
    whole,
    words,
)

credit_notes = table(
    "credit_notes",
    of_customer(),
    key("id"),
    key("number"),
    key("invoice_id"),
    whole("amount"),
    whole("reduced"),
    whole("refunded"),
    whole("credited"),
    whole("carried"),
    key("currency"),
    words("reason"),
    at("created_at"),
    PrimaryKeyConstraint("customer_id", "id"),
    ForeignKeyConstraint(["customer_id", "invoice_id"], ["tallystick_invoices.customer_id", "tallystick_invoices.id"]),
    is_currency(),
    CheckConstraint("amount > 0 AND amount = reduced + refunded + credited", name="amount"),
    CheckConstraint("reduced >= 0 AND refunded >= 0 AND credited >= 0", name="parts"),
    Index("ix_tallystick_credit_notes_id", "id"),
    Index("ix_tallystick_credit_notes_newest", "created_at", "id"),
    Index("ix_tallystick_credit_notes_of_invoice", "customer_id", "invoice_id"),
    Index("uq_tallystick_credit_notes_number", "number", unique=True),
)

credit_note_lines = table(
    "credit_note_lines",
    of_customer(),
    key("credit_note_id"),
    key("line_id"),
    whole("amount"),
    key("currency"),
    PrimaryKeyConstraint("customer_id", "credit_note_id", "line_id"),
    ForeignKeyConstraint(
        ["customer_id", "credit_note_id"], ["tallystick_credit_notes.customer_id", "tallystick_credit_notes.id"]
    ),
    ForeignKeyConstraint(["customer_id", "line_id"], ["tallystick_invoice_lines.customer_id", "tallystick_invoice_lines.id"]),
    is_currency(),
    CheckConstraint("amount > 0", name="amount"),
)

refunds = table(
    "refunds",
    of_customer(),
    key("id"),
    key("payment_id"),
    key("invoice_id"),
    key("credit_note_id", nullable=True),
    whole("amount"),
    whole("excess"),
    key("currency"),
    key("status"),
    key("origin"),
    words("reason"),
    at("created_at"),
    at("updated_at"),
    key("ref", nullable=True),
    words("failure", nullable=True),
    whole("round"),
    flag("look_first"),
    at("asked_at", nullable=True),
    whole("version"),
    PrimaryKeyConstraint("customer_id", "id"),
    ForeignKeyConstraint(["customer_id", "payment_id"], ["tallystick_payments.customer_id", "tallystick_payments.id"]),
    ForeignKeyConstraint(["customer_id", "invoice_id"], ["tallystick_invoices.customer_id", "tallystick_invoices.id"]),
    ForeignKeyConstraint(
        ["customer_id", "credit_note_id"], ["tallystick_credit_notes.customer_id", "tallystick_credit_notes.id"]
    ),
    one_of("status", RefundStatus),
    one_of("origin", Origin),
    is_currency(),
    CheckConstraint("amount > 0 AND excess >= 0 AND excess <= amount", name="amount"),
    CheckConstraint("(credit_note_id IS NULL) = (excess = amount)", name="noted"),
    Index("ix_tallystick_refunds_id", "id"),
    Index("ix_tallystick_refunds_newest", "created_at", "id"),
    Index("ix_tallystick_refunds_of_invoice", "customer_id", "invoice_id"),
    Index("ix_tallystick_refunds_of_payment", "customer_id", "payment_id"),
    Index("ix_tallystick_refunds_silent", "updated_at", "id", sqlite_where=text(ALIVE), postgresql_where=text(ALIVE)),
    unique_where("uq_tallystick_refunds_ref", "ref", where="ref IS NOT NULL"),
)
