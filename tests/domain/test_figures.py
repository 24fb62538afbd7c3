"""Numbers, money and time for people: exact, and as the language writes them."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from tallystick.domain import figures
from tallystick.domain.letter_frames import Locale
from tallystick.values.money import EUR, JPY, USD, Money
from tallystick.values.time import Period

TOKYO, UTC_ZONE = ZoneInfo("Asia/Tokyo"), ZoneInfo("UTC")


def at(month: int, day: int, hour: int = 0) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("money", "en", "ja"),
    [
        (Money(1_234_56, USD), "$1,234.56", "$1,234.56"),
        (Money(-1200, JPY), "-¥1,200", "-￥1,200"),
        (Money(12_30, EUR), "€12.30", "€12.30"),
        (Money(0, JPY), "¥0", "￥0"),
        (Money(10**15, USD), "$10,000,000,000,000.00", "$10,000,000,000,000.00"),
    ],
)
def test_money_has_the_places_of_its_currency(money: Money, en: str, ja: str) -> None:
    assert (figures.money(money, "en"), figures.money(money, "ja")) == (en, ja)


def test_a_rate_has_all_of_its_places_and_says_so_where_they_never_end() -> None:
    assert figures.rate(Decimal("0.000125"), "usd", "en") == "$0.000125"
    assert figures.rate(Decimal("1.5"), "jpy", "ja") == "￥1.5"
    assert figures.rate(Fraction(1, 3), "jpy", "en") == "≈\u00a0¥0.333333"
    assert figures.rate(Fraction(1, 4), "usd", "en") == "$0.25"
    assert figures.number(Decimal("1E+6"), "en") == "1,000,000"
    assert figures.number(Decimal("2500.50"), "ja") == "2,500.5"


@pytest.mark.parametrize(
    ("period", "zone", "locale", "said"),
    [
        (Period(at(1, 1), at(2, 1)), UTC_ZONE, "en", "1 Jan 2026 – 31 Jan 2026"),
        (Period(at(1, 1), at(2, 1)), UTC_ZONE, "ja", "2026年1月1日～2026年1月31日"),
        (Period(at(1, 1), at(1, 2)), UTC_ZONE, "en", "1 Jan 2026"),
        (Period(at(1, 31, 15), at(2, 28, 15)), TOKYO, "en", "1 Feb 2026 – 28 Feb 2026"),
        (Period(at(1, 1), at(2, 1)), TOKYO, "en", "1 Jan 2026, 09:00 – 1 Feb 2026, 09:00"),
    ],
)
def test_a_period_is_of_days_where_it_is_of_whole_days(period: Period, zone: ZoneInfo, locale: Locale, said: str) -> None:
    assert figures.span(period, zone, locale) == said


def test_what_others_have_named_holds_nothing_that_a_page_cannot_show() -> None:
    assert figures.plain_text("a\x00b\u202ec\ud800\nd") == "a\ufffdb\ufffdc\ufffd\nd"
    assert figures.plain_text("<b> #panic() 髙橋 👋") == "<b> #panic() 髙橋 👋"
