"""The safety bounds of a world: too wide to be met, but in few worlds, where each charge is one too many."""

from decimal import Decimal
from typing import TYPE_CHECKING, cast

from tallystick.domain.safety import Bounds

if TYPE_CHECKING:
    from tests.simulation.world import World

_MANY = 10**6


class _Narrow:
    """No charge while the storm lasts but what somebody lets go; in calm weather as many as there are."""

    times_the_mean, lines_max = Decimal(_MANY), _MANY

    def __init__(self, world: "World") -> None:
        self._world = world

    @property
    def charges_per_day(self) -> int:
        return _MANY if self._world.is_calm else 0


def bounds(world: "World") -> Bounds:
    return cast(Bounds, _Narrow(world)) if world.weather["bounded"] else Bounds(_MANY, Decimal(_MANY), _MANY)
