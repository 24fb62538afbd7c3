"""Generated parts of periods, by every convention, in many zones, against the conventions worked out once more in fractions.

Shares no code with the engine: local dates are asked of zoneinfo, and a split is by the largest remainders, in fractions.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import accumulate, pairwise
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from tallystick.domain import proration
from tallystick.domain.proration import Convention
from tallystick.values.errors import InvalidInput
from tallystick.values.money import Money, Unrounded, currency
from tallystick.values.time import Period
from tests.domain.oracle import PLACES, minor_units

MICROSECOND = timedelta(microseconds=1)
NAMES = sorted(available_timezones())
clocks = cache(ZoneInfo)
CODES = ("usd", "jpy", "kwd", "isk")
MINORS = (0, 1, -1, 2, 99, 100, 9_999, -12_345, 1_000_000, 10**12 + 1)
EXACTS = ("0.005", "0.015", "-2.675", "33.333", "0", "1234567.8915")


class Case(NamedTuple):
    """An amount that is due for a full period (UTC), and where that is cut, in ascending order."""

    amount: Money | Unrounded
    full: Period
    cuts: list[datetime]
    convention: Convention
    zone: ZoneInfo

    @property
    def parts(self) -> list[Period]:
        return [Period(start, end) for start, end in pairwise((self.full.start, *self.cuts, self.full.end))]


def sweep(seed: str, cases: int) -> Counter[str]:
    """How many cases there were of each convention, and of parts; AssertionError where engine and oracle differ."""
    rng, seen = Random(seed), Counter[str]()
    for at in range(cases):
        case = random_case(rng)
        agreed(case, told=f"proration {at} of seed {seed!r}: {case}")
        seen[case.convention.value] += 1
        seen["parts"] += len(case.parts)
    return seen


def agreed(case: Case, *, told: str) -> None:
    amount, full, cuts, convention, zone = case
    weights = [measured(part, convention, zone) for part in case.parts]
    whole = measured(full, convention, zone)
    if whole == 0:
        assert _is_refused(case), told
        return
    exact = Fraction(amount.major if isinstance(amount, Money) else amount.amount)
    for part, weight in zip(case.parts, weights, strict=True):
        found = proration.prorate(amount, full, part, convention, zone)
        assert found.fraction == Fraction(weight, whole), told
        assert found.exact.amount == found.fraction * exact, told
        assert found.rounded.minor == minor_units(found.fraction * exact, amount.currency.code), told
    if convention is not Convention.DAY_INCLUSIVE:  # there a day on which the price changes counts on both sides
        _adds_up_by_difference(case, weights, exact, told=told)
    if isinstance(amount, Money):
        shared = [share.minor for share in proration.shares(amount, full, cuts, convention, zone)]
        assert shared == split(amount.minor, weights), told
        assert sum(shared) == amount.minor, told


def _is_refused(case: Case) -> bool:
    try:
        proration.prorate(case.amount, case.full, case.full, case.convention, case.zone)
    except InvalidInput as refused:
        return "holds no whole day" in str(refused)
    return False


def _adds_up_by_difference(case: Case, weights: Sequence[int], exact: Fraction, *, told: str) -> None:
    """Billed cut by cut, each time what the period is worth so far less what was billed of it, it comes to the whole."""
    billed = 0
    for end, weight in zip((*case.cuts, case.full.end), accumulate(weights), strict=True):
        so_far = Period(case.full.start, end)
        worth = proration.prorate(case.amount, case.full, so_far, case.convention, case.zone).rounded.minor
        assert worth == minor_units(exact * weight / sum(weights), case.amount.currency.code), told
        billed += worth - billed
    assert billed == minor_units(exact, case.amount.currency.code), told


def measured(period: Period, convention: Convention, zone: ZoneInfo) -> int:
    """The length of a period as its convention counts: microseconds, days begun, days touched, or days of months of thirty."""
    first, last = (at.astimezone(zone).date() for at in (period.start, period.end - MICROSECOND))
    then = period.end.astimezone(zone).date()
    return {
        Convention.SECOND: (period.end - period.start) // MICROSECOND,
        Convention.DAY: (then - first).days,
        Convention.DAY_INCLUSIVE: (last - first).days + 1,
        Convention.MONTH_30: of_thirty(then) - of_thirty(first),
    }[convention]


def of_thirty(day: date) -> int:
    return (day.year * 12 + day.month) * 30 + min(day.day, 30)


def split(minor: int, weights: Sequence[int]) -> list[int]:
    """By weight, the units that are left over to the largest remainders, the earlier first."""
    ideal = [Fraction(abs(minor) * weight, sum(weights)) for weight in weights]
    found = [int(share) for share in ideal]
    for _ in range(abs(minor) - sum(found)):
        behind = [share - got for share, got in zip(ideal, found, strict=True)]
        found[behind.index(max(behind))] += 1
    return [share if minor >= 0 else -share for share in found]


def random_case(rng: Random) -> Case:
    zone = clocks(rng.choice(NAMES))
    full = _full(rng, zone)
    return Case(_amount(rng), full, _cuts(rng, full, zone), rng.choice(tuple(Convention)), zone)


def _full(rng: Random, zone: ZoneInfo) -> Period:
    """Most often a month, a quarter or a year from a local midnight; now and then any time at all."""
    year, month = rng.randrange(1990, 2040), rng.randrange(1, 13)
    if rng.random() < 0.2:
        start = datetime(year, month, 1, tzinfo=UTC) + rng.randrange(10**12) * MICROSECOND
        return Period(start, start + rng.choice((1, 3_600_000_000, rng.randrange(1, 10**13))) * MICROSECOND)
    day, months = rng.choice((1, 1, 15, 28)), rng.choice((1, 1, 3, 12))
    over = month - 1 + months
    ends = datetime(year, month, day, tzinfo=zone), datetime(year + over // 12, over % 12 + 1, day, tzinfo=zone)
    start, end = (at.astimezone(UTC) for at in ends)
    return Period(start, end)


def _cuts(rng: Random, full: Period, zone: ZoneInfo) -> list[datetime]:
    """Inside the period: anywhere, or at a local midnight, or a microsecond beside one."""
    length = full.length // MICROSECOND
    found = set()
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 5))):
        at = full.start + rng.randrange(length) * MICROSECOND
        if rng.random() < 0.6:
            midnight = at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
            at = midnight.astimezone(UTC) + rng.choice((-1, 0, 0, 1)) * MICROSECOND
        found.add(at)
    return sorted(at for at in found if full.start < at < full.end)


def _amount(rng: Random) -> Money | Unrounded:
    of = currency(rng.choice(CODES))
    if rng.random() < 0.3:
        return Unrounded(rng.choice((Decimal(rng.choice(EXACTS)), Fraction(rng.randrange(-9_999, 9_999), 7))), of)
    minor = rng.choice(MINORS) if rng.random() < 0.5 else rng.randrange(-(10**6), 10**9)
    assert PLACES[of.code] == of.exponent
    return Money(minor, of)
