"""Plans, subscriptions, and the invoices of their periods: lines that are fees, and quotas that plans give."""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

from tallystick.storage import types
from tallystick.storage.migrations.append_only import make_append_only

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_DUE = "due_at IS NOT NULL"
_HELD = "status = 'reserved'"


def upgrade() -> None:
    _plan_versions()
    _plan_sales()
    _subscriptions()
    _subscription_periods()
    _subscription_meters()
    _subscription_previews()
    _deferred_revenue()
    _invoices()
    _made_anew("invoice_lines", _invoice_lines, kind="'usage'", share="'1'", credits="NULL")
    _made_anew("ledger_entries", _ledger_entries)
    make_append_only(op.get_bind(), "tallystick_invoice_lines")
    make_append_only(op.get_bind(), "tallystick_ledger_entries")
    _quotas()


def _quotas() -> None:
    """The three refer to each other, so that they are set aside and made anew together."""
    named = ("quota_operations", "quota_counters", "entitlements")
    for name in named:
        _set_aside(name)
    _entitlements()
    _quota_counters()
    _quota_operations()
    _put_back("entitlements", source="'grant'", anchor="NULL", cadence="NULL", withdrawn_at="NULL")
    _put_back("quota_counters")
    _put_back("quota_operations")


def _made_anew(name: str, create: Callable[[], None], **added: str) -> None:
    """The table in its new form, with its rows; SQLite cannot change a constraint in place."""
    _set_aside(name)
    create()
    _put_back(name, **added)


def _set_aside(name: str) -> None:
    op.execute(f"CREATE TABLE tallystick_set_aside_{name} AS SELECT * FROM tallystick_{name}")  # noqa: S608 our own names
    op.drop_table(f"tallystick_{name}")


def _put_back(name: str, **added: str) -> None:
    kept = [column["name"] for column in sa.inspect(op.get_bind()).get_columns(f"tallystick_set_aside_{name}")]
    into, values = ", ".join([*kept, *added]), ", ".join([*kept, *added.values()])
    op.execute(f"INSERT INTO tallystick_{name} ({into}) SELECT {values} FROM tallystick_set_aside_{name}")  # noqa: S608
    op.drop_table(f"tallystick_set_aside_{name}")


def _invoices() -> None:
    for name in ("discount", "credits_applied"):
        op.add_column("tallystick_invoices", sa.Column(name, types.Whole(), nullable=False, server_default="0"))
    op.add_column("tallystick_invoices", sa.Column("subscription_id", types.Key(), nullable=True))
    op.create_index(
        "ix_tallystick_invoices_of_subscription", "tallystick_invoices", ["customer_id", "subscription_id", "period_start"]
    )


