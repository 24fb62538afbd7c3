"""One row per visit to the provider's page; who saves one must have read how it stands."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from tallystick.domain.checkouts import Checkout, CheckoutStatus, Choice, begin
from tallystick.domain.periods import Cadence, Interval
from tallystick.storage import checkouts, customers
from tallystick.storage.database import Database
from tallystick.values.ids import CheckoutId
from tallystick.values.money import JPY
from tests.storage.worlds import ADA, BEN, NOW

CHOICE = Choice(
    ADA, "pro", 3, JPY, Cadence(Interval.MONTH, 3), "https://shop.test/ok?s={CHECKOUT_SESSION_ID}", "https://shop.test/no"
)


@pytest.fixture
def first(database: Database) -> Checkout:
    checkout = begin(CHOICE, None, now=NOW)
    with database.transaction("add") as conn:
        customers.ensure(conn, [ADA, BEN], at=NOW)
        assert checkouts.add(conn, checkout)
    return checkout


def test_a_checkout_comes_back_as_it_was(database: Database, first: Checkout) -> None:
    full = replace(
        first, status=CheckoutStatus.COMPLETE, ref="cs_1", url="https://pay", payment_method="pm_1", subscription_id="sub_1",
        expires_at=NOW + timedelta(hours=3),
    )  # fmt: skip
    with database.transaction("move") as conn:
        assert checkouts.get(conn, first.id) == first
        assert checkouts.move(conn, first, full)
        assert checkouts.get(conn, first.id) == full
        assert checkouts.get(conn, CheckoutId("chk_none")) is None


def test_the_newest_of_equal_choices_is_found_and_nobody_elses(database: Database, first: Checkout) -> None:
    expired = replace(first, status=CheckoutStatus.EXPIRED)
    second = begin(CHOICE, expired, now=NOW)
    with database.transaction("add") as conn:
        assert not checkouts.add(conn, first)
        assert checkouts.newest(conn, CHOICE) == first
        assert checkouts.add(conn, second)
        assert checkouts.newest(conn, CHOICE) == second
        assert checkouts.newest(conn, replace(CHOICE, customer_id=BEN)) is None
        assert checkouts.newest(conn, replace(CHOICE, plan_version=4)) is None


def test_who_is_late_changes_nothing(database: Database, first: Checkout) -> None:
    shown = replace(first, ref="cs_1", url="https://pay")
    done = replace(shown, status=CheckoutStatus.COMPLETE, payment_method="pm_1")
    begun = replace(done, subscription_id="sub_1")
    with database.transaction("move") as conn:
        for before, after in ((first, shown), (shown, done), (done, begun)):
            assert checkouts.move(conn, before, after)
            assert not checkouts.move(conn, before, replace(before, status=CheckoutStatus.EXPIRED))
            assert checkouts.get(conn, first.id) == after


def test_a_page_is_one_checkout(database: Database, first: Checkout) -> None:
    other = begin(replace(CHOICE, customer_id=BEN), None, now=NOW)
    with database.transaction("move") as conn:
        checkouts.add(conn, other)
        checkouts.move(conn, first, replace(first, ref="cs_1"))
    with pytest.raises(DBAPIError), database.transaction("move") as conn:
        checkouts.move(conn, other, replace(other, ref="cs_1"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": CheckoutStatus.COMPLETE},
        {"payment_method": "pm_1"},
        {"subscription_id": "sub_1"},
        {"expires_at": NOW - timedelta(days=1)},
    ],
)
def test_what_cannot_be_is_refused_by_the_table(database: Database, first: Checkout, wrong) -> None:
    with pytest.raises(DBAPIError, match=r"(?i)check"), database.transaction("move") as conn:
        checkouts.move(conn, first, replace(first, **wrong))
