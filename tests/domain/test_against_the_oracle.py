"""A million generated prices and prorations come to the same unit in the engine and in oracles that share no code with it."""

import json
import os
from collections import Counter
from collections.abc import Callable
from random import Random, SystemRandom

import pytest

from tallystick.domain.price_documents import read_price, write_price
from tallystick.domain.rating_documents import read_rating, write_rating
from tests.domain import price_sweep, proration_sweep
from tests.domain.price_cases import random_case

# Four of five cases are a price and a quantity; the fifth is an amount for a period, cut in parts. Half of either are the same
# in each run, half are new ones: what their test says is the seed to run them with once more.
CASES = int(os.environ.get("TALLYSTICK_PRICE_CASES", "1000000"))
SEED = 20261121
NEW_SEED = os.environ.get("TALLYSTICK_PRICE_SEED") or str(SystemRandom().randrange(10**9))
CHUNKS = 8

Counted = Callable[[str], None]


def sweep(chunk: str, prices: int, prorations: int) -> str:
    """What was compared, in words; half of it of a seed that stays."""
    rated, prorated = Counter[str](), Counter[str]()
    for seed in (f"{SEED}:{chunk}", f"{NEW_SEED}:{chunk}"):
        rated += price_sweep.sweep(seed, prices // 2)
        prorated += proration_sweep.sweep(seed, prorations // 2)
    assert len(rated) == 10, "every model was met, and minimums"
    assert len(prorated) == 5, "every convention was met"
    parts, minimums = prorated.pop("parts"), rated.pop("minimum")
    asked = f"{rated.total()} quantities of {rated.total() // price_sweep.ASKED} prices ({minimums} minimums; {_listed(rated)})"
    cut = f"{prorated.total()} prorations ({parts} parts; {_listed(prorated)})"
    return f"{asked} and {cut} against the oracle; seeds {SEED}:{chunk} and {NEW_SEED}:{chunk}"


def _listed(seen: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(seen.items()))


def test_some_prices_and_prorations_come_to_what_the_oracle_says(counted: Counted) -> None:
    counted(sweep("few", 12_000, 3_000))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_million_prices_and_prorations_come_to_what_the_oracle_says(chunk: int, counted: Counted) -> None:
    of_chunk = CASES // CHUNKS
    counted(sweep(str(chunk), of_chunk * 4 // 5, of_chunk // 5))


def test_a_price_written_and_read_is_the_same_price() -> None:
    rng = Random(SEED)
    for _ in range(2000):
        price = read_price(random_case(rng).document)
        assert read_price(write_price(price)) == price


def test_a_rating_written_and_read_is_the_same_rating() -> None:
    rng = Random(SEED)
    for _ in range(2000):
        case = random_case(rng)
        rating = price_sweep.rated(read_price(case.document), case)
        assert read_rating(json.loads(json.dumps(write_rating(rating)))) == rating
