"""A spring with an early bird, a launch coupon and a prepaid grant: every cent of it, with each step done twice."""

import pytest

from tallystick.domain.coupon_documents import read_coupon
from tallystick.domain.coupons import Coupon
from tallystick.domain.invoices import InvoiceStatus
from tallystick.domain.ledger import Account
from tallystick.values.errors import Conflict
from tallystick.values.fields import Fields
from tallystick.values.money import EUR, JPY, Money
from tests.scenarios.world import World, day

EURO = {"currency": "eur", "model": "per_unit", "unit_amount": "1"}
EARLYBIRD = {"key": "EARLYBIRD30", "percent": "30", "duration": "months", "months": 3, "redeem_by": "2026-01-31T23:59:59Z"}
LAUNCH = {"key": "LAUNCH2025", "amounts": {"eur": "50.00"}, "max_redemptions": 2}


def coupon(document: dict[str, object]) -> Coupon:
    return read_coupon(Fields(document))[0]


@pytest.fixture
def shop(world: World) -> World:
    world.sells("hours", EURO)
    for document in (EARLYBIRD, LAUNCH):
        world.billing.put_coupon(coupon(document))
    return world


def redeems(world: World, customer: str, code: str, *, times: int = 2) -> None:
    assert len({world.billing.redeem(customer, code).id for _ in range(times)}) == 1


def month(world: World, on: str, hours: int, *, customer: str = "ada") -> tuple[int, int, int, int]:
    """So many hours used, billed on that day and paid: subtotal, discount, credits and total, in cents."""
    world.uses(customer, "hours", hours, times=2)
    invoice = world.on(on).bill(customer, times=2, payment_method="pm_card_visa")
    world.works()
    world.delivers(times=2)
    world.works()
    assert world.now(invoice).status is InvoiceStatus.PAID
    return invoice.subtotal.minor, invoice.discount.minor, invoice.credits_applied.minor, invoice.total.minor


def test_an_early_bird_a_launch_and_a_top_up(shop: World) -> None:
    shop.on("2026-01-10")
    redeems(shop, "ada", "EARLYBIRD30")
    redeems(shop, "ada", "LAUNCH2025")
    top_up = {"kind": "prepaid", "name": "Top-up", "op": "order-7", "expires_at": day("2026-04-15")}
    for _ in range(2):
        shop.billing.grant_credit("ada", Money(100_00, EUR), **top_up)

    # 199.00 less 30 % is 139.30, less 50.00 is 89.30, all of it paid by the grant.
    assert month(shop, "2026-02-01", 199) == (199_00, 59_70 + 50_00, 89_30, 0)
    # The launch is used up. 139.30, of which the last 10.70 are prepaid.
    assert month(shop, "2026-03-01", 199) == (199_00, 59_70, 10_70, 128_60)
    assert month(shop, "2026-04-01", 99) == (99_00, 29_70, 0, 69_30)
    # Three months after the tenth of January there is no early bird any more.
    assert month(shop, "2026-05-01", 99) == (99_00, 0, 0, 99_00)

    assert shop.balance(Account.CREDITS, EUR) == Money(0, EUR)
    assert shop.balance(Account.EXTERNAL, EUR) == Money(100_00, EUR)
    assert shop.balance(Account.CASH, EUR) == Money(128_60 + 69_30 + 99_00, EUR)
    assert shop.balance(Account.REVENUE, EUR) == Money(-(89_30 + 139_30 + 69_30 + 99_00), EUR)
    shop.proves()


def test_who_comes_too_late_or_as_the_third_has_nothing_off(shop: World) -> None:
    for customer in ("ada", "ben"):
        redeems(shop, customer, "LAUNCH2025")
    with pytest.raises(Conflict) as third:
        shop.billing.redeem("eve", "LAUNCH2025")
    with pytest.raises(Conflict) as late:
        shop.on("2026-02-01").billing.redeem("eve", "EARLYBIRD30")
    assert (third.value.code, late.value.code) == ("redemptions_used_up", "coupon_expired")
    assert month(shop, "2026-03-01", 80, customer="eve") == (80_00, 0, 0, 80_00)
    shop.proves()


def test_a_void_invoice_gives_back_the_launch_and_the_credit(shop: World) -> None:
    redeems(shop, "ada", "LAUNCH2025")
    shop.billing.grant_credit("ada", Money(20_00, EUR), kind="promotional", name="Welcome", op="signup")
    shop.uses("ada", "hours", 100)
    wrong = shop.on("2026-02-01").bill("ada")
    assert (wrong.discount, wrong.credits_applied, wrong.total) == (Money(50_00, EUR), Money(20_00, EUR), Money(30_00, EUR))
    for _ in range(2):
        shop.billing.void(wrong.id, reason="the wrong hours")
    assert shop.balance(Account.CREDITS, EUR) == Money(-20_00, EUR)
    shop.proves()
    assert month(shop, "2026-03-01", 100) == (100_00, 50_00, 20_00, 30_00)
    shop.proves()


