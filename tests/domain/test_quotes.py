"""Quotes, prorations and periods, as contracts.md section 4 writes them; what is wrong is named with its path."""

from fractions import Fraction
from typing import Any

import pytest

from tallystick.domain.quotes import answer_periods, answer_proration, answer_quote
from tallystick.values.errors import InvalidInput

Document = dict[str, Any]
EXAMPLE: Document = {
    "currency": "usd",
    "model": "graduated",
    "tiers": [{"up_to": "5", "unit_amount": "0", "flat_amount": "100"}, {"up_to": None, "unit_amount": "5", "flat_amount": "0"}],
    "included": "0",
    "minimum_amount": None,
    "maximum_amount": None,
    "convert": {"divide_by": "1000", "round": "up"},
}
UNIT: Document = {"currency": "usd", "model": "per_unit", "unit_amount": "0.005"}
SHARE: Document = {
    "currency": "usd",
    "model": "percentage",
    "rate_percent": "1",
    "fixed_amount_per_event": "0.3",
    "minimum": "0.5",
}


def test_the_example_of_the_contract_is_answered_to_the_letter() -> None:
    assert answer_quote({"id": "q1", "price": EXAMPLE, "quantity": "7001"}) == {
        "id": "q1",
        "total": "115.00",
        "exact": "115",
        "lines": [
            {"tier": 1, "quantity": "5", "unit_amount": "0", "flat_amount": "100", "amount": "100"},
            {"tier": 2, "quantity": "3", "unit_amount": "5", "flat_amount": "0", "amount": "15"},
        ],
        "true_up": "0",
    }


@pytest.mark.parametrize(
    ("currency", "unit_amount", "total", "exact"),
    [
        ("usd", "1", "1.00", "1"),
        ("jpy", "100", "100", "100"),
        ("kwd", "0.0005", "0.001", "0.0005"),
        ("usd", "0.005", "0.01", "0.005"),
    ],
)
def test_totals_have_the_places_of_their_currency(currency: str, unit_amount: str, total: str, exact: str) -> None:
    answer = answer_quote({"price": {"currency": currency, "model": "per_unit", "unit_amount": unit_amount}, "quantity": 1})
    assert (answer["id"], answer["total"], answer["exact"]) == (None, total, exact)


def test_digits_without_end_are_said_as_a_fraction() -> None:
    answer = answer_quote({"price": {**UNIT, "unit_amount": "1", "convert": {"divide_by": "3"}}, "quantity": "10"})
    assert (answer["total"], answer["exact"]) == ("3.33", "10/3")


def test_what_was_billed_already_is_taken_off() -> None:
    answer = answer_quote({"price": UNIT, "quantity": "2", "already": {"quantity": "1"}})
    assert (answer["total"], answer["exact"]) == ("0.00", "0.005"), "one cent now, less one cent then"
    assert answer["lines"] == [{"tier": None, "quantity": "1", "unit_amount": "0.005", "flat_amount": "0", "amount": "0.005"}]


def test_a_difference_shows_the_tiers_that_changed() -> None:
    tiers = [{"up_to": "10", "unit_amount": "1"}, {"up_to": None, "unit_amount": "3"}]
    price = {"currency": "usd", "model": "graduated", "tiers": tiers}
    lines = answer_quote({"price": price, "quantity": "20", "already": {"quantity": "12"}})["lines"]
    assert lines == [{"tier": 2, "quantity": "8", "unit_amount": "3", "flat_amount": "0", "amount": "24"}]
    lines = answer_quote({"price": {**price, "model": "volume"}, "quantity": "20", "already": {"quantity": "10"}})["lines"]
    assert lines == [
        {"tier": 2, "quantity": "20", "unit_amount": "3", "flat_amount": "0", "amount": "60"},
        {"tier": 1, "quantity": "-10", "unit_amount": "1", "flat_amount": "0", "amount": "-10"},
    ]


