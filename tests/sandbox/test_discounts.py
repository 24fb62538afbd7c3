"""Coupons and promotion codes: who may redeem them, how long they last, and what they take off."""

from typing import Any

import pytest
import stripe

from tests.sandbox.subscribing import Shop, at


def totals(shop: Shop, made: Any) -> list[int]:
    return [invoice.total for invoice in shop.invoices(made)]


def test_once_is_for_one_invoice_repeating_for_months_and_forever_for_all(world: Any) -> None:
    for duration, expected in (("once", [500, 1000, 1000, 1000]), ("repeating", [500, 500, 1000, 1000]), ("forever", [500] * 4)):
        shop = Shop(type(world)())
        wanted = {"duration": duration, **({"duration_in_months": 2} if duration == "repeating" else {})}
        coupon = shop.v1.coupons.create({"percent_off": 50, **wanted})
        made = shop.subscribes(shop.price(1000), discounts=[{"coupon": coupon.id}])
        for month in (2, 3, 4):
            shop.on(f"2026-0{month}-16")
        assert totals(shop, made) == expected
        assert len(shop.now(made).discounts) == (duration == "forever")


def test_what_it_takes_off_is_on_the_invoice_and_on_its_lines(world: Any) -> None:
    shop = Shop(world)
    coupon = world.v1.coupons.create({"id": "LESS", "amount_off": 100, "currency": "usd", "duration": "forever"})
    made = shop.subscribes(
        {"price": shop.price(100).id}, {"price": shop.price(200).id}, discounts=[{"coupon": coupon.id}],
        expand=["latest_invoice", "discounts.source.coupon"],
    )  # fmt: skip
    invoice, discount = made.latest_invoice, made.discounts[0]
    assert (invoice.subtotal, invoice.total, invoice.amount_paid) == (300, 200, 200)
    assert [(row.amount, row.discount) for row in invoice.total_discount_amounts] == [(100, discount.id)]
    assert [[row.amount for row in line.discount_amounts] for line in invoice.lines.data] == [[33], [67]]
    assert (discount.source.coupon.id, discount.source.coupon.times_redeemed, discount.subscription) == ("LESS", 1, made.id)


def test_only_the_products_that_it_is_for(world: Any) -> None:
    shop = Shop(world)
    world.v1.products.create({"id": "extra", "name": "Extra"})
    coupon = world.v1.coupons.create({"percent_off": 100, "duration": "forever", "applies_to": {"products": ["extra"]}})
    assert world.v1.coupons.retrieve(coupon.id, {"expand": ["applies_to"]}).applies_to.products == ["extra"]
    extra = world.v1.prices.create({"product": "extra", "currency": "usd", "unit_amount": 70, "recurring": {"interval": "month"}})
    made = shop.subscribes(shop.price(1000), extra, discounts=[{"coupon": coupon.id}])
    assert totals(shop, made) == [1000]


def test_a_change_gives_back_what_was_debited_and_not_the_list_price(world: Any) -> None:
    shop = Shop(world, begins="2026-04-01")
    coupon = world.v1.coupons.create({"percent_off": 50, "duration": "once"})
    made = shop.subscribes(shop.price(3000), discounts=[{"coupon": coupon.id}])
    shop.on("2026-04-16")
    world.v1.subscriptions.cancel(made.id, {"prorate": True, "invoice_now": True})
    assert world.v1.customers.retrieve(shop.customer.id).balance == -750


def test_a_code_is_found_whatever_its_case_and_redeemed_as_often_as_it_may_be(world: Any) -> None:
    shop = Shop(world)
    coupon = world.v1.coupons.create({"percent_off": 25})
    wanted = {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "Early-30", "max_redemptions": 1}
    code = world.v1.promotion_codes.create(wanted)
    assert [one.id for one in world.v1.promotion_codes.list({"code": "EARLY-30", "active": True}).data] == [code.id]
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        world.v1.promotion_codes.create(wanted)
    made = shop.subscribes(shop.price(1000), discounts=[{"promotion_code": code.id}], expand=["latest_invoice.discounts"])
    assert (totals(shop, made), made.latest_invoice.discounts[0].promotion_code) == ([750], code.id)
    spent = world.v1.promotion_codes.retrieve(code.id)
    assert (spent.active, spent.times_redeemed) == (False, 1)
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        shop.subscribes(shop.price(1000), discounts=[{"promotion_code": code.id}])


def test_codes_for_others_and_for_new_customers_are_not_for_everybody(world: Any) -> None:
    shop, price = Shop(world), None
    coupon = world.v1.coupons.create({"percent_off": 25})
    promotion = {"type": "coupon", "coupon": coupon.id}
    bob = world.v1.promotion_codes.create({"promotion": promotion, "customer": world.customer().id})
    new = world.v1.promotion_codes.create({"promotion": promotion, "restrictions": {"first_time_transaction": True}})
    price = shop.price(1000)
    with pytest.raises(stripe.InvalidRequestError, match="another customer"):
        shop.subscribes(price, discounts=[{"promotion_code": bob.id}])
    shop.subscribes(price, discounts=[{"promotion_code": new.id}])
    with pytest.raises(stripe.InvalidRequestError, match="without prior transactions"):
        shop.subscribes(price, discounts=[{"promotion_code": new.id}])


def test_a_coupon_that_is_over_is_not_redeemed_and_who_has_it_keeps_it(world: Any) -> None:
    shop = Shop(world)
    wanted = {"percent_off": 10, "duration": "forever", "redeem_by": at("2026-01-20")}
    coupon = world.v1.coupons.create(wanted)
    made = shop.subscribes(shop.price(1000), discounts=[{"coupon": coupon.id}])
    world.clock.move(days=10)
    shop.on("2026-02-16")
    assert world.v1.coupons.retrieve(coupon.id).valid is False
    with pytest.raises(stripe.InvalidRequestError, match="expired"):
        shop.subscribes(shop.price(1000), discounts=[{"coupon": coupon.id}])
    world.v1.coupons.delete(coupon.id)
    shop.on("2026-03-16")
    assert totals(shop, made) == [900, 900, 900]


def test_a_discount_can_be_added_and_taken_away(world: Any) -> None:
    shop = Shop(world)
    coupon = world.v1.coupons.create({"percent_off": 10, "duration": "forever"})
    made = shop.subscribes(shop.price(1000))
    kept = world.v1.subscriptions.update(made.id, {"discounts": [{"coupon": coupon.id}]}).discounts
    assert world.v1.subscriptions.update(made.id, {"discounts": [{"discount": kept[0]}]}).discounts == kept
    shop.on("2026-02-16")
    assert world.v1.subscriptions.delete_discount(made.id).deleted is True
    shop.on("2026-03-16")
    assert totals(shop, made) == [1000, 900, 1000]
    told = ["customer.discount.created", "customer.discount.deleted"]
    assert world.events("customer.discount.created", "customer.discount.deleted") == told


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({}, "exactly one"),
        ({"percent_off": 10, "amount_off": 5, "currency": "usd"}, "exactly one"),
        ({"percent_off": 101}, "at most 100"),
        ({"amount_off": 5}, "currency"),
        ({"percent_off": 10, "duration": "repeating"}, "duration_in_months"),
        ({"percent_off": 10, "redeem_by": 1}, "in the future"),
    ],
)
def test_a_coupon_without_sense_is_refused(world: Any, params: dict[str, Any], why: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=why):
        world.v1.coupons.create(params)
