"""At this pace: what a period that is being served comes to at its end, if usage goes on as it has so far in it."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from tallystick.domain.lines import Billable, share_of
from tallystick.domain.rating import needs_events
from tallystick.domain.usage import Aggregation, Meter
from tallystick.values.decimals import from_steps, half_up
from tallystick.values.time import Period

_GROWS = frozenset({Aggregation.SUM, Aggregation.COUNT})  # with time; a level or a maximum stands where it stands
_EARLIEST = Fraction(1, 20)  # before, a single day would say too much
_DAY, _MICROSECOND = timedelta(days=1), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """`total` at the end of the period; `per_day` on each day from `since` on."""

    total: Decimal
    per_day: Decimal
    since: date


def pace(meter: Meter, used: Decimal, period: Period, *, now: datetime) -> Pace | None:
    """None where it cannot be said: what does not grow with time, nothing used, too early, or no whole day is left."""
    passed = _passed(meter, period, now=now)
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
    if passed is None or used <= 0 or tomorrow >= period.end:
        return None
    per_day = Fraction(used) / passed * Fraction(_DAY // _MICROSECOND, period.length // _MICROSECOND)
    return Pace(_rounded(meter, Fraction(used) / passed), _rounded(meter, per_day), tomorrow.date())


def at_pace(billable: Billable, meter: Meter, *, now: datetime) -> Billable:
    """The billable with what will have been used by the end of its period; as it is, where that cannot be said."""
    passed = _passed(meter, billable.period, now=now)
    if passed is None or needs_events(billable.charge.price):
        return billable
    quantity = _rounded(meter, Fraction(billable.usage.quantity) / passed)
    return replace(billable, usage=replace(billable.usage, quantity=quantity))


def _passed(meter: Meter, period: Period, *, now: datetime) -> Fraction | None:
    """Which part of the period is over; None where nothing follows from that."""
    if meter.aggregation not in _GROWS or now not in period or now == period.start:
        return None
    passed = Fraction(share_of(Period(period.start, now), period))
    return passed if passed >= _EARLIEST else None


def _rounded(meter: Meter, quantity: Fraction) -> Decimal:
    return from_steps(half_up(quantity * 10**meter.decimals), meter.decimals)
