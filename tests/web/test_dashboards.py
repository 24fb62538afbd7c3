"""The pages of the dashboards: served as they were built, and without a build a page that says what to do."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tallystick.web import dashboards
from tallystick.web.envelope import CSP
from tests.web.world import World


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "ui").mkdir()
    (tmp_path / "ui" / "index-1a2b.js").write_text("export {}")
    (tmp_path / "index.html").write_text('<html lang="{{lang}}"><div data-mode="{{mode}}"></div>')
    return tmp_path


def pages(world: World, built: Path) -> TestClient:
    app = FastAPI()
    app.state.door = world.app.state.door
    dashboards.add_to(app, built)
    return TestClient(app)


def test_the_pages_say_their_language_and_whether_money_is_real(world: World, built: Path) -> None:
    client = pages(world, built)
    for path in ("/billing", "/admin"):
        answer = client.get(path, headers={"Accept-Language": "ja,en;q=0.5"})
        assert answer.text == '<html lang="ja"><div data-mode="sandbox"></div>'
        assert answer.headers["vary"] == "Accept-Language"


def test_what_they_load_is_kept_by_browsers_for_good(world: World, built: Path) -> None:
    client = pages(world, built)
    assert "immutable" in client.get("/ui/index-1a2b.js").headers["cache-control"]
    assert client.get("/ui/nothing.js").status_code == 404
    assert client.get("/ui/../index.html").status_code == 404


def test_without_a_build_a_page_says_how_to_get_one(world: World, tmp_path: Path) -> None:
    answer = pages(world, tmp_path).get("/admin")
    assert answer.status_code == 200
    assert "make ui" in answer.text


def test_the_service_has_them_under_the_strict_policy(world: World) -> None:
    for path in ("/billing", "/admin"):
        answer = world.client.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"] == CSP
        assert "<script>" not in answer.text
        assert "style=" not in answer.text
