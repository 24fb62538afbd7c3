"""The rules that the schema itself keeps, read from the database as it is."""

from decimal import Decimal

import pytest
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from tallystick.domain.amendments import retraction
from tallystick.domain.coupons import Coupon, redeemed
from tallystick.domain.credit_notes import CreditOrder, of_open
from tallystick.domain.credits import Burn, CreditGrant, GrantKind
from tallystick.domain.discounts import AppliedDiscount
from tallystick.domain.invoices import Invoice, book_open
from tallystick.domain.plans import PlanVersion
from tallystick.storage import audit, catalog, coupons, credit_notes, credits, invoices, ledger, plans, schema, usage
from tallystick.storage.database import Database
from tallystick.storage.types import Key
from tallystick.values.ids import GrantId
from tallystick.values.money import USD, Money
from tests.storage.worlds import ADA, NOW, TOKENS, a_charge, an_event, an_open_invoice, sent

# Unique over the whole business, on purpose; each would be a table of its own where customers are spread over servers.
WITHOUT_CUSTOMER = {
    "uq_tallystick_invoices_number": "an invoice number is said once",
    "uq_tallystick_payments_ref": "one object of the provider's is one payment",
    "uq_tallystick_credit_notes_number": "a credit note's number is said once",
    "uq_tallystick_refunds_ref": "one refund of the provider's is one of ours",
    "uq_tallystick_disputes_ref": "one dispute of the provider's is one of ours",
    "uq_tallystick_checkouts_ref": "one page of the provider's is one checkout",
    "uq_tallystick_followed_subscriptions_ref": "one subscription of the provider's is one that we follow",
    "uq_tallystick_meters_export_as": "a name at the provider is one meter of ours",
}

SHARED = {f"tallystick_{name}" for name in ("charges", "coupons", "meters", "plan_versions", "promotion_codes")}


def _of_customers(conn: Connection) -> list[str]:
    look = inspect(conn)
    return [
        table
        for table in look.get_table_names()
        if table.startswith("tallystick_") and "customer_id" in {column["name"] for column in look.get_columns(table)}
    ]


def _unique_keys(conn: Connection, table: str) -> dict[str, list[str]]:
    look = inspect(conn)
    keys = {"primary key": look.get_pk_constraint(table)["constrained_columns"]}
    keys |= {str(key["name"]): key["column_names"] for key in look.get_unique_constraints(table)}
    keys |= {str(index["name"]): index["column_names"] for index in look.get_indexes(table) if index["unique"]}
    return keys


def test_the_customer_is_in_every_key_of_what_is_a_customers(database: Database) -> None:
    with database.reading() as conn:
        tables = _of_customers(conn)
        assert len(tables) >= 11
        for table in tables:
            for name, columns in _unique_keys(conn, table).items():
                assert "customer_id" in columns or name in WITHOUT_CUSTOMER, f"{table}: {name}"
            for key in inspect(conn).get_foreign_keys(table):
                assert key["referred_table"] in SHARED or "customer_id" in key["constrained_columns"], f"{table}: {key['name']}"


def test_no_key_has_a_column_that_may_be_null(database: Database) -> None:
    with database.reading() as conn:
        for table in schema.metadata.tables:
            nullable = {column["name"] for column in inspect(conn).get_columns(table) if column["nullable"]}
            for name, columns in _unique_keys(conn, table).items():
                assert name in WITHOUT_CUSTOMER or not nullable & set(columns), f"{table}: {name}"


def test_every_table_of_sqlite_is_strict(sqlite_url: str) -> None:
    database = Database.from_url(sqlite_url)
    with database.reading() as conn:
        lax = (
            conn.execute(text("SELECT name FROM pragma_table_list WHERE name LIKE 'tallystick%' AND NOT strict")).scalars().all()
        )
    assert lax == ["tallystick_alembic_version"], "that one is Alembic's"
    database.close()


def test_text_keys_are_sorted_by_their_bytes(postgres_url: str) -> None:
    database = Database.from_url(postgres_url)
    asked = "SELECT table_name, column_name FROM information_schema.columns WHERE data_type = 'text' AND collation_name = 'C'"
    with database.reading() as conn:
        bytewise = {tuple(row) for row in conn.execute(text(asked))}
    for table in schema.metadata.tables.values():
        for column in table.columns:
            assert ((table.name, column.name) in bytewise) == isinstance(column.type, Key), column
    database.close()


@pytest.fixture
def full(database: Database) -> Database:
    """At least one row in every table that is only added to."""
    with database.transaction("fill") as conn:
        catalog.put_meter(conn, TOKENS, at=NOW)
        catalog.put_charge(conn, a_charge(), at=NOW)
        plans.add(conn, PlanVersion("pro", 1, ()), at=NOW)
        usage.append(conn, sent(an_event("e1"), an_event("e0")), at=NOW)
        usage.amend(conn, retraction(an_event("e0"), reason="a test", actor="test", at=NOW), an_event("e0"), TOKENS)
        invoice = an_open_invoice()
        invoices.add(conn, invoice)
        ledger.book(conn, book_open(invoice))
        audit.append(conn, audit.Act("test", "fill", ADA), at=NOW)
        _reduced(conn, invoice)
    return database


def _reduced(conn: Connection, invoice: Invoice) -> None:
    """A discount, a credit grant and a credit note take something off the invoice."""
    coupon, cent = Coupon("HALF", percent=Decimal(50)), Money(1, USD)
    discount = redeemed(coupon, customer_id=ADA, subscription_id="", now=NOW)
    coupons.put_coupon(conn, coupon, at=NOW)
    coupons.redeem(conn, discount, None)
    shares = ((invoice.lines[0].id, cent),)
    coupons.save_applied(conn, ADA, invoice.id, [AppliedDiscount(discount.id, coupon.key, "Half", cent, shares)])
    grant = CreditGrant(GrantId("grant"), ADA, cent, cent, GrantKind.PREPAID, 0, "Top-up", NOW)
    credits.add(conn, grant)
    credits.burn(conn, invoice.id, [Burn(grant.id, cent)], at=NOW)
    order = CreditOrder("a test", "op-1", lines={invoice.lines[0].id: cent})
    credit_notes.add(conn, of_open(invoice, [], order, number="CN-000001", now=NOW))


@pytest.mark.parametrize("table", schema.APPEND_ONLY)
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
def test_what_was_written_stands(full: Database, table: str, change: str) -> None:
    column = next(iter(schema.metadata.tables[table].columns)).name
    with pytest.raises(DBAPIError, match="never changed or removed"), full.transaction("change") as conn:
        conn.execute(text(change.format(table, column, column)))
    with full.reading() as conn:
        assert conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() > 0


def test_an_event_needs_its_customer_and_meter(full: Database) -> None:
    for other in ({"customer_id": "cus_nobody"}, {"meter_key": "no-meter"}):
        row = {
            "customer_id": ADA, "source": "api", "id": "e2", "meter_key": TOKENS.key, "at": NOW, "quantity": 1,
            "unit_price": "", "properties": "{}", "recorded_at": NOW,
        }  # fmt: skip
        with pytest.raises(DBAPIError, match=r"(?i)foreign key"), full.transaction("insert") as conn:
            conn.execute(schema.events.insert(), row | other)
