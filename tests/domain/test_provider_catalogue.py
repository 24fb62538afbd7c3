"""Our prices in the provider's words: what can be said there costs the same there, and what cannot is said plainly."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from random import Random
from typing import Any

import pytest

from tallystick.domain import provider_catalogue
from tallystick.domain.coupons import Coupon, Duration, PromotionCode
from tallystick.domain.periods import Cadence, Interval, read_cadence
from tallystick.domain.plans import ChargeKind, PlanCharge, PlanPrice, PlanVersion, Timing
from tallystick.domain.price_documents import read_price
from tallystick.domain.provider_catalogue import Act, CatalogueItem, Found, ItemKind, Untold
from tallystick.domain.rating import needs_events, rate
from tallystick.domain.usage import Aggregation, Meter
from tallystick.values.ids import MeterKey
from tallystick.values.money import EUR, USD, Money
from tests.domain.price_cases import random_case

CALLS = MeterKey("calls")
METERS = {CALLS: Meter(CALLS, Aggregation.SUM, export_as="calls_made")}
NOW = datetime(2026, 1, 1, tzinfo=UTC)
MONTH = Cadence(Interval.MONTH)


def items(price: dict[str, Any], kind: ChargeKind = ChargeKind.USAGE, **more: Any) -> tuple[list[CatalogueItem], list[Untold]]:
    """The price items of a plan with this one charge."""
    meter = CALLS if kind is ChargeKind.USAGE else None
    cadences = more.pop("cadences", (MONTH,))
    charge = PlanCharge("c", kind, (PlanPrice(read_price({"currency": "usd", **price})),), meter, **more)
    found, untold = provider_catalogue.of_catalogue([PlanVersion("pro", 1, (charge,), cadences)], METERS, [], now=NOW)
    return [item for item in found if item.kind is ItemKind.PRICE], untold


def costs(document: dict[str, Any], quantity: Fraction) -> Fraction:
    """What the provider would ask for, in minor units, by its own rules: written without a look at ours."""
    if "tiers" not in document:
        units = quantity
        if "package" in document:
            size, how = document["package"].split(" ")
            units = Fraction((ceil if how == "up" else floor)(quantity / int(size)))
        return units * Fraction(document["unit_amount"])
    total, below = Fraction(0), Fraction(0)
    for number, tier in enumerate(document["tiers"]):
        end = None if tier["up_to"] is None else Fraction(tier["up_to"])
        here = quantity if end is None else min(quantity, end)
        last = end is None or quantity <= end
        if document["mode"] == "volume":
            if last:
                return quantity * Fraction(tier["unit"]) + Fraction(tier["flat"])
            continue
        if here > below or number == 0:
            total += (here - below) * Fraction(tier["unit"]) + Fraction(tier["flat"])
        below = here
        if last:
            break
    return total


def test_whatever_can_be_said_there_costs_the_same_there() -> None:
    rng, said = Random(20261121), Counter[str]()
    for _ in range(4000):
        case = random_case(rng)
        price = read_price(case.document)
        if case.quantity is None or needs_events(price):
            continue
        found, untold = items(case.document)
        assert len(found) + len(untold) == 1
        quantity = max(Fraction(case.quantity), Fraction(0))
        if not found:
            said["untold"] += 1
            continue
        said[case.document["model"]] += 1
        exact = costs(dict(found[0].document), quantity)
        step = price.currency.step
        rounded = floor(exact / step + Fraction(1, 2)) * step
        assert rate(price, Decimal(case.quantity)).total.minor == rounded, (case, found[0].document)
    assert {"per_unit", "graduated", "volume", "stairstep", "package"} <= said.keys()
    assert said["untold"] > 100


def test_units_that_are_included_are_a_free_tier() -> None:
    (item,), _ = items({"model": "per_unit", "unit_amount": "0.05", "included": "1000"})
    assert item.key == "pro:c:usd:1-month"
    assert item.document == {
        "product": "pro", "currency": "usd", "meter": "calls_made", "interval": "1 month", "mode": "graduated",
        "tiers": [{"up_to": 1000, "unit": "0", "flat": "0"}, {"up_to": None, "unit": "5", "flat": "0"}],
    }  # fmt: skip


def test_a_fee_is_a_licensed_price_for_each_interval() -> None:
    found, _ = items({"model": "flat", "amount": "99"}, ChargeKind.RECURRING, cadences=(MONTH, read_cadence("year")))
    assert [(item.key, item.document["unit_amount"], item.document["interval"]) for item in found] == [
        ("pro:c:usd:1-month", "9900", "1 month"),
        ("pro:c:usd:1-year", "9900", "1 year"),
    ]
    assert found[0].document["meter"] is None


def test_a_fee_that_is_due_once_has_no_interval() -> None:
    (item,), _ = items({"model": "flat", "amount": "250"}, ChargeKind.ONE_TIME)
    assert (item.key, item.document["interval"]) == ("pro:c:usd:once", None)


def test_yen_have_no_hundredths() -> None:
    (item,), _ = items({"model": "per_unit", "unit_amount": "0.5", "currency": "jpy"})
    assert item.document["unit_amount"] == "0.5"


@pytest.mark.parametrize(
    ("price", "kind", "more", "why"),
    [
        ({"model": "per_unit", "unit_amount": "1", "minimum_amount": "10"}, ChargeKind.USAGE, {}, "minimum"),
        ({"model": "per_unit", "unit_amount": "1", "discount_percent": "10"}, ChargeKind.USAGE, {}, "discount"),
        ({"model": "percentage", "rate_percent": "3"}, ChargeKind.USAGE, {}, "no like"),
        ({"model": "per_unit", "unit_amount": "0.00000000000001234"}, ChargeKind.USAGE, {}, "twelve places"),
        ({"model": "flat", "amount": "10"}, ChargeKind.RECURRING, {"timing": Timing.ARREARS}, "arrears"),
        ({"model": "flat", "amount": "10"}, ChargeKind.RECURRING, {"cadences": (Cadence(Interval.YEAR, 4),)}, "three years"),
        ({"model": "graduated", "tiers": [{"up_to": None, "unit_amount": "1", "flat_amount": "5"}]},
         ChargeKind.USAGE, {}, "at zero"),
        ({"model": "volume", "tiers": [{"up_to": "1.5", "unit_amount": "1"}, {"up_to": None, "unit_amount": "1"}]},
         ChargeKind.USAGE, {}, "whole units"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_there_is_said_plainly(
    price: dict[str, Any], kind: ChargeKind, more: dict[str, Any], why: str
) -> None:
    found, (untold,) = items(price, kind, **more)
    assert found == []
    assert why in untold.reason


def test_usage_of_a_meter_that_is_not_exported_is_billed_by_us() -> None:
    price = PlanPrice(read_price({"currency": "usd", "model": "per_unit", "unit_amount": "1"}))
    plan = PlanVersion("pro", 1, (PlanCharge("c", ChargeKind.USAGE, (price,), CALLS),))
    _, (untold,) = provider_catalogue.of_catalogue([plan], {CALLS: Meter(CALLS)}, [], now=NOW)
    assert "export_as" in untold.reason


def test_meters_come_before_the_prices_that_name_them_and_coupons_before_their_codes() -> None:
    coupon = Coupon("EARLY", percent=Decimal(30), duration=Duration.FOREVER)
    price = PlanPrice(read_price({"currency": "usd", "model": "per_unit", "unit_amount": "1"}))
    plan = PlanVersion("pro", 1, (PlanCharge("c", ChargeKind.USAGE, (price,), CALLS),))
    found, _ = provider_catalogue.of_catalogue([plan], METERS, [(coupon, [PromotionCode("EARLY30", "EARLY")])], now=NOW)
    assert [item.kind.value for item in found] == ["meter", "product", "price", "coupon", "promotion_code"]


@pytest.mark.parametrize(
    ("coupon", "why"),
    [
        (Coupon("A", amounts={USD: Money(500, USD), EUR: Money(400, EUR)}), "several currencies"),
        (Coupon("A", percent=Decimal(10), charges=frozenset({"seats"})), "single charges"),
        (Coupon("A", percent=Decimal(10), redeem_by=NOW), "its time is over"),
        (Coupon("A", percent=Decimal(10), redeem_by=NOW + timedelta(days=2000)), "five years"),
        (Coupon("A b", percent=Decimal(10)), "letters, digits"),
        (Coupon("A", percent=Decimal("33.333")), "two places"),
    ],
)
def test_coupons_that_cannot_be_said_there(coupon: Coupon, why: str) -> None:
    found, (untold,) = provider_catalogue.of_catalogue([], {}, [(coupon, [PromotionCode("CODE", "A")])], now=NOW)
    assert found == [], "nor are the codes of such a coupon"
    assert why in untold.reason


def test_a_code_with_an_underscore_is_ours_alone() -> None:
    _, (untold,) = provider_catalogue.of_catalogue(
        [], {}, [(Coupon("A", percent=Decimal(10)), [PromotionCode("A_B", "A")])], now=NOW
    )
    assert untold.key == "A_B"


def test_a_difference_says_what_is_to_be_done() -> None:
    price = CatalogueItem(ItemKind.PRICE, "p", {"currency": "usd", "unit_amount": "100"})
    coupon = CatalogueItem(ItemKind.COUPON, "C", {"name": "C", "percent": "10"})
    other = Found("x_1", {"currency": "usd", "unit_amount": "200"})

    def act(item: CatalogueItem, there: Found | None, known: str | None = None) -> Act | None:
        change = provider_catalogue.difference(item, there, known=known)
        return None if change is None else change.act

    assert act(price, None) is Act.CREATE
    assert act(price, other) is Act.REPLACE
    assert act(price, Found("x_1", price.document)) is Act.ADOPT
    assert act(price, Found("x_1", price.document), known="x_1") is None
    assert act(coupon, Found("C", {"name": "old", "percent": "10"})) is Act.UPDATE
    assert act(coupon, Found("C", {"name": "C", "percent": "20"})) is Act.REFUSE
