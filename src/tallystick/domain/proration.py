"""The share of an amount that a part of a period is worth, by the convention that was agreed; parts add up to the whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import assert_never
from zoneinfo import ZoneInfo

from tallystick.domain.periods import instant_of
from tallystick.values.errors import InvalidInput
from tallystick.values.exact import times
from tallystick.values.money import Money, Unrounded
from tallystick.values.time import Period, to_micros

_UTC = ZoneInfo("UTC")


class Convention(StrEnum):
    """How time is measured (docs: Money and time, Time).

    `second`: by its length, exact, as Stripe does. `day`: by local dates, the first of them counted and the last not, whatever
    the hour. `day_inclusive`: by the local days that it touches, so that a day on which the price changes counts on both sides.
    `month_30`: every month has 30 days, its 31st counting as its 30th.
    """

    SECOND = "second"
    DAY = "day"
    DAY_INCLUSIVE = "day_inclusive"
    MONTH_30 = "month_30"


@dataclass(frozen=True, slots=True)
class Proration:
    """`fraction` of the amount, 0 to 1; `exact` in major units; `rounded` once, half away from zero."""

    fraction: Fraction
    exact: Unrounded
    rounded: Money


def prorate(
    amount: Money | Unrounded,
    full: Period,
    service: Period,
    convention: Convention = Convention.SECOND,
    zone: ZoneInfo = _UTC,
) -> Proration:
    """What `service` is worth of an amount that is due for `full`; the zone says where days begin.

    Raises InvalidInput where the service is not within the full period, or that is shorter than what the convention counts.
    Parts rounded one by one can miss the whole by a unit: to cut a period in parts, use `shares`.
    """
    if service.start < full.start or service.end > full.end:
        raise InvalidInput("service_period: must lie within full_period", field="service_period")
    fraction = Fraction(_measure(service, convention, zone), _whole(full, convention, zone))
    major = amount.major if isinstance(amount, Money) else amount.amount
    exact = Unrounded(times(fraction, major), amount.currency)
    return Proration(fraction, exact, exact.rounded())


def shares(
    amount: Money, full: Period, cuts: Sequence[datetime], convention: Convention = Convention.SECOND, zone: ZoneInfo = _UTC
) -> list[Money]:
    """The amount, shared over the parts into which the cuts (UTC, ascending, inside) divide the period; adds up to the unit.

    Raises InvalidInput for cuts that are not inside the period and ascending, or a period too short for the convention.
    """
    _whole(full, convention, zone)
    parts = [Period(start, end) for start, end in pairwise((full.start, *cuts, full.end))]
    return amount.split([_measure(part, convention, zone) for part in parts])


def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which the day begins there, in UTC: the first that exists, where midnight itself does not."""
    return instant_of(datetime(day.year, day.month, day.day), zone)  # noqa: DTZ001 a wall time, on its way to an instant


def _whole(full: Period, convention: Convention, zone: ZoneInfo) -> int:
    measure = _measure(full, convention, zone)
    if measure == 0:
        raise InvalidInput(
            f"full_period: holds no whole day to count by; use the convention {Convention.SECOND}", field="full_period"
        )
    return measure


def _measure(period: Period, convention: Convention, zone: ZoneInfo) -> int:
    """The length of the period in the units of the convention; only ratios of it mean anything."""
    match convention:
        case Convention.SECOND:
            return to_micros(period.end) - to_micros(period.start)
        case Convention.DAY:
            return _day(period.end, zone).toordinal() - _day(period.start, zone).toordinal()
        case Convention.DAY_INCLUSIVE:
            last = _day(period.end - timedelta(microseconds=1), zone)
            return last.toordinal() - _day(period.start, zone).toordinal() + 1
        case Convention.MONTH_30:
            return _thirty(_day(period.end, zone)) - _thirty(_day(period.start, zone))
        case _:
            assert_never(convention)


def _day(at: datetime, zone: ZoneInfo) -> date:
    assert at.tzinfo is UTC, "periods are of UTC instants"
    return at.astimezone(zone).date()


def _thirty(day: date) -> int:
    """Days since year 0 if all months had thirty."""
    return 360 * day.year + 30 * day.month + min(day.day, 30)
