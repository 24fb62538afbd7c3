"""Lines of invoices: complete, disjoint, rated from what they store, rounded once, and each cent explained."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row

from tallystick.domain.catalog import Price
from tallystick.domain.price_documents import read_price
from tallystick.domain.rating import needs_events, rate, rate_events
from tallystick.domain.usage import Aggregation, Meter
from tallystick.storage import catalog, usage_totals
from tallystick.storage.invariants.finding import HOUR, Wrongs, count, joined, rows
from tallystick.storage.ratings import exact, read_rating
from tallystick.values.decimals import EXACT, from_steps, plain
from tallystick.values.errors import InvalidInput
from tallystick.values.exact import ZERO, Exact, plus
from tallystick.values.ids import CustomerId, MeterKey
from tallystick.values.json import strict_loads
from tallystick.values.money import Currency, currency
from tallystick.values.time import Period, from_micros

_LINES = """
SELECT l.customer_id, l.charge_key, l.meter_key, l.period_start, l.period_end, l.part, l.id, l.quantity, l.amount, l.currency,
       l.price, l.rating, l.share, l.taken_off
FROM tallystick_invoice_lines l WHERE l.kind = 'usage' ORDER BY l.customer_id, l.charge_key, l.period_start, l.part
"""
_MEASURED = """
SELECT l.customer_id, l.meter_key, l.period_start, l.period_end, COUNT(e.at) AS events,
       SUM(e.quantity >> 32) AS high, SUM(e.quantity & 4294967295) AS low, MAX(e.quantity) AS most
FROM (
    SELECT DISTINCT customer_id, meter_key, period_start, period_end FROM tallystick_invoice_lines WHERE kind = 'usage'
) l
LEFT JOIN tallystick_events e
  ON e.customer_id = l.customer_id AND e.meter_key = l.meter_key AND e.at >= l.period_start AND e.at < l.period_end AND {COUNTS}
GROUP BY l.customer_id, l.meter_key, l.period_start, l.period_end
"""
_BEFORE_POSITION = """
SELECT p.customer_id, p.charge_key, p.billed_through, COUNT(e.at) AS events
FROM tallystick_billing_positions p
LEFT JOIN tallystick_events e
  ON e.customer_id = p.customer_id AND e.meter_key = p.meter_key AND e.at < p.billed_through AND {COUNTS}
  AND CASE WHEN p.charge_key LIKE 'sub%:%' THEN
    EXISTS (SELECT 1 FROM tallystick_subscription_meters s WHERE s.customer_id = p.customer_id AND s.charge_key = p.charge_key
      AND e.at >= s.counted_from AND (s.counted_until IS NULL OR e.at < s.counted_until))
  ELSE
    NOT EXISTS (SELECT 1 FROM tallystick_subscription_meters s WHERE s.customer_id = p.customer_id AND s.meter_key = p.meter_key
      AND e.at >= s.counted_from AND (s.counted_until IS NULL OR e.at < s.counted_until))
  END
GROUP BY p.customer_id, p.charge_key, p.billed_through
"""
_COUNTED = """
SELECT customer_id, charge_key, meter_key, counted_from, counted_until FROM tallystick_subscription_meters
ORDER BY customer_id, charge_key, counted_from
"""
_LATE = "SELECT customer_id, charge_key, hour FROM tallystick_late_usage"
_TWICE = """
SELECT customer_id, charge_key, period_start, kind, part, COUNT(*) AS times FROM tallystick_invoice_lines
GROUP BY customer_id, charge_key, period_start, kind, part HAVING COUNT(*) > 1
"""
_UNEXPLAINED = """
SELECT l.customer_id, l.id, l.amount FROM tallystick_invoice_lines l
WHERE l.kind = 'usage' AND l.amount <> 0 AND l.quantity <> '0' AND NOT EXISTS (
    SELECT 1 FROM tallystick_events e JOIN tallystick_meters m ON m.key = e.meter_key
    WHERE e.customer_id = l.customer_id AND e.meter_key = l.meter_key AND e.at < l.period_end
      AND (e.at >= l.period_start OR m.aggregation = 'time_weighted'))
"""
_CENTS = "SELECT SUM(ABS(amount)) AS cents FROM tallystick_invoice_lines"

Of = tuple[str, str]  # customer, charge
_FOR_EVER = 2**63


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Everything billed of one charge for one period: its lines, part by part."""

    of: Of
    meter_key: str
    start: int
    end: int
    lines: Sequence[Row[Any]]

    @property
    def subject(self) -> str:
        return f"{self.of[0]}/{self.of[1]}/{self.start}"

    @property
    def quantity(self) -> Decimal:
        total = Decimal(0)
        for line in self.lines:
            total = EXACT.add(total, Decimal(line.quantity))
        return total


