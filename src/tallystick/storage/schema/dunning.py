"""What happens after a payment has failed: how far it has come with each invoice, and every attempt to collect it."""

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, PrimaryKeyConstraint, text

from tallystick.domain.dunning import Cause, State
from tallystick.storage.schema.base import at, key, of_customer, one_of, table, whole, words

# Said in the same words by the index and by the query that is to use it.
DUE = "next_at IS NOT NULL"

dunning = table(
    "dunning",
    of_customer(),
    key("invoice_id"),
    key("state"),
    key("code"),
    whole("failures"),
    whole("tries"),
    at("begun_at"),
    at("failed_at"),
    at("since"),
    at("next_at", nullable=True),
    at("updated_at"),
    whole("version"),
    PrimaryKeyConstraint("customer_id", "invoice_id"),
    ForeignKeyConstraint(["customer_id", "invoice_id"], ["tallystick_invoices.customer_id", "tallystick_invoices.id"]),
    one_of("state", State),
    CheckConstraint("failures >= 0 AND tries >= 0", name="counts"),
    CheckConstraint("state IN ('given_up', 'over') OR next_at IS NOT NULL", name="goes_on"),
    Index("ix_tallystick_dunning_due", "next_at", "invoice_id", sqlite_where=text(DUE), postgresql_where=text(DUE)),
    Index("ix_tallystick_dunning_invoice", "invoice_id"),
    Index("ix_tallystick_dunning_newest", "begun_at", "invoice_id"),
)

dunning_tries = table(
    "dunning_tries",
    of_customer(),
    key("payment_id"),
    whole("charge"),
    key("invoice_id"),
    key("cause"),
    at("due_at"),
    at("begun_at"),
    at("failed_at", nullable=True),
    key("code", nullable=True),
    words("message", nullable=True),
    key("payment_method", nullable=True),
    PrimaryKeyConstraint("customer_id", "payment_id", "charge"),
    ForeignKeyConstraint(["customer_id", "payment_id"], ["tallystick_payments.customer_id", "tallystick_payments.id"]),
    one_of("cause", Cause),
    CheckConstraint("due_at <= begun_at", name="not_early"),
    CheckConstraint("(failed_at IS NULL) = (code IS NULL)", name="failed"),
    Index("ix_tallystick_dunning_tries_invoice", "customer_id", "invoice_id", "begun_at"),
)
