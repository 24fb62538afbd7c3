"""Redeeming and granting: twice is once, many at once are as many as may, and what has ended is swept."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest

from tallystick import storage
from tallystick.app import Tallystick
from tallystick.domain.catalog import Charge, UnitPrice
from tallystick.domain.coupons import Coupon, Duration, PromotionCode
from tallystick.domain.ledger import Account
from tallystick.domain.payments import Collection, Method
from tallystick.domain.usage import Event, Meter
from tallystick.testing import FakeClock, SeededIds
from tallystick.values.errors import Conflict, InvalidInput, NotFound
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.money import EUR, USD, Currency, Money
from tallystick.worker import loop
from tests.flows.crowd import at_once, patiently

DAY = timedelta(days=1)
THREADS = 32
LEFT_OPEN = Collection(Method.INTENT, automatic=False)
TENTH = Coupon("TENTH", percent=Decimal(10), duration=Duration.MONTHS, months=3, max_redemptions=7)
HALF = Coupon("HALF", percent=Decimal(50))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def billing(database_url: str, clock: FakeClock) -> Iterator[Tallystick]:
    app = Tallystick.from_url(database_url, clock=clock, ids=SeededIds())
    for key, currency in (("euros", EUR), ("dollars", USD)):
        app.put_meter(Meter(MeterKey(key), decimals=0))
        app.put_charge(Charge(key, MeterKey(key), UnitPrice(currency=currency, unit_amount=Decimal(1))))
    app.put_coupon(TENTH, [PromotionCode("SPRING", "TENTH", max_redemptions=3)])
    app.put_coupon(HALF)
    yield app
    assert app.verify().clean, app.verify().violations
    app.close()


def use(billing: Tallystick, clock: FakeClock, quantity: int, *meters: str) -> None:
    for meter in meters or ("euros",):
        billing.record(
            [Event(CustomerId("ada"), EventId(f"{meter} {clock.now()}"), MeterKey(meter), Decimal(quantity), clock.now())]
        )
    clock.advance(timedelta(hours=1))


def booked(billing: Tallystick, account: Account, currency: Currency = EUR) -> int:
    with billing.context.database.reading() as conn:
        return storage.ledger.balance(conn, account, currency=currency).minor


def acts(billing: Tallystick, action: str) -> list[str]:
    return [entry.act.subject for entry in billing.audit(limit=200) if entry.act.action == action]


def test_a_coupon_is_redeemed_by_its_key_or_by_a_code_and_once(billing: Tallystick, clock: FakeClock) -> None:
    first = billing.redeem("ada", " spring ")
    clock.advance(DAY)
    assert billing.redeem("ada", "SPRING") == billing.redeem("ada", "TENTH") == first
    assert billing.redeem("ada", "TENTH", subscription_id="").id == first.id
    assert billing.redemptions()["TENTH"] == 1
    assert billing.discounts("ada") == [first]
    assert acts(billing, "coupon.redeemed") == ["ada"]
    for unknown in ("tenth", "NONE", "ß"):
        with pytest.raises(NotFound):
            billing.redeem("ada", unknown)
    for wrong in ("", "x" * 257, "\x00"):
        with pytest.raises(InvalidInput):
            billing.redeem("ada", wrong)
    with pytest.raises(NotFound, match="no such subscription"):
        billing.redeem("ada", "TENTH", subscription_id="sub_none")


def test_what_is_used_up_over_or_removed_is_not_redeemed_again(billing: Tallystick, clock: FakeClock) -> None:
    billing.redeem("ada", "HALF")
    use(billing, clock, 10)
    assert billing.bill("ada", collection=LEFT_OPEN)[0].total == Money(5_00, EUR)
    with pytest.raises(Conflict, match="used up or over"):
        billing.redeem("ada", "HALF")

    discount = billing.redeem("ada", "TENTH")
    ended = billing.remove_discount("ada", discount.id)
    clock.advance(DAY)
    assert billing.remove_discount("ada", discount.id) == ended
    assert ended.ends_at == clock.now() - DAY
    assert acts(billing, "discount.removed") == ["ada"]
    with pytest.raises(Conflict) as refused:
        billing.redeem("ada", "TENTH")
    assert refused.value.code == "discount_over"
    for customer, name in (("ada", "dsc_none"), ("ben", discount.id)):
        with pytest.raises(NotFound):
            billing.remove_discount(customer, name)
    use(billing, clock, 10)
    assert billing.bill("ada", collection=LEFT_OPEN)[0].discounts == ()


def test_of_those_who_redeem_at_once_as_many_are_let_in_as_may_be(billing: Tallystick) -> None:
    """Four codes' worth of people, each asking twice: seven in all, and no more than three of them by the code."""

    def work(number: int) -> bool:
        try:
            patiently(lambda: billing.redeem(f"customer-{number % 16}", "spring" if number % 2 else "TENTH"))
        except Conflict as no:
            refusals.add(no.code)
            return False
        return True

    refusals = set[str]()
    told = at_once(THREADS, work)
    assert [told[n] for n in range(16)] == [told[n + 16] for n in range(16)], "asked again, the answer is the same"
    assert sum(told) // 2 == billing.redemptions()["TENTH"] <= 7
    assert refusals == {"redemptions_used_up"}
    by_code = sum(told[n] for n in range(1, 16, 2))
    assert by_code <= 3, "how many of them come by the code is a matter of who is faster"
    assert by_code + sum(told[n] for n in range(0, 16, 2)) == 7


