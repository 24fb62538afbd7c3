"""W6: bill customers for three charges each: drafted, numbered, booked, and with the job that collects; one by one.

Beside SQL that sums the usage and writes as many rows. And: what an invoice takes when there are many already.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

from sqlalchemy import text

from bench import servers
from bench.floors import BareBilling
from bench.measure import Effort, Row, growth, in_turn, rates, seconds
from tallystick.app import Tallystick
from tallystick.domain.catalog import Charge, GraduatedPrice, Price, UnitPrice
from tallystick.domain.tiers import Tier
from tallystick.domain.usage import Event, Meter
from tallystick.testing import FakeClock
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.money import USD

CUSTOMERS, FEW, MANY, BATCH = 10_000, 1_000, 100_000, 200
NOW = datetime(2026, 3, 17, 14, 37, 23, tzinfo=UTC)
PRICES: dict[str, Price] = {
    "calls": UnitPrice(Decimal("0.01"), currency=USD),
    "hours": UnitPrice(Decimal("0.35"), included=Decimal(1), currency=USD),
    "tokens": GraduatedPrice((Tier(Decimal(20), Decimal("0.05"), Decimal(1)), Tier(None, Decimal("0.02"))), currency=USD),
}
USED = Decimal(17), Decimal(18)  # of each meter, in two events
# 35 calls; 34 hours beyond the included one; 20 tokens at five cents, a flat fee, and 15 at two cents.
MINOR = 35 + 34 * 35 + 20 * 5 + 100 + 15 * 2


def run(effort: Effort) -> list[Row]:
    with servers.new_folder() as folder, servers.postgres() as server:
        made = {
            "SQLite": lambda name: servers.migrated(f"sqlite:///{folder / name}.db"),
            "PostgreSQL": lambda name: servers.new_postgres_database(server, name),
        }
        return [row for engine, new in made.items() for row in _rows(engine, new, effort)]


def _rows(engine: str, new: Callable[[str], str], effort: Effort) -> list[Row]:
    each = effort.amount(CUSTOMERS) // effort.rounds
    extra = BATCH * (effort.rounds + 1)
    ours = _Ours(new("ours"), each * effort.rounds + extra)
    url = new("bare")
    _used(url, each * (effort.rounds + 1))
    bare = _Bare(url, ours)
    bare.rate(each)
    pairs = in_turn(effort.rounds, lambda: ours.rate(each), lambda: bare.rate(each))
    rows = [rates(f"W6 bill {each * effort.rounds:,} customers × 3 charges, {engine}", pairs, bar=0.25, unit="invoices/s")]
    few = _Ours(new("few"), FEW + extra)
    few.rate(FEW - BATCH)
    if effort.large:
        ours.used(MANY)
        ours.rate(MANY - each * effort.rounds - BATCH)
    many = ours.billed
    pairs = in_turn(effort.rounds, lambda: 1e6 / ours.rate(BATCH), lambda: 1e6 / few.rate(BATCH))
    rows.append(growth(f"W6 an invoice, {engine}, after {many:,}; after {FEW:,}", pairs, bar=1.2, unit="µs"))
    for side in (ours, few, bare):
        side.check()
    return rows


def _used(url: str, customers: int, first: int = 0) -> None:
    """The catalogue, and what so many customers have used, recorded as ever."""
    billing = Tallystick.from_url(url, clock=FakeClock(NOW))
    for key, price in PRICES.items():
        billing.put_meter(Meter(MeterKey(key)))
        billing.put_charge(Charge(key, MeterKey(key), price, key))
    batch: list[Event] = []
    for event in _events(range(first, first + customers)):
        batch.append(event)
        if len(batch) == 1_200:
            billing.record(batch)
            batch = []
    billing.record(batch)
    with billing.context.database.transaction("analyze") as conn:
        conn.execute(text("ANALYZE"))
    billing.close()


def _events(customers: Sequence[int]) -> Iterator[Event]:
    for number in customers:
        for key in PRICES:
            for at, quantity in enumerate(USED):
                when = NOW - timedelta(hours=30 * at + 1)
                yield Event(_name(number), EventId(f"{key}-{at}"), MeterKey(key), quantity, when)


def _name(number: int) -> CustomerId:
    return CustomerId(f"cus_{number:06}")


class _Ours:
    """`billed` of the customers are billed."""

    def __init__(self, url: str, customers: int) -> None:
        self._url, self._known = url, customers + 1
        _used(url, self._known)
        self.billing = Tallystick.from_url(url, clock=FakeClock(NOW))
        self.sample = _name(0)
        self.billing.bill(self.sample)
        self.billed = 1

    def used(self, customers: int) -> None:
        """More of them have used something."""
        _used(self._url, customers, self._known)
        self._known += customers

    def rate(self, invoices: int) -> float:
        customers = [_name(number) for number in range(self.billed, self.billed + invoices)]
        self.billed += invoices
        return invoices / seconds(lambda: [self._bill(customer) for customer in customers])

    def _bill(self, customer: CustomerId) -> None:
        (invoice,) = self.billing.bill(customer)
        if invoice.total.minor != MINOR:
            raise AssertionError(f"{customer}: {invoice.total} in the place of {MINOR} cents")

    def check(self) -> None:
        with self.billing.context.database.reading() as conn:
            written = conn.execute(text("SELECT count(*), count(DISTINCT number), sum(total) FROM tallystick_invoices")).one()
            booked = conn.execute(text("SELECT sum(amount) FROM tallystick_ledger_entries WHERE account = 'receivable'")).scalar()
            jobs = conn.execute(text("SELECT count(*) FROM tallystick_jobs")).scalar()
        self.billing.close()
        found = (*map(int, written), int(booked or 0), jobs)
        if found != (self.billed, self.billed, self.billed * MINOR, self.billed * MINOR, self.billed):
            raise AssertionError(f"{self.billed} invoices of {MINOR} were opened; found are {found}")


class _Bare:
    """Writes for each customer what ours wrote for one."""

    def __init__(self, url: str, ours: _Ours) -> None:
        self._url, self._next, self._written = url, count(), 0
        with ours.billing.context.database.reading() as conn:
            self._bare = BareBilling(url, conn, ours.sample)

    def rate(self, invoices: int) -> float:
        customers = [(next(self._next), _name(self._written + at)) for at in range(invoices)]
        self._written += invoices
        return invoices / seconds(lambda: [self._bill(number, customer) for number, customer in customers])

    def _bill(self, number: int, customer: CustomerId) -> None:
        if self._bare.bill(customer, number) != 3 * sum(USED):
            raise AssertionError(f"{customer}: another sum")

    def check(self) -> None:
        self._bare.close()
        billing = Tallystick.from_url(self._url, clock=FakeClock(NOW))
        with billing.context.database.reading() as conn:
            count_, total = conn.execute(text("SELECT count(*), sum(total) FROM tallystick_invoices")).one()
        billing.close()
        if (count_, total) != (self._written, self._written * MINOR):
            raise AssertionError(f"the floor wrote {count_} invoices of {total}")
