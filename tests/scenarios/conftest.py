"""The world of a scenario, on either engine."""

from collections.abc import Callable, Iterator

import pytest

from tests.scenarios.world import World


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """A fresh business on the first of January 2026."""
    made = World(database_url)
    yield made
    made.billing.close()


@pytest.fixture
def small_world() -> Iterator[World]:
    """The same in memory, for what does not depend on the engine."""
    made = World("sqlite://")
    yield made
    made.billing.close()


Worlds = Callable[[str], World]
