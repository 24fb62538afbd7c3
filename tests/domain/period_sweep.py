"""Where boundaries lie, worked out once more: dateutil counts the calendar, a list of clock changes finds the instants.

Shares no code with the engine, which is asked for each boundary by its own number, and for windows of them.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from tallystick.domain import periods
from tallystick.domain.periods import Interval

YEARS = 20


@dataclass(frozen=True)
class Cadence:
    """`steps` × `count` intervals are the twenty years; `later` is what so many steps are to dateutil."""

    interval: Interval
    count: int
    steps: int
    later: Callable[[int], relativedelta]


CADENCES = {
    "week": Cadence(Interval.WEEK, 1, 52 * YEARS + 4, lambda k: relativedelta(weeks=k)),
    "month": Cadence(Interval.MONTH, 1, 12 * YEARS, lambda k: relativedelta(months=k)),
    "quarter": Cadence(Interval.MONTH, 3, 4 * YEARS, lambda k: relativedelta(months=3 * k)),
    "year": Cadence(Interval.YEAR, 1, YEARS, lambda k: relativedelta(years=k)),
}
DAYS = Cadence(Interval.DAY, 1, 365 * YEARS + 5, lambda k: relativedelta(days=k))

# What a clock shows is written as if it were UTC: a wall time, which only `Clocks` makes an instant of.
LONG_MONTHS = (1, 3, 5, 7, 8, 10, 12)
ANCHOR_DAYS = [datetime(1998 + day % 28, LONG_MONTHS[day % 7], day, tzinfo=UTC) for day in range(1, 32)]
ANCHOR_DAYS[28] = datetime(2004, 2, 29, tzinfo=UTC)
# Midnight, an hour that most zones leave out once a year, the last instant of a day, and any other.
TIMES = (time(0), time(2, 30), time(23, 59, 59, 999999), time(12, 17, 3))
FIRST, LAST = datetime(1997, 1, 1, tzinfo=UTC), datetime(2048, 1, 1, tzinfo=UTC)


@cache
def walls(start: datetime, cadence: str) -> list[datetime]:
    """What clocks show at each boundary, the same in every zone: always counted from the start."""
    of = DAYS if cadence == "day" else CADENCES[cadence]
    return [start + of.later(k) for k in range(of.steps + 1)]


class Clocks:
    """The clocks of a zone: from `since[i]` on they are `offset[i]` ahead of UTC, until `until[i]`, exclusive."""

    def __init__(self, name: str) -> None:
        self.zone = ZoneInfo(name)
        midnights = [FIRST + timedelta(days=day) for day in range((LAST - FIRST).days)]
        aheads = map(self.ahead, midnights)
        since = [FIRST, *(self._change(day) for day, (old, new) in zip(midnights, pairwise(aheads), strict=False) if old != new)]
        self.since, self.until = since, [*since[1:], LAST]
        self.offset = [self.ahead(start) for start in since]

    def ahead(self, at: datetime) -> timedelta:
        found = at.astimezone(self.zone).utcoffset()
        assert found is not None
        return found

    def _change(self, day: datetime) -> datetime:
        """The second of that day at which the offset is another one than at its start."""
        old, low, high = self.ahead(day), 0, 86_400
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.ahead(day + timedelta(seconds=middle)) == old else (low, middle)
        return day + timedelta(seconds=high)

    def first(self, shown: list[datetime]) -> list[datetime]:
        """The first instants at which the clocks show these wall times, which ascend, or have jumped over them."""
        found: list[datetime] = []
        for start, end, offset in zip(self.since, self.until, self.offset, strict=True):
            before = bisect_left(shown, end + offset, lo=len(found))
            for wall in shown[len(found) : before]:
                at = wall - offset
                found.append(at if at > start else start)
            if before == len(shown):
                break
        return found

    def gaps(self) -> list[tuple[datetime, timedelta]]:
        """The wall times at which clocks jump forward, and how far."""
        changes = zip(self.since[1:], pairwise(self.offset), strict=True)
        return [(at + old, new - old) for at, (old, new) in changes if new > old]

    def folds(self) -> list[datetime]:
        """The instants at which clocks go back."""
        return [at for at, (old, new) in zip(self.since[1:], pairwise(self.offset), strict=True) if new < old]


def sweep(names: Iterable[str], days: Iterable[int] = range(1, 32), cadences: Iterable[str] = tuple(CADENCES)) -> int:
    """How many boundaries were looked at, in each zone from an anchor on each of the days; AssertionError where one is wrong."""
    checked = 0
    for name in names:
        clocks = Clocks(name)
        turn = sum(name.encode())  # so that each zone has each time of day on other days of the month
        for day in days:
            start = datetime.combine(ANCHOR_DAYS[day - 1].date(), TIMES[(turn + day) % len(TIMES)], UTC)
            anchor = clocks.first([start])[0]
            checked += sum(tiles(clocks, anchor, cadence) for cadence in cadences)
        checked += tiles(clocks, clocks.first([ANCHOR_DAYS[turn % 31]])[0], "day") if turn % 8 == 0 else 0
        checked += sum(tiles(clocks, anchor, "month") for anchor in _odd(clocks))
    return checked


def _odd(clocks: Clocks) -> list[datetime]:
    """Anchors of a gap and of the second of two equal hours: the last ones that have twenty years after them."""
    gaps = [wall + length / 2 for wall, length in clocks.gaps() if wall.year < LAST.year - YEARS - 1]
    folds = [at for at in clocks.folds() if at.year < LAST.year - YEARS - 1]
    return clocks.first(gaps[-1:]) + folds[-1:]


def tiles(clocks: Clocks, anchor: datetime, cadence: str) -> int:
    """How many boundaries there are from the anchor on: all where the oracle says, ascending, without gap and overlap."""
    of, zone = DAYS if cadence == "day" else CADENCES[cadence], clocks.zone
    shown = walls(anchor.astimezone(zone).replace(tzinfo=UTC, fold=0), cadence)
    expected = [anchor, *clocks.first(shown)[1:]]
    found = [periods.boundary(anchor, k, of.interval, of.count, zone) for k in range(of.steps + 1)]
    if found != expected:
        k = next(k for k in range(of.steps + 1) if found[k] != expected[k])
        raise AssertionError(f"{zone.key}, {cadence} {k} from {anchor}: {found[k]}, expected {expected[k]}")
    # A day that a zone left out altogether has no boundary of its own, and is no period.
    edges = found if cadence != "day" else sorted(set(found))
    assert all(start < end for start, end in pairwise(edges)), "every period has a length"
    assert len(edges) >= len(found) - 1
    _day_stays(clocks, anchor, found, cadence)
    _windows_join(clocks, edges, of)
    _instants_lie_in_one(clocks, edges, of)
    return len(found)


def _day_stays(clocks: Clocks, anchor: datetime, found: list[datetime], cadence: str) -> None:
    """Each boundary of months is on the anchor's day, or the last of a short month: none has drifted from the one before."""
    if cadence in ("week", "day"):
        return
    day = anchor.astimezone(clocks.zone).day
    for at in found[:: max(1, len(found) // 24)]:
        local = at.astimezone(clocks.zone)
        last = (local.replace(day=28, fold=0) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        over = local - timedelta(hours=2)  # where a gap at the end of a day has moved it to the next one
        assert min(day, last.day) in (local.day, over.day), f"{clocks.zone.key}, {cadence}: {local}, from day {day}"


def _windows_join(clocks: Clocks, edges: list[datetime], of: Cadence) -> None:
    """Two windows that meet hold together what one over both holds; wherever they meet, on a boundary or beside one."""
    rng = Random(len(edges) + edges[0].day)
    for _ in range(2):
        low = rng.randrange(len(edges) - 9)
        cut = edges[low + rng.randrange(1, 8)] + timedelta(microseconds=rng.choice((-1, 0, 1)))
        start, until = edges[low], edges[low + 8]
        listed = [
            periods.boundaries(edges[0], of.interval, of.count, clocks.zone, start=a, until=b)
            for a, b in ((start, cut), (cut, until))
        ]
        assert listed[0] + listed[1] == edges[low : low + 8], f"{clocks.zone.key}: {start} to {until}, cut at {cut}"


def _instants_lie_in_one(clocks: Clocks, edges: list[datetime], of: Cadence) -> None:
    """The first and the last microsecond of a period lie in it, and in no other."""
    rng, cadence = Random(len(edges) + edges[0].month), periods.Cadence(of.interval, of.count)
    for k in (0, rng.randrange(len(edges) - 1)):
        start, end = edges[k], edges[k + 1]
        for at in (start, end - timedelta(microseconds=1)):
            found = periods.period_at(edges[0], cadence, clocks.zone, at)
            assert (found.start, found.end) == (start, end), f"{clocks.zone.key}: {at} lies in {found}, expected {start} to {end}"
