"""How the business does: what recurs and what is lost of it, what fails, and who brings in most, on a calendar."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tallystick.domain.coupons import Coupon, Duration
from tallystick.domain.payments import Collection
from tallystick.domain.recurring_revenue import RecurringMonth
from tallystick.storage import customers
from tallystick.values.ids import CustomerId
from tallystick.values.money import EUR, USD, Money
from tests.scenarios.world import World, day

DECLINED, FUNDS = "pm_card_visa_chargeDeclined", "pm_card_visa_chargeDeclinedInsufficientFunds"


def fee(amount: str, currency: str = "eur", **more: str) -> dict[str, Any]:
    prices = [{"currency": currency, "model": "flat", "amount": amount, **more}]
    return {"key": "base", "kind": "recurring", "prices": prices}


PLANS = {
    "plans": [
        {"key": "basic", "charges": [fee("10")]},
        {"key": "pro", "intervals": ["month", "year"], "charges": [fee("120")]},
        {"key": "trial", "trial_days": 14, "charges": [fee("30")]},
        {"key": "dollars", "billed_by": "provider", "charges": [fee("20", "usd", lookup_key="dollars_base")]},
    ]
}
HALF = Coupon("HALF", percent=Decimal(50), duration=Duration.MONTHS, months=2)


def months(world: World, since: str = "2026-01-01") -> dict[str, RecurringMonth]:
    found = world.billing.mrr(day(since))
    return {f"{each.month:%b} {each.closing.currency}": each for each in found}


def test_what_recurs_follows_every_change_of_a_subscription(world: World) -> None:
    billing = world.billing
    billing.apply_catalogue(PLANS)
    billing.put_coupon(HALF)
    ada = billing.subscribe("ada", "basic")
    ben = billing.subscribe("ben", "pro", interval="year")
    world.on("2026-01-20")
    cy = billing.subscribe("cy", "trial")
    assert months(world)["Jan eur"].closing == Money(20_00, EUR), "10, and a twelfth of 120; a trial is not paid"
    world.on("2026-02-05").works()
    billing.redeem("cy", "HALF")
    billing.change_subscription(ada.id, plan="pro")
    world.on("2026-03-10").works()
    billing.change_subscription(ada.id, plan="basic")
    billing.pause(cy.id)
    world.on("2026-04-20").works()  # the downgrade was due on the first, and is carried out only now
    billing.resume(cy.id)
    billing.cancel(ben.id, now=True)
    found = months(world)
    assert [each.closing.minor for each in found.values()] == [20_00, 145_00, 130_00, 40_00]
    assert (found["Feb eur"].new, found["Feb eur"].expansion) == (Money(15_00, EUR), Money(110_00, EUR)), "cy pays half of 30"
    assert found["Mar eur"].churn == Money(-15_00, EUR), "a pause is an end, as long as it lasts"
    april = found["Apr eur"]
    assert (april.contraction, april.churn) == (Money(-110_00, EUR), Money(-10_00, EUR))
    assert april.reactivation == Money(30_00, EUR), "its two months at half the price are over"
    assert (april.customers_before, april.customers_lost, april.customers_back, april.customers_after) == (2, 1, 1, 2)
    assert april.customer_churn == Decimal("0.5")


def test_a_downgrade_and_an_end_count_from_the_period_that_they_belong_to_however_late_they_are_done(small_world: World) -> None:
    billing = small_world.billing
    billing.apply_catalogue(PLANS)
    ada, ben = billing.subscribe("ada", "pro"), billing.subscribe("ben", "basic")
    billing.change_subscription(ada.id, plan="basic", when="period_end")
    billing.cancel(ben.id)
    small_world.on("2026-04-15").works()
    found = months(small_world)
    assert [each.closing.minor for each in found.values()] == [130_00, 10_00, 10_00, 10_00]
    assert found["Feb eur"].churn == Money(-10_00, EUR)


def test_one_that_began_in_the_past_counts_from_there(small_world: World) -> None:
    small_world.billing.apply_catalogue(PLANS)
    small_world.on("2026-03-15")
    small_world.billing.subscribe("ada", "basic", start=day("2026-01-10"))
    assert [each.closing.minor for each in months(small_world).values()] == [10_00, 10_00, 10_00]


def test_who_does_not_pay_counts_until_they_are_given_up_on(small_world: World) -> None:
    billing = small_world.billing
    billing.apply_catalogue(PLANS)
    begun = billing.subscribed("ada", "basic", collection=Collection(payment_method=FUNDS))
    small_world.works()
    small_world.on("2026-01-08").works()
    assert months(small_world)["Jan eur"].closing == Money(10_00, EUR), "past due, and still asked for"
    small_world.on("2026-01-16").works()
    assert billing.subscription(begun.subscription.id).status == "unpaid"
    assert months(small_world)["Jan eur"].closing == Money(0, EUR)
    (failed,) = billing.payment_months(day("2026-01-01"))
    assert (failed.tried, failed.failed, failed.recovered, failed.reasons) == (1, 1, 0, (("insufficient_funds", 1),))
    assert failed.failure_rate == Decimal(1)


def test_one_that_the_provider_bills_counts_once_it_is_paid_there(world: World) -> None:
    billing = world.billing
    billing.apply_catalogue(PLANS)
    billing.push_catalogue()
    billing.put_customer("ada", email="ada@example.com")
    billing.subscribe_at_provider("ada", "dollars")
    world.works()
    assert months(world) == {}, "its first payment is outstanding"
    with billing.context.database.reading() as conn:
        ada = customers.get(conn, CustomerId("ada"))
    assert ada is not None
    card = world.sandbox_call("POST", "/v1/payment_methods/pm_card_visa/attach", customer=ada.provider_ref)["id"]
    world.sandbox_call("POST", f"/v1/customers/{ada.provider_ref}", invoice_settings__default_payment_method=card)
    world.later(hours=7)
    world.works()
    assert months(world)["Jan usd"].new == Money(20_00, USD)


def test_payments_fail_by_month_and_who_earns_most_stands_first(world: World) -> None:
    billing = world.billing
    billing.apply_catalogue(PLANS)
    billing.put_customer("ada", name="Ada")
    billing.subscribe("ada", "pro", collection=Collection(payment_method="pm_card_visa"))
    billing.subscribe("ben", "basic", collection=Collection(payment_method=DECLINED))
    world.works()
    world.on("2026-02-02").works()
    january, february = billing.payment_months(day("2026-01-15"), day("2026-02-20"))
    assert (january.month, january.tried, january.failed) == (date(2026, 1, 1), 2, 1)
    assert january.reasons == (("generic_decline", 1),)
    assert january.failure_rate == Decimal("0.5")
    assert february.tried == 2
    first, second = billing.top_customers(day("2026-01-01"))
    assert (first.id, first.name, first.revenue) == ("ada", "Ada", Money(120_00, EUR)), "January is served, February is not"
    assert (second.id, second.revenue) == ("ben", Money(10_00, EUR))
    assert billing.top_customers(day("2026-01-01"), limit=1) == [first]
    assert billing.payment_months(datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)) == []
