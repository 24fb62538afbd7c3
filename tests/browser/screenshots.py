"""`make screenshots`: every page and state, in both languages, light and dark, wide and narrow, into build/screenshots."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import ARGUMENTS, PATIENCE_MS, uptime_service
from tests.browser.dashboard import built, running
from tests.browser.states import PAY, VISITS, Act, In, enter, log_in_at_once

FOLDER = Path(__file__).parents[2] / "build" / "screenshots"
WIDTHS = (390, 1440)
Look = tuple[str, str, int]
LOOKS: list[Look] = [(locale, scheme, width) for width in WIDTHS for scheme in ("light", "dark") for locale in ("en", "ja")]


class Shots:
    """One folder of pictures, or those of them whose names are asked for."""

    def __init__(self, browser: Browser, only: list[str]) -> None:
        self._browser, self._only = browser, only
        self.missed: list[str] = []

    def take(
        self, service: str, who: str | None, place: str, states: Mapping[str, Act | In], looks: Sequence[Look] = LOOKS
    ) -> None:
        for locale, scheme, width in looks:
            named = {f"{name}-{locale}-{scheme}-{width}": state for name, state in states.items()}
            wanted = {name: state for name, state in named.items() if not self._only or any(each in name for each in self._only)}
            if not wanted:
                continue
            with self._page(locale, scheme, width) as page:
                if who is not None:
                    log_in_at_once(page, service, who)
                for name, state in wanted.items():
                    if not _take(page, f"{service}/{place}", name, state):
                        self.missed.append(name)

    @contextmanager
    def _page(self, locale: str, scheme: str, width: int) -> Iterator[Page]:
        zone = "Asia/Tokyo" if locale == "ja" else "UTC"
        context = self._browser.new_context(
            locale=locale,
            color_scheme=scheme,
            timezone_id=zone,
            viewport={"width": width, "height": 900},
            reduced_motion="reduce",
        )  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        yield context.new_page()
        context.close()


def _take(page: Page, url: str, name: str, state: Act | In) -> bool:
    """Whether the state was reached; the picture shows how far it went."""
    try:
        enter(page, url, state)
        said = ""
    except Exception as error:  # the other pictures are worth having
        said = f"— not reached: {str(error).splitlines()[0]}"
    page.screenshot(path=FOLDER / f"{name}.png", full_page=page.locator("dialog[open]").count() == 0)
    print(name, said, flush=True)
    return not said


def main(only: list[str]) -> int:
    if not built() or shutil.which("chromium") is None:
        print("Needs the built pages (make ui) and Chromium.")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS.split())
        shots = Shots(browser, only)
        with running(Path(folder), patch) as (url, _, _):
            for who, place, states in VISITS.values():
                shots.take(url, who, place, states)
        for look in LOOKS:  # each on a bill of its own: the last of the states pays it
            room = Path(folder) / "-".join(map(str, look))
            room.mkdir()
            with uptime_service(f"sqlite:///{room}/uptime.db", room, patch) as url:
                shots.take(url, None, "", PAY, [look])
        browser.close()
    if shots.missed:
        print("Not reached:", *shots.missed)
    return 1 if shots.missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