@pytest.mark.parametrize("already", [None, {"quantity": "3"}])
def test_lines_and_true_up_add_up_to_the_exact_amount(already: Document | None) -> None:
    price = {**EXAMPLE, "convert": None, "discount_percent": "7.5", "maximum_amount": "110.01", "minimum_amount": "111"}
    answer: Document = answer_quote({"price": price, "quantity": "9.5", "already": already})
    added = sum(Fraction(line["amount"]) for line in answer["lines"]) + Fraction(answer["true_up"])
    assert added == Fraction(answer["exact"])
    assert {line.get("kind") for line in answer["lines"]} >= {"discount", "maximum"}


def test_single_amounts_stand_in_place_of_the_quantity() -> None:
    answer = answer_quote({"price": SHARE, "events": ["10", "100"]})
    assert (answer["total"], answer["exact"]) == ("1.80", "1.8")
    assert answer["lines"] == [
        {"tier": None, "quantity": "110", "unit_amount": "0.01", "flat_amount": "0", "amount": "1.1"},
        {"tier": None, "quantity": "2", "unit_amount": "0.3", "flat_amount": "0", "amount": "0.6", "kind": "fixed"},
        {"tier": None, "quantity": "1", "unit_amount": "0", "flat_amount": "0.1", "amount": "0.1", "kind": "per_event"},
    ]
    assert answer_quote({"price": SHARE, "events": ["10", "100"], "already": {"events": ["10"]}})["total"] == "1.30"


def test_a_flat_price_asks_for_no_quantity() -> None:
    assert answer_quote({"price": {"currency": "jpy", "model": "flat", "amount": "980"}})["total"] == "980"
    assert answer_quote({"price": {"currency": "jpy", "model": "flat", "amount": "980"}, "already": {}})["total"] == "0"


