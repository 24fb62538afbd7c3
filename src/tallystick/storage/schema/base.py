"""Every table, with its rules. A customer's row has the customer in each of its unique and foreign keys."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.schema import SchemaItem

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
    "tallystick_event_amendments",
    "tallystick_invoice_lines",
    "tallystick_ledger_transactions",
    "tallystick_ledger_entries",
    "tallystick_audit",
    "tallystick_invoice_discounts",
    "tallystick_credit_burns",
    "tallystick_credit_notes",
    "tallystick_credit_note_lines",
    "tallystick_plan_versions",
)

# Of payments; said in the same words by the index and by the query that is to use it.
NOT_FINAL = "status NOT IN ('canceled', 'succeeded')"
# Of refunds, likewise: both may still change.
ALIVE = "status IN ('pending', 'succeeded')"
# Of operations on a quota, likewise.
HELD = "status = 'reserved'"
# Of credit grants: what can still be burned, or expire.
LEFT = "remaining > 0"

# Of exports of usage: what is to be sent, or taken back.
TO_EXPORT = "(status = 'pending' OR (status = 'sent' AND amended = 1))"


def table(name: str, *items: SchemaItem) -> Table:
    return Table(f"tallystick_{name}", metadata, *items, sqlite_strict=True)


def key(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Key(), nullable=nullable)


def at(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Instant(), nullable=nullable)


def whole(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Whole(), nullable=nullable)


def words(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Text(), nullable=nullable)


def flag(name: str) -> Column[Any]:
    return Column(name, Flag(), nullable=False)


def doc(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, JsonDoc(), nullable=nullable)


def of_customer() -> Column[Any]:
    return Column("customer_id", Key(), ForeignKey("tallystick_customers.id"), nullable=False)


def of_meter(*, nullable: bool = False) -> Column[Any]:
    return Column("meter_key", Key(), ForeignKey("tallystick_meters.key"), nullable=nullable)


def one_of(column: str, words: Iterable[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{word.value}'" for word in sorted(words))
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def is_currency() -> CheckConstraint:
    return CheckConstraint("length(currency) = 3", name="currency")


def unique_where(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, unique=True, sqlite_where=text(where), postgresql_where=text(where))
