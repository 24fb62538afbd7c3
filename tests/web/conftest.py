"""A service to ask: on SQLite, or where a test wants it on both engines."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import databases
from tests.conftest import ROOM
from tests.web.world import World, serving


@pytest.fixture
def world(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with serving(sqlite_url, str(tmp_path / "sandbox.db"), monkeypatch) as found:
        yield found


@pytest.fixture(scope="module")
def asked_world(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One service for all tests of a file, each of which leaves nothing behind that another one could see."""
    folder = tmp_path_factory.mktemp("asked")
    with (
        databases.sqlite_database(pytestconfig.stash[ROOM], folder) as url,
        pytest.MonkeyPatch.context() as monkeypatch,
        serving(url, str(folder / "sandbox.db"), monkeypatch) as found,
    ):
        yield found


@pytest.fixture
def either_world(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with serving(database_url, str(tmp_path / "sandbox.db"), monkeypatch) as found:
        yield found