class _Measured(NamedTuple):
    events: int
    sum: int
    most: int


def _stretches(conn: Connection) -> Iterator[_Stretch]:
    by_period = groupby(
        rows(conn, _LINES), key=lambda row: (row.customer_id, row.charge_key, row.meter_key, row.period_start, row.period_end)
    )
    for (customer_id, charge_key, meter_key, start, end), group in by_period:
        yield _Stretch((customer_id, charge_key), meter_key, start, end, list(group))


def complete(conn: Connection, wrong: Wrongs) -> int:
    """Quantities billed = the measure of the events that count; and none of them before the position is outside of every line."""
    meters, late, measured = catalog.meters(conn), _late(conn), _measured(conn)
    listed: dict[Of, int] = defaultdict(int)
    stretches = list(_stretches(conn))  # small beside the events; and some meters ask again while it is read
    for stretch in stretches:
        found = measured[stretch.of[0], stretch.meter_key, stretch.start, stretch.end]
        listed[stretch.of] += found.events
        if any(hour < stretch.end and hour + HOUR > stretch.start for hour in late.get(stretch.of, ())):
            continue
        expected = _quantity(conn, stretch, meters[MeterKey(stretch.meter_key)], found)
        if stretch.quantity != expected:
            wrong(stretch.subject, f"billed are {plain(stretch.quantity)}, the events come to {plain(expected)}")
    for row in rows(conn, _BEFORE_POSITION):
        of = (row.customer_id, row.charge_key)
        if not late.get(of) and listed[of] != row.events:
            wrong(f"{of[0]}/{of[1]}", f"{row.events} events are before {row.billed_through}, {listed[of]} of them on lines")
    return sum(listed.values())


def _measured(conn: Connection) -> dict[tuple[str, str, int, int], _Measured]:
    return {
        (row.customer_id, row.meter_key, row.period_start, row.period_end): _Measured(
            row.events, joined(row.high, row.low), row.most or 0
        )
        for row in rows(conn, _MEASURED)
    }


def _late(conn: Connection) -> dict[Of, list[int]]:
    found: dict[Of, list[int]] = defaultdict(list)
    for row in rows(conn, _LATE):
        found[row.customer_id, row.charge_key].append(row.hour)
    return found


def _quantity(conn: Connection, stretch: _Stretch, meter: Meter, found: _Measured) -> Decimal:
    match meter.aggregation:
        case Aggregation.COUNT:
            return Decimal(found.events)
        case Aggregation.SUM:
            return from_steps(found.sum, meter.decimals)
        case Aggregation.MAX:
            return from_steps(found.most, meter.decimals)
        case Aggregation.LATEST | Aggregation.UNIQUE | Aggregation.TIME_WEIGHTED:
            return usage_totals.measured(conn, CustomerId(stretch.of[0]), meter, _period(stretch)).quantity


def _period(stretch: _Stretch) -> Period:
    return Period(from_micros(stretch.start), from_micros(stretch.end))


def tiling(conn: Connection, wrong: Wrongs) -> int:
    """The periods of a charge follow each other without gap or overlap, up to the billing position.

    A gap is only where the charge did not count: of a subscription's, while it was not in force; of another, about a time in
    which one was. (Between two of them nothing may have been used; that no event is left out there, `complete` says.)
    """
    positions = {(row.customer_id, row.charge_key): row.billed_through for row in rows(conn, _BEFORE_POSITION)}
    by_charge, by_meter = _counted(conn)
    checked = 0
    ends: dict[Of, int] = {}
    for stretch in _stretches(conn):
        checked += 1
        before = ends.get(stretch.of)
        begun = [span for span in by_charge.get(stretch.of, ()) if span[0] == stretch.start]
        outside = _touched(by_meter.get((stretch.of[0], stretch.meter_key), ()), before or stretch.start, stretch.start)
        if before is not None and before != stretch.start and not begun and (stretch.of in by_charge or not outside):
            wrong(stretch.subject, f"begins {stretch.start - before} microseconds after the period before it has ended")
        ends[stretch.of] = stretch.end
    for of in sorted(ends.keys() | positions.keys()):
        begins = {start for start, _ in by_charge.get(of, ())}
        if ends.get(of) != positions.get(of) and positions.get(of) not in begins:
            wrong(f"{of[0]}/{of[1]}", f"billed through {positions.get(of)}, its lines end at {ends.get(of)}")
    return checked


Spans = list[tuple[int, int]]


