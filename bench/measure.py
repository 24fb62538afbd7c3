"""Two sides measured in turn, A B A B …, and what a row of the table is made of."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from statistics import median
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: `rounds` of both sides, each of `scale` times the usual amount; `large`: with what takes an hour."""

    rounds: int = 5
    scale: float = 1.0
    large: bool = False

    def amount(self, usual: int) -> int:
        return max(1, round(usual * self.scale))


FULL, QUICK = Effort(), Effort(rounds=3, scale=0.25)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `ratio` is ours to the floor's; where the bar is a difference, it is that difference.

    `growth`: ours is a time with much behind it, the floor is the same with little, and the bar is the most it may grow.
    """

    workload: str
    ours: float
    floor: float
    ratio: float
    low: float
    high: float
    bar: float
    unit: str
    difference: bool = False
    growth: bool = False

    @property
    def met(self) -> bool:
        return self.ratio <= self.bar if self.difference or self.growth else self.ratio >= self.bar

    def document(self) -> dict[str, object]:
        shown = asdict(self)
        return shown | {"spread": [shown.pop("low"), shown.pop("high")], "met": self.met}

    def cells(self) -> list[str]:
        if self.difference:
            figures = [f"{self.ours:.3f}", f"{self.floor:.3f}", f"+{self.ratio:.3f}", f"+{self.bar:.2f}", self._spread(3)]
        else:
            figures = [f"{self.ours:,.0f}", f"{self.floor:,.0f}", f"{self.ratio:.2f}", f"{self.bar:.2f}", self._spread(2)]
        return [self.workload, *figures, self.unit, "yes" if self.met else "NO"]

    def _spread(self, places: int) -> str:
        return f"{self.low:.{places}f}-{self.high:.{places}f}"


HEADINGS = ["workload", "ours", "floor", "ratio", "bar", "spread", "unit", "met?"]


def in_turn(rounds: int, *sides: Callable[[], float]) -> list[tuple[float, ...]]:
    """What each side measures, round by round, so that a noisy minute falls on all of them."""
    return [tuple(side() for side in sides) for _ in range(rounds)]


def rates(workload: str, pairs: Iterable[tuple[float, ...]], *, bar: float, unit: str) -> Row:
    """A row of amounts per second; the ratio is the median of the rounds' own ratios."""
    pairs = list(pairs)
    ratios = [ours / floor for ours, floor in pairs]
    return Row(workload, *_medians(pairs), median(ratios), min(ratios), max(ratios), bar, unit)


def growth(workload: str, pairs: Iterable[tuple[float, ...]], *, bar: float, unit: str) -> Row:
    """A row of times, with much behind them and with little; the bar is how many times as long it may take."""
    return replace(rates(workload, pairs, bar=bar, unit=unit), growth=True)


def delays(workload: str, pairs: Iterable[tuple[float, ...]], *, bar: float) -> Row:
    """A row of seconds; the bar is how much longer than the floor it may take."""
    pairs = list(pairs)
    more = [ours - floor for ours, floor in pairs]
    return Row(workload, *_medians(pairs), median(more), min(more), max(more), bar, "s", difference=True)


def seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def _medians(pairs: list[tuple[float, ...]]) -> tuple[float, float]:
    return median(ours for ours, _ in pairs), median(floor for _, floor in pairs)
