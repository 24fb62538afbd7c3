"""W5: what a customer used in a month, and what a dashboard shows of it, with ten times the history; beside a tenth of it.

The history is longer (the same traffic, for ten times as long), or denser (ten times the traffic, in the same month).
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

from sqlalchemy import text

from bench import servers
from bench.measure import Effort, Row, growth, in_turn, seconds
from bench.usage import CUSTOMERS, METER, Total, check_kept
from tallystick import storage
from tallystick.app import Tallystick
from tallystick.storage.database import Database
from tallystick.testing import FakeClock
from tallystick.values.ids import CustomerId
from tallystick.values.time import Period, to_micros

LITTLE, MUCH, LARGE = 100_000, 1_000_000, 10_000_000
MONTH = timedelta(days=30)
NOW = datetime(2026, 3, 17, 14, 37, 23, tzinfo=UTC)
ASKED = 200

_EVENTS = """
INSERT INTO tallystick_events
    (customer_id, source, id, meter_key, at, quantity, unit_price, properties, recorded_at)
WITH RECURSIVE numbers(n) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n < :count - 1)
SELECT 'cus_' || CAST(n % :customers AS TEXT), 'bench', 'evt_' || CAST(n AS TEXT), :meter, :since + n * :step,
       (n % 977) * 1000000 + 250000, '', '{"model":"large","region":"eu-1"}', :since + n * :step
FROM numbers
"""
_ROLLUPS = """
INSERT INTO tallystick_usage_rollups
    (customer_id, meter_key, hour, unit_price, count, sum, max, latest_at, latest_source, latest_id, latest_quantity)
SELECT hours.customer_id, hours.meter_key, hours.hour, '', hours.count, hours.sum, hours.max,
       latest.at, latest.source, latest.id, latest.quantity
FROM (
    SELECT customer_id, meter_key, at - at % 3600000000 AS hour, count(*) AS count, sum(quantity) AS sum, max(quantity) AS max,
           max(at) AS latest_at
    FROM tallystick_events GROUP BY customer_id, meter_key, at - at % 3600000000
) AS hours
JOIN tallystick_events AS latest
  ON latest.customer_id = hours.customer_id AND latest.meter_key = hours.meter_key AND latest.at = hours.latest_at
"""


def run(effort: Effort) -> list[Row]:
    with servers.new_folder() as folder, servers.postgres() as server:
        made = {
            "SQLite": lambda name: servers.migrated(f"sqlite:///{folder / name}.db"),
            "PostgreSQL": lambda name: servers.new_postgres_database(server, name),
        }
        return [row for engine, new in made.items() for row in _rows(engine, new, effort)]


def _rows(engine: str, new: Callable[[str], str], effort: Effort) -> list[Row]:
    little = LITTLE if effort.scale == 1 else LITTLE // 4
    times = 100 if effort.large else MUCH // LITTLE
    short = _History(new("short"), little, MONTH)
    longer = _History(new("longer"), little * times, MONTH * times)
    denser = _History(new("denser"), little * times, MONTH)
    rows = []
    for kind, much in (("longer", longer), ("denser", denser)):
        for question in ("usage", "dashboard"):
            for history in (much, short):
                getattr(history, question)()  # the first time reads the disk
            pairs = in_turn(effort.rounds, getattr(much, question), getattr(short, question))
            name = f"W5 {question} of a month, {engine}, {little * times:,} events, {kind}; {little:,}"
            rows.append(growth(name, pairs, bar=1.15, unit="µs"))
    for history in (short, longer, denser):
        history.close()
    return rows


class _History:
    """So many events, evenly until now, of fifty customers; put in by SQL, with the rollups that recording would have made."""

    def __init__(self, url: str, count: int, length: timedelta) -> None:
        self._billing = Tallystick.from_url(url, clock=FakeClock(NOW))
        self._billing.put_meter(METER)
        for number in range(CUSTOMERS):
            self._billing.put_customer(f"cus_{number}")
        step = int(length.total_seconds() * 1_000_000) // count
        given = {"count": count, "customers": CUSTOMERS, "meter": METER.key, "since": to_micros(NOW) - count * step, "step": step}
        database = self._billing.context.database
        with database.transaction("load history") as conn:
            if database.dialect == "postgresql":
                conn.execute(text("SET LOCAL statement_timeout = 0"))
            conn.execute(text(_EVENTS), given)
        _analyze(database)  # before the join too, which would be planned for an empty table
        with database.transaction("load rollups") as conn:
            if database.dialect == "postgresql":
                conn.execute(text("SET LOCAL statement_timeout = 0"))
            conn.execute(text(_ROLLUPS))
        _analyze(database)
        check_kept(url, Total(count, sum((n % 977) * 1_000_000 + 250_000 for n in range(count))))
        self._check()

    def _check(self) -> None:
        """What is asked is what every single event comes to."""
        customer, period = CustomerId("cus_7"), Period(NOW - MONTH, NOW)
        with self._billing.context.database.snapshot() as conn:
            measured = storage.usage.measured(conn, customer, METER, period)
        if self._billing.usage(customer, METER.key, period) != measured:
            raise AssertionError("the rollups do not hold what the events come to")

    def usage(self) -> float:
        """Microseconds for one customer's month until now, on average."""
        customers, period = _some(), Period(NOW - MONTH, NOW)
        took = seconds(lambda: [self._billing.usage(customer, METER.key, period) for customer in customers])
        return took / len(customers) * 1e6

    def dashboard(self) -> float:
        """Microseconds for a customer's page: each day of the month, the newest invoices, the balances."""
        customers, period = _some()[: ASKED // 10], Period(NOW - MONTH, NOW)

        def page(customer: CustomerId) -> None:
            with self._billing.context.database.reading() as conn:
                days = storage.reports.usage_by_day(conn, customer, METER, period)
                assert len(days) == MONTH.days + 1
                storage.reports.invoice_rows(conn, customer_id=customer, limit=20)
                storage.reports.balances(conn, customer)

        return seconds(lambda: [page(customer) for customer in customers]) / len(customers) * 1e6

    def close(self) -> None:
        self._billing.close()


def _analyze(database: Database) -> None:
    """The statistics that a server gathers by itself while rows come in one by one."""
    with database.transaction("analyze") as conn:
        conn.execute(text("ANALYZE"))


def _some() -> list[CustomerId]:
    random = Random(7)
    return [CustomerId(f"cus_{random.randrange(CUSTOMERS)}") for _ in range(ASKED)]
