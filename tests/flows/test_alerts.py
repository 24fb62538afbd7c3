"""Quotas that fill are told once per period each, whoever takes and however many at once; spikes once a day, at any history."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event as sqlalchemy_event

from tallystick import flows, storage
from tallystick.app import Tallystick
from tallystick.domain.alerts import Alert, AlertKind, Spending, SpikeRule
from tallystick.domain.entitlements import Quota, Reset
from tallystick.domain.usage import Aggregation, Event, Meter
from tallystick.flows import _alerts
from tallystick.flows.context import Outgoing
from tallystick.values.errors import InvalidInput, NotFound
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.money import USD, Money
from tests.flows.crowd import at_once, patiently
from tests.scenarios.world import World, day

CALLS = Meter(MeterKey("calls"), unit="call", decimals=0)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    made = World(database_url)
    made.billing.put_meter(CALLS)
    made.billing.put_customer("ada", email="ada@example.com")
    yield made
    made.billing.close()


@pytest.fixture
def billing(world: World) -> Tallystick:
    """Ada may use a hundred calls a month."""
    world.billing.grant("ada", "calls", Quota(Decimal(100)))
    return world.billing


def told(billing: Tallystick) -> list[tuple[str, str, int]]:
    return sorted((alert.period_start.isoformat()[:10], alert.kind.value, alert.threshold) for alert in billing.alerts(limit=200))


JANUARY = [("2026-01-01", "quota.threshold", 80), ("2026-01-01", "quota.threshold", 100)]


def test_crossing_80_and_100_percent_is_told_once_each_in_a_period_and_again_in_the_next(
    billing: Tallystick, world: World
) -> None:
    billing.consume("ada", "calls", 79, op="a")
    assert told(billing) == []
    for _ in range(2):  # sent again, it takes once
        billing.consume("ada", "calls", 1, op="b")
    assert told(billing) == JANUARY[:1]
    billing.consume("ada", "calls", 20, op="c")
    assert not billing.consume("ada", "calls", 1, op="d").allowed
    assert told(billing) == JANUARY
    world.on("2026-02-03")
    billing.consume("ada", "calls", 100, op="e")
    assert told(billing) == JANUARY + [("2026-02-01", kind, percent) for _, kind, percent in JANUARY]


def test_many_who_take_at_once_are_told_of_once(billing: Tallystick) -> None:
    at_once(12, lambda n: [patiently(lambda op=f"{n}-{i}": billing.consume("ada", "calls", 1, op=op)) for i in range(10)])
    assert billing.check("ada", "calls").used == 100
    assert told(billing) == JANUARY
    with billing.context.database.reading() as conn:
        asked = "SELECT count(*) FROM tallystick_jobs WHERE name = 'alert'"
        assert conn.exec_driver_sql(asked).scalar_one() == 2, "one job for each"


def test_what_is_reserved_is_told_when_it_is_used(billing: Tallystick) -> None:
    held = billing.reserve("ada", "calls", 90, op="r")
    assert told(billing) == []
    for _ in range(2):
        held.commit(85)
    assert told(billing) == JANUARY[:1]


def test_what_was_reserved_before_midnight_is_told_for_its_own_month(billing: Tallystick, world: World) -> None:
    world.on("2026-01-31T23:55:00")
    held = billing.reserve("ada", "calls", 100, op="r")
    world.on("2026-02-01T00:05:00")
    held.commit()
    assert told(billing) == JANUARY


def test_a_quota_that_never_resets_is_told_of_once_for_good(world: World) -> None:
    world.billing.grant("ada", "calls", Quota(Decimal(10), reset=Reset.NEVER))
    world.billing.consume("ada", "calls", 8, op="a")
    world.on("2027-01-01").billing.consume("ada", "calls", 1, op="b")
    assert [percent for _, _, percent in told(world.billing)] == [80]


def test_what_is_taken_out_of_a_lease_is_told_when_it_is_written_down(billing: Tallystick) -> None:
    held = billing.leases(size=90, background=False)
    for number in range(85):
        assert held.consume("ada", "calls", 1, op=f"op-{number}").allowed
    assert told(billing) == []
    for _ in range(2):
        held.flush()
    assert told(billing) == JANUARY[:1]
    held.close()


def test_work_that_is_finished_beyond_the_limit_is_told(billing: Tallystick, world: World) -> None:
    held = billing.reserve("ada", "calls", 50, op="r")
    assert held.id is not None
    billing.finish(held.id, 85)
    assert told(billing) == JANUARY[:1]
    late = billing.reserve("ada", "calls", 1, op="s")
    assert late.id is not None
    world.later(hours=1)
    for _ in range(2):
        billing.finish(late.id, 20)
    assert told(billing) == JANUARY


def test_a_limit_that_is_lowered_below_what_was_used_is_told(billing: Tallystick) -> None:
    billing.consume("ada", "calls", 50, op="a")
    for _ in range(2):
        billing.grant("ada", "calls", Quota(Decimal(60)))
    assert told(billing) == JANUARY[:1], "83 %"
    billing.grant("ada", "calls", Quota(Decimal(10)))
    assert told(billing) == JANUARY


def test_thresholds_are_the_customers_own_where_they_were_set(billing: Tallystick) -> None:
    assert billing.set_alert_thresholds("ada", "calls", [50, 100, 50]) == (50, 100)
    billing.consume("ada", "calls", 95, op="a")
    assert [percent for _, _, percent in told(billing)] == [50]
    billing.set_alert_thresholds("ada", "calls", [])
    billing.consume("ada", "calls", 5, op="b")
    assert [percent for _, _, percent in told(billing)] == [50], "none is told where none is wanted"
    with pytest.raises(NotFound):
        billing.set_alert_thresholds("nobody", "calls", [50])
    with pytest.raises(NotFound):
        billing.set_alert_thresholds("ada", "nothing", [50])
    with pytest.raises(InvalidInput):
        billing.alerts(kind="nonsense")


def test_usage_that_is_recorded_and_not_taken_from_the_quota_does_not_fill_it(billing: Tallystick, world: World) -> None:
    world.uses("ada", "calls", 500)
    world.works()
    assert told(billing) == []


def test_a_use_that_is_rolled_back_tells_nothing(billing: Tallystick) -> None:
    class Strikes:
        def point(self, name: str) -> None:
            if name == "consume:before_commit":
                raise RuntimeError

        def mark(self, name: str) -> None: ...

    faults = billing.context.database.faults
    billing.context.database.faults = Strikes()
    with pytest.raises(RuntimeError):
        billing.consume("ada", "calls", 90, op="a")
    billing.context.database.faults = faults
    assert told(billing) == []


def test_a_use_that_passes_no_whole_percent_asks_nothing(world: World) -> None:
    billing = world.billing
    billing.grant("ada", "calls", Quota(Decimal(100_000)))
    billing.consume("ada", "calls", 1, op="first")
    asked = statements(billing, lambda: billing.consume("ada", "calls", 1, op="a"))
    assert not [sql for sql in asked if "tallystick_alert" in sql or "tallystick_endpoints" in sql]


def statements(billing: Tallystick, work) -> list[str]:
    """What the database is asked by `work`."""
    asked: list[str] = []

    def listen(_conn, _cursor, statement, *_):
        asked.append(statement)

    engines = (billing.context.database._writer, billing.context.database._reader)
    for engine in engines:
        sqlalchemy_event.listen(engine, "before_cursor_execute", listen)
    work()
    for engine in engines:
        sqlalchemy_event.remove(engine, "before_cursor_execute", listen)
    return asked


def test_money_under_a_cap_is_told_once(world: World) -> None:
    def spend(before: int, after: int) -> list[Alert]:
        spending = Spending(CustomerId("ada"), "monthly", *(Money(n, USD) for n in (100_00, before, after)), day("2026-01-01"))
        with world.billing.context.database.transaction("spend") as conn:
            return _alerts.watch_spend(world.billing.context, conn, spending)

    assert [alert.kind for alert in spend(0, 80_00)] == [AlertKind.SPEND_THRESHOLD]
    assert [alert.kind for alert in spend(0, 100_00)] == [AlertKind.SPEND_CAP_REACHED], "80 % was told before"
    assert spend(0, 200_00) == []


# ── spikes ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def spiky(world: World, *, weeks: int = 6, usually: int = 100) -> None:
    """So many weeks of the same usage at ten on Thursday, until the 26th of February."""
    context = world.billing.context
    world.billing.context = replace(context, outgoing=Outgoing(spike=SpikeRule(Decimal(3), Decimal(50))))
    for week in range(weeks, 0, -1):
        world.clock.set(day("2026-02-26T10:15:00") - timedelta(weeks=week))
        world.uses("ada", "calls", usually)
    world.clock.set(day("2026-02-26T10:30:00"))


def spikes(billing: Tallystick) -> list[Alert]:
    return billing.alerts(kind="usage.spike")


def test_an_hour_of_three_times_the_usual_is_told_with_its_figures_once_a_day(world: World) -> None:
    spiky(world)
    world.uses("ada", "calls", 300)
    world.works()
    assert spikes(world.billing) == [], "three times, and not above it"
    world.uses("ada", "calls", 1)
    for _ in range(2):
        world.works()
    (alert,) = spikes(world.billing)
    assert (alert.customer_id, alert.subject) == ("ada", "calls")
    assert dict(alert.facts) == {
        "hour": "2026-02-26T10:00:00Z", "quantity": "301", "usual": "100", "weeks": "6", "unit": "call",
    }  # fmt: skip
    world.later(hours=1)
    world.uses("ada", "calls", 1000)
    world.works()
    assert len(spikes(world.billing)) == 1, "the day has been told of"


def test_the_hour_before_is_looked_at_too(world: World) -> None:
    spiky(world)
    world.uses("ada", "calls", 400)
    world.on("2026-02-26T11:05:00").works()
    assert len(spikes(world.billing)) == 1
    world.on("2026-02-26T12:05:00")
    assert flows.sweep_spikes.sweep_spikes(world.billing.context) == 0


@pytest.mark.parametrize(
    ("weeks", "usually", "now"),
    [(3, 100, 10_000), (6, 1, 49), (6, 100, 299)],
    ids=["three weeks say nothing", "below the floor", "not that much"],
)
def test_no_spike(world: World, weeks: int, usually: int, now: int) -> None:
    spiky(world, weeks=weeks, usually=usually)
    world.uses("ada", "calls", now)
    world.works()
    assert spikes(world.billing) == []


def test_a_week_without_usage_counts_as_none(world: World) -> None:
    spiky(world, weeks=8)
    world.clock.set(day("2026-02-26T14:30:00"))
    world.uses("ada", "calls", 60)
    world.works()
    (alert,) = spikes(world.billing)
    assert (alert.facts["usual"], alert.facts["weeks"]) == ("0", "8"), "at two on Thursdays nothing is usual"


def test_only_what_is_added_up_can_spike(world: World) -> None:
    world.billing.put_meter(Meter(MeterKey("seats"), Aggregation.MAX, decimals=0))
    spiky(world)
    for week in range(6, -1, -1):
        at = world.clock.now() - timedelta(weeks=week)
        sent = Event(CustomerId("ada"), EventId(f"s{week}"), MeterKey("seats"), Decimal(5000 if week == 0 else 1), at)
        world.billing.record([sent], backfill=True)
    world.works()
    assert spikes(world.billing) == []


def test_the_sweep_asks_no_more_of_a_long_history_than_of_a_short_one(world: World) -> None:
    spiky(world)
    world.uses("ada", "calls", 301)
    context = world.billing.context
    short = len(statements(world.billing, lambda: flows.sweep_spikes.sweep_spikes(context)))
    with context.database.reading() as conn:
        hour = day("2026-02-26T10:00:00")
        assert len(storage.usage_hours.of_hour(conn, hour, limit=10)) == 1
        told_hours = storage.usage_hours.of_hours(conn, CustomerId("ada"), CALLS, [hour, day("2026-01-01")])
        assert told_hours == {hour: Decimal(301)}
        if context.database.dialect == "sqlite":
            plan = conn.exec_driver_sql(
                "EXPLAIN QUERY PLAN SELECT customer_id, meter_key, SUM(sum) FROM tallystick_usage_rollups "
                "WHERE hour = 1 GROUP BY customer_id, meter_key"
            ).all()
            assert "ix_tallystick_usage_rollups_hour" in repr(plan)
    for other in range(200):
        old = Event(CustomerId("ada"), EventId(f"old{other}"), CALLS.key, Decimal(1), day("2025-01-01") + timedelta(hours=other))
        world.billing.record([old], backfill=True)
    assert len(statements(world.billing, lambda: flows.sweep_spikes.sweep_spikes(context))) <= short