def _counted(conn: Connection) -> tuple[dict[Of, Spans], dict[Of, Spans]]:
    """When the charges of subscriptions count: by charge, and by the meter of a customer."""
    by_charge: dict[Of, Spans] = defaultdict(list)
    by_meter: dict[Of, Spans] = defaultdict(list)
    for row in rows(conn, _COUNTED):
        span = (row.counted_from, _FOR_EVER if row.counted_until is None else row.counted_until)
        by_charge[row.customer_id, row.charge_key].append(span)
        by_meter[row.customer_id, row.meter_key].append(span)
    return by_charge, by_meter


def _touched(spans: Iterable[tuple[int, int]], start: int, end: int) -> bool:
    """Whether one of the spans has some of [start, end)."""
    return any(begin < end and start < until for begin, until in spans)


def rated_as_stored(conn: Connection, wrong: Wrongs) -> int:
    """Each line = its stored price over its stored quantity, rounded once, less what earlier parts have billed.

    Of what is given back, less what was taken off it before.
    """
    checked, late = 0, _late(conn)
    for stretch in list(_stretches(conn)):
        checked += len(stretch.lines)
        try:
            _check_parts(wrong, stretch)
            if stretch.of not in late:
                _check_amounts(conn, wrong, stretch)
        except (InvalidInput, KeyError, ValueError) as error:
            wrong(stretch.subject, f"its price or rating cannot be read: {error}")
    return checked


def _check_parts(wrong: Wrongs, stretch: _Stretch) -> None:
    billed, quantity = 0, Decimal(0)
    for number, line in enumerate(stretch.lines):
        price, money = _price(line.price), currency(line.currency)
        rating = read_rating(strict_loads(line.rating), money)  # type: ignore[arg-type]
        quantity = EXACT.add(quantity, Decimal(line.quantity))
        if line.part != number or price != _price(stretch.lines[0].price):
            wrong(line.id, f"is part {line.part}, expected part {number} at the price of the first")
        taken_off, more = line.taken_off or 0, rating.total.minor - billed
        if rating.exact.rounded() != rating.total or line.amount != more + taken_off:
            wrong(line.id, f"{line.amount} is not {rating.exact} rounded once, less {billed} billed before, and {taken_off}")
        if not 0 <= taken_off <= max(-more, 0):
            wrong(line.id, f"gives {-more} back, of which {taken_off} had been taken off")
        again = None if needs_events(price) else rate(price, quantity, minimum_share=exact(line.share))
        if again is not None and again[:3] != rating[:3]:
            wrong(line.id, f"{plain(quantity)} at its price come to {again.exact}, not to {rating.exact}")
        billed = rating.total.minor


def _check_amounts(conn: Connection, wrong: Wrongs, stretch: _Stretch) -> None:
    """Of a price that works on single amounts, the newest part must be what the events come to now."""
    price = _price(stretch.lines[0].price)
    if not needs_events(price):
        return
    meter = catalog.meters(conn)[MeterKey(stretch.meter_key)]
    amounts = usage_totals.amounts(conn, CustomerId(stretch.of[0]), meter, _period(stretch))
    share = exact(stretch.lines[0].share)
    expected, newest = rate_events(price, amounts, minimum_share=share).total.minor, stretch.lines[-1]
    billed = read_rating(strict_loads(newest.rating), currency(newest.currency)).total.minor  # type: ignore[arg-type]
    if expected != billed:
        wrong(stretch.subject, f"its events come to {expected}, billed are {billed}")


@lru_cache(maxsize=4096)
def _price(document: str) -> Price:
    return read_price(strict_loads(document))  # type: ignore[arg-type]


def one_line(conn: Connection, wrong: Wrongs) -> int:
    for row in rows(conn, _TWICE):
        wrong(f"{row.customer_id}/{row.charge_key}/{row.period_start}", f"part {row.part} is on {row.times} lines")
    return count(conn, "tallystick_invoice_lines")


def explained(conn: Connection, wrong: Wrongs) -> int:
    """Minor units that trace to events, amended or not, and to rows of a sum; all of them must."""
    for row in rows(conn, _UNEXPLAINED):
        wrong(row.id, f"asks for {row.amount}, and there is no event in its period")
    for line in rows(conn, _LINES):
        _check_details(wrong, line, currency(line.currency))
    return int(next(rows(conn, _CENTS)).cents or 0)


def _check_details(wrong: Wrongs, line: Row[Any], money: Currency) -> None:
    document: Any = strict_loads(line.rating)
    total: Exact = ZERO
    for detail in document["details"]:
        total = plus(total, exact(detail["amount"]))
    if total != read_rating(document, money).exact.amount:
        wrong(line.id, f"its details come to {plain(total)}, not to {document['exact']}")