def test_what_was_paid_for_and_never_used_is_revenue_when_it_ends(shop: World) -> None:
    ends_at = day("2026-02-15")
    shop.billing.grant_credit("ada", Money(80_00, EUR), kind="prepaid", name="Top-up", op="a", expires_at=ends_at)
    shop.billing.grant_credit("ada", Money(500, JPY), kind="promotional", name="Welcome", op="b", expires_at=ends_at)
    assert month(shop, "2026-02-01", 30) == (30_00, 0, 30_00, 0)
    shop.on("2026-02-15").works()
    assert shop.balance(Account.REVENUE, EUR) == Money(-80_00, EUR)
    assert shop.balance(Account.PROMOTIONS, JPY) == shop.balance(Account.CREDITS, JPY) == Money(0, JPY)
    assert month(shop, "2026-03-01", 30) == (30_00, 0, 0, 30_00)
    shop.proves()


def test_a_sum_that_is_carried_was_reduced_before_and_only_once(shop: World) -> None:
    redeems(shop, "ada", "EARLYBIRD30")
    shop.sells("clicks", {"currency": "eur", "model": "per_unit", "unit_amount": "0.01"})
    shop.uses("ada", "clicks", 60)
    january = shop.on("2026-02-01").bill("ada")
    assert (january.discount, january.carried_out, january.total) == (Money(18, EUR), Money(42, EUR), Money(0, EUR))
    shop.uses("ada", "clicks", 100)
    february = shop.on("2026-03-01").bill("ada")
    assert (february.carried_in, february.discount, february.total) == (Money(42, EUR), Money(30, EUR), Money(1_12, EUR))
    shop.works()
    shop.proves()


PRO = {
    "coupons": [EARLYBIRD, LAUNCH],
    "plans": [
        {
            "key": key,
            "intervals": ["month"],
            "charges": [{"key": "base", "kind": "recurring", "prices": [{"currency": "eur", "model": "flat", "amount": amount}]}],
        }
        for key, amount in (("pro", "99"), ("enterprise", "499"))
    ],
}


def fees(world: World, subscription_id: str) -> list[tuple[str, int, int, int]]:
    """Of each invoice of the subscription, oldest first: since when, discount, credits and total."""
    found = [i for i in world.billing.invoices(customer_id="ada", limit=200) if i.subscription_id == subscription_id]
    return [
        (f"{i.period.start:%m-%d}", i.discount.minor, i.credits_applied.minor, i.total.minor)
        for i in sorted(found, key=lambda i: i.created_at)
    ]


def test_three_months_off_are_three_fees_of_a_plan(world: World) -> None:
    """From the last of January, at midnight in Berlin, over the change of clocks: the fourth fee is whole again."""
    world.billing.apply_catalogue(PRO)
    world.on("2026-01-30T23:00:00")
    top_up = {"kind": "prepaid", "name": "Top-up", "op": "order-7"}
    world.billing.grant_credit("ada", Money(100_00, EUR), **top_up)
    redeems(world, "ada", "LAUNCH2025")
    pro = world.billing.subscribe("ada", "pro", coupon="EARLYBIRD30", zone="Europe/Berlin")
    for on in ("2026-03-01", "2026-04-01", "2026-05-01", "2026-06-01"):
        world.on(on).works()
    assert fees(world, pro.id) == [
        ("01-30", 29_70 + 50_00, 19_30, 0),
        ("02-27", 29_70, 69_30, 0),
        ("03-30", 29_70, 11_40, 57_90),
        ("04-29", 0, 0, 99_00),
        ("05-30", 0, 0, 99_00),
    ]
    world.proves()


def test_an_upgrade_gives_back_what_was_paid_and_discounts_the_new_fee(world: World) -> None:
    world.billing.apply_catalogue(PRO)
    world.on("2026-01-01")
    pro = world.billing.subscribe("ada", "pro", coupon="EARLYBIRD30")
    world.works()
    world.on("2026-01-16T12:00:00")
    changed = world.billing.change_subscription(pro.id, plan="enterprise")
    assert changed.invoice is not None
    # Half of 69.30 is given back, and half of 499.00 less 30 % is asked for.
    assert changed.invoice.subtotal == Money(249_50 - 34_65, EUR)
    assert changed.invoice.total == Money(249_50 - 74_85 - 34_65, EUR)
    world.works()
    world.proves()


def test_an_amount_that_goes_on_is_taken_off_once_a_period_however_often_the_plan_changes(world: World) -> None:
    forever = {"key": "FRIEND", "amounts": {"eur": "20.00"}, "duration": "forever"}
    world.billing.apply_catalogue(PRO | {"coupons": [forever]})
    world.on("2026-01-01")
    pro = world.billing.subscribe("ada", "pro", coupon="FRIEND")
    assert fees(world, pro.id) == [("01-01", 20_00, 0, 79_00)]
    world.works()
    world.on("2026-01-16T12:00:00")
    changed = world.billing.change_subscription(pro.id, plan="enterprise")
    assert changed.invoice is not None
    # Half of 99.00 - 20.00 is given back, and half of 499.00 - 20.00 asked for.
    assert changed.invoice.total == Money(239_50 - 39_50, EUR)
    world.works()
    assert fees(world, pro.id)[-1][1] == 10_00
    world.on("2026-02-02").works()
    assert fees(world, pro.id)[-1] == ("02-01", 20_00, 0, 479_00)
    world.proves()
