"""A service to ask: on SQLite, or where a test wants it on both engines."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.world import World, serving


@pytest.fixture
def world(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with serving(sqlite_url, str(tmp_path / "sandbox.db"), monkeypatch) as found:
        yield found


@pytest.fixture
def either_world(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with serving(database_url, str(tmp_path / "sandbox.db"), monkeypatch) as found:
        yield found
