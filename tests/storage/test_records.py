"""Customers, catalogue, books, inbox, audit, keys, boots and reports: each keeps what it was given."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from tallystick.domain.customers import Customer
from tallystick.domain.invoices import book_open
from tallystick.domain.ledger import Account, Entry, Transaction
from tallystick.domain.payments import Delivery
from tallystick.domain.uptime import Boot
from tallystick.domain.usage import Aggregation, Meter
from tallystick.storage import (
    api_keys,
    audit,
    boots,
    catalog,
    customers,
    idempotency,
    invoices,
    ledger,
    provider_events,
    reports,
    schema,
    usage,
)
from tallystick.storage.api_keys import ApiKey
from tallystick.storage.audit import Act
from tallystick.storage.database import Database
from tallystick.storage.idempotency import Replay
from tallystick.storage.provider_events import Settlement, Stored
from tallystick.values.errors import Conflict, NotFound
from tallystick.values.ids import CustomerId, TransactionId
from tallystick.values.money import EUR, USD, Money
from tallystick.values.time import Period
from tests.storage.worlds import ADA, BEN, NOW, TOKENS, a_charge, an_event, an_open_invoice, sent

HOUR = timedelta(hours=1)


def test_a_customer_is_kept_and_only_its_contact_changes(database: Database) -> None:
    ada = Customer(ADA, NOW, "ada@example.com", "Ada")
    with database.transaction("customers") as conn:
        customers.ensure(conn, [BEN, BEN], at=NOW)
        assert customers.add(conn, ada)
        assert not customers.add(conn, replace(ada, name="Eve"))
        assert customers.get(conn, ADA) == ada
        customers.update(conn, replace(ada, email=None, created_at=NOW + HOUR))
        assert customers.get(conn, ADA) == replace(ada, email=None)
        assert customers.set_provider_ref(conn, ADA, "cus_1") == "cus_1"
        assert customers.set_provider_ref(conn, ADA, "cus_2") == "cus_1"
        assert [customer.id for customer in customers.page(conn, limit=9)] == [ADA, BEN]
        assert customers.page(conn, after=ADA, limit=9) == [Customer(BEN, NOW)]
        customers.lock(conn, ADA)
        for change in (
            lambda: customers.set_provider_ref(conn, CustomerId("no"), "x"),
            lambda: customers.update(conn, replace(ada, id="no")),
        ):
            with pytest.raises(NotFound):
                change()


def test_a_meter_in_use_keeps_what_it_measures(database: Database) -> None:
    sums = replace(TOKENS, unit="token")
    with database.transaction("catalog") as conn:
        catalog.put_meter(conn, TOKENS, at=NOW)
        catalog.put_meter(conn, TOKENS, at=NOW)
        catalog.put_meter(conn, replace(TOKENS, decimals=3), at=NOW)
        catalog.put_meter(conn, TOKENS, at=NOW)
        usage.append(conn, sent(an_event("e1")), at=NOW)
        catalog.put_meter(conn, sums, at=NOW)
        assert catalog.meters(conn) == {sums.key: sums}
        for other in (
            replace(sums, decimals=1),
            replace(sums, aggregation=Aggregation.MAX),
            replace(sums, aggregation=Aggregation.UNIQUE, unique_property="p"),
        ):
            with pytest.raises(Conflict, match="has events"):
                catalog.put_meter(conn, other, at=NOW)


def test_a_price_may_change(database: Database) -> None:
    dearer = a_charge(price=replace(a_charge().price, unit_amount=Decimal("0.02")))
    with database.transaction("catalog") as conn:
        catalog.put_meter(conn, TOKENS, at=NOW)
        catalog.put_charge(conn, a_charge(), at=NOW)
        catalog.put_charge(conn, dearer, at=NOW)
        assert catalog.charges(conn) == catalog.charges_of(conn, [TOKENS.key]) == {"tokens": dearer}
        assert catalog.charges_of(conn, []) == {}


def test_a_transaction_is_booked_once(database: Database) -> None:
    invoice = an_open_invoice()
    opening = book_open(invoice)
    euros = Transaction(
        TransactionId("t"), BEN, "test", "x", NOW + HOUR,
        (Entry(Account.CASH, Money(5, EUR)), Entry(Account.REVENUE, Money(-5, EUR))),
    )  # fmt: skip
    with database.transaction("book") as conn:
        customers.ensure(conn, [ADA, BEN], at=NOW)
        assert ledger.book(conn, opening)
        assert not ledger.book(conn, opening)
        assert ledger.book(conn, euros)
        assert ledger.balance(conn, Account.RECEIVABLE, customer_id=ADA, currency=USD) == invoice.total
        assert ledger.balance(conn, Account.RECEIVABLE, customer_id=BEN, currency=USD) == Money(0, USD)
        assert ledger.balance(conn, Account.REVENUE, currency=USD) == -invoice.total
        assert ledger.balance(conn, Account.REVENUE, currency=EUR) == Money(-5, EUR)
        assert ledger.transactions(conn, ADA, limit=9) == [opening]
        assert ledger.transactions(conn, BEN, subject="x", limit=9) == [euros]
        assert ledger.transactions(conn, BEN, after=euros, limit=9) == []
        assert reports.balances(conn, BEN) == {Account.CASH: [Money(5, EUR)], Account.REVENUE: [Money(-5, EUR)]}


def a_delivery(name: str, body: str = '{"a": 1.50}') -> Delivery:
    return Delivery(name, "invoice.paid", body, NOW, livemode=False)


def test_a_delivery_is_kept_once_and_settled(database: Database) -> None:
    with database.transaction("inbox") as conn:
        assert provider_events.keep(conn, a_delivery("evt_1"), provider="stripe", at=NOW)
        assert not provider_events.keep(conn, a_delivery("evt_1", "{}"), provider="stripe", at=NOW + HOUR)
        provider_events.keep(conn, a_delivery("evt_2"), provider="stripe", at=NOW + HOUR)
        assert provider_events.get(conn, "evt_1") == Stored(a_delivery("evt_1"), "stripe", NOW)
        provider_events.mark(conn, "evt_1", Settlement.PARKED, "why", at=NOW)
        parked = Stored(a_delivery("evt_1"), "stripe", NOW, Settlement.PARKED, "why", NOW)
        assert provider_events.page(conn, settlement=Settlement.PARKED, limit=9) == [parked]
        newest = provider_events.page(conn, limit=1)
        assert [newest[0].delivery.id, *(each.delivery.id for each in provider_events.page(conn, after=newest[0], limit=9))] == [
            "evt_2",
            "evt_1",
        ]
        assert provider_events.get(conn, "evt_3") is None
        with pytest.raises(NotFound):
            provider_events.mark(conn, "evt_3", Settlement.SETTLED, None, at=NOW)


def _acts(database: Database, count: int = 4) -> None:
    for n in range(count):
        with database.transaction("act") as conn:
            audit.append(
                conn, Act("ada", "price.changed", f"charge {n % 2}", {"é": n}, {"n": [n, None]}, "because"), at=NOW + n * HOUR
            )


def test_the_audit_is_a_chain(database: Database) -> None:
    _acts(database)
    with database.reading() as conn:
        assert audit.verify(conn) == []
        assert [entry.seq for entry in audit.page(conn, limit=2)] == [4, 3]
        assert [entry.seq for entry in audit.page(conn, subject="charge 0", before=3, limit=9)] == [1]
        assert audit.page(conn, limit=1)[0].act == Act("ada", "price.changed", "charge 1", {"é": 3}, {"n": [3, None]}, "because")


@pytest.mark.parametrize(
    ("forgery", "named"),
    [
        ("UPDATE tallystick_audit SET reason = 'other' WHERE seq = 2", "audit 2: is not what was written"),
        ("UPDATE tallystick_audit SET at = at + 1 WHERE seq = 3", "audit 3: is not what was written"),
        ("DELETE FROM tallystick_audit WHERE seq = 2", "audit 2: is missing"),
        ("DELETE FROM tallystick_audit WHERE seq = 4", "audit 4: is missing"),
        ("UPDATE tallystick_audit SET hash = 'x' WHERE seq = 4", "audit 4: is not what was written"),
    ],
)
def test_a_forged_audit_is_found(database: Database, forgery: str, named: str) -> None:
    _acts(database)
    with database.transaction("forge") as conn:
        if database.dialect == "postgresql":
            conn.execute(text("ALTER TABLE tallystick_audit DISABLE TRIGGER tallystick_audit_stands"))
        else:
            for change in ("update", "delete"):
                conn.execute(text(f"DROP TRIGGER tallystick_audit_no_{change}"))
        conn.execute(text(forgery))
        (broken,) = audit.verify(conn)
        assert broken.startswith(named)


def test_an_api_key_is_kept_until_it_is_revoked(database: Database) -> None:
    key = ApiKey("k1", "hash", "ci", frozenset({"usage:write", "admin"}), NOW, expires_at=NOW + HOUR)
    with database.transaction("keys") as conn:
        assert api_keys.add(conn, key)
        assert not api_keys.add(conn, key)
        api_keys.add(conn, replace(key, key_id="k2"))
        assert api_keys.by_key_id(conn, "k1") == key
        assert api_keys.by_key_id(conn, "k3") is None
        assert api_keys.revoke(conn, "k1", at=NOW)
        assert not api_keys.revoke(conn, "k1", at=NOW + HOUR)
        for used in (NOW + HOUR, NOW):
            api_keys.touch(conn, "k1", at=used)
        assert api_keys.by_key_id(conn, "k1") == replace(key, revoked_at=NOW, last_used_at=NOW + HOUR)
        assert [each.key_id for each in api_keys.page(conn, limit=9)] == ["k1", "k2"]
        assert [each.key_id for each in api_keys.page(conn, after="k1", limit=9)] == ["k2"]


def test_an_idempotency_key_answers_the_same_again(database: Database) -> None:
    asked = {"key": "k", "route": "POST /v1/invoices", "fingerprint": "f", "at": NOW}
    with database.transaction("first") as conn:
        assert idempotency.claim(conn, **asked) is None
        with pytest.raises(Conflict) as early:
            idempotency.claim(conn, **asked)
        idempotency.store(conn, key="k", status=201, body="{}")
    assert early.value.code == "idempotency_key_in_use"
    with database.transaction("again") as conn:
        assert idempotency.claim(conn, **asked) == Replay(201, "{}")
        for other in ({"fingerprint": "g"}, {"route": "POST /v1/other"}):
            with pytest.raises(Conflict) as reused:
                idempotency.claim(conn, **asked | other)
            assert reused.value.code == "idempotency_key_reused"
        with pytest.raises(NotFound):
            idempotency.store(conn, key="k", status=500, body="")
        assert idempotency.forget(conn, before=NOW) == 0
        assert idempotency.forget(conn, before=NOW + HOUR) == 1


def test_a_boot_is_read_on_and_never_back(database: Database) -> None:
    boot = Boot(ADA, "b1", NOW, NOW + HOUR)
    with database.transaction("boots") as conn:
        customers.ensure(conn, [ADA], at=NOW)
        assert boots.get(conn, ADA, "b1") is None
        for read in (boot, replace(boot, read_through=NOW + 2 * HOUR), boot):
            boots.put(conn, read)
        assert boots.get(conn, ADA, "b1") == replace(boot, read_through=NOW + 2 * HOUR)
        boots.put(conn, Boot(ADA, "b0", NOW - HOUR, NOW))
        assert [each.boot_id for each in boots.of_server(conn, ADA)] == ["b0", "b1"]


def test_reports_say_what_a_page_shows(database: Database) -> None:
    invoice = an_open_invoice()
    with database.transaction("fill") as conn:
        catalog.put_meter(conn, TOKENS, at=NOW)
        usage.append(conn, sent(*(an_event(f"e{n}", n, at=NOW + n * 10 * HOUR) for n in range(6))), at=NOW)
        invoices.add(conn, invoice)
        (row,) = reports.invoice_rows(conn, customer_id=ADA, status=invoice.status, limit=9)
        assert (row.id, row.number, row.total, row.period) == (invoice.id, "INV-000001", invoice.total, invoice.period)
        assert reports.invoice_rows(conn, after=row, limit=9) == []
        days = reports.usage_by_day(conn, ADA, TOKENS, Period(NOW + HOUR, NOW + 49 * HOUR))
    first = date(2026, 2, 1)
    assert days == [(first + timedelta(days=n), quantity) for n, quantity in enumerate([Decimal(3), Decimal(7), Decimal(0)])]


def test_every_table_is_somebodys() -> None:
    assert all(name.startswith("tallystick_") for name in schema.metadata.tables)
    assert isinstance(TOKENS, Meter)
