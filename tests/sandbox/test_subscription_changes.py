"""Plans changed in mid-period: what is given back, what is asked for, and when."""

from typing import Any

import pytest
import stripe

from tests.sandbox.subscribing import Shop, at

HALF = "2026-04-16"  # of a month of thirty days


def month(world: Any) -> tuple[Shop, Any, Any]:
    shop = Shop(world, begins="2026-04-01")
    made = shop.subscribes(shop.price(3000))
    shop.on(HALF)
    return shop, made, made["items"].data[0]


def test_dearer_from_the_middle_the_difference_is_on_the_next_invoice(world: Any) -> None:
    shop, made, item = month(world)
    dearer = shop.price(9000)
    changed = world.v1.subscriptions.update(made.id, {"items": [{"id": item.id, "price": dearer.id, "quantity": 1}]})
    assert ([one.price.id for one in changed["items"].data], len(shop.invoices(made))) == ([dearer.id], 1)
    waiting = world.v1.invoice_items.list({"customer": shop.customer.id, "pending": True}).data
    assert sorted(one.amount for one in waiting) == [-1500, 4500]
    assert all(one.proration and one.parent.subscription_details.subscription == made.id for one in waiting)
    shop.on("2026-05-02")
    invoice = shop.invoices(made)[-1]
    assert (invoice.total, [line.amount for line in invoice.lines.data]) == (12000, [9000, -1500, 4500])
    credit = invoice.lines.data[1].parent.subscription_item_details
    assert credit.proration_details.credited_items.invoice == shop.invoices(made)[0].id


def test_always_invoice_asks_at_once(world: Any) -> None:
    _, made, item = month(world)
    wanted = {"items": [{"id": item.id, "quantity": 3}], "proration_behavior": "always_invoice", "expand": ["latest_invoice"]}
    changed = world.v1.subscriptions.update(made.id, wanted)
    assert (changed.latest_invoice.total, changed.latest_invoice.status) == (3000, "paid")
    assert changed.latest_invoice.billing_reason == "subscription_update"
    told = [event.data for event in world.v1.events.list({"type": "customer.subscription.updated"}).data]
    assert (len(told), told[0].previous_attributes["items"]["data"][0]["quantity"]) == (1, 1)


def test_none_asks_for_nothing(world: Any) -> None:
    shop, made, item = month(world)
    world.v1.subscriptions.update(made.id, {"items": [{"id": item.id, "quantity": 3}], "proration_behavior": "none"})
    shop.on("2026-05-02")
    assert [invoice.total for invoice in shop.invoices(made)] == [3000, 9000]


def test_less_is_a_credit_on_the_balance(world: Any) -> None:
    shop, made, item = month(world)
    wanted = {"items": [{"id": item.id, "price": shop.price(1000).id}], "proration_behavior": "always_invoice"}
    world.v1.subscriptions.update(made.id, wanted)
    assert world.v1.customers.retrieve(shop.customer.id).balance == -1000
    shop.on("2026-05-02")
    assert shop.invoices(made)[-1].amount_due == 0


def test_there_and_back_costs_nothing(world: Any) -> None:
    shop, made, item = month(world)
    for quantity in (3, 1):
        world.v1.subscriptions.update(made.id, {"items": [{"id": item.id, "quantity": quantity}]})
    shop.on("2026-05-02")
    assert shop.invoices(made)[-1].total == 3000


def test_items_come_and_go(world: Any) -> None:
    shop, made, item = month(world)
    added = world.v1.subscription_items.create({"subscription": made.id, "price": shop.price(600).id, "quantity": 2})
    assert [one.id for one in world.v1.subscription_items.list({"subscription": made.id}).data] == [item.id, added.id]
    assert world.v1.subscription_items.update(added.id, {"quantity": 4}).quantity == 4
    assert world.v1.subscription_items.delete(item.id).deleted is True
    assert [one.id for one in shop.now(made)["items"].data] == [added.id]
    with pytest.raises(stripe.InvalidRequestError, match="at least one item"):
        world.v1.subscription_items.delete(added.id)
    shop.on("2026-05-02")
    assert shop.invoices(made)[-1].total == -1500 + 1200 + 2400


