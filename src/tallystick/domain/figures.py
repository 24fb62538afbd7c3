"""Numbers, money and time as a language writes them, for people to read; and foreign text as nothing but text."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from tallystick.domain.letter_frames import Locale
from tallystick.values.decimals import EXACT, from_steps, half_up, terminating
from tallystick.values.exact import Exact
from tallystick.values.money import Money
from tallystick.values.time import Period

_DAY: dict[Locale, str] = {"en": "d MMM y", "ja": "y年M月d日"}
_MOMENT: dict[Locale, str] = {"en": "d MMM y, HH:mm", "ja": "y年M月d日 HH:mm"}
_BETWEEN: dict[Locale, str] = {"en": " – ", "ja": "～"}
_PLACES_SHOWN = 6  # of a number whose digits never end
_MICROSECOND = timedelta(microseconds=1)
# What no page can show, and what would turn the direction of the words around it.
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain_text(text: str) -> str:
    """What somebody has named, as it can stand on any page."""
    return _UNSHOWN.sub("\ufffd", text)


def number(value: Exact, locale: Locale) -> str:
    """All of its digits; where they never end, the first few, and a sign that says so."""
    from babel.numbers import format_decimal  # reads its tables: not before something is written

    shown, about = _shown(value)
    return about + format_decimal(shown, locale=locale, decimal_quantization=False)


def money(amount: Money, locale: Locale) -> str:
    return rate(amount.major, amount.currency.code, locale)


def rate(amount: Exact, code: str, locale: Locale) -> str:
    """An exact amount in major units, however many places it has."""
    from babel.numbers import format_currency

    shown, about = _shown(amount)
    return about + format_currency(shown, code.upper(), locale=locale, decimal_quantization=False)


def day(at: datetime, zone: ZoneInfo, locale: Locale) -> str:
    """The day that it is in the zone."""
    from babel.dates import format_date

    return format_date(at.astimezone(zone).date(), _DAY[locale], locale=locale)


def days(period: Period, zone: ZoneInfo, locale: Locale) -> str:
    """From its first day to its last one."""
    return _BETWEEN[locale].join(dict.fromkeys(day(at, zone, locale) for at in (period.start, period.end - _MICROSECOND)))


def span(period: Period, zone: ZoneInfo, locale: Locale) -> str:
    """Likewise, with the time of day where it does not begin and end at midnight."""
    from babel.dates import format_datetime

    if all(_midnight(at.astimezone(zone)) for at in (period.start, period.end)):
        return days(period, zone, locale)
    moments = (at.astimezone(zone) for at in (period.start, period.end))
    return _BETWEEN[locale].join(format_datetime(at, _MOMENT[locale], locale=locale) for at in moments)


def _midnight(at: datetime) -> bool:
    return at.time() == at.time().min


def _shown(value: Exact) -> tuple[Decimal, str]:
    if isinstance(value, Fraction):
        whole = terminating(value)
        if whole is None:
            return _short(from_steps(half_up(value * 10**_PLACES_SHOWN), _PLACES_SHOWN)), "≈\u00a0"
        value = whole
    return _short(value), ""


def _short(value: Decimal) -> Decimal:
    """Without idle zeros, and without an exponent."""
    short = EXACT.normalize(value)
    exponent = short.as_tuple().exponent
    assert isinstance(exponent, int), "a finite number"
    return EXACT.quantize(short, Decimal(1)) if exponent > 0 else short