def _invoice_lines() -> None:
    op.create_table(
        "tallystick_invoice_lines",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("invoice_id", types.Key(), nullable=False),
        sa.Column("place", types.Whole(), nullable=False),
        sa.Column("charge_key", types.Key(), nullable=False),
        sa.Column("meter_key", types.Key(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("period_start", types.Instant(), nullable=False),
        sa.Column("period_end", types.Instant(), nullable=False),
        sa.Column("part", types.Whole(), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("amount", types.Whole(), nullable=False),
        sa.Column("currency", types.Key(), nullable=False),
        sa.Column("price", types.JsonDoc(), nullable=False),
        sa.Column("rating", types.JsonDoc(), nullable=False),
        sa.Column("kind", types.Key(), nullable=False),
        sa.Column("share", sa.Text(), nullable=False),
        sa.Column("credits", types.Key(), nullable=True),
        sa.CheckConstraint("(kind = 'credit') = (credits IS NOT NULL)", name=op.f("ck_tallystick_invoice_lines_credits")),
        sa.CheckConstraint("(kind = 'usage') = (meter_key IS NOT NULL)", name=op.f("ck_tallystick_invoice_lines_meter")),
        sa.CheckConstraint("kind IN ('credit', 'one_time', 'recurring', 'usage')", name=op.f("ck_tallystick_invoice_lines_kind")),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_tallystick_invoice_lines_currency")),
        sa.CheckConstraint("part >= 0", name=op.f("ck_tallystick_invoice_lines_part")),
        sa.CheckConstraint("period_start < period_end", name=op.f("ck_tallystick_invoice_lines_period")),
        sa.ForeignKeyConstraint(
            ["customer_id", "invoice_id"],
            ["tallystick_invoices.customer_id", "tallystick_invoices.id"],
            name=op.f("fk_tallystick_invoice_lines_tallystick_invoices"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_invoice_lines_tallystick_customers")
        ),
        sa.ForeignKeyConstraint(
            ["meter_key"], ["tallystick_meters.key"], name=op.f("fk_tallystick_invoice_lines_tallystick_meters")
        ),
        sa.PrimaryKeyConstraint("customer_id", "id", name=op.f("pk_tallystick_invoice_lines")),
        sa.UniqueConstraint(
            "customer_id", "charge_key", "period_start", "kind", "part", name=op.f("uq_tallystick_invoice_lines_once")
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_tallystick_invoice_lines_of_invoice", "tallystick_invoice_lines", ["customer_id", "invoice_id", "place"], unique=False
    )


def _ledger_entries() -> None:
    op.create_table(
        "tallystick_ledger_entries",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("transaction_id", types.Key(), nullable=False),
        sa.Column("place", types.Whole(), nullable=False),
        sa.Column("account", types.Key(), nullable=False),
        sa.Column("currency", types.Key(), nullable=False),
        sa.Column("amount", types.Whole(), nullable=False),
        sa.CheckConstraint(
            "account IN ('bad_debt', 'carried', 'cash', 'credits', 'deferred_revenue', 'external', 'promotions', "
            " 'receivable', 'refunds', 'refunds_due', 'revenue', 'tax_payable')",
            name=op.f("ck_tallystick_ledger_entries_account"),
        ),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_tallystick_ledger_entries_currency")),
        sa.ForeignKeyConstraint(
            ["customer_id", "transaction_id"],
            ["tallystick_ledger_transactions.customer_id", "tallystick_ledger_transactions.id"],
            name=op.f("fk_tallystick_ledger_entries_tallystick_ledger_transactions"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_ledger_entries_tallystick_customers")
        ),
        sa.PrimaryKeyConstraint("customer_id", "transaction_id", "place", name=op.f("pk_tallystick_ledger_entries")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_tallystick_ledger_entries_balance",
        "tallystick_ledger_entries",
        ["account", "currency", "customer_id", "amount"],
        unique=False,
    )


def _entitlements() -> None:
    op.create_table(
        "tallystick_entitlements",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("meter_key", types.Key(), nullable=False),
        sa.Column("quota_limit", types.Whole(), nullable=True),
        sa.Column("policy", types.Key(), nullable=False),
        sa.Column("reset", types.Key(), nullable=False),
        sa.Column("zone", types.Key(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.Column("source", types.Key(), nullable=False),
        sa.Column("anchor", types.Instant(), nullable=True),
        sa.Column("cadence", types.Key(), nullable=True),
        sa.Column("withdrawn_at", types.Instant(), nullable=True),
        sa.CheckConstraint(
            "(reset = 'period') = (anchor IS NOT NULL AND cadence IS NOT NULL)", name=op.f("ck_tallystick_entitlements_anchor")
        ),
        sa.CheckConstraint("policy IN ('hard', 'soft')", name=op.f("ck_tallystick_entitlements_policy")),
        sa.CheckConstraint("reset IN ('calendar_month', 'never', 'period')", name=op.f("ck_tallystick_entitlements_reset")),
        sa.CheckConstraint("source IN ('grant', 'plan')", name=op.f("ck_tallystick_entitlements_source")),
        sa.CheckConstraint("quota_limit >= 0", name=op.f("ck_tallystick_entitlements_quota_limit")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_entitlements_tallystick_customers")
        ),
        sa.ForeignKeyConstraint(
            ["meter_key"], ["tallystick_meters.key"], name=op.f("fk_tallystick_entitlements_tallystick_meters")
        ),
        sa.PrimaryKeyConstraint("customer_id", "meter_key", name=op.f("pk_tallystick_entitlements")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_entitlements_meter", "tallystick_entitlements", ["meter_key"], unique=False)


def _quota_counters() -> None:
    op.create_table(
        "tallystick_quota_counters",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("meter_key", types.Key(), nullable=False),
        sa.Column("period_start", types.Instant(), nullable=False),
        sa.Column("used", types.Whole(), nullable=False),
        sa.Column("reserved", types.Whole(), nullable=False),
        sa.CheckConstraint("used >= 0 AND reserved >= 0", name=op.f("ck_tallystick_quota_counters_sums")),
        sa.ForeignKeyConstraint(
            ["customer_id", "meter_key"],
            ["tallystick_entitlements.customer_id", "tallystick_entitlements.meter_key"],
            name=op.f("fk_tallystick_quota_counters_tallystick_entitlements"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_quota_counters_tallystick_customers")
        ),
        sa.PrimaryKeyConstraint("customer_id", "meter_key", "period_start", name=op.f("pk_tallystick_quota_counters")),
        sqlite_strict=True,
    )


def _quota_operations() -> None:
    op.create_table(
        "tallystick_quota_operations",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("reservation_id", types.Key(), nullable=False),
        sa.Column("meter_key", types.Key(), nullable=False),
        sa.Column("period_start", types.Instant(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("quantity", types.Whole(), nullable=False),
        sa.Column("taken", types.Whole(), nullable=False),
        sa.Column("status", types.Key(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=True),
        sa.Column("filled", types.Whole(), nullable=False),
        sa.Column("hard_limit", types.Whole(), nullable=True),
        sa.CheckConstraint(
            "quantity > 0 AND taken >= 0 AND (status = 'taken' OR taken = 0)",
            name=op.f("ck_tallystick_quota_operations_quantity"),
        ),
        sa.CheckConstraint("status = 'taken' OR expires_at IS NOT NULL", name=op.f("ck_tallystick_quota_operations_expires")),
        sa.CheckConstraint("status IN ('released', 'reserved', 'taken')", name=op.f("ck_tallystick_quota_operations_status")),
        sa.CheckConstraint("hard_limit IS NULL OR filled <= hard_limit", name=op.f("ck_tallystick_quota_operations_hard_limit")),
        sa.ForeignKeyConstraint(
            ["customer_id", "meter_key", "period_start"],
            [
                "tallystick_quota_counters.customer_id",
                "tallystick_quota_counters.meter_key",
                "tallystick_quota_counters.period_start",
            ],
            name=op.f("fk_tallystick_quota_operations_tallystick_quota_counters"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_quota_operations_tallystick_customers")
        ),
        sa.PrimaryKeyConstraint("customer_id", "id", name=op.f("pk_tallystick_quota_operations")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_tallystick_quota_operations_expired",
        "tallystick_quota_operations",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text(_HELD),
        postgresql_where=sa.text(_HELD),
    )
    op.create_index(
        "ix_tallystick_quota_operations_held",
        "tallystick_quota_operations",
        ["customer_id", "meter_key", "expires_at"],
        unique=False,
        sqlite_where=sa.text(_HELD),
        postgresql_where=sa.text(_HELD),
    )
    op.create_index("ix_tallystick_quota_operations_reservation", "tallystick_quota_operations", ["reservation_id"], unique=False)


def _plan_versions() -> None:
    op.create_table(
        "tallystick_plan_versions",
        sa.Column("plan_key", types.Key(), nullable=False),
        sa.Column("version", types.Whole(), nullable=False),
        sa.Column("document", types.JsonDoc(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_tallystick_plan_versions_version")),
        sa.PrimaryKeyConstraint("plan_key", "version", name=op.f("pk_tallystick_plan_versions")),
        sqlite_strict=True,
    )


def _plan_sales() -> None:
    op.create_table(
        "tallystick_plan_sales",
        sa.Column("plan_key", types.Key(), nullable=False),
        sa.Column("version", types.Whole(), nullable=False),
        sa.Column("first_at", types.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_key", "version"],
            ["tallystick_plan_versions.plan_key", "tallystick_plan_versions.version"],
            name=op.f("fk_tallystick_plan_sales_tallystick_plan_versions"),
        ),
        sa.PrimaryKeyConstraint("plan_key", "version", name=op.f("pk_tallystick_plan_sales")),
        sqlite_strict=True,
    )


def _subscriptions() -> None:
    op.create_table(
        "tallystick_subscriptions",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("status", types.Key(), nullable=False),
        sa.Column("plan_key", types.Key(), nullable=False),
        sa.Column("plan_version", types.Whole(), nullable=False),
        sa.Column("terms", types.JsonDoc(), nullable=False),
        sa.Column("next_terms", types.JsonDoc(), nullable=True),
        sa.Column("zone", types.Key(), nullable=False),
        sa.Column("anchoring", types.Key(), nullable=False),
        sa.Column("anchor", types.Instant(), nullable=False),
        sa.Column("started_at", types.Instant(), nullable=False),
        sa.Column("period_start", types.Instant(), nullable=False),
        sa.Column("period_end", types.Instant(), nullable=False),
        sa.Column("full_start", types.Instant(), nullable=False),
        sa.Column("full_end", types.Instant(), nullable=False),
        sa.Column("terms_since", types.Instant(), nullable=False),
        sa.Column("trial_end", types.Instant(), nullable=True),
        sa.Column("cancel_at_period_end", types.Flag(), nullable=False),
        sa.Column("paused_at", types.Instant(), nullable=True),
        sa.Column("ended_at", types.Instant(), nullable=True),
        sa.Column("collection", types.JsonDoc(), nullable=False),
        sa.Column("due_at", types.Instant(), nullable=True),
        sa.Column("version", types.Whole(), nullable=False),
        sa.CheckConstraint("(status = 'canceled') = (ended_at IS NOT NULL)", name=op.f("ck_tallystick_subscriptions_ended")),
        sa.CheckConstraint("(status = 'paused') = (paused_at IS NOT NULL)", name=op.f("ck_tallystick_subscriptions_paused")),
        sa.CheckConstraint("anchoring IN ('anniversary', 'calendar')", name=op.f("ck_tallystick_subscriptions_anchoring")),
        sa.CheckConstraint(
            "status IN ('active', 'canceled', 'past_due', 'paused', 'trialing', 'unpaid')",
            name=op.f("ck_tallystick_subscriptions_status"),
        ),
        sa.CheckConstraint(
            "period_start < period_end AND full_start <= period_start AND period_end <= full_end",
            name=op.f("ck_tallystick_subscriptions_period"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_subscriptions_tallystick_customers")
        ),
        sa.ForeignKeyConstraint(
            ["plan_key", "plan_version"],
            ["tallystick_plan_versions.plan_key", "tallystick_plan_versions.version"],
            name=op.f("fk_tallystick_subscriptions_tallystick_plan_versions"),
        ),
        sa.PrimaryKeyConstraint("customer_id", "id", name=op.f("pk_tallystick_subscriptions")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_tallystick_subscriptions_due",
        "tallystick_subscriptions",
        ["due_at", "id"],
        unique=False,
        sqlite_where=sa.text(_DUE),
        postgresql_where=sa.text(_DUE),
    )
    op.create_index("ix_tallystick_subscriptions_id", "tallystick_subscriptions", ["id"], unique=False)
    op.create_index("ix_tallystick_subscriptions_plan", "tallystick_subscriptions", ["plan_key", "plan_version"], unique=False)
    op.create_index("ix_tallystick_subscriptions_status", "tallystick_subscriptions", ["status", "id"], unique=False)


def _subscription_periods() -> None:
    op.create_table(
        "tallystick_subscription_periods",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("subscription_id", types.Key(), nullable=False),
        sa.Column("period_start", types.Instant(), nullable=False),
        sa.Column("period_end", types.Instant(), nullable=False),
        sa.Column("full_start", types.Instant(), nullable=False),
        sa.Column("full_end", types.Instant(), nullable=False),
        sa.Column("terms_since", types.Instant(), nullable=False),
        sa.Column("kind", types.Key(), nullable=False),
        sa.Column("terms", types.JsonDoc(), nullable=False),
        sa.Column("invoice_at", types.Instant(), nullable=False),
        sa.Column("invoiced", types.Flag(), nullable=False),
        sa.CheckConstraint("kind IN ('service', 'trial')", name=op.f("ck_tallystick_subscription_periods_kind")),
        sa.CheckConstraint(
            "period_start < period_end AND full_start <= period_start AND period_end <= full_end",
            name=op.f("ck_tallystick_subscription_periods_period"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id", "subscription_id"],
            ["tallystick_subscriptions.customer_id", "tallystick_subscriptions.id"],
            name=op.f("fk_tallystick_subscription_periods_tallystick_subscriptions"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_subscription_periods_tallystick_customers")
        ),
        sa.PrimaryKeyConstraint(
            "customer_id", "subscription_id", "period_start", name=op.f("pk_tallystick_subscription_periods")
        ),
        sqlite_strict=True,
    )


def _subscription_meters() -> None:
    op.create_table(
        "tallystick_subscription_meters",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("charge_key", types.Key(), nullable=False),
        sa.Column("counted_from", types.Instant(), nullable=False),
        sa.Column("subscription_id", types.Key(), nullable=False),
        sa.Column("meter_key", types.Key(), nullable=False),
        sa.Column("counted_until", types.Instant(), nullable=True),
        sa.CheckConstraint("counted_until >= counted_from", name=op.f("ck_tallystick_subscription_meters_counted")),
        sa.ForeignKeyConstraint(
            ["customer_id", "subscription_id"],
            ["tallystick_subscriptions.customer_id", "tallystick_subscriptions.id"],
            name=op.f("fk_tallystick_subscription_meters_tallystick_subscriptions"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_subscription_meters_tallystick_customers")
        ),
        sa.ForeignKeyConstraint(
            ["meter_key"], ["tallystick_meters.key"], name=op.f("fk_tallystick_subscription_meters_tallystick_meters")
        ),
        sa.PrimaryKeyConstraint("customer_id", "charge_key", "counted_from", name=op.f("pk_tallystick_subscription_meters")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_tallystick_subscription_meters_of_subscription",
        "tallystick_subscription_meters",
        ["customer_id", "subscription_id"],
        unique=False,
    )


def _subscription_previews() -> None:
    op.create_table(
        "tallystick_subscription_previews",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("id", types.Key(), nullable=False),
        sa.Column("subscription_id", types.Key(), nullable=False),
        sa.Column("terms", types.JsonDoc(), nullable=False),
        sa.Column("act", types.Key(), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=False),
        sa.Column("currency", types.Key(), nullable=False),
        sa.Column("amount_due", types.Whole(), nullable=False),
        sa.Column("fingerprint", types.Key(), nullable=False),
        sa.Column("subscription_version", types.Whole(), nullable=False),
        sa.Column("accepted", types.Flag(), nullable=False),
        sa.CheckConstraint(
            "act IN ('cancel', 'cancel_and_credit', 'cancel_at_period_end', 'change', 'change_at_period_end', 'pause', 'resume')",
            name=op.f("ck_tallystick_subscription_previews_act"),
        ),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_tallystick_subscription_previews_currency")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_subscription_previews_tallystick_customers")
        ),
        sa.PrimaryKeyConstraint("customer_id", "id", name=op.f("pk_tallystick_subscription_previews")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_tallystick_subscription_previews_expires", "tallystick_subscription_previews", ["expires_at"], unique=False
    )
    op.create_index("ix_tallystick_subscription_previews_id", "tallystick_subscription_previews", ["id"], unique=False)


def _deferred_revenue() -> None:
    op.create_table(
        "tallystick_deferred_revenue",
        sa.Column("customer_id", types.Key(), nullable=False),
        sa.Column("line_id", types.Key(), nullable=False),
        sa.Column("invoice_id", types.Key(), nullable=False),
        sa.Column("currency", types.Key(), nullable=False),
        sa.Column("amount", types.Whole(), nullable=False),
        sa.Column("due_at", types.Instant(), nullable=False),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_tallystick_deferred_revenue_currency")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["tallystick_customers.id"], name=op.f("fk_tallystick_deferred_revenue_tallystick_customers")
        ),
        sa.PrimaryKeyConstraint("customer_id", "line_id", name=op.f("pk_tallystick_deferred_revenue")),
        sqlite_strict=True,
    )
    op.create_index("ix_tallystick_deferred_revenue_due", "tallystick_deferred_revenue", ["due_at"], unique=False)
    op.create_index(
        "ix_tallystick_deferred_revenue_of_invoice", "tallystick_deferred_revenue", ["customer_id", "invoice_id"], unique=False
    )