@pytest.mark.parametrize(
    ("request_", "field", "reason"),
    [
        ({}, "price", "is missing"),
        ({"price": "x"}, "price", "must be an object"),
        ({"price": {}}, "price.model", "is missing"),
        ({"price": {**UNIT, "x": 1}, "quantity": 1}, "price.x", "unknown field"),
        ({"price": {**UNIT, "\n": 1}, "quantity": 1}, "price", "unknown field"),
        ({"price": UNIT}, "quantity", "is missing"),
        ({"price": UNIT, "quantity": 1.5}, "quantity", "as a string"),
        ({"price": UNIT, "quantity": "-1"}, "quantity", "must not be below 0"),
        ({"price": UNIT, "quantity": "1e39"}, "quantity", "more than 38 digits"),
        ({"price": UNIT, "quantity": "1", "events": []}, "events", "unknown field"),
        ({"price": UNIT, "quantity": "1", "already": {}}, "already.quantity", "is missing"),
        ({"price": UNIT, "quantity": "1", "already": "1"}, "already", "must be an object"),
        ({"price": UNIT, "quantity": "1", "already": {"quantity": "1", "x": 1}}, "already.x", "unknown field"),
        ({"price": SHARE, "quantity": "1"}, "events", "in place of quantity"),
        ({"price": SHARE, "events": "1"}, "events", "must be a list"),
        ({"price": SHARE, "events": ["1", 2.5]}, "events[1]", "as a string"),
        ({"price": SHARE, "events": ["-1"]}, "events", "must not be below 0"),
        ({"price": SHARE, "events": ["1"] * 100_001}, "events", "at most 100000"),
        ({"id": 1.5, "price": UNIT, "quantity": "1"}, "id", "a text of at most 256"),
        ({"id": True, "price": UNIT, "quantity": "1"}, "id", "a text of at most 256"),
        ({"id": "x" * 257, "price": UNIT, "quantity": "1"}, "id", "a text of at most 256"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_name(request_: Document, field: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        answer_quote(request_)
    assert refused.value.field == field
    assert reason in refused.value.message


def proration(**other: object) -> Document:
    asked: Document = {"id": 7, "amount": "31.00", "currency": "usd", "convention": "day"}
    asked |= {"full_period": ["2026-01-01", "2026-02-01"], "service_period": ["2026-01-15", "2026-02-01"]}
    return answer_proration(asked | other)


def test_a_proration_is_answered_to_the_letter() -> None:
    assert proration() == {"id": 7, "amount": "17.00", "exact_fraction": "17/31", "fraction": "0.548387097"}
    whole = proration(service_period=["2026-01-01", "2026-02-01"])
    assert (whole["exact_fraction"], whole["fraction"]) == ("1/1", "1.000000000")
    assert proration(amount="-31")["amount"] == "-17.00", "a credit is prorated like a charge"


def test_instants_and_dates_may_be_mixed_and_dates_are_local_midnights() -> None:
    answer = proration(convention=None, zone="Asia/Tokyo", service_period=["2026-01-15T00:00:00+09:00", "2026-02-01"])
    assert answer["exact_fraction"] == "17/31"
    answer = proration(
        convention="second",
        zone="Europe/Berlin",
        full_period=["2026-03-29", "2026-03-30"],
        service_period=["2026-03-29", "2026-03-29T10:00:00Z"],
    )
    assert answer["exact_fraction"] == "11/23"


def test_day_inclusive_counts_the_date_that_ends_a_period() -> None:
    inclusive = {"convention": "day_inclusive", "full_period": ["2026-01-01", "2026-01-31"]}
    assert proration(**inclusive, service_period=["2026-01-15", "2026-01-31"])["exact_fraction"] == "17/31"
    assert proration(**inclusive, service_period=["2026-01-01", "2026-01-14"])["exact_fraction"] == "14/31"
    assert proration(**inclusive, service_period=["2026-01-31", "2026-01-31"])["exact_fraction"] == "1/31"


@pytest.mark.parametrize(
    ("other", "field", "reason"),
    [
        ({"amount": 1.5}, "amount", "as a string"),
        ({"currency": "xxx"}, "currency", "ISO 4217"),
        ({"convention": "week"}, "convention", "must be one of second, day, day_inclusive, month_30"),
        ({"zone": "Mars/Olympus"}, "zone", "IANA"),
        ({"full_period": "2026"}, "full_period", "must be a list"),
        ({"full_period": ["2026-01-01"]}, "full_period", "two dates or instants"),
        ({"full_period": [1, 2]}, "full_period", "two dates or instants"),
        ({"full_period": ["2026-01-01", "2026-02-30"]}, "full_period[1]", "no such day"),
        ({"full_period": ["2026-01-01", "9999-12-31"], "convention": "day_inclusive"}, "full_period[1]", "no such day"),
        ({"full_period": ["2026-01-01", "soon"]}, "full_period[1]", "RFC 3339"),
        ({"full_period": ["2026-02-01", "2026-01-01"]}, "full_period", "must end after it starts"),
        ({"service_period": ["2026-01-15", "2026-03-01"]}, "service_period", "within full_period"),
        ({"x": 1}, "x", "unknown field"),
    ],
)
def test_a_proration_that_makes_no_sense_is_refused_by_name(other: Document, field: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        proration(**other)
    assert refused.value.field == field
    assert reason in refused.value.message


def periods(**other: object) -> Document:
    asked: Document = {"id": "p", "anchor": "2024-01-31", "interval": "month", "count": 1, "zone": "America/New_York"}
    return answer_periods(asked | {"from": "2024-01-31", "until": "2024-05-01"} | other)


def test_periods_are_answered_to_the_letter() -> None:
    found = ["2024-01-31T05:00:00Z", "2024-02-29T05:00:00Z", "2024-03-31T04:00:00Z", "2024-04-30T04:00:00Z"]
    assert periods() == {"id": "p", "boundaries": found}
    assert periods(count=None, zone=None, anchor="2024-01-31T12:00:00+01:00")["boundaries"][0] == "2024-01-31T11:00:00Z"
    assert periods(count="2")["boundaries"] == [found[0], found[2]]


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"interval": "hour"}, "interval"),
        ({"count": 0}, "count"),
        ({"count": "x"}, "count"),
        ({"until": None}, "until"),
        ({"from": 1}, "from"),
        ({"x": 1}, "x"),
    ],
)
def test_periods_that_make_no_sense_are_refused_by_name(other: Document, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        periods(**other)
    assert refused.value.field == field
