"""W7: rate a graduated price of five tiers, against the same sum written inline with `Decimal` over the same tiers."""

import json
import sys
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from statistics import median
from time import perf_counter

from tallystick.domain.catalog import GraduatedPrice
from tallystick.domain.rating import rate
from tallystick.domain.tiers import Tier
from tallystick.values.money import USD

ROUNDS, QUANTITIES = 9, 20_000
TIERS = (
    (Decimal(100), Decimal("0.05"), Decimal(1)),
    (Decimal(1_000), Decimal("0.04"), Decimal(0)),
    (Decimal(10_000), Decimal("0.03"), Decimal(0)),
    (Decimal(100_000), Decimal("0.02"), Decimal(5)),
    (None, Decimal("0.0125"), Decimal(0)),
)
PRICE = GraduatedPrice(tuple(Tier(*tier) for tier in TIERS), currency=USD)
CENT, ZERO = Decimal("0.01"), Decimal(0)


def inline(quantity: Decimal) -> int:
    """The least that any program would do for the same answer: slice by slice, rounded once, in cents."""
    total, start = ZERO, ZERO
    for up_to, unit_amount, flat_amount in TIERS:
        end = quantity if up_to is None or quantity < up_to else up_to
        total += (end - start) * unit_amount + flat_amount
        if end == quantity:
            break
        start = end
    return int(total.quantize(CENT, ROUND_HALF_UP).scaleb(2))


def ours(quantity: Decimal) -> int:
    return rate(PRICE, quantity).total.minor


def run() -> dict[str, object]:
    """Both sides in turn on the same quantities, which reach all five tiers; `by_tier` is the ratio where fewer are reached."""
    random = Random(7)
    quantities = [Decimal(random.randrange(100_000_001, 900_000_000)) / 1000 for _ in range(QUANTITIES)]
    ratio, ours_s, floor_s, spread = _measured(quantities)
    return {
        "workload": "W7 rate a graduated price of five tiers",
        "ours": f"{QUANTITIES / ours_s:,.0f} prices/s",
        "floor": f"{QUANTITIES / floor_s:,.0f} prices/s",
        "ratio": round(ratio, 3),
        "bar": ">= 0.5",
        "spread": round(spread, 3),
        "by_tier": [round(_measured(_reaching(tier, random))[0], 3) for tier in range(5)],
        "checked_total_minor": sum(map(ours, quantities)),
    }


def _reaching(tier: int, random: Random) -> list[Decimal]:
    low = 10 ** (tier + 1) * 1000 if tier else 1
    return [Decimal(random.randrange(low + 1, 10 ** (tier + 2) * 1000)) / 1000 for _ in range(QUANTITIES // 10)]


def _measured(quantities: Sequence[Decimal]) -> tuple[float, float, float, float]:
    """Ratio of the medians, both medians, and the spread of the ratio between the quartiles of the rounds."""
    assert [ours(quantity) for quantity in quantities] == [inline(quantity) for quantity in quantities], "the same to the cent"
    pairs = [(_seconds(ours, quantities), _seconds(inline, quantities)) for _ in range(ROUNDS)]
    ours_s, floor_s = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    ratios = sorted(floor / own for own, floor in pairs)
    return floor_s / ours_s, ours_s, floor_s, ratios[ROUNDS * 3 // 4] - ratios[ROUNDS // 4]


def _seconds(work: Callable[[Decimal], int], quantities: Sequence[Decimal]) -> float:
    start = perf_counter()
    for quantity in quantities:
        work(quantity)
    return perf_counter() - start


if __name__ == "__main__":
    json.dump(run(), sys.stdout, indent=1)
