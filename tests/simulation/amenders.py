"""Those who put right what was told wrongly: each correction and retraction is asked for until it is acknowledged, and known."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tallystick.domain.amendments import name_of as named
from tallystick.domain.usage import Event
from tallystick.values.errors import Busy
from tallystick.values.ids import EventId
from tests.simulation import checkers
from tests.simulation.clients import Truth, name_of
from tests.simulation.world import Actor

if TYPE_CHECKING:
    from tests.simulation.world import World

_USUAL = (0, 5, 15)  # how many a storm: most worlds have some


class Amender(Actor):
    """Corrects one event, retracts another; now and then what has just been corrected, or the same again."""

    name = "amender"
    process = "web"

    def __init__(self, world: "World", truth: Truth, customers: Sequence[str]) -> None:
        super().__init__(world)
        self._truth, self._customers = truth, frozenset(customers)
        self._times = world.weather.rates.get("amend", self.random.choice(_USUAL))
        self.doing: tuple[Event, Event | None] | None = None
        self.is_done = False

    def step(self) -> timedelta | None:
        if self.doing is None:
            if self.is_done or not self._times:
                return None
            self.doing = self._choose()
        if self.doing is None:
            return self.about(self._times)
        try:
            for _ in range(self.random.choice((1, 1, 1, 2))):  # the network stutters
                self._amend(*self.doing)
        except Busy:
            return timedelta(seconds=3)
        self.doing = None
        return self.about(self._times)

    def _choose(self) -> tuple[Event, Event | None] | None:
        mine = [event for event in self._truth.counting() if event.customer_id in self._customers]
        if not mine:
            return None
        first = self.random.choice(mine[-6:] if self.random.random() < 0.3 else mine)
        return first, None if self.random.random() < 0.5 else self._right(first)

    def _right(self, first: Event) -> Event:
        chance = self.random
        right = replace(first, properties={**first.properties, "user": f"u{chance.randint(1, 12)}"})
        if chance.random() < 0.7:
            right = replace(right, quantity=first.quantity * chance.choice((Decimal(0), Decimal(2), Decimal(3))))
        if chance.random() < 0.4:
            right = replace(right, at=first.at - timedelta(seconds=chance.choice((1, 3600, 86400))))
        return replace(right, id=EventId(f"{first.id}'")) if chance.random() < 0.3 else right

    def _amend(self, first: Event, right: Event | None) -> None:
        app = self.world.app
        if right is None:
            done = app.retract(*named(first), reason="simulated")
        else:
            done = app.correct(*named(first), replacement=right, reason="simulated")
            assert done.replacement is not None, "a correction names what counts"
            self._truth.acked[tuple(done.replacement)] = replace(right, id=done.replacement.id)
        known = self._truth.amended.setdefault(name_of(first), done.replacement)
        if known != done.replacement:
            raise self.world.wrong("amended once", f"{first} by {done.replacement}, and by {known} before")
        self.world.counts[done.word] += 1


def amended(world: "World", truth: Truth) -> None:
    """Acknowledged = stored: what counts no longer, and what counts in its place."""
    stored: dict[Any, Any] = {}
    for *name, source, number in checkers.rows(world, _AMENDMENTS):
        stored[tuple(name)] = (name[0], source, number) if number else None
    known = {name: by and tuple(by) for name, by in truth.amended.items()}
    if stored != known:
        raise world.wrong("amended as told", f"only stored or only told: {stored.items() ^ known.items()}")


_AMENDMENTS = "SELECT customer_id, source, id, replacement_source, replacement_id FROM tallystick_event_amendments"
