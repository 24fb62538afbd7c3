"""A migrated database on either engine, opened and closed."""

from collections.abc import Iterator

import pytest

from tallystick.storage.database import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database.from_url(database_url)
    yield database
    database.close()
