"""Grants as they are kept, and what the invariants see of them, of discounts and of redemptions."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tallystick.app import Tallystick
from tallystick.domain.catalog import Charge, UnitPrice
from tallystick.domain.coupons import Coupon, Duration, PromotionCode
from tallystick.domain.credits import Burn, CreditGrant, GrantKind, Reason, burn
from tallystick.domain.invoices import InvoiceStatus, moved
from tallystick.domain.payments import Collection, Method
from tallystick.domain.usage import Event, Meter
from tallystick.flows.sweep_credits import sweep_credits
from tallystick.storage import catalog, credits, customers, invariants, invoices
from tallystick.storage.database import Database
from tallystick.testing import FakeClock, SeededIds
from tallystick.values.errors import Conflict
from tallystick.values.ids import CustomerId, EventId, GrantId, MeterKey
from tallystick.values.money import EUR, USD, Money
from tests.flows.crowd import at_once, patiently
from tests.storage.tampering import free, undone
from tests.storage.worlds import ADA, BEN, NOW, TOKENS, an_open_invoice

DAY = timedelta(days=1)
TEN = Money(10_00, USD)
LEFT_OPEN = Collection(Method.INTENT, automatic=False)


def a_grant(name: str = "grant_1", **facts) -> CreditGrant:
    said = {"remaining": TEN, "kind": GrantKind.PREPAID, "priority": 0, "name": name, "granted_at": NOW}
    return CreditGrant(GrantId(name), ADA, TEN, **said | facts)


@pytest.fixture
def granted(database: Database) -> Database:
    """An open invoice, a grant that never ends, and one that ends tomorrow."""
    with database.transaction("grant") as conn:
        catalog.put_meter(conn, TOKENS, at=NOW)
        customers.ensure(conn, [ADA, BEN], at=NOW)
        invoices.add(conn, an_open_invoice())
        credits.add(conn, a_grant())
        credits.add(conn, a_grant("grant_2", expires_at=NOW + DAY, kind=GrantKind.PROMOTIONAL, priority=3))
    return database


def remaining(database: Database) -> list[int]:
    with database.reading() as conn:
        return [grant.remaining.minor for grant in credits.grants(conn, ADA)]


def test_a_grant_comes_back_as_it_was_given_and_is_given_once(granted: Database) -> None:
    with granted.transaction("again") as conn:
        assert credits.get(conn, ADA, GrantId("grant_1")) == a_grant()
        assert credits.get(conn, BEN, GrantId("grant_1")) is None
        assert not credits.add(conn, a_grant(priority=9))
        assert [grant.name for grant in credits.grants(conn, ADA)] == ["grant_1", "grant_2"]
        assert credits.grants(conn, BEN) == []


def test_what_can_be_burned_is_of_the_currency_and_has_not_ended(granted: Database) -> None:
    with granted.reading() as conn:
        assert [g.name for g in credits.live(conn, ADA, USD, now=NOW)] == ["grant_1", "grant_2"]
        assert [g.name for g in credits.live(conn, ADA, USD, now=NOW + DAY)] == ["grant_1"]
        assert credits.live(conn, ADA, EUR, now=NOW) == credits.live(conn, BEN, USD, now=NOW) == []


def test_an_invoice_burns_and_a_void_one_gives_back_once(granted: Database) -> None:
    invoice = an_open_invoice()
    with granted.transaction("burn") as conn:
        burns = burn(credits.live(conn, ADA, USD, now=NOW), Money(12_00, USD), now=NOW)
        assert burns == (Burn(GrantId("grant_1"), TEN), Burn(GrantId("grant_2"), Money(2_00, USD)))
        credits.burn(conn, invoice.id, burns, at=NOW)
        assert credits.burned_by(conn, invoice.id) == burns
        assert credits.burned_by_all(conn, [invoice.id]) == {invoice.id: Money(12_00, USD)}
        assert [g.name for g in credits.live(conn, ADA, USD, now=NOW)] == ["grant_2"]
    assert remaining(granted) == [0, 8_00]
    with granted.transaction("void") as conn:
        invoices.move(conn, invoice, moved(invoice, InvoiceStatus.VOID, at=NOW + DAY))
        assert credits.give_back(conn, invoice.id) == burns
        assert credits.give_back(conn, invoice.id) == () == credits.burned_by(conn, invoice.id)
        moves = credits.movements(conn, ADA, GrantId("grant_2"))
    assert [(m.place, m.reason, m.amount.minor, m.invoice_id, m.at) for m in moves] == [
        (1, Reason.BURNED, -2_00, invoice.id, NOW),
        (2, Reason.GIVEN_BACK, 2_00, invoice.id, NOW + DAY),
    ]
    assert remaining(granted) == [10_00, 10_00]


def test_what_has_ended_is_taken_once_and_again_only_what_was_given_back(granted: Database) -> None:
    invoice = an_open_invoice()
    with granted.transaction("burn") as conn:
        credits.burn(conn, invoice.id, [Burn(GrantId("grant_2"), Money(3_00, USD))], at=NOW)
        early = NOW + DAY - timedelta(microseconds=1)
        assert credits.expiring(conn, now=early, limit=10) == credits.expire_due(conn, ADA, now=early) == []
        assert credits.expiring(conn, now=NOW + DAY, limit=10) == [ADA]
        [(grant, movement)] = credits.expire_due(conn, ADA, now=NOW + DAY)
        assert (grant.remaining.minor, movement.amount.minor, movement.place) == (7_00, -7_00, 2)
        assert credits.expiring(conn, now=NOW + DAY, limit=10) == credits.expire_due(conn, ADA, now=NOW + DAY) == []
        invoices.move(conn, invoice, moved(invoice, InvoiceStatus.VOID, at=NOW + DAY))
        credits.give_back(conn, invoice.id)
        [(grant, movement)] = credits.expire_due(conn, ADA, now=NOW + DAY)
        assert (grant.remaining.minor, movement.place) == (3_00, 4)
    assert remaining(granted) == [10_00, 0]


def test_the_statement_itself_keeps_a_grant_from_falling_below_zero_although_nobody_locked(granted: Database) -> None:
    def work(_: int) -> bool:
        try:
            with granted.transaction("burn") as conn:
                credits.burn(conn, an_open_invoice().id, [Burn(GrantId("grant_1"), Money(1_00, USD))], at=NOW)
        except Conflict:
            return False
        return True

    told = at_once(16, lambda number: patiently(lambda: work(number)))
    assert sum(told) == 10
    assert remaining(granted)[0] == 0
    with granted.reading() as conn:
        moves = credits.movements(conn, ADA, GrantId("grant_1"))
    assert [move.place for move in moves] == list(range(1, 11))


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE tallystick_credit_grants SET remaining = -1",
        "UPDATE tallystick_credit_grants SET remaining = amount + 1",
        "UPDATE tallystick_credit_grants SET amount = 0, remaining = 0",
        "UPDATE tallystick_credit_grants SET kind = 'borrowed'",
        "INSERT INTO tallystick_credit_burns VALUES ('cus_ada', 'grant_1', 1, 'burned', NULL, -1, 1)",
        "INSERT INTO tallystick_credit_burns VALUES ('cus_ada', 'grant_1', 1, 'expired', NULL, 1, 1)",
        "INSERT INTO tallystick_credit_burns VALUES ('cus_ada', 'grant_9', 1, 'expired', NULL, -1, 1)",
        "INSERT INTO tallystick_credit_burns VALUES ('cus_ben', 'grant_1', 1, 'expired', NULL, -1, 1)",
    ],
)
def test_the_schema_refuses_what_cannot_be(granted: Database, wrong: str) -> None:
    with pytest.raises(DBAPIError, match=r"(?i)constraint"), granted.transaction("wrong") as conn:
        conn.execute(text(wrong))


COUPONS, CODES, DISCOUNTS = "tallystick_coupons", "tallystick_promotion_codes", "tallystick_discounts"
APPLIED, GRANTS, BURNS = "tallystick_invoice_discounts", "tallystick_credit_grants", "tallystick_credit_burns"
# Which invariant must find it, the table that it is planted in, and what is planted.
PLANTED = (
    ("redemptions", COUPONS, f"UPDATE {COUPONS} SET redemptions = redemptions + 1 WHERE redemptions > 0"),
    ("redemptions", COUPONS, f"UPDATE {COUPONS} SET max_redemptions = 0 WHERE redemptions > 0"),
    ("redemptions", CODES, f"UPDATE {CODES} SET redemptions = 0"),
    ("redemptions", CODES, f"UPDATE {CODES} SET max_redemptions = 0"),
    ("redemptions", DISCOUNTS, f"DELETE FROM {DISCOUNTS} WHERE coupon_key = 'TENTH'"),
    ("redemptions", DISCOUNTS, f"UPDATE {DISCOUNTS} SET code = NULL WHERE code IS NOT NULL"),
    ("redemptions", DISCOUNTS, f"UPDATE {DISCOUNTS} SET used_up = 0 WHERE used_up = 1"),
    ("redemptions", APPLIED, f"DELETE FROM {APPLIED} WHERE coupon_key = 'FIVER'"),
    ("discounts", APPLIED, f"UPDATE {APPLIED} SET amount = amount + 1"),
    ("discounts", APPLIED, f"UPDATE {APPLIED} SET currency = 'jpy'"),
    ("discounts", APPLIED, f"UPDATE {APPLIED} SET shares = replace(shares, 'line_', 'lime_')"),
    ("discounts", APPLIED, f"UPDATE {APPLIED} SET amount = 10000000, shares = replace(shares, ',500]', ',10000000]')"),
    ("discounts", "tallystick_invoices", "UPDATE tallystick_invoices SET discount = discount + 1"),
    ("discounts", "tallystick_invoice_lines", "UPDATE tallystick_invoice_lines SET amount = 1"),
    ("credit", GRANTS, f"UPDATE {GRANTS} SET remaining = remaining + 1"),
    ("credit", GRANTS, f"UPDATE {GRANTS} SET amount = amount - 1"),
    ("credit", GRANTS, f"UPDATE {GRANTS} SET moves = moves + 1"),
    ("credit", GRANTS, f"DELETE FROM {GRANTS} WHERE kind = 'prepaid'"),
    ("credit", GRANTS, f"UPDATE {GRANTS} SET currency = 'jpy'"),
    ("credit", BURNS, f"DELETE FROM {BURNS} WHERE reason = 'burned'"),
    ("credit", BURNS, f"UPDATE {BURNS} SET amount = amount - 1"),
    ("credit", "tallystick_ledger_entries", "DELETE FROM tallystick_ledger_entries WHERE account = 'credits'"),
    ("credit burned", BURNS, f"UPDATE {BURNS} SET invoice_id = 'inv_x' WHERE reason = 'given_back'"),
    ("credit burned", BURNS, f"DELETE FROM {BURNS} WHERE reason = 'given_back'"),
    ("credit burned", "tallystick_invoices", "UPDATE tallystick_invoices SET credits_applied = credits_applied + 1"),
    ("credit burned", "tallystick_invoices", "UPDATE tallystick_invoices SET status = 'void' WHERE credits_applied > 0"),
)  # fmt: skip


@pytest.fixture
def business(database_url: str) -> Iterator[Tallystick]:
    """A void invoice that gave back a discount and two grants, one that they pay, and one after a grant has expired."""
    clock = FakeClock()
    app = Tallystick.from_url(database_url, clock=clock, ids=SeededIds())
    app.put_meter(Meter(MeterKey("tokens"), decimals=0))
    app.put_charge(Charge("tokens", MeterKey("tokens"), UnitPrice(currency=USD, unit_amount=Decimal("0.01"))))
    app.put_coupon(Coupon("TENTH", percent=Decimal(10), duration=Duration.FOREVER), [PromotionCode("SPRING", "TENTH", 2)])
    app.put_coupon(Coupon("FIVER", amounts={USD: Money(5_00, USD)}, max_redemptions=1))
    app.redeem("ada", "spring")
    app.redeem("ada", "FIVER")
    ends_at = clock.now() + DAY
    app.grant_credit("ada", Money(7_00, USD), kind="promotional", name="Welcome", op="a", expires_at=ends_at)
    app.grant_credit("ada", Money(10_00, USD), kind="prepaid", name="Top-up", op="b")
    app.grant_credit("ada", Money(9_00, EUR), kind="prepaid", name="Of no use for dollars", op="c")
    _use(app, clock, 3000)
    [void] = app.bill("ada", collection=LEFT_OPEN)
    app.void(void.id, reason="a test")
    _use(app, clock, 1000)
    app.bill("ada", collection=LEFT_OPEN)
    clock.advance(DAY)
    assert sweep_credits(app.context) == 1
    _use(app, clock, 3000)
    app.bill("ada", collection=LEFT_OPEN)
    yield app
    app.close()


def _use(app: Tallystick, clock: FakeClock, quantity: int) -> None:
    name = EventId(f"event at {clock.now()}")
    app.record([Event(CustomerId("ada"), name, MeterKey("tokens"), Decimal(quantity), clock.now())])
    clock.advance(timedelta(hours=1))


def test_the_story_of_that_business(business: Tallystick) -> None:
    """30.00 less a tenth and 5.00, of which 17.00 are paid, is void; so 10.00 are 4.00, paid; 3.00 expire; 27.00 less 10.00."""
    found = {invoice.status: invoice for invoice in business.invoices()}
    void, paid, left = (found[InvoiceStatus(status)] for status in ("void", "paid", "open"))
    assert [(i.subtotal.minor, i.discount.minor, i.credits_applied.minor, i.total.minor) for i in (void, paid, left)] == [
        (30_00, 8_00, 17_00, 5_00),
        (10_00, 6_00, 4_00, 0),
        (30_00, 3_00, 10_00, 17_00),
    ]
    assert [grant.remaining.minor for grant in business.credits("ada") if grant.amount.currency == USD] == [0, 0]
    assert [discount.used_up for discount in sorted(business.discounts("ada"), key=lambda d: d.coupon.key)] == [True, False]


def test_each_invariant_finds_what_is_planted_against_it(business: Tallystick) -> None:
    assert business.verify().clean, business.verify().violations
    by_name = {invariant.name: invariant for invariant in invariants.INVARIANTS}
    missed = []
    for name, table, tampering in PLANTED:
        with undone(business) as conn:
            free(conn, table)
            assert conn.exec_driver_sql(tampering).rowcount > 0, tampering
            if not by_name[name].check(conn, 5).violations:
                missed.append((name, tampering))
    assert not missed
