"""Dunning in the database: begun once, saved by who has read it, found when it is due; a try noted once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from tallystick import Tallystick, worker
from tallystick.domain.dunning import Cause, Dunning, State, Try
from tallystick.domain.payments import Collection
from tallystick.storage import catalog as catalogs
from tallystick.storage import customers, dunning, invoices, payments
from tallystick.storage.database import Database
from tallystick.storage.dunning import Query
from tallystick.storage.invariants import INVARIANTS
from tallystick.testing import FakeClock, SeededIds
from tallystick.values.errors import Conflict
from tests.storage.tampering import free, undone
from tests.storage.worlds import ADA, NOW, TOKENS, a_charge, a_payment, an_open_invoice

INVOICE = an_open_invoice()
PAYMENT = a_payment(INVOICE)
DAY = timedelta(days=1)
BEGUN = Dunning(ADA, INVOICE.id, State.RETRYING, "insufficient_funds", 1, 0, NOW, NOW, NOW, NOW + 7 * DAY, NOW)
TRY = Try(ADA, INVOICE.id, PAYMENT.id, 2, Cause.SCHEDULE, NOW, NOW, payment_method="pm_1")


@pytest.fixture
def conn(database: Database) -> Iterator[Connection]:
    with database.transaction("fill") as conn:
        customers.ensure(conn, [ADA], at=NOW)
        catalogs.put_meter(conn, TOKENS, at=NOW)
        catalogs.put_charge(conn, a_charge(), at=NOW)
        invoices.add(conn, INVOICE)
        payments.add(conn, PAYMENT)
        yield conn


def test_what_was_saved_is_read_as_it_was(conn: Connection) -> None:
    assert dunning.begin(conn, BEGUN)
    assert dunning.get(conn, INVOICE.id) == BEGUN
    assert not dunning.begin(conn, replace(BEGUN, code="lost_card"))
    assert dunning.get(conn, INVOICE.id) == BEGUN


def test_who_saves_it_has_read_the_newest(conn: Connection) -> None:
    dunning.begin(conn, BEGUN)
    moved = replace(BEGUN, state=State.WAITING, code="expired_card")
    dunning.save(conn, BEGUN, moved)
    assert dunning.get(conn, INVOICE.id) == replace(moved, version=1)
    with pytest.raises(Conflict):
        dunning.save(conn, BEGUN, moved)


def test_it_is_due_when_its_time_has_come(conn: Connection) -> None:
    dunning.begin(conn, BEGUN)
    assert dunning.due(conn, now=NOW + 7 * DAY - timedelta(seconds=1), limit=9) == []
    assert dunning.due(conn, now=NOW + 7 * DAY, limit=9) == [INVOICE.id]
    dunning.save(conn, BEGUN, replace(BEGUN, state=State.OVER, next_at=None))
    assert dunning.due(conn, now=NOW + 70 * DAY, limit=9) == []


def test_what_goes_on_has_a_time_at_which_it_does(conn: Connection) -> None:
    with pytest.raises(DBAPIError, match="goes_on"):
        dunning.begin(conn, replace(BEGUN, next_at=None))


def test_no_try_can_be_noted_before_its_time(conn: Connection) -> None:
    with pytest.raises(DBAPIError, match="not_early"):
        dunning.begin_try(conn, replace(TRY, due_at=NOW + DAY))


def test_a_try_is_begun_once_and_ends_once(conn: Connection) -> None:
    dunning.begin_try(conn, TRY)
    with pytest.raises(Conflict):
        dunning.begin_try(conn, TRY)
    ended = replace(TRY, failed_at=NOW, code="expired_card", message="no", payment_method="pm_2")
    assert dunning.fail_try(conn, ended)
    assert not dunning.fail_try(conn, replace(ended, code="lost_card"))
    assert dunning.tries(conn, ADA, INVOICE.id) == [ended]


def test_one_that_never_ran_is_the_same_try_under_another_number(conn: Connection) -> None:
    dunning.begin_try(conn, TRY)
    dunning.rename_try(conn, TRY, charge=3)
    assert dunning.tries(conn, ADA, INVOICE.id) == [replace(TRY, charge=3)]


def test_a_page_is_of_a_customer_and_of_states(conn: Connection) -> None:
    dunning.begin(conn, BEGUN)
    assert dunning.page(conn, Query(), limit=5) == [BEGUN]
    assert dunning.page(conn, Query(ADA, [State.OVER]), limit=5) == []
    assert dunning.page(conn, Query(ADA), after=BEGUN, limit=5) == []


def test_a_letter_language_is_kept_with_the_customer(conn: Connection) -> None:
    known = customers.get(conn, ADA)
    assert known is not None
    assert known.language is None
    customers.update(conn, replace(known, language="ja"))
    assert customers.get(conn, ADA) == replace(known, language="ja")


# What must hold of it, and what is planted against that

LATER = 86_400_000_000  # a day
PLANTED = (
    ("tried in time", "dunning_tries", f"UPDATE tallystick_dunning_tries SET due_at = due_at + {LATER}"),
    ("tried in time", "dunning_tries", f"UPDATE tallystick_dunning_tries SET failed_at = failed_at + 9 * {LATER}"),
    ("tried in time", "dunning_tries", "UPDATE tallystick_dunning_tries SET failed_at = NULL WHERE cause = 'first'"),
    ("tried in time", "dunning_tries", "UPDATE tallystick_dunning_tries SET charge = charge + 5"),
    ("tries are counted", "dunning_tries", "DELETE FROM tallystick_dunning_tries WHERE cause = 'schedule'"),
    ("tries are counted", "dunning", "UPDATE tallystick_dunning SET tries = 0"),
    ("tries are counted", "dunning", "UPDATE tallystick_dunning SET next_at = NULL"),
    ("tries are counted", "dunning", "DELETE FROM tallystick_dunning"),
    ("what is settled is not dunned for", "dunning", "UPDATE tallystick_dunning SET state = 'over'"),
    ("what is settled is not dunned for", "invoices", "UPDATE tallystick_invoices SET status = 'paid'"),
)  # fmt: skip


@pytest.fixture
def business(database_url: str) -> Iterator[Tallystick]:
    """A payment that failed, and was tried once more."""
    clock = FakeClock()
    app = Tallystick.from_url(database_url, clock=clock, ids=SeededIds())
    fee = {"key": "base", "kind": "recurring", "prices": [{"currency": "eur", "model": "flat", "amount": "99"}]}
    app.apply_catalogue({"plans": [{"key": "pro", "charges": [fee]}]})
    app.subscribe("ada", "pro", collection=Collection(payment_method="pm_card_visa_chargeDeclined"))
    worker.loop.run_until_idle(app.context)
    clock.advance(3 * DAY)
    worker.loop.catch_up(app.context)
    yield app
    app.close()


def test_each_promise_holds_and_finds_what_is_planted_against_it(business: Tallystick) -> None:
    report = business.verify()
    assert report.clean, report.violations
    by_name = {invariant.name: invariant for invariant in INVARIANTS}
    assert {report.checked[name] for name, _, _ in PLANTED} == {1, 2}
    missed = []
    for name, table, tampering in PLANTED:
        with undone(business) as conn:
            free(conn, f"tallystick_{table}")
            assert conn.exec_driver_sql(tampering).rowcount > 0, tampering
            if not by_name[name].check(conn, 5).violations:
                missed.append((name, tampering))
    assert not missed
