"""W2: record events over HTTP in PostgreSQL, batches of 1,000, eight at once, each on disk before its answer."""

import json
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from bench import load, servers
from bench.floors import BarePsycopg
from bench.measure import Effort, Row, in_turn, rates, seconds
from bench.servers import Served
from bench.usage import METER, Total, check_kept, events, wire
from tallystick.app import Tallystick
from tallystick.domain.usage import Event

BATCH, BATCHES, AT_ONCE = 1_000, 48, 8


def run(effort: Effort) -> list[Row]:
    with servers.new_folder() as folder, servers.postgres() as server:
        url = servers.new_postgres_database(server, "ours")
        put_meter(url)
        with servers.service(url, folder) as served:
            http = _OverHttp(served, folder, effort.amount(BATCHES))
            bare = _Bare(servers.new_postgres_database(server, "bare"), effort.amount(BATCHES))
            http.rate(), bare.rate()
            pairs = in_turn(effort.rounds, http.rate, bare.rate)
        check_kept(url, http.sent)
        bare.check()
    return [rates("W2 HTTP to PostgreSQL, batches of 1,000, 8 at once", pairs, bar=0.60, unit="events/s")]


def put_meter(url: str) -> None:
    billing = Tallystick.from_url(url)
    billing.put_meter(METER)
    billing.close()


class _Batches:
    """New ones in each round."""

    def __init__(self, size: int) -> None:
        self._size, self._first = size, count(0, size * BATCH)
        self.sent = Total()

    def next(self) -> list[list[Event]]:
        first, now = next(self._first), datetime.now(UTC)
        batches = [list(events(first + n * BATCH, BATCH, since=now)) for n in range(self._size)]
        for batch in batches:
            self.sent = self.sent.and_these(batch)
        return batches


class _OverHttp(_Batches):
    def __init__(self, served: Served, folder: Path, size: int) -> None:
        super().__init__(size)
        self._served, self._folder = served, folder

    def rate(self) -> float:
        bodies = [json.dumps({"events": [wire(event) for event in batch]}) for batch in self.next()]
        outcome = load.post(self._served, bodies, at_once=AT_ONCE, folder=self._folder)
        return len(bodies) * BATCH / outcome.seconds


class _Bare(_Batches):
    def __init__(self, url: str, size: int) -> None:
        super().__init__(size)
        self._url, self._psycopg = url, BarePsycopg(url)

    def rate(self) -> float:
        prepared = [self._psycopg.prepared(batch) for batch in self.next()]
        return len(prepared) * BATCH / seconds(lambda: [self._psycopg.record(columns) for columns in prepared])

    def check(self) -> None:
        self._psycopg.close()
        check_kept(self._url, self.sent)
