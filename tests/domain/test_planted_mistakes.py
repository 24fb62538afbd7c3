"""Mistakes of one word each, planted in the rules of price and time: the sweeps against the oracles notice every one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BOUNDARY = "instant_of(_moved(_shown(anchor, zone), k * count, interval), zone)"

MISTAKES = {
    # Periods
    "a boundary is counted from the one before": (
        "domain.periods",
        BOUNDARY,
        "instant_of(_moved(_shown(boundary(anchor, k - 1, interval, count, zone), zone), count, interval), zone)",
    ),
    "a boundary is counted in UTC": ("domain.periods", BOUNDARY, BOUNDARY.replace("zone", "ZoneInfo('UTC')")),
    "the count is forgotten": ("domain.periods", BOUNDARY, BOUNDARY.replace("k * count", "k")),
    "a short month ends a day early": (
        "domain.periods",
        "monthrange(year, month0 + 1)[1])",
        "monthrange(year, month0 + 1)[1] - 1)",
    ),
    "a gap moves by its whole length": ("domain.periods", "at if before >= after else", "at if True else"),
    "a time that exists twice is its second": (
        "domain.periods",
        "before = zone.utcoffset(wall)",
        "before = zone.utcoffset(wall.replace(fold=1))",
    ),
    "a window leaves out its start": ("domain.periods", "at >= start", "at > start"),
    "a window holds its end": ("domain.periods", "count, zone)) < until", "count, zone)) <= until"),
    "the first instant of a period is in the one before": ("domain.periods", "zone) <= at:", "zone) < at:"),
    # Proration
    "the last day touched is not counted": ("domain.proration", ".toordinal() + 1", ".toordinal()"),
    "a day that begins with the end is touched": ("domain.proration", "period.end - timedelta(microseconds=1)", "period.end"),
    "a month of thirty has 31": ("domain.proration", "min(day.day, 30)", "day.day"),
    "days begin at midnight in UTC": ("domain.proration", "at.astimezone(zone).date()", "at.date()"),
    "half a second is none": (
        "domain.proration",
        "to_micros(period.end) - to_micros",
        "to_micros(period.end) // 10**6 * 10**6 - to_micros",
    ),
    "what is left of a split goes to the smallest remainder": (
        "values.money",
        "-(amount * weights[i] % total)",
        "amount * weights[i] % total",
    ),
    # Prices
    "a maximum is a minimum": ("domain.rating", "amount > price.maximum_amount", "amount < price.maximum_amount"),
    "the minimum is never prorated": ("domain.rating", "times(price.minimum_amount, minimum_share)", "price.minimum_amount"),
    "less than one unit is none": ("domain.rating", "if units <= 0:", "if units < 1:"),
    "an event that is wholly included pays its fixed amount": ("domain.rating", "amount <= included", "amount < included"),
    "an event that is wholly free pays its fixed amount": ("domain.rating", "part > free_amount", "part >= free_amount"),
    "the difference is the other way round": ("domain.rating", "now.total - before.total", "before.total - now.total"),
    "half a cent goes to the even one": (
        "values.decimals",
        "to_integral_value(ROUND_HALF_UP)",
        "to_integral_value('ROUND_HALF_EVEN')",
    ),
    "half a cent of a fraction is none": ("values.decimals", "whole = doubled //", "whole = (doubled - 1) //"),
    "the last unit of a tier is the first of the next": (
        "domain.tiers",
        "        at = bisect_left(self.ends, units)",
        "        from bisect import bisect_right\n        at = bisect_right(self.ends, units)",
    ),
    "a volume at the edge has the next tier's rate": (
        "domain.tiers",
        "return bisect_left(self.ends, units)",
        "return self.ends.index(units) + 1 if units in self.ends else bisect_left(self.ends, units)",
    ),
    "no flat fee without usage, even if it was agreed": ("domain.tiers", "if zero_usage_flat else ZERO", "if False else ZERO"),
}


def planted(module: str, old: str, new: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    command = [sys.executable, "-m", "tests.domain.planted", module and f"tallystick.{module}", old, new]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_of_one_word_is_noticed(mistake: str) -> None:
    done = planted(*MISTAKES[mistake])
    assert done.returncode == 1, "nothing was noticed"
    assert done.stderr.startswith("noticed: "), done.stderr


def test_without_a_mistake_nothing_is_noticed() -> None:
    done = planted("", "", "")
    assert (done.returncode, done.stderr) == (0, "")
