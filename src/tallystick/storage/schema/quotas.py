"""What a customer may use, and what they took of it."""

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, PrimaryKeyConstraint, text

from tallystick.domain.entitlements import OperationStatus, Policy, Reset, Source
from tallystick.storage.schema.base import HELD, at, is_currency, key, of_customer, of_meter, one_of, table, whole

entitlements = table(
    "entitlements",
    of_customer(),
    of_meter(),
    whole("quota_limit", nullable=True),  # null: unlimited
    key("policy"),
    key("reset"),
    key("zone"),
    at("updated_at"),
    key("source"),
    at("anchor", nullable=True),  # of periods that are a subscription's
    key("cadence", nullable=True),
    at("withdrawn_at", nullable=True),
    PrimaryKeyConstraint("customer_id", "meter_key"),
    one_of("policy", Policy),
    one_of("reset", Reset),
    one_of("source", Source),
    CheckConstraint("(reset = 'period') = (anchor IS NOT NULL AND cadence IS NOT NULL)", name="anchor"),
    CheckConstraint("quota_limit >= 0", name="quota_limit"),
    Index("ix_tallystick_entitlements_meter", "meter_key"),
)

spend_caps = table(
    "spend_caps",
    of_customer(),
    whole("limit_minor"),
    key("currency"),
    key("policy"),
    key("zone"),
    at("updated_at"),
    PrimaryKeyConstraint("customer_id"),
    one_of("policy", Policy),
    is_currency(),
    CheckConstraint("limit_minor >= 0", name="limit"),
)

quota_counters = table(
    "quota_counters",
    of_customer(),
    key("meter_key"),
    at("period_start"),
    whole("used"),
    whole("reserved"),
    PrimaryKeyConstraint("customer_id", "meter_key", "period_start"),
    ForeignKeyConstraint(
        ["customer_id", "meter_key"], ["tallystick_entitlements.customer_id", "tallystick_entitlements.meter_key"]
    ),
    CheckConstraint("used >= 0 AND reserved >= 0", name="sums"),
)

quota_operations = table(
    "quota_operations",
    of_customer(),
    key("id"),
    key("reservation_id"),
    key("meter_key"),
    at("period_start"),
    at("at"),
    whole("quantity"),
    whole("taken"),
    key("status"),
    at("expires_at", nullable=True),
    whole("filled"),  # used + reserved once it was granted,
    whole("hard_limit", nullable=True),  # and the limit that blocked then; null: none did
    PrimaryKeyConstraint("customer_id", "id"),
    ForeignKeyConstraint(
        ["customer_id", "meter_key", "period_start"],
        [
            "tallystick_quota_counters.customer_id",
            "tallystick_quota_counters.meter_key",
            "tallystick_quota_counters.period_start",
        ],
    ),
    one_of("status", OperationStatus),
    CheckConstraint("quantity > 0 AND taken >= 0 AND (status = 'taken' OR taken = 0)", name="quantity"),
    CheckConstraint("status = 'taken' OR expires_at IS NOT NULL", name="expires"),
    CheckConstraint("hard_limit IS NULL OR filled <= hard_limit", name="hard_limit"),
    Index("ix_tallystick_quota_operations_reservation", "reservation_id"),
    Index(
        "ix_tallystick_quota_operations_held",
        "customer_id",
        "meter_key",
        "expires_at",
        sqlite_where=text(HELD),
        postgresql_where=text(HELD),
    ),
    Index("ix_tallystick_quota_operations_expired", "expires_at", sqlite_where=text(HELD), postgresql_where=text(HELD)),
)
