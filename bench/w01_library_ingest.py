"""W1: record events through the library on SQLite, in batches of 1,000, each on disk when the call returns."""

from datetime import UTC, datetime, timedelta

from bench.floors import BareSqlite
from bench.measure import Effort, Row, in_turn, rates, seconds
from bench.servers import migrated, new_folder
from bench.usage import METER, Total, check_kept, events
from tallystick.app import Tallystick
from tallystick.domain.usage import Event, Verdict
from tallystick.testing import FakeClock

BATCH, BATCHES = 1_000, 40
START = datetime(2026, 1, 1, tzinfo=UTC)


def run(effort: Effort) -> list[Row]:
    batches = effort.amount(BATCHES)
    pairs = in_turn(effort.rounds, lambda: _ours(batches), lambda: _floor(batches))
    return [rates("W1 library, SQLite, batches of 1,000", pairs, bar=0.70, unit="events/s")]


def _ours(count: int) -> float:
    with new_folder() as folder:
        url = f"sqlite:///{folder / 'bench.db'}"
        billing = Tallystick.from_url(url, clock=FakeClock(START + timedelta(minutes=10)))
        billing.put_meter(METER)
        sent = _batches(count)

        def record(batch: list[Event]) -> None:
            answers = billing.record(batch)
            assert sum(answer.verdict is Verdict.RECORDED for answer in answers) == len(batch)

        record(sent[0])
        took = seconds(lambda: [record(batch) for batch in sent[1:]])
        billing.close()
        _check(url, sent)
    return count * BATCH / took


def _floor(count: int) -> float:
    with new_folder() as folder:
        file = folder / "bench.db"
        migrated(f"sqlite:///{file}")
        bare = BareSqlite(file)
        sent = _batches(count)
        bare.record(sent[0])
        took = seconds(lambda: [bare.record(batch) for batch in sent[1:]])
        bare.close()
        _check(f"sqlite:///{file}", sent)
    return count * BATCH / took


def _batches(count: int) -> list[list[Event]]:
    """One more than is measured: the first is for warming up."""
    return [list(events(n * BATCH, BATCH, since=START + timedelta(seconds=n))) for n in range(count + 1)]


def _check(url: str, sent: list[list[Event]]) -> None:
    check_kept(url, Total().and_these([event for batch in sent for event in batch]))
