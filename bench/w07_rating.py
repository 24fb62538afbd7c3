"""W7: rate a graduated price of five tiers; the quantities reach all of them."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random

from bench.floors import graduated
from bench.measure import Effort, Row, in_turn, rates, seconds
from tallystick.domain.catalog import GraduatedPrice
from tallystick.domain.rating import rate
from tallystick.domain.tiers import Tier
from tallystick.values.money import USD

QUANTITIES = 20_000
TIERS = (
    (Decimal(100), Decimal("0.05"), Decimal(1)),
    (Decimal(1_000), Decimal("0.04"), Decimal(0)),
    (Decimal(10_000), Decimal("0.03"), Decimal(0)),
    (Decimal(100_000), Decimal("0.02"), Decimal(5)),
    (None, Decimal("0.0125"), Decimal(0)),
)
PRICE = GraduatedPrice(tuple(Tier(*tier) for tier in TIERS), currency=USD)


def run(effort: Effort) -> list[Row]:
    random, inline = Random(7), graduated(TIERS)
    quantities = [Decimal(random.randrange(100_000_001, 900_000_000)) / 1000 for _ in range(effort.amount(QUANTITIES))]
    if [_ours(quantity) for quantity in quantities] != [inline(quantity) for quantity in quantities]:
        raise AssertionError("the two do not agree to the cent")
    pairs = in_turn(effort.rounds, lambda: _rate(_ours, quantities), lambda: _rate(inline, quantities))
    return [rates("W7 rate a graduated price of five tiers", pairs, bar=0.50, unit="prices/s")]


def _ours(quantity: Decimal) -> int:
    return rate(PRICE, quantity).total.minor


def _rate(work: Callable[[Decimal], int], quantities: Sequence[Decimal]) -> float:
    return len(quantities) / seconds(lambda: [work(quantity) for quantity in quantities])
