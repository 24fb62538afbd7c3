"""W3: single events over HTTP, sixteen at once, each on disk before its answer; against routes that do nothing."""

import json
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from bench import load, servers
from bench.floors import ENDPOINT, PLAIN
from bench.measure import Effort, Row, in_turn, rates
from bench.servers import Served
from bench.usage import Total, check_kept, events, wire
from bench.w02_http_batches import put_meter

EVENTS, AT_ONCE = 4_000, 16


def run(effort: Effort) -> list[Row]:
    with servers.new_folder() as folder, servers.postgres() as server:
        lite = servers.migrated(f"sqlite:///{folder / 'bench.db'}")
        full = servers.new_postgres_database(server, "ours")
        return [*_rows("SQLite", lite, folder, effort, 0.40), *_rows("PostgreSQL", full, folder, effort, 0.25)]


def _rows(engine: str, url: str, folder: Path, effort: Effort, bar: float) -> list[Row]:
    put_meter(url)
    size = effort.amount(EVENTS)
    with servers.service(url, folder) as ours, servers.noop(folder) as port:
        singles = _Singles(ours, folder, size)
        floors = [_Singles(Served(port, path=path), folder, size) for path in (PLAIN, ENDPOINT)]
        sides = [singles.rate, *(floor.rate for floor in floors)]
        in_turn(1, *sides)
        measured = in_turn(effort.rounds, *sides)
    check_kept(url, singles.sent)
    return [
        rates(
            f"W3 single events, {engine}; a no-op {kind}", [(times[0], times[n]) for times in measured], bar=bar, unit="events/s"
        )
        for n, kind in ((1, "route"), (2, "endpoint"))
    ]


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
        return self._size / load.post(self._served, bodies, at_once=AT_ONCE, folder=self._folder).seconds
