"""Every table, with its rules. A customer's row has the customer in each of its unique and foreign keys."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.schema import SchemaItem

from tallystick.domain.entitlements import OperationStatus, Policy, Reset
from tallystick.domain.invoices import InvoiceStatus
from tallystick.domain.ledger import Account
from tallystick.domain.payments import Method, PaymentStatus
from tallystick.domain.usage import Aggregation
from tallystick.storage.types import Flag, Instant, JsonDoc, Key, Whole

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(constraint_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# Rows of these are added, and never changed or removed: triggers refuse it on both engines.
APPEND_ONLY = (
    "tallystick_events",
    "tallystick_invoice_lines",
    "tallystick_ledger_transactions",
    "tallystick_ledger_entries",
    "tallystick_audit",
)

# Of payments; said in the same words by the index and by the query that is to use it.
NOT_FINAL = "status NOT IN ('canceled', 'succeeded')"
# Of operations on a quota, likewise.
HELD = "status = 'reserved'"


def _table(name: str, *items: SchemaItem) -> Table:
    return Table(f"tallystick_{name}", metadata, *items, sqlite_strict=True)


def _key(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Key(), nullable=nullable)


def _at(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Instant(), nullable=nullable)


def _whole(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Whole(), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Text(), nullable=nullable)


def _flag(name: str) -> Column[Any]:
    return Column(name, Flag(), nullable=False)


def _doc(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, JsonDoc(), nullable=nullable)


def _of_customer() -> Column[Any]:
    return Column("customer_id", Key(), ForeignKey("tallystick_customers.id"), nullable=False)


def _of_meter() -> Column[Any]:
    return Column("meter_key", Key(), ForeignKey("tallystick_meters.key"), nullable=False)


def _one_of(column: str, words: Iterable[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{word.value}'" for word in sorted(words))
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _is_currency() -> CheckConstraint:
    return CheckConstraint("length(currency) = 3", name="currency")


def _unique_where(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, unique=True, sqlite_where=text(where), postgresql_where=text(where))


# --- What the whole database is about ---

settings = _table("settings", _key("key"), _text("value"), PrimaryKeyConstraint("key"))

counters = _table("counters", _key("name"), _whole("value"), PrimaryKeyConstraint("name"))

# --- Who is billed, and for what ---

customers = _table(
    "customers",
    _key("id"),
    _at("created_at"),
    _text("email", nullable=True),
    _text("name", nullable=True),
    _key("provider_ref", nullable=True),
    PrimaryKeyConstraint("id"),
)

meters = _table(
    "meters",
    _key("key"),
    _key("aggregation"),
    _whole("decimals"),
    _text("unit"),
    _flag("allow_negative"),
    _text("unique_property", nullable=True),
    _at("created_at"),
    PrimaryKeyConstraint("key"),
    _one_of("aggregation", Aggregation),
    CheckConstraint("decimals BETWEEN 0 AND 12", name="decimals"),
)

charges = _table(
    "charges",
    _key("key"),
    _of_meter(),
    _doc("price"),
    _text("display_name"),
    _at("updated_at"),
    PrimaryKeyConstraint("key"),
)

# --- Usage ---

events = _table(
    "events",
    _of_customer(),
    _key("source"),
    _key("id"),
    _of_meter(),
    _at("at"),
    _whole("quantity"),
    Column("unit_price", Text(), nullable=False),  # '' where the event carries none: a price in a key is never null
    Column("properties", Text(), nullable=False),
    _at("recorded_at"),
    PrimaryKeyConstraint("customer_id", "source", "id"),
    Index("ix_tallystick_events_at", "customer_id", "meter_key", "at"),
)

usage_rollups = _table(
    "usage_rollups",
    _of_customer(),
    _key("meter_key"),
    _at("hour"),
    Column("unit_price", Key(), nullable=False),
    _whole("count"),
    _whole("sum"),
    _whole("max"),
    _at("latest_at"),
    _key("latest_source"),
    _key("latest_id"),
    _whole("latest_quantity"),
    PrimaryKeyConstraint("customer_id", "meter_key", "hour", "unit_price"),
)

usage_uniques = _table(
    "usage_uniques",
    _of_customer(),
    _key("meter_key"),
    _at("hour"),
    _key("value"),
    PrimaryKeyConstraint("customer_id", "meter_key", "hour", "value"),
)

billing_positions = _table(
    "billing_positions",
    _of_customer(),
    _key("charge_key"),
    _key("meter_key"),
    _at("billed_through"),
    PrimaryKeyConstraint("customer_id", "charge_key"),
)

late_usage = _table(
    "late_usage",
    _of_customer(),
    _key("charge_key"),
    _at("hour"),
    PrimaryKeyConstraint("customer_id", "charge_key", "hour"),
)

# --- What a customer may use ---

entitlements = _table(
    "entitlements",
    _of_customer(),
    _of_meter(),
    _whole("quota_limit", nullable=True),  # null: unlimited
    _key("policy"),
    _key("reset"),
    _key("zone"),
    _at("updated_at"),
    PrimaryKeyConstraint("customer_id", "meter_key"),
    _one_of("policy", Policy),
    _one_of("reset", Reset),
    CheckConstraint("quota_limit >= 0", name="quota_limit"),
    Index("ix_tallystick_entitlements_meter", "meter_key"),
)

quota_counters = _table(
    "quota_counters",
    _of_customer(),
    _key("meter_key"),
    _at("period_start"),
    _whole("used"),
    _whole("reserved"),
    PrimaryKeyConstraint("customer_id", "meter_key", "period_start"),
    ForeignKeyConstraint(
        ["customer_id", "meter_key"], ["tallystick_entitlements.customer_id", "tallystick_entitlements.meter_key"]
    ),
    CheckConstraint("used >= 0 AND reserved >= 0", name="sums"),
)

quota_operations = _table(
    "quota_operations",
    _of_customer(),
    _key("id"),
    _key("reservation_id"),
    _key("meter_key"),
    _at("period_start"),
    _at("at"),
    _whole("quantity"),
    _whole("taken"),
    _key("status"),
    _at("expires_at", nullable=True),
    _whole("filled"),  # used + reserved once it was granted,
    _whole("hard_limit", nullable=True),  # and the limit that blocked then; null: none did
    PrimaryKeyConstraint("customer_id", "id"),
    ForeignKeyConstraint(
        ["customer_id", "meter_key", "period_start"],
        [
            "tallystick_quota_counters.customer_id",
            "tallystick_quota_counters.meter_key",
            "tallystick_quota_counters.period_start",
        ],
    ),
    _one_of("status", OperationStatus),
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

# --- Invoices and money ---

invoices = _table(
    "invoices",
    _of_customer(),
    _key("id"),
    _key("currency"),
    _at("period_start"),
    _at("period_end"),
    _whole("total"),
    _whole("carried_in"),
    _whole("carried_out"),
    _at("created_at"),
    _key("status"),
    _key("number", nullable=True),
    _at("opened_at", nullable=True),
    _at("due_at", nullable=True),
    _at("closed_at", nullable=True),
    PrimaryKeyConstraint("customer_id", "id"),
    _one_of("status", InvoiceStatus),
    _is_currency(),
    CheckConstraint("period_start < period_end", name="period"),
    CheckConstraint("total >= 0", name="total"),
    CheckConstraint("(status = 'draft') = (number IS NULL) AND (number IS NULL) = (opened_at IS NULL)", name="number"),
    Index("ix_tallystick_invoices_id", "id"),
    Index("ix_tallystick_invoices_newest", "created_at", "id"),
    Index("ix_tallystick_invoices_of_customer", "customer_id", "created_at", "id"),
    Index("ix_tallystick_invoices_status", "status", "created_at", "id"),
    _unique_where("uq_tallystick_invoices_number", "number", where="number IS NOT NULL"),
)

invoice_lines = _table(
    "invoice_lines",
    _of_customer(),
    _key("id"),
    _key("invoice_id"),
    _whole("place"),
    _key("charge_key"),
    _of_meter(),
    _text("description"),
    _at("period_start"),
    _at("period_end"),
    _whole("part"),
    _text("quantity"),
    _whole("amount"),
    _key("currency"),
    _doc("price"),
    _doc("rating"),
    PrimaryKeyConstraint("customer_id", "id"),
    UniqueConstraint("customer_id", "charge_key", "period_start", "part", name="once"),
    ForeignKeyConstraint(["customer_id", "invoice_id"], ["tallystick_invoices.customer_id", "tallystick_invoices.id"]),
    _is_currency(),
    CheckConstraint("period_start < period_end", name="period"),
    CheckConstraint("part >= 0", name="part"),
    Index("ix_tallystick_invoice_lines_of_invoice", "customer_id", "invoice_id", "place"),
)

payments = _table(
    "payments",
    _of_customer(),
    _key("id"),
    _key("invoice_id"),
    _key("method"),
    _whole("amount"),
    _key("currency"),
    _key("status"),
    _at("created_at"),
    _at("updated_at"),
    _flag("automatic"),
    _key("payment_method", nullable=True),
    _key("ref", nullable=True),
    _text("url", nullable=True),
    _flag("ready"),
    _whole("charges"),
    _flag("charging"),
    _whole("round"),
    _flag("look_first"),
    _at("asked_at", nullable=True),
    _doc("decline", nullable=True),
    _whole("version"),
    PrimaryKeyConstraint("customer_id", "id"),
    ForeignKeyConstraint(["customer_id", "invoice_id"], ["tallystick_invoices.customer_id", "tallystick_invoices.id"]),
    _one_of("method", Method),
    _one_of("status", PaymentStatus),
    _is_currency(),
    CheckConstraint("amount > 0", name="amount"),
    Index("ix_tallystick_payments_id", "id"),
    Index("ix_tallystick_payments_of_invoice", "customer_id", "invoice_id"),
    Index("ix_tallystick_payments_silent", "updated_at", "id", sqlite_where=text(NOT_FINAL), postgresql_where=text(NOT_FINAL)),
    _unique_where("uq_tallystick_payments_live", "customer_id", "invoice_id", where="status <> 'canceled'"),
    _unique_where("uq_tallystick_payments_ref", "ref", where="ref IS NOT NULL"),
)

ledger_transactions = _table(
    "ledger_transactions",
    _of_customer(),
    _key("id"),
    _key("kind"),
    _key("subject"),
    _at("at"),
    PrimaryKeyConstraint("customer_id", "id"),
    Index("ix_tallystick_ledger_transactions_at", "customer_id", "at", "id"),
    Index("ix_tallystick_ledger_transactions_subject", "customer_id", "subject"),
)

ledger_entries = _table(
    "ledger_entries",
    _of_customer(),
    _key("transaction_id"),
    _whole("place"),
    _key("account"),
    _key("currency"),
    _whole("amount"),
    PrimaryKeyConstraint("customer_id", "transaction_id", "place"),
    ForeignKeyConstraint(
        ["customer_id", "transaction_id"], ["tallystick_ledger_transactions.customer_id", "tallystick_ledger_transactions.id"]
    ),
    _one_of("account", Account),
    _is_currency(),
    Index("ix_tallystick_ledger_entries_balance", "account", "currency", "customer_id", "amount"),
)

# --- Work, news and witnesses ---

jobs = Table(
    "tallystick_jobs",
    metadata,
    # Never the same id again, so that the fence of a job that is gone cannot fit another one.
    Column("id", Whole(), primary_key=True, autoincrement=True),
    _key("key"),
    _key("name"),
    _key("subject"),
    _at("run_at"),
    _whole("attempt"),
    _whole("fence"),
    _at("leased_until", nullable=True),
    _at("again_at", nullable=True),
    _flag("dead"),
    _text("error", nullable=True),
    UniqueConstraint("key", name="key"),
    Index("ix_tallystick_jobs_due", "dead", "run_at", "id"),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)

provider_events = _table(
    "provider_events",
    _key("id"),
    _key("provider"),
    _key("kind"),
    _text("body"),
    _at("created_at"),
    _flag("livemode"),
    _at("received_at"),
    _key("outcome"),
    _text("reason", nullable=True),
    _at("settled_at", nullable=True),
    PrimaryKeyConstraint("id"),
    CheckConstraint("outcome IN ('ignored', 'new', 'parked', 'settled')", name="outcome"),
    Index("ix_tallystick_provider_events_newest", "received_at", "id"),
    Index("ix_tallystick_provider_events_outcome", "outcome", "received_at", "id"),
)

audit = _table(
    "audit",
    Column("seq", Whole(), nullable=False, autoincrement=False),
    _at("at"),
    _key("actor"),
    _key("action"),
    _key("subject"),
    _doc("before", nullable=True),
    _doc("after", nullable=True),
    _text("reason", nullable=True),
    _key("hash"),
    PrimaryKeyConstraint("seq"),
)

api_keys = _table(
    "api_keys",
    _key("key_id"),
    _key("secret_hash"),
    _text("name"),
    _doc("scopes"),
    _at("created_at"),
    _at("expires_at", nullable=True),
    _at("revoked_at", nullable=True),
    _at("last_used_at", nullable=True),
    PrimaryKeyConstraint("key_id"),
)

idempotency_keys = _table(
    "idempotency_keys",
    _key("key"),
    _key("route"),
    _key("fingerprint"),
    _at("claimed_at"),
    _whole("status", nullable=True),
    _text("body", nullable=True),
    PrimaryKeyConstraint("key"),
    Index("ix_tallystick_idempotency_keys_claimed", "claimed_at"),
)

boots = _table(
    "boots",
    _of_customer(),
    _key("boot_id"),
    _at("boot_at"),
    _at("read_through"),
    PrimaryKeyConstraint("customer_id", "boot_id"),
    CheckConstraint("boot_at <= read_through", name="read"),
)