def test_another_interval_starts_over_today(world: Any) -> None:
    shop, made, item = month(world)
    yearly = shop.price(30000, recurring={"interval": "year"})
    wanted = {"items": [{"id": item.id, "price": yearly.id}], "expand": ["latest_invoice"]}
    changed = world.v1.subscriptions.update(made.id, wanted)
    assert (changed.latest_invoice.total, changed.latest_invoice.status) == (30000 - 1500, "paid")
    assert changed["items"].data[0].current_period_end == at("2027-04-16")


def test_a_new_anchor_starts_over_too(world: Any) -> None:
    shop, made, _ = month(world)
    changed = world.v1.subscriptions.update(made.id, {"billing_cycle_anchor": {"type": "now"}})
    assert (shop.invoices(made)[-1].total, changed.billing_cycle_anchor) == (1500, at(HALF))


def test_what_cannot_be_paid_is_past_due_or_undone(world: Any) -> None:
    shop, made, item = month(world)
    shop.pays_with("pm_card_chargeCustomerFail")
    wanted = {"items": [{"id": item.id, "quantity": 3}], "proration_behavior": "always_invoice"}
    with pytest.raises(stripe.CardError):
        world.v1.subscriptions.update(made.id, {**wanted, "payment_behavior": "error_if_incomplete"})
    assert (shop.now(made)["items"].data[0].quantity, len(shop.invoices(made))) == (1, 1)
    changed = world.v1.subscriptions.update(made.id, wanted)
    assert (changed.status, changed["items"].data[0].quantity, shop.invoices(made)[-1].status) == ("past_due", 3, "open")


def test_unused_time_is_given_back_on_an_end_that_prorates(world: Any) -> None:
    shop, made, _ = month(world)
    world.v1.subscriptions.cancel(made.id, {"prorate": True, "invoice_now": True})
    assert world.v1.customers.retrieve(shop.customer.id).balance == -1500


def test_a_change_is_previewed_and_nothing_happens(world: Any) -> None:
    shop, made, item = month(world)
    dearer, before = shop.price(9000), len(world.events())
    details = {"items": [{"id": item.id, "price": dearer.id}], "proration_date": at("2026-04-11")}
    asked = {"customer": shop.customer.id, "subscription": made.id}
    now = world.v1.invoices.create_preview({**asked, "subscription_details": {**details, "proration_behavior": "always_invoice"}})
    later = world.v1.invoices.create_preview({**asked, "subscription_details": details})
    as_it_is = world.v1.invoices.create_preview(asked)
    recurring = world.v1.invoices.create_preview({**asked, "preview_mode": "recurring", "subscription_details": details})
    assert [preview.total for preview in (now, later, as_it_is, recurring)] == [4000, 13000, 3000, 9000]
    assert (now.id.startswith("upcoming_in_"), now.status, as_it_is.period_end) == (True, "draft", at("2026-05-01"))
    assert (len(world.events()), len(shop.invoices(made)), shop.now(made)["items"].data[0].price.unit_amount) == (before, 1, 3000)
    charged = world.v1.subscriptions.update(made.id, {**details, "proration_behavior": "always_invoice"})
    assert world.v1.invoices.retrieve(charged.latest_invoice).total == now.total


def test_a_subscription_that_is_not_there_yet_is_previewed(world: Any) -> None:
    shop = Shop(world)
    items = [{"price": shop.price(700).id, "quantity": 3}]
    preview = world.v1.invoices.create_preview({"customer": shop.customer.id, "subscription_details": {"items": items}})
    assert (preview.total, world.v1.subscriptions.list({"customer": shop.customer.id}).data) == (2100, [])
