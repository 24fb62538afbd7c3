"""An invoice in a browser: its style is let in and nothing else, everybody can read it, and it prints on its own."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from starlette.responses import HTMLResponse

from tallystick.documents.html import page as written
from tallystick.documents.html import policy
from tests.browser.conftest import OpenPage
from tests.browser.serving import serving
from tests.documents.test_html import HOSTILE
from tests.documents.test_pdf import sample

pytestmark = pytest.mark.browser


@pytest.fixture
def address() -> Iterator[str]:
    app = FastAPI()

    @app.get("/{language}")
    def show(language: str) -> HTMLResponse:
        document = replace(sample("ja" if language == "ja" else "en"), remarks=(HOSTILE, "x" * 300))
        return HTMLResponse(written(document), headers={"Content-Security-Policy": policy()})

    with serving(app) as found:
        yield found


@pytest.mark.parametrize("language", ["en", "ja"])
def test_everybody_can_read_it_and_nothing_runs(address: str, open_page: OpenPage, language: str) -> None:
    page = open_page(f"{address}/{language}")
    assert page.locator("main").evaluate("main => getComputedStyle(main).maxWidth") == "840px", "the style sheet is let in"
    assert page.evaluate("document.querySelectorAll('script, img, iframe').length") == 0
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_it_fits_a_phone_and_a_page(address: str, open_page: OpenPage) -> None:
    for width in (360, 794):
        page = open_page(f"{address}/en", viewport={"width": width, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.emulate_media(media="print")
    assert not page.get_by_role("link", name="Pay here").is_visible(), "paper leads nowhere"
