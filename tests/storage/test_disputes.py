"""Disputes as they were told last, the comparisons that were made, and the inbox: on either engine."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tallystick.domain.disputes import Dispute, DisputeStatus, ProviderDispute, book, learned, opened
from tallystick.domain.invoices import Invoice
from tallystick.domain.payments import Delivery, Payment, PaymentStatus
from tallystick.domain.reconciliation import Reconciliation, UsageRound
from tallystick.storage import catalog, customers, disputes, invoices, ledger, payments, provider_events, reconciliations
from tallystick.storage.database import Database
from tallystick.storage.invariants import INVARIANTS
from tallystick.storage.provider_events import Settlement
from tallystick.values.ids import DisputeId
from tallystick.values.money import USD, Money
from tests.storage.worlds import ADA, NOW, TOKENS, a_payment, an_open_invoice

HOUR = timedelta(hours=1)
TOLD = ProviderDispute("du_1", DisputeStatus.NEEDS_RESPONSE, Money(1000, USD), True, "fraudulent", "pi_1", NOW + HOUR)
BOOKED = next(invariant for invariant in INVARIANTS if invariant.name == "disputes")


@pytest.fixture
def payment(database: Database) -> Payment:
    invoice: Invoice = an_open_invoice()
    paid = replace(a_payment(invoice), status=PaymentStatus.SUCCEEDED, ref="pi_1")
    with database.transaction("paid") as conn:
        catalog.put_meter(conn, TOKENS, at=NOW)
        invoices.add(conn, invoice)
        payments.add(conn, paid)
    return paid


@pytest.fixture
def dispute(database: Database, payment: Payment) -> Dispute:
    found = opened(payment, TOLD, now=NOW)
    with database.transaction("disputed") as conn:
        assert disputes.add(conn, found)
        booking = book(None, found, at=NOW)
        assert booking is not None
        ledger.book(conn, booking)
    return found


def test_a_dispute_comes_back_as_it_was_and_is_kept_once(database: Database, dispute: Dispute) -> None:
    with database.transaction("again") as conn:
        assert not disputes.add(conn, dispute)
        assert disputes.get(conn, dispute.id) == disputes.by_ref(conn, "du_1") == dispute
        assert disputes.get(conn, DisputeId("none")) is disputes.by_ref(conn, "du_2") is None


def test_who_saves_a_dispute_must_have_read_the_newest(database: Database, dispute: Dispute) -> None:
    won = learned(dispute, replace(TOLD, status=DisputeStatus.WON, withdrawn=False), now=NOW + HOUR)
    assert learned(won, replace(TOLD, status=DisputeStatus.WON, withdrawn=False), now=NOW + 2 * HOUR) is won, "news is news once"
    with database.transaction("move") as conn:
        assert disputes.move(conn, dispute, won)
        assert not disputes.move(conn, dispute, won)
        assert disputes.get(conn, dispute.id) == won


def test_those_that_are_not_over_and_those_of_late_are_compared(database: Database, dispute: Dispute) -> None:
    lost = learned(dispute, replace(TOLD, status=DisputeStatus.LOST), now=NOW)
    with database.transaction("compare") as conn:
        assert disputes.to_compare(conn, since=NOW + HOUR) == [dispute]
        disputes.move(conn, dispute, lost)
        assert disputes.to_compare(conn, since=NOW + HOUR) == []
        assert disputes.to_compare(conn, since=NOW - HOUR) == [lost]


def test_one_that_was_won_is_compared_until_its_money_is_back(database: Database, dispute: Dispute) -> None:
    won = learned(dispute, replace(TOLD, status=DisputeStatus.WON), now=NOW)
    back = learned(won, replace(TOLD, status=DisputeStatus.WON, withdrawn=False), now=NOW)
    with database.transaction("compare") as conn:
        disputes.move(conn, dispute, won)
        assert disputes.to_compare(conn, since=NOW + HOUR) == [won], "the news that it came back may be lost as any other"
        disputes.move(conn, won, back)
        assert disputes.to_compare(conn, since=NOW + HOUR) == []


def test_pages_begin_behind_the_last_one(database: Database, payment: Payment) -> None:
    several = [opened(payment, replace(TOLD, ref=f"du_{number}"), now=NOW + number * HOUR) for number in range(3)]
    with database.transaction("page") as conn:
        for each in several:
            disputes.add(conn, each)
        assert disputes.page(conn, limit=2) == several[:0:-1]
        assert disputes.page(conn, customer_id=ADA, after=several[1], limit=2) == several[:1]


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE tallystick_disputes SET withdrawn = 0",
        "UPDATE tallystick_disputes SET status = 'lost'",
        "UPDATE tallystick_disputes SET amount = amount + 1",
        "UPDATE tallystick_payments SET status = 'open'",
    ],
)
def test_where_the_books_do_not_say_where_the_money_is_it_is_found(database: Database, dispute: Dispute, tampering: str) -> None:
    with database.transaction("tamper") as conn:
        assert BOOKED.check(conn).violations == []
        conn.exec_driver_sql(tampering)
        assert [found.subject for found in BOOKED.check(conn).violations] == [dispute.id]


def test_the_books_follow_a_dispute_there_and_back(payment: Payment) -> None:
    first = opened(payment, TOLD, now=NOW)
    lost = learned(first, replace(TOLD, status=DisputeStatus.LOST), now=NOW)
    won = learned(lost, replace(TOLD, status=DisputeStatus.WON, withdrawn=False), now=NOW)
    steps = [book(None, first, at=NOW), book(first, lost, at=NOW), book(lost, won, at=NOW)]
    assert [None if step is None else {e.account.value: e.amount.minor for e in step.entries} for step in steps] == [
        {"cash": -1000, "disputed": 1000},
        {"bad_debt": 1000, "disputed": -1000},
        {"bad_debt": -1000, "cash": 1000},
    ]
    assert book(won, replace(won, due_by=None, version=9), at=NOW) is None


def test_the_last_comparison_is_told_from_that_of_the_last_night(database: Database) -> None:
    repaired = Reconciliation(
        "rec_1",
        NOW,
        NOW - HOUR,
        True,
        {"payments": 2},
        [{"verdict": "repaired", "repairable": True}],
        "ada",
        NOW,
        UsageRound(NOW - HOUR, NOW),
    )
    seen = Reconciliation("rec_2", NOW + HOUR, NOW, False, {}, [], done_at=NOW + HOUR)
    asked = Reconciliation("rec_3", NOW + 2 * HOUR, NOW, True, {}, [])
    with database.transaction("compare") as conn:
        assert reconciliations.last(conn) is None
        for each in (repaired, seen, asked):
            assert reconciliations.put(conn, each)
        assert reconciliations.waiting(conn, repair=True) == [asked]
        assert reconciliations.last(conn) == seen
        assert reconciliations.last_night(conn) == repaired
        done = replace(asked, equal={"payments": 1}, done_at=NOW + 3 * HOUR)
        assert reconciliations.put(conn, done)
        assert not reconciliations.put(conn, replace(done, equal={})), "what is done stands"
        assert reconciliations.last(conn) == done
        assert reconciliations.page(conn, limit=2) == [done, seen]
        assert reconciliations.page(conn, after=seen, limit=2) == [repaired]


def test_of_many_deliveries_those_that_are_known_are_told(database: Database) -> None:
    kept = Delivery("evt_7", "invoice.paid", "{}", NOW, livemode=False)
    with database.transaction("keep") as conn:
        provider_events.keep(conn, kept, provider="stripe", at=NOW)
        assert provider_events.known(conn, [f"evt_{number}" for number in range(1200)]) == {"evt_7"}
        assert provider_events.known(conn, []) == set()
        provider_events.mark(conn, "evt_7", Settlement.PARKED, "no", at=NOW)
        stored = provider_events.get(conn, "evt_7")
        assert stored is not None
        assert provider_events.renew(conn, stored) == provider_events.get(conn, "evt_7")


def test_a_customer_that_the_provider_has_lost_is_counted(database: Database) -> None:
    with database.transaction("lose") as conn:
        customers.ensure(conn, [ADA], at=NOW)
        assert customers.known_since(conn) is None
        customers.set_provider_ref(conn, ADA, "cus_1")
        assert customers.known_since(conn) == NOW
        assert not customers.forget_provider_ref(conn, ADA, "cus_2")
        assert customers.forget_provider_ref(conn, ADA, "cus_1")
        assert not customers.forget_provider_ref(conn, ADA, "cus_1"), "twice is once"
        found = customers.get(conn, ADA)
        assert found is not None
        assert (found.provider_ref, found.provider_round) == (None, 1)
        customers.set_provider_ref(conn, ADA, "cus_2")
        assert customers.of_provider_ref(conn, "cus_2") == customers.get(conn, ADA)
        assert customers.of_provider_ref(conn, "cus_1") is None
