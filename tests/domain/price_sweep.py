"""Generated prices, asked for several quantities each: the engine must come to what the oracle says, to the last digit."""

from collections import Counter
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from random import Random

from tallystick.domain import rating
from tallystick.domain.catalog import Price
from tallystick.domain.price_documents import read_price
from tallystick.domain.rating import Rating
from tests.domain.oracle import owed
from tests.domain.price_cases import Case, random_cases

ASKED = 4  # quantities of each price


def sweep(seed: str, cases: int) -> Counter[str]:
    """How many cases there were of each model, and of minimums; AssertionError where the two differ."""
    rng, seen = Random(seed), Counter[str]()
    for at in range(cases // ASKED):
        asked = random_cases(rng, ASKED)
        share = Fraction(rng.randrange(32), 31) if rng.random() < 0.25 else Fraction(1)
        price = read_price(asked[0].document)
        ratings = [agreed(price, case, share, told=f"price {at} of seed {seed!r}") for case in asked]
        parts = [ratings[0].total, *(rating.difference(now, before) for before, now in pairwise(ratings))]
        assert sum(part.minor for part in parts) == ratings[-1].total.minor, f"price {at} of seed {seed!r}: parts miss the whole"
        seen[asked[0].document["model"]] += len(asked)
        seen["minimum"] += sum(one.true_up > 0 for one in ratings)
    return seen


def agreed(price: Price, case: Case, share: Fraction, *, told: str) -> Rating:
    """What the engine says, once the oracle has said the same."""
    found, expected = rated(price, case, share), owed(case.document, case.quantity, case.events, share)
    told = f"{told}: {case}, {share} of the minimum"
    assert found.exact.amount == expected.exact, told
    assert found.total.minor == expected.minor, told
    assert found.true_up == expected.true_up, told
    assert sum((Fraction(row.amount) for row in found.details), Fraction(0)) == expected.exact, told
    return found


def rated(price: Price, case: Case, share: Fraction = Fraction(1)) -> Rating:
    if case.events is not None:
        return rating.rate_events(price, [Decimal(event) for event in case.events], minimum_share=share)
    assert case.quantity is not None
    return rating.rate(price, Decimal(case.quantity), minimum_share=share)
