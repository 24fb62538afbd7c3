"""What every test may ask for: a fresh database on either engine. Nothing here is deeper than two."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests import databases

ROOM = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    told = getattr(config, "workerinput", {}).get("room")
    config.stash[ROOM] = Path(told) if told else databases.new_room()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    node.workerinput["room"] = str(node.config.stash[ROOM])


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and ROOM in config.stash:
        databases.close_room(config.stash[ROOM])


@pytest.hookimpl
def pytest_terminal_summary(terminalreporter) -> None:
    told = [(report.nodeid, text) for report in terminalreporter.getreports("passed") for text in _counted(report)]
    for nodeid, text in sorted(told):
        terminalreporter.write_line(f"{nodeid.partition('::')[2]}: {text}")


def _counted(report) -> list[str]:
    return [text for name, text in report.user_properties if name == "counted"]


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    with databases.compiled_once():
        yield


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """What a test has counted, said at the end of the run, whichever process it ran in."""
    return lambda text: record_property("counted", text)


@pytest.fixture
def sqlite_url(pytestconfig: pytest.Config, tmp_path: Path) -> Iterator[str]:
    """A fresh, migrated SQLite file."""
    with databases.sqlite_database(pytestconfig.stash[ROOM], tmp_path) as url:
        yield url


@pytest.fixture
def postgres_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """A fresh, migrated PostgreSQL database."""
    yield from _on_postgres(pytestconfig, migrated=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database: the test runs once on SQLite and once on PostgreSQL."""
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, pytestconfig: pytest.Config, tmp_path: Path) -> Iterator[str]:
    """A database without any table, on both engines: for tests of the migrations themselves."""
    if request.param == "postgresql":
        yield from _on_postgres(pytestconfig, migrated=False)
        return
    with databases.sqlite_database(pytestconfig.stash[ROOM], tmp_path, migrated=False) as url:
        yield url


def _cannot_run(reason: str) -> NoReturn:
    """A part that cannot run here is skipped with its reason; in CI it fails."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _on_postgres(config: pytest.Config, *, migrated: bool) -> Iterator[str]:
    try:
        with databases.postgres_database(config.stash[ROOM], migrated=migrated) as url:
            yield url
    except databases.Unavailable as reason:
        _cannot_run(str(reason))
