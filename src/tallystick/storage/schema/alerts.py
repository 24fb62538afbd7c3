"""What is worth telling, and what is sent out about it: alerts, endpoints, messages, and each message on its way."""

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, PrimaryKeyConstraint, UniqueConstraint

from tallystick.domain.messages import Channel, DispatchStatus
from tallystick.storage.schema.base import at, doc, flag, key, of_customer, of_meter, one_of, table, whole, words

alerts = table(
    "alerts",
    key("customer_id"),  # '' where it is about the business itself: what stands in a key is never null
    key("id"),
    key("kind"),  # any word: an older version reads what a newer one has written
    key("subject"),
    at("period_start"),
    whole("threshold"),
    at("at"),
    doc("facts"),
    PrimaryKeyConstraint("customer_id", "id"),
    UniqueConstraint("customer_id", "kind", "subject", "period_start", "threshold", name="once"),
    Index("ix_tallystick_alerts_id", "id"),
    Index("ix_tallystick_alerts_newest", "at", "id"),
    Index("ix_tallystick_alerts_of_customer", "customer_id", "at", "id"),
)

alert_thresholds = table(
    "alert_thresholds",
    of_customer(),
    of_meter(),
    doc("percents"),
    at("updated_at"),
    PrimaryKeyConstraint("customer_id", "meter_key"),
)

endpoints = table(
    "endpoints",
    key("id"),
    words("url"),
    doc("types"),
    key("only_for", nullable=True),
    at("created_at"),
    flag("enabled"),
    words("disabled_reason", nullable=True),
    whole("secret_number"),  # the secret itself is made from this, and kept nowhere
    at("overlap_until", nullable=True),
    whole("failures"),
    at("paused_until", nullable=True),
    at("delivered_at", nullable=True),
    PrimaryKeyConstraint("id"),
    CheckConstraint("secret_number >= 1 AND failures >= 0", name="counts"),
)

messages = table(
    "messages",
    key("id"),
    key("type"),
    key("about", nullable=True),  # the customer, where it is about one
    doc("body"),
    at("created_at"),
    PrimaryKeyConstraint("id"),
    Index("ix_tallystick_messages_newest", "created_at", "id"),
)

dispatches = table(
    "dispatches",
    key("message_id"),
    key("target"),
    key("channel"),
    key("status"),
    whole("attempts"),
    at("began_at"),
    at("next_at", nullable=True),
    whole("response_status", nullable=True),
    words("reply", nullable=True),
    words("error", nullable=True),
    at("settled_at", nullable=True),
    PrimaryKeyConstraint("message_id", "target"),
    ForeignKeyConstraint(["message_id"], ["tallystick_messages.id"]),
    one_of("channel", Channel),
    one_of("status", DispatchStatus),
    CheckConstraint("attempts >= 0", name="attempts"),
    CheckConstraint("(status = 'waiting') = (settled_at IS NULL)", name="settled"),
    Index("ix_tallystick_dispatches_channel", "channel", "began_at", "message_id"),
)