def test_of_those_who_come_by_a_code_at_once_as_many_are_let_in_as_it_allows(billing: Tallystick) -> None:
    """Sixteen by the code, which allows three; then sixteen by the coupon itself, which has four places left."""

    def tries(name: str, who: str) -> bool:
        with suppress(Conflict):
            patiently(lambda: billing.redeem(who, name))
            return True
        return False

    assert sum(at_once(16, lambda number: tries("spring", f"code-{number}"))) == 3
    assert sum(at_once(16, lambda number: tries("TENTH", f"coupon-{number}"))) == 4


def test_a_coupon_for_one_invoice_reduces_one_of_those_that_are_billed_together(billing: Tallystick, clock: FakeClock) -> None:
    billing.redeem("ada", "HALF")
    billing.redeem("ada", "TENTH")
    use(billing, clock, 100, "euros", "dollars")
    invoices = billing.preview("ada")
    assert [i.discount for i in billing.bill("ada", collection=LEFT_OPEN)] == [i.discount for i in invoices]
    assert sorted(i.discount.minor for i in invoices) == [10_00, 55_00]


def test_a_coupon_that_was_redeemed_keeps_its_terms_and_changes_are_audited(billing: Tallystick) -> None:
    billing.put_coupon(HALF)
    assert acts(billing, "coupon.put") == ["HALF", "TENTH"], "what changes nothing is no act"
    billing.redeem("ada", "HALF")
    billing.put_coupon(Coupon("HALF", "Half", percent=Decimal(50)), [PromotionCode("HALVES", "HALF")])
    with pytest.raises(Conflict):
        billing.put_coupon(Coupon("HALF", percent=Decimal(51)))
    with pytest.raises(Conflict):
        billing.put_coupon(Coupon("HALF", percent=Decimal(50)), [PromotionCode("SPRING", "HALF")])
    assert billing.coupons()["HALF"].name == "Half"
    assert [code.coupon_key for code in billing.promotion_codes()] == ["HALF", "TENTH"]
    assert acts(billing, "promotion_code.put") == ["HALVES", "SPRING"]


def test_a_grant_is_given_once_for_its_operation(billing: Tallystick, clock: FakeClock) -> None:
    asked = {"kind": "prepaid", "name": "Top-up", "op": "order-1"}
    grant = billing.grant_credit("ada", Money(10_00, EUR), **asked)
    clock.advance(DAY)
    assert billing.grant_credit("ada", Money(10_00, EUR), **asked) == grant
    for amount, more in ((Money(11_00, EUR), {}), (Money(10_00, USD), {}), (Money(10_00, EUR), {"kind": "promotional"})):
        with pytest.raises(Conflict, match="another grant"):
            billing.grant_credit("ada", amount, **asked | more)
    assert billing.grant_credit("ben", Money(1, EUR), **asked).customer_id == "ben"
    assert (booked(billing, Account.EXTERNAL), booked(billing, Account.CREDITS)) == (10_01, -10_01)
    assert acts(billing, "credit.granted") == ["ben", "ada"]
    with pytest.raises(InvalidInput, match="kind"):
        billing.grant_credit("ada", Money(1, EUR), kind="borrowed", name="x", op="y")


def test_one_grant_asked_for_by_many_at_once_is_one(billing: Tallystick) -> None:
    asked = {"kind": "promotional", "name": "Welcome", "op": "signup"}
    told = at_once(16, lambda _: patiently(lambda: billing.grant_credit("ada", Money(5_00, EUR), **asked)))
    assert len({grant.id for grant in told}) == 1
    assert booked(billing, Account.PROMOTIONS) == 5_00


def test_what_has_ended_is_revenue_where_it_was_paid_for_and_else_was_never_given(billing: Tallystick, clock: FakeClock) -> None:
    for kind, minor in (("prepaid", 10_00), ("promotional", 3_00)):
        billing.grant_credit("ada", Money(minor, EUR), kind=kind, name=kind, op=kind, expires_at=clock.now() + DAY)
    use(billing, clock, 5)
    [invoice] = billing.bill("ada", collection=LEFT_OPEN)
    assert (invoice.credits_applied.minor, invoice.total.minor) == (5_00, 0)
    assert [grant.remaining.minor for grant in billing.credits("ada")] == [8_00, 0], "what was given goes first"
    clock.advance(DAY)
    for _ in range(2):
        loop.catch_up(billing.context)
        assert [grant.remaining.minor for grant in billing.credits("ada")] == [0, 0]
    assert (booked(billing, Account.CREDITS), booked(billing, Account.PROMOTIONS)) == (0, 3_00)
    assert booked(billing, Account.REVENUE) == -5_00 - 8_00
    use(billing, clock, 5)
    assert billing.bill("ada", collection=LEFT_OPEN)[0].total == Money(5_00, EUR)


def test_what_a_void_invoice_gives_back_after_its_end_expires_with_the_next_sweep(billing: Tallystick, clock: FakeClock) -> None:
    billing.grant_credit("ada", Money(10_00, EUR), kind="prepaid", name="x", op="x", expires_at=clock.now() + DAY)
    use(billing, clock, 15)
    [invoice] = billing.bill("ada", collection=LEFT_OPEN)
    assert invoice.total == Money(5_00, EUR)
    clock.advance(DAY)
    loop.catch_up(billing.context)
    for _ in range(2):
        billing.void(invoice.id, reason="a test")
    assert billing.credits("ada")[0].remaining == Money(10_00, EUR)
    use(billing, clock, 2)
    assert billing.preview("ada")[0].credits_applied == Money(0, EUR), "it has ended, whether swept or not"
    clock.advance(timedelta(minutes=5))
    loop.catch_up(billing.context)
    assert billing.credits("ada")[0].remaining == Money(0, EUR)
    assert booked(billing, Account.CREDITS) == 0
