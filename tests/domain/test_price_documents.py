"""The price document is read strictly, with the path of what is wrong, and written so that it reads the same."""

from typing import Any

import pytest

from tallystick.domain.catalog import (
    Conversion,
    FlatPrice,
    GraduatedPrice,
    PackagePrice,
    PercentagePrice,
    Rounding,
    StairstepPrice,
    UnitPrice,
)
from tallystick.domain.price_documents import read_price, write_price
from tallystick.domain.tiers import Tier
from tallystick.values.errors import InvalidInput
from tallystick.values.money import USD
from tests.domain.test_rating import d

Document = dict[str, Any]
TIERS = [{"up_to": "5", "unit_amount": "0", "flat_amount": "100"}, {"up_to": None, "unit_amount": "5", "flat_amount": "0"}]
DOCUMENTS: list[Document] = [
    {"model": "flat", "amount": "99"},
    {"model": "per_unit", "unit_amount": "0.01"},
    {"model": "graduated", "tiers": TIERS},
    {"model": "graduated", "tiers": TIERS, "zero_usage_flat": True},
    {
        "model": "volume",
        "tiers": [{"up_to": None, "unit_amount": "1", "package_size": "10", "flat_amount": "0", "maximum_amount": "7"}],
    },
    {"model": "package", "package_size": "100", "package_amount": "5", "round": "down"},
    {"model": "percentage", "rate_percent": "2.9", "fixed_amount_per_event": "0.3"},
    {
        "model": "percentage",
        "rate_percent": "1",
        "fixed_amount_per_event": "0",
        "minimum": "1",
        "maximum": "9",
        "free_events": "3",
        "free_amount": "15",
    },
    {"model": "graduated_percentage", "tiers": [{"up_to": None, "rate_percent": "1", "flat_amount": "2", "maximum_amount": "3"}]},
    {"model": "dynamic", "multiplier": "1.2"},
    {
        "model": "per_unit",
        "unit_amount": "1",
        "included": "5",
        "discount_percent": "10",
        "maximum_amount": "9",
        "minimum_amount": "1",
    },
    {"model": "per_unit", "unit_amount": "1", "convert": {"divide_by": "1000", "round": "up"}},
    {"model": "per_unit", "unit_amount": "1", "convert": {"multiply_by": "1.2", "round": "none"}},
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document["model"])
def test_what_was_read_is_written_as_it_was(document: Document) -> None:
    whole = {"currency": "usd", **document}
    assert write_price(read_price(whole)) == whole


def test_the_example_of_the_contract_is_read() -> None:
    document = {
        "currency": "usd",
        "model": "graduated",
        "tiers": TIERS,
        "included": "0",
        "minimum_amount": None,
        "maximum_amount": None,
    }
    document["convert"] = {"divide_by": "1000", "round": "up"}
    steps = (Tier(d("5"), d("0"), d("100")), Tier(None, d("5")))
    assert read_price(document) == GraduatedPrice(steps, convert=Conversion(divide_by=d("1000"), round=Rounding.UP), currency=USD)


def test_what_is_not_said_has_its_default() -> None:
    assert read_price({"currency": "USD", "model": "flat", "amount": 1}) == FlatPrice(d("1"), currency=USD)
    assert read_price({"currency": "usd", "model": "dynamic"}) == read_price(
        {"currency": "usd", "model": "dynamic", "multiplier": "1"}
    )
    package = read_price({"currency": "usd", "model": "package", "package_size": "1", "package_amount": "1"})
    assert package == PackagePrice(d("1"), d("1"), Rounding.UP, currency=USD)
    converted = read_price({"currency": "usd", "model": "per_unit", "unit_amount": "1", "convert": {"divide_by": 2}})
    assert converted == UnitPrice(d("1"), convert=Conversion(divide_by=d("2")), currency=USD)


def test_the_amount_of_a_step_has_two_names() -> None:
    steps = [{"up_to": "10", "amount": "1"}, {"up_to": None, "flat_amount": "2", "unit_amount": "0"}]
    price = read_price({"currency": "usd", "model": "stairstep", "tiers": steps})
    assert price == StairstepPrice((Tier(d("10"), flat_amount=d("1")), Tier(None, flat_amount=d("2"))), currency=USD)
    assert read_price(write_price(price)) == price


def tiered(*rows: Document, model: str = "graduated") -> Document:
    return {"model": model, "tiers": list(rows)}


LAST: Document = {"up_to": None, "unit_amount": "1"}
UNIT: Document = {"model": "per_unit", "unit_amount": "1"}


