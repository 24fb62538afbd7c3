"""W3: single events over HTTP, sixteen at once, each on disk before its answer; against an endpoint that does nothing."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from bench import load, servers
from bench.measure import Effort, Row, in_turn, rates
from bench.servers import Served
from bench.usage import Total, check_kept, events, wire
from bench.w02_http_batches import put_meter

EVENTS, AT_ONCE = 4_000, 16


def run(effort: Effort) -> list[Row]:
    with servers.new_folder() as folder, servers.postgres() as server:
        lite = servers.migrated(f"sqlite:///{folder / 'bench.db'}")
        full = servers.new_postgres_database(server, "ours")
        return [
            rates("W3 HTTP, single events, 16 at once, SQLite", _pairs(lite, folder, effort), bar=0.40, unit="events/s"),
            rates("W3 HTTP, single events, 16 at once, PostgreSQL", _pairs(full, folder, effort), bar=0.25, unit="events/s"),
        ]


def _pairs(url: str, folder: Path, effort: Effort) -> list[tuple[float, ...]]:
    put_meter(url)
    with servers.service(url, folder) as ours, servers.noop(folder) as floor:
        singles, nothing = _Singles(ours, folder, effort.amount(EVENTS)), _Singles(floor, folder, effort.amount(EVENTS))
        sides: list[Callable[[], float]] = [singles.rate, nothing.rate]
        in_turn(1, *sides)
        pairs = in_turn(effort.rounds, *sides)
    check_kept(url, singles.sent)
    return pairs


class _Singles:
    """New events in each round; the same ones for both sides."""

    def __init__(self, served: Served, folder: Path, size: int) -> None:
        self._served, self._folder, self._size = served, folder, size
        self._first = count(0, size)
        self.sent = Total()

    def rate(self) -> float:
        batch = list(events(next(self._first), self._size, since=datetime.now(UTC)))
        self.sent = self.sent.and_these(batch)
        bodies = [json.dumps(wire(event)) for event in batch]
        return self._size / load.post(self._served.port, self._served.token, bodies, at_once=AT_ONCE, folder=self._folder).seconds
