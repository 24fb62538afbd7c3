"""Metered items: what the meters counted in a period, by its price, on the invoice after it."""

from decimal import Decimal
from typing import Any

import pytest
import stripe

from tests.sandbox.subscribing import Shop, at


def lines(invoice: Any) -> list[tuple[str, int]]:
    return [(line.description, line.amount) for line in invoice.lines.data]


def test_the_first_invoice_has_no_usage_and_the_next_has_the_months(world: Any) -> None:
    shop = Shop(world)
    calls = shop.metered(unit_amount_decimal=Decimal("0.5"))
    made = shop.subscribes(shop.price(9900), calls)
    assert [line.amount for line in shop.invoices(made)[0].lines.data] == [9900]
    assert "quantity" not in made["items"].data[1].to_dict()
    world.clock.at = world.clock.at.replace(month=2, day=15, hour=0)
    shop.uses(calls, "1001", "2026-01-20")
    shop.uses(calls, "5000", "2026-02-15")
    shop.on("2026-02-15T02:00:00")
    renewed = shop.invoices(made)[1]
    assert (renewed.total, renewed.status) == (9900 + 501, "paid")
    usage = next(line for line in renewed.lines.data if line.amount == 501)
    assert (usage.quantity_decimal, usage.period.start, usage.period.end) == (Decimal(1001), at("2026-01-15"), at("2026-02-15"))
    assert usage.parent.subscription_item_details.subscription_item == made["items"].data[1].id


def test_what_comes_before_it_is_finalised_is_on_it_and_what_comes_later_on_none(world: Any) -> None:
    shop = Shop(world)
    calls = shop.metered(unit_amount=2)
    made = shop.subscribes(shop.price(9900), calls)
    world.clock.at = world.clock.at.replace(month=2, day=15, hour=3)
    shop.on("2026-02-15T00:30:00")
    shop.uses(calls, "10", "2026-02-14")
    assert shop.invoices(made)[1].total == 9900
    shop.on("2026-02-15T01:30:00")
    assert shop.invoices(made)[1].total == 9920
    shop.uses(calls, "700", "2026-02-14")
    shop.on("2026-03-16")
    assert [invoice.total for invoice in shop.invoices(made)] == [9900, 9920, 9900]


def test_nothing_used_is_no_invoice(world: Any) -> None:
    shop = Shop(world, card=None)
    made = shop.subscribes(shop.metered(), expand=["pending_setup_intent"])
    assert (made.status, made.latest_invoice, made.pending_setup_intent.usage) == ("active", None, "off_session")
    shop.on("2026-03-01")
    assert (shop.invoices(made), shop.now(made).status) == ([], "active")


def test_corrections_beyond_what_was_used_are_no_credit(world: Any) -> None:
    shop = Shop(world)
    calls = shop.metered(unit_amount=2)
    made = shop.subscribes(shop.price(100), calls)
    shop.uses(calls, "-10", "2026-01-15")
    shop.on("2026-02-16")
    assert shop.invoices(made)[1].total == 100


TIERS = [{"up_to": 10, "unit_amount": 0, "flat_amount": 500}, {"up_to": 20, "unit_amount_decimal": Decimal("3.3")},
         {"up_to": "inf", "unit_amount": 1, "flat_amount": 50}]  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "used", "expected"),
    [
        ("graduated", "10", [("1 × Starter (Tier 1 flat fee)", 500)]),
        ("graduated", "15", [("1 × Starter (Tier 1 flat fee)", 500), ("5 × Starter (Tier 2)", 17)]),
        (
            "graduated", "22",
            [("1 × Starter (Tier 1 flat fee)", 500), ("10 × Starter (Tier 2)", 33), ("2 × Starter (Tier 3)", 2),
             ("1 × Starter (Tier 3 flat fee)", 50)],
        ),
        ("volume", "15", [("15 × Starter", 50)]),
        ("volume", "22", [("22 × Starter", 22), ("1 × Starter (flat fee)", 50)]),
    ],
)  # fmt: skip
def test_tiers_are_lines(world: Any, mode: str, used: str, expected: list[tuple[str, int]]) -> None:
    shop = Shop(world)
    calls = shop.metered(billing_scheme="tiered", tiers_mode=mode, tiers=TIERS)
    made = shop.subscribes(calls)
    shop.uses(calls, used, "2026-01-15")
    shop.on("2026-02-16")
    assert lines(shop.invoices(made)[0]) == expected


def test_packages_are_counted_whole(world: Any) -> None:
    shop = Shop(world)
    calls = shop.metered(unit_amount=200, transform_quantity={"divide_by": 1000, "round": "up"})
    made = shop.subscribes(calls)
    shop.uses(calls, "2001", "2026-01-15")
    shop.on("2026-02-16")
    assert lines(shop.invoices(made)[0]) == [("2001 × Starter", 600)]


def test_ended_at_once_the_usage_is_lost_unless_it_is_invoiced(world: Any) -> None:
    shop = Shop(world)
    one, other = shop.metered(unit_amount=1000), shop.metered(unit_amount=2000)
    lost, billed, planned = shop.subscribes(one), shop.subscribes(other), shop.subscribes(one, cancel_at_period_end=True)
    shop.uses(one, "1", "2026-01-15")
    shop.uses(other, "1", "2026-01-15")
    shop.on("2026-01-20")
    world.v1.subscriptions.cancel(lost.id)
    world.v1.subscriptions.cancel(billed.id, {"invoice_now": True})
    shop.on("2026-02-16")
    assert [[invoice.total for invoice in shop.invoices(made)] for made in (lost, billed, planned)] == [[], [2000], [1000]]
    assert [invoice.status for invoice in (*shop.invoices(billed), *shop.invoices(planned))] == ["paid", "paid"]


def test_a_metered_price_that_is_swapped_bills_what_it_counted(world: Any) -> None:
    shop = Shop(world)
    old, new = shop.metered(unit_amount=10), shop.metered(unit_amount=1)
    made = shop.subscribes(old)
    shop.uses(old, "7", "2026-01-15")
    shop.on("2026-01-20")
    world.clock.at = world.clock.at.replace(day=21)
    item = made["items"].data[0]
    world.v1.subscriptions.update(made.id, {"items": [{"id": item.id, "price": new.id}]})
    shop.uses(new, "100", "2026-01-21")
    shop.uses(old, "100", "2026-01-21")
    shop.on("2026-02-16")
    assert shop.invoices(made)[0].total == 70 + 100


def test_a_quantity_of_what_is_metered_is_refused(world: Any) -> None:
    shop = Shop(world)
    with pytest.raises(stripe.InvalidRequestError, match="metered"):
        shop.subscribes({"price": shop.metered().id, "quantity": 1})
