"""A hundred thousand generated prices come to the same unit in the engine and in an oracle that shares no code with it."""

import json
import os
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest

from tallystick.domain.price_documents import read_price, write_price
from tallystick.domain.rating import Rating, difference, rate, rate_events
from tallystick.domain.rating_documents import read_rating, write_rating
from tests.domain.oracle import owed
from tests.domain.price_cases import Case, random_case

CASES = int(os.environ.get("TALLYSTICK_PRICE_CASES", "100000"))
SEED = int(os.environ.get("TALLYSTICK_PRICE_SEED", "20261121"))


def rated(case: Case) -> Rating:
    price = read_price(case.document)
    if case.events is not None:
        return rate_events(price, [Decimal(event) for event in case.events])
    assert case.quantity is not None
    return rate(price, Decimal(case.quantity))


@pytest.mark.timeout(1800)
def test_every_generated_price_comes_to_what_the_oracle_says(capsys: pytest.CaptureFixture[str]) -> None:
    rng, seen, true_ups = Random(SEED), Counter[str](), 0
    for at in range(CASES):
        case = random_case(rng)
        expected, rating = owed(case.document, case.quantity, case.events), rated(case)
        told = f"case {at} of seed {SEED}: {case}"
        assert Fraction(rating.exact.amount) == expected.exact, told
        assert rating.total.minor == expected.minor, told
        assert Fraction(rating.true_up) == expected.true_up, told
        assert sum((Fraction(row.amount) for row in rating.details), Fraction(0)) == expected.exact, told
        seen[case.document["model"]] += 1
        true_ups += expected.true_up > 0
    with capsys.disabled():
        print(f"\n{CASES} prices against the oracle, seed {SEED}: {dict(seen)}; {true_ups} minimums")
    assert CASES < 1000 or (len(seen) == 9 and true_ups > 0), "every model was met"


def test_a_price_written_and_read_is_the_same_price() -> None:
    rng = Random(SEED)
    for _ in range(2000):
        price = read_price(random_case(rng).document)
        assert read_price(write_price(price)) == price


def test_a_rating_written_and_read_is_the_same_rating() -> None:
    rng = Random(SEED)
    for _ in range(2000):
        rating = rated(random_case(rng))
        assert read_rating(json.loads(json.dumps(write_rating(rating)))) == rating


def test_any_parts_of_a_period_add_up_to_the_whole() -> None:
    rng = Random(SEED)
    for _ in range(2000):
        case = random_case(rng)
        if case.quantity is None:
            continue
        price = read_price(case.document)
        ratings = [rate(price, Decimal(case.quantity) * Decimal(tenths) / 10) for tenths in sorted(rng.choices(range(11), k=4))]
        parts = [ratings[0].total, *(difference(now, before) for before, now in pairwise(ratings))]
        assert sum(part.minor for part in parts) == ratings[-1].total.minor
