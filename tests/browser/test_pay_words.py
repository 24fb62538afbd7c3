"""How the pay page writes amounts and times. It moves the point, and computes nothing."""

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser


# The call, in English, in Japanese.
WRITTEN = [
    ("money(503, 'jpy', 0)", "¥503", "￥503"),
    ("money(123456, 'usd', 2)", "$1,234.56", "$1,234.56"),
    ("money(5, 'usd', 2)", "$0.05", "$0.05"),
    ("money(0, 'usd', 2)", "$0.00", "$0.00"),
    ("money(-5, 'eur', 2)", "-€0.05", "-€0.05"),
    ("money(1230, 'kwd', 3)", "KWD 1.230", "KWD 1.230"),
    ("money(500, 'isk', 2)", "ISK 5.00", "ISK 5.00"),
    ("money(9007199254740991, 'usd', 2)", "$90,071,992,547,409.91", "$90,071,992,547,409.91"),
    ("rate('100', 'jpy', 0)", "¥100", "￥100"),
    ("rate('0.5', 'jpy', 0)", "¥0.5", "￥0.5"),
    ("rate('0.000125', 'usd', 2)", "$0.000125", "$0.000125"),
    ("span(59.9)", "0 h 00 min 59 s", "0時間00分59秒"),
    ("span(90061)", "25 h 01 min 01 s", "25時間01分01秒"),
    ("span(36000000)", "10,000 h 00 min 00 s", "10,000時間00分00秒"),
]


@pytest.mark.parametrize(("language", "column"), [("en", 1), ("ja", 2)])
def test_amounts_and_times_are_written_exactly(service: str, open_page: OpenPage, language: str, column: int) -> None:
    page = open_page(f"{service}/")
    expected = {line[0]: line[column] for line in WRITTEN}
    assert {call: said(page, language, call) for call in expected} == expected


def said(page: Page, language: str, call: str) -> str:
    code = f"(language) => import('/static/pay-words.js').then((words) => {{ words.speak(language); return words.{call}; }})"
    return str(page.evaluate(code, language)).replace("\u00a0", " ")
