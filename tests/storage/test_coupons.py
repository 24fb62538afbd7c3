"""Coupons and discounts as they are kept: what the statements guard by themselves, what the schema refuses, what comes back."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tallystick.domain.coupons import Coupon, Discount, Duration, PromotionCode, redeemed
from tallystick.domain.discounts import AppliedDiscount, Discountable, apply
from tallystick.storage import catalog, coupons, customers, invoices
from tallystick.storage.database import Database
from tallystick.values.errors import Conflict
from tallystick.values.ids import CustomerId, InvoiceId
from tallystick.values.money import EUR, USD, Money
from tests.flows.crowd import at_once, patiently
from tests.storage.worlds import ADA, BEN, NOW, TOKENS, an_open_invoice

DAY = timedelta(days=1)
THREADS = 32
EARLYBIRD = Coupon("EARLYBIRD30", "Early bird", percent=Decimal(30), duration=Duration.MONTHS, months=3, max_redemptions=5)
LAUNCH = Coupon("LAUNCH2025", amounts={EUR: Money(50_00, EUR), USD: Money(60_00, USD)}, redeem_by=NOW + DAY)
EARLY = PromotionCode("EARLY", EARLYBIRD.key, max_redemptions=3, expires_at=NOW + DAY)


def a_discount(coupon: Coupon = LAUNCH, *, customer: CustomerId = ADA, subscription: str = "") -> Discount:
    return redeemed(coupon, customer_id=customer, subscription_id=subscription, now=NOW)


@pytest.fixture
def offered(database: Database) -> Database:
    with database.transaction("offer") as conn:
        catalog.put_meter(conn, TOKENS, at=NOW)
        customers.ensure(conn, [ADA, BEN], at=NOW)
        for coupon in (EARLYBIRD, LAUNCH):
            coupons.put_coupon(conn, coupon, at=NOW)
        coupons.put_code(conn, EARLY, at=NOW)
    return database


def redeem(database: Database, discount: Discount, code: PromotionCode | None = None) -> bool:
    with database.transaction("redeem") as conn:
        return coupons.redeem(conn, discount, code)


def test_coupons_codes_and_discounts_come_back_as_they_were_put(offered: Database) -> None:
    whole = Coupon(
        "ALL", amounts={EUR: Money(1, EUR)}, redeem_by=NOW, max_redemptions=9, priority=-3, charges=frozenset({"base"})
    )
    with offered.transaction("more") as conn:
        coupons.put_coupon(conn, whole, at=NOW)
        assert coupons.coupons(conn) == {coupon.key: coupon for coupon in (whole, EARLYBIRD, LAUNCH)}
        assert coupons.coupon(conn, "ALL") == coupons.held_coupon(conn, "ALL") == whole
        assert coupons.coupon(conn, "NONE") is None is coupons.held_coupon(conn, "NONE")
        assert (coupons.code(conn, "EARLY"), coupons.code(conn, "early")) == (EARLY, None)
        discount = a_discount(EARLYBIRD, subscription="sub_1")
        assert coupons.redeem(conn, discount, EARLY)
        assert not coupons.redeem(conn, discount, EARLY), "known already, and counted once"
        assert coupons.redeemed(conn, EARLYBIRD.key, "EARLY") == (1, 1)
        assert coupons.redeemed(conn, EARLYBIRD.key, None) == (1, 0)
        assert coupons.redemptions(conn) == {"ALL": 0, EARLYBIRD.key: 1, LAUNCH.key: 0}
        assert coupons.discount(conn, ADA, discount.id) == discount
        assert coupons.discount(conn, BEN, discount.id) is None
        assert (coupons.discounts(conn, ADA), coupons.discounts(conn, BEN)) == ([discount], [])


def test_what_is_live_is_of_the_subscription_or_of_every_invoice_and_neither_over_nor_used_up(offered: Database) -> None:
    everywhere, own = a_discount(), a_discount(EARLYBIRD, subscription="sub_1")
    for discount in (everywhere, own, a_discount(EARLYBIRD, customer=BEN)):
        redeem(offered, discount)
    ends_at = own.ends_at
    assert ends_at is not None
    with offered.transaction("look") as conn:
        assert {d.id for d in coupons.live(conn, ADA, "sub_1", at=NOW)} == {everywhere.id, own.id}
        assert coupons.live(conn, ADA, "sub_2", at=NOW) == coupons.live(conn, ADA, "", at=NOW) == [everywhere]
        assert coupons.live(conn, ADA, "sub_1", at=ends_at) == [everywhere]
        assert coupons.use_up(conn, [everywhere.id, own.id]) == 1, "what is for months goes on"
        assert coupons.use_up(conn, [everywhere.id]) == 0
        assert coupons.live(conn, ADA, "sub_1", at=NOW) == [own]
        coupons.end(conn, own, at=NOW + DAY)
        coupons.end(conn, own, at=NOW + 2 * DAY)
        assert coupons.live(conn, ADA, "sub_1", at=NOW + DAY) == []
        found = coupons.discount(conn, ADA, own.id)
        assert found is not None
        assert found.ends_at == NOW + DAY


def an_applied(discount: Discount, invoice, minor: int = 60_00) -> AppliedDiscount:
    [applied] = apply(
        [Discountable(line.id, line.charge_key, line.amount) for line in invoice.lines], [discount], currency=USD, at=NOW
    )
    assert applied.amount.minor == minor
    return applied


def test_what_was_taken_off_an_invoice_is_kept_and_a_void_one_gives_back_what_it_used_up(offered: Database) -> None:
    invoice, discount = an_open_invoice(quantity=10_000), a_discount()
    applied = an_applied(discount, invoice)
    redeem(offered, discount)
    with offered.transaction("invoice") as conn:
        assert invoices.add(conn, invoice)
        coupons.save_applied(conn, ADA, invoice.id, [applied])
        coupons.use_up(conn, [discount.id])
        assert coupons.applied_to(conn, invoice.id) == (applied,)
        assert coupons.applied_to(conn, InvoiceId("inv_none")) == ()
        assert coupons.applied_to_all(conn, [invoice.id, InvoiceId("inv_none")]) == {invoice.id: (applied,)}
        assert coupons.live(conn, ADA, "", at=NOW) == []
        assert coupons.give_back(conn, invoice.id) == 1
        assert coupons.give_back(conn, invoice.id) == 0
        assert coupons.live(conn, ADA, "", at=NOW) == [discount]
        assert coupons.applied_to(conn, invoice.id) == (applied,), "what it had taken off is still said"


def test_a_coupon_that_was_redeemed_keeps_its_terms(offered: Database) -> None:
    with offered.transaction("change") as conn:
        coupons.put_coupon(conn, replace(EARLYBIRD, percent=Decimal(40)), at=NOW)
        coupons.put_coupon(conn, EARLYBIRD, at=NOW)
    redeem(offered, a_discount(EARLYBIRD))
    redeem(offered, a_discount(EARLYBIRD, customer=BEN), EARLY)
    late = replace(EARLYBIRD, display_name="Bird", redeem_by=NOW + DAY, max_redemptions=2)
    with offered.transaction("change") as conn:
        coupons.put_coupon(conn, late, at=NOW)
        assert coupons.coupon(conn, EARLYBIRD.key) == late
        with pytest.raises(Conflict, match="make another coupon"):
            coupons.put_coupon(conn, replace(late, percent=Decimal(40)), at=NOW)
        with pytest.raises(Conflict, match="2 times"):
            coupons.put_coupon(conn, replace(late, max_redemptions=1), at=NOW)
        coupons.put_code(conn, replace(EARLY, max_redemptions=1, active=False), at=NOW)
        with pytest.raises(Conflict, match="make another code"):
            coupons.put_code(conn, replace(EARLY, coupon_key=LAUNCH.key), at=NOW)
        coupons.put_code(conn, EARLY, at=NOW)
        stands = coupons.discount(conn, ADA, a_discount(EARLYBIRD).id)
        assert stands is not None
        assert stands.coupon == EARLYBIRD, "as it was redeemed"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("UPDATE tallystick_coupons SET redeem_by = 1", False),
        ("UPDATE tallystick_coupons SET max_redemptions = 0", False),
        ("UPDATE tallystick_promotion_codes SET expires_at = 1", True),
        ("UPDATE tallystick_promotion_codes SET max_redemptions = 0", True),
        ("UPDATE tallystick_promotion_codes SET active = 0", True),
    ],
)
def test_the_statement_itself_refuses_what_has_changed_since_it_was_read(offered: Database, change: str, code: bool) -> None:
    with offered.transaction("meanwhile") as conn:
        conn.execute(text(change))
    with pytest.raises(Conflict) as refused:
        redeem(offered, a_discount(EARLYBIRD), EARLY if code else None)
    assert refused.value.code == "redemptions_used_up"
    with offered.reading() as conn:
        assert coupons.discounts(conn, ADA) == []
        assert coupons.redeemed(conn, EARLYBIRD.key, "EARLY") == (0, 0)


@pytest.mark.parametrize("code", [None, EARLY])
def test_of_32_at_once_as_many_redeem_as_may_although_nobody_locked(offered: Database, code: PromotionCode | None) -> None:
    """Each looked at nothing before: all that stands between them is the guard in the statement."""
    everybody = [CustomerId(f"cus_{n}") for n in range(THREADS)]
    with offered.transaction("arrive") as conn:
        customers.ensure(conn, everybody, at=NOW)

    def work(number: int) -> bool:
        try:
            return patiently(lambda: redeem(offered, a_discount(EARLYBIRD, customer=everybody[number]), code))
        except Conflict:
            return False

    allowed = 5 if code is None else 3
    assert sum(at_once(THREADS, work)) == allowed
    with offered.reading() as conn:
        assert coupons.redeemed(conn, EARLYBIRD.key, "EARLY") == (allowed, 0 if code is None else allowed)
        assert sum(len(coupons.discounts(conn, customer)) for customer in everybody) == allowed


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE tallystick_coupons SET redemptions = -1",
        "UPDATE tallystick_coupons SET redemptions = 6 WHERE max_redemptions = 5",
        "UPDATE tallystick_promotion_codes SET redemptions = 4",
        "UPDATE tallystick_promotion_codes SET coupon_key = 'NONE'",
        "UPDATE tallystick_discounts SET used_up = 1 WHERE duration = 'months'",
        "UPDATE tallystick_discounts SET duration = 'weeks'",
        "UPDATE tallystick_discounts SET coupon_key = 'NONE'",
        "DELETE FROM tallystick_coupons",
    ],
)
def test_the_schema_refuses_what_cannot_be(offered: Database, wrong: str) -> None:
    redeem(offered, a_discount(EARLYBIRD), EARLY)
    with pytest.raises(DBAPIError, match=r"(?i)constraint"), offered.transaction("wrong") as conn:
        conn.execute(text(wrong))
