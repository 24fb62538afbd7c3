"""Usage and work."""

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types
from tallystick.storage.migrations.append_only import make_append_only

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _api_keys()
    _audit()
    _counters()
    _customers()
    _idempotency_keys()
    _jobs()
    _meters()
    _provider_events()
    _settings()
    _billing_positions()
    _boots()
    _charges()
    _events()
    _late_usage()
    _usage_rollups()
    _usage_uniques()
    make_append_only(op.get_bind(), "tallystick_events")
    make_append_only(op.get_bind(), "tallystick_audit")


def _api_keys() -> None:
    op.create_table(
        "tallystick_api_keys",
        sa.Column("key_id", types.Key(), nullable=False),
        sa.Column("secret_hash", types.Key(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", types.JsonDoc(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=True),
        sa.Column("revoked_at", types.Instant(), nullable=True),
        sa.Column("last_used_at", types.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_tallystick_api_keys")),
        sqlite_strict=True,
    )


def _audit() -> None:
    op.create_table(
        "tallystick_audit",
        sa.Column("seq", types.Whole(), autoincrement=False, nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("actor", types.Key(), nullable=False),
        sa.Column("action", types.Key(), nullable=False),
        sa.Column("subject", types.Key(), nullable=False),
        sa.Column("before", types.JsonDoc(), nullable=True),
        sa.Column("after", types.JsonDoc(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("hash", types.Key(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_tallystick_audit")),
        sqlite_strict=True,
    )


def _counters() -> None:
    op.create_table(
        "tallystick_counters",
        sa.Column("name", types.Key(), nullable=False),
        sa.Column("value", types.Whole(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tallystick_counters")),
        sqlite_strict=True,
    )


def _customers() -> None:
    op.create_table(
        "tallystick_customers",
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("provider_ref", types.Key(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tallystick_customers")),
        sqlite_strict=True,
    )


def _idempotency_keys() -> None:
    op.create_table(
        "tallystick_idempotency_keys",
        sa.Column("key", types.Key(), nullable=False),
        sa.Column("route", types.Key(), nullable=False),
        sa.Column("fingerprint", types.Key(), nullable=False),
        sa.Column("claimed_at", types.Instant(), nullable=False),
        sa.Column("status", types.Whole(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_tallystick_idempotency_keys")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_idempotency_keys_claimed", "tallystick_idempotency_keys", ["claimed_at"], unique=False)


def _jobs() -> None:
    op.create_table(
        "tallystick_jobs",
        sa.Column("id", types.Whole(), autoincrement=True, nullable=False),
        sa.Column("key", types.Key(), nullable=False),
        sa.Column("name", types.Key(), nullable=False),
        sa.Column("subject", types.Key(), nullable=False),
        sa.Column("run_at", types.Instant(), nullable=False),
        sa.Column("attempt", types.Whole(), nullable=False),
        sa.Column("fence", types.Whole(), nullable=False),
        sa.Column("leased_until", types.Instant(), nullable=True),
        sa.Column("again_at", types.Instant(), nullable=True),
        sa.Column("dead", types.Flag(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tallystick_jobs")),
        sa.UniqueConstraint("key", name=op.f("uq_tallystick_jobs_key")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_jobs_due", "tallystick_jobs", ["dead", "run_at", "id"], unique=False)


def _meters() -> None:
    op.create_table(
        "tallystick_meters",
        sa.Column("key", types.Key(), nullable=False),
        sa.Column("aggregation", types.Key(), nullable=False),
        sa.Column("decimals", types.Whole(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("allow_negative", types.Flag(), nullable=False),
        sa.Column("unique_property", sa.Text(), nullable=True),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.CheckConstraint(
            "aggregation IN ('count', 'latest', 'max', 'sum', 'unique')", name=op.f("ck_tallystick_meters_aggregation")
        ),
        sa.CheckConstraint("decimals BETWEEN 0 AND 12", name=op.f("ck_tallystick_meters_decimals")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_tallystick_meters")),
        sqlite_strict=True,
    )


def _provider_events() -> None:
    op.create_table(
        "tallystick_provider_events",
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("provider", types.Key(), nullable=False),
        sa.Column("kind", types.Key(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("livemode", types.Flag(), nullable=False),
        sa.Column("received_at", types.Instant(), nullable=False),
        sa.Column("outcome", types.Key(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("settled_at", types.Instant(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('ignored', 'new', 'parked', 'settled')", name=op.f("ck_tallystick_provider_events_outcome")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tallystick_provider_events")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_provider_events_newest", "tallystick_provider_events", ["received_at", "id"], unique=False)
    op.create_index(
        "ix_tallystick_provider_events_outcome", "tallystick_provider_events", ["outcome", "received_at", "id"], unique=False
    )


def _settings() -> None:
    op.create_table(
        "tallystick_settings",
        sa.Column("key", types.Key(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_tallystick_settings")),
        sqlite_strict=True,
    )


def _billing_positions() -> None:
    op.create_table(
        "tallystick_billing_positions",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("charge_key", types.Key(), nullable=False),
        sa.Column("meter_key", types.Key(), nullable=False),
        sa.Column("billed_through", types.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_billing_positions_tallystick_customers")
        ),
        sa.PrimaryKeyConstraint("customer_id", "charge_key", name=op.f("pk_tallystick_billing_positions")),
        sqlite_strict=True,
    )


def _boots() -> None:
    op.create_table(
        "tallystick_boots",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("boot_id", types.Key(), nullable=False),
        sa.Column("boot_at", types.Instant(), nullable=False),
        sa.Column("read_through", types.Instant(), nullable=False),
        sa.CheckConstraint("boot_at <= read_through", name=op.f("ck_tallystick_boots_read")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_boots_tallystick_customers")
        ),
        sa.PrimaryKeyConstraint("customer_id", "boot_id", name=op.f("pk_tallystick_boots")),
        sqlite_strict=True,
    )


def _charges() -> None:
    op.create_table(
        "tallystick_charges",
        sa.Column("key", types.Key(), nullable=False),
        sa.Column("meter_key", types.Key(), nullable=False),
        sa.Column("price", types.JsonDoc(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["meter_key"], ["tallystick_meters.key"], name=op.f("fk_tallystick_charges_tallystick_meters")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_tallystick_charges")),
        sqlite_strict=True,
    )


def _events() -> None:
    op.create_table(
        "tallystick_events",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("source", types.Key(), nullable=False),
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("meter_key", types.Key(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("quantity", types.Whole(), nullable=False),
        sa.Column("unit_price", sa.Text(), nullable=False),
        sa.Column("properties", sa.Text(), nullable=False),
        sa.Column("recorded_at", types.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_events_tallystick_customers")
        ),
        sa.ForeignKeyConstraint(["meter_key"], ["tallystick_meters.key"], name=op.f("fk_tallystick_events_tallystick_meters")),
        sa.PrimaryKeyConstraint("customer_id", "source", "id", name=op.f("pk_tallystick_events")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_events_at", "tallystick_events", ["customer_id", "meter_key", "at"], unique=False)


def _late_usage() -> None:
    op.create_table(
        "tallystick_late_usage",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("charge_key", types.Key(), nullable=False),
        sa.Column("hour", types.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_late_usage_tallystick_customers")
        ),
        sa.PrimaryKeyConstraint("customer_id", "charge_key", "hour", name=op.f("pk_tallystick_late_usage")),
        sqlite_strict=True,
    )


def _usage_rollups() -> None:
    op.create_table(
        "tallystick_usage_rollups",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("meter_key", types.Key(), nullable=False),
        sa.Column("hour", types.Instant(), nullable=False),
        sa.Column("unit_price", types.Key(), nullable=False),
        sa.Column("count", types.Whole(), nullable=False),
        sa.Column("sum", types.Whole(), nullable=False),
        sa.Column("max", types.Whole(), nullable=False),
        sa.Column("latest_at", types.Instant(), nullable=False),
        sa.Column("latest_source", types.Key(), nullable=False),
        sa.Column("latest_id", types.Key(), nullable=False),
        sa.Column("latest_quantity", types.Whole(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_usage_rollups_tallystick_customers")
        ),
        sa.PrimaryKeyConstraint("customer_id", "meter_key", "hour", "unit_price", name=op.f("pk_tallystick_usage_rollups")),
        sqlite_strict=True,
    )


def _usage_uniques() -> None:
    op.create_table(
        "tallystick_usage_uniques",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("meter_key", types.Key(), nullable=False),
        sa.Column("hour", types.Instant(), nullable=False),
        sa.Column("value", types.Key(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_usage_uniques_tallystick_customers")
        ),
        sa.PrimaryKeyConstraint("customer_id", "meter_key", "hour", "value", name=op.f("pk_tallystick_usage_uniques")),
        sqlite_strict=True,
    )