@pytest.mark.parametrize(
    ("document", "field", "reason"),
    [
        ({}, "model", "is missing"),
        ({"model": "free"}, "model", "must be one of flat, per_unit"),
        ({"model": 7}, "model", "must be a text"),
        ({"model": "flat"}, "amount", "is missing"),
        ({"model": "flat", "amount": 1.5}, "amount", "send a decimal as a string"),
        ({"model": "flat", "amount": d("1.5")}, "amount", "send a decimal as a string"),
        ({"model": "flat", "amount": True}, "amount", "send a decimal as a string"),
        ({"model": "flat", "amount": "1,5"}, "amount", "not a decimal"),
        ({"model": "flat", "amount": "NaN"}, "amount", "not a decimal"),
        ({"model": "flat", "amount": "١"}, "amount", "not a decimal"),
        ({"model": "flat", "amount": "1" * 39}, "amount", "more than 38 digits"),
        ({"model": "flat", "amount": "-1"}, "amount", "must not be below 0"),
        ({"model": "flat", "amount": "1", "currency": "xxx"}, "currency", "not a known ISO 4217 code"),
        ({**UNIT, "discount_percent": "100.1"}, "discount_percent", 'at most "100"'),
        ({**UNIT, "included": "-1"}, "included", "must not be below 0"),
        ({**UNIT, "minimum_amount": "-1"}, "minimum_amount", "must not be below 0"),
        ({**UNIT, "maximum_amount": "-1"}, "maximum_amount", "must not be below 0"),
        ({**UNIT, "tiers": []}, "tiers", "unknown field; known here: model, currency"),
        ({**UNIT, "un known\n": 1}, None, "document: unknown field"),
        ({**UNIT, "convert": "3"}, "convert", "must be an object"),
        ({**UNIT, "convert": {}}, "convert", "give one of divide_by and multiply_by"),
        ({**UNIT, "convert": {"divide_by": "1", "multiply_by": "1"}}, "convert", "give one of"),
        ({**UNIT, "convert": {"divide_by": "0"}}, "convert.divide_by", "must be above 0"),
        ({**UNIT, "convert": {"divide_by": "2", "round": "half"}}, "convert.round", "must be one of up, down, none"),
        ({**UNIT, "convert": {"divide_by": "2", "by": 1}}, "convert.by", "unknown field"),
        ({"model": "package", "package_size": "0", "package_amount": "1"}, "package_size", "must be above 0"),
        ({"model": "package", "package_size": "1", "package_amount": "1", "round": "none"}, "round", "must be one of up, down"),
        ({"model": "graduated"}, "tiers", "is missing"),
        ({"model": "graduated", "tiers": {}}, "tiers", "must be a list"),
        (tiered(), "tiers", "from 1 to 1000"),
        (tiered(*[LAST] * 1001), "tiers", "at most 1000"),
        ({"model": "graduated", "tiers": ["a"]}, "tiers[0]", "must be an object"),
        (tiered({"up_to": "5", "unit_amount": "1"}), "tiers[0].up_to", "null in the last tier, and only there"),
        (tiered(LAST, LAST), "tiers[0].up_to", "null in the last tier"),
        (tiered({"up_to": "0"}, LAST), "tiers[0].up_to", "above the tier before it"),
        (tiered({"up_to": "5"}, {"up_to": "5"}, LAST), "tiers[1].up_to", "above the tier before it"),
        (tiered({"up_to": None, "unit_amount": "x"}), "tiers[0].unit_amount", "not a decimal"),
        (tiered({"up_to": None, "unit_amount": "-1"}), "tiers[0].unit_amount", "must not be below 0"),
        (tiered({"up_to": None, "flat_amount": "-1"}), "tiers[0].flat_amount", "must not be below 0"),
        (tiered({"up_to": None, "package_size": "0"}), "tiers[0].package_size", "must be above 0"),
        (tiered({"up_to": None, "maximum_amount": "-1"}), "tiers[0].maximum_amount", "must not be below 0"),
        (tiered({"up_to": None, "rate_percent": "1"}), "tiers[0].rate_percent", "unknown field"),
        ({**tiered(LAST), "zero_usage_flat": "yes"}, "zero_usage_flat", "must be true or false"),
        (
            tiered({"up_to": None, "unit_amount": "1", "flat_amount": "1"}, model="stairstep"),
            "tiers[0]",
            "up_to and flat_amount only",
        ),
        (tiered({"up_to": None}, model="stairstep"), "tiers[0].flat_amount", "is missing"),
        (tiered({"up_to": None}, model="graduated_percentage"), "tiers[0].rate_percent", "is missing"),
        (tiered({"up_to": None, "rate_percent": "-1"}, model="graduated_percentage"), "tiers[0].rate_percent", "not be below 0"),
        ({"model": "percentage", "rate_percent": "-1"}, "rate_percent", "must not be below 0"),
        ({"model": "percentage", "rate_percent": "1", "free_events": "1.5"}, "free_events", "a whole number from 0 up"),
        ({"model": "percentage", "rate_percent": "1", "free_events": -1}, "free_events", "a whole number from 0 up"),
        ({"model": "percentage", "rate_percent": "1", "free_amount": "-1"}, "free_amount", "must not be below 0"),
        ({"model": "percentage", "rate_percent": "1", "minimum": "-1"}, "minimum", "must not be below 0"),
        ({"model": "dynamic", "multiplier": "-1"}, "multiplier", "must not be below 0"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(document: Document, field: str | None, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_price({"currency": "usd", **document})
    assert refused.value.field == field
    assert reason in refused.value.message
    assert refused.value.message.startswith(f"{field}: " if field else "document: ")


def test_a_price_made_in_code_is_held_to_the_same() -> None:
    with pytest.raises(InvalidInput, match="unit_amount: must be a decimal"):
        UnitPrice(0.1, currency=USD)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r'round: "up" or "down"'):
        PackagePrice(d("1"), d("1"), Rounding.NONE, currency=USD)
    with pytest.raises(InvalidInput, match="free_events: a whole number"):
        PercentagePrice(d("1"), free_events=True, currency=USD)
