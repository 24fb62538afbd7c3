"""However events arrive and are amended, the fast total is the measured one; and a name is recorded once."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from tallystick.domain.amendments import name_of, retraction
from tallystick.domain.usage import Aggregation, Event, Meter, Verdict, measure
from tallystick.storage import catalog, usage, usage_levels, usage_totals
from tallystick.storage.database import Database
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.time import Period

START = datetime(2026, 1, 31, 22, tzinfo=UTC)
MIDNIGHT = START.replace(hour=0)
ADA = CustomerId("cus_ada")
METERS = [
    Meter(MeterKey(f"{kind}-{decimals}"), kind, decimals, allow_negative=True, unique_property="p" if kind == "unique" else None)
    for kind in Aggregation
    for decimals in (0, 6)
]

instants = st.integers(0, 5 * 3600).map(lambda seconds: START + timedelta(seconds=seconds)) | st.sampled_from(
    [START + timedelta(hours=h, microseconds=m) for h in range(6) for m in (-1, 0, 1)]
)
prices = st.sampled_from([None, Decimal(0), Decimal("0.10"), Decimal("1E-12"), Decimal(100)])
events = st.lists(
    st.builds(
        lambda n, source, quantity, at, price, p: (n, source, quantity, at, price, p),
        st.integers(0, 12),
        st.sampled_from(["a", "é", "Z", "\U0001f600"]),
        st.integers(-20, 20) | st.sampled_from([2**60, -(2**60)]),
        instants,
        prices,
        st.sampled_from(["x", "y", "Y", "ÿ", "sha256:x", "l" * 300, "l" * 299 + "m"]),
    ),
    max_size=30,
)


class Undone(Exception):
    pass


@pytest.mark.parametrize("meter", METERS, ids=lambda meter: meter.key)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=events, batch=st.integers(1, 9), bounds=st.tuples(instants, instants), taken=st.sets(st.integers(0, 40)))
def test_the_total_is_the_measured_one(database: Database, meter: Meter, drawn, batch, bounds, taken) -> None:
    def check(conn: Connection) -> None:
        catalog.put_meter(conn, meter, at=START)
        sent = [_event(meter, *facts) for facts in drawn]
        verdicts = []
        for start in range(0, len(sent), batch):
            verdicts += usage.append(conn, [(event, meter) for event in sent[start : start + batch]], at=START)
        assert verdicts == _expected(sent)
        first = {}
        for event in sent:
            first.setdefault((event.source, event.id), event)
        stands = sorted(first.values(), key=lambda event: (event.at, event.source, event.id))
        assert usage.events(conn, usage.EventQuery(ADA), limit=1000) == stands
        for event in [event for number, event in enumerate(stands) if number in taken]:
            usage.amend(conn, retraction(event, reason="a test", actor="test", at=START), event, meter)
        kept = [event for number, event in enumerate(stands) if number not in taken]
        assert usage.events(conn, usage.EventQuery(ADA), limit=1000) == kept
        assert usage.events(conn, usage.EventQuery(ADA, amended=True), limit=1000) == stands
        assert usage.amendments(conn, map(name_of, stands)).keys() == set(map(name_of, stands)) - set(map(name_of, kept))
        periods = [Period(START - timedelta(hours=1), START + timedelta(hours=9))]
        if bounds[0] != bounds[1]:
            periods.append(Period(min(bounds), max(bounds)))
        for period in periods:
            is_level = meter.aggregation is Aggregation.TIME_WEIGHTED
            counted = [event for event in kept if event.at in period or (is_level and event.at < period.start)]
            expected = measure(meter, counted, period)
            assert usage.total(conn, ADA, meter, period) == usage.measured(conn, ADA, meter, period) == expected
        days = [Period(MIDNIGHT + timedelta(days=n), MIDNIGHT + timedelta(days=n + 1)) for n in range(3)]
        by_day = usage_totals.by_day(conn, ADA, meter, Period(days[0].start, days[-1].end))
        assert by_day == {day.start: usage.measured(conn, ADA, meter, day).quantity for day in days}
        middle = periods[0].start + periods[0].length / 3
        parts = [Period(periods[0].start, middle), Period(middle, periods[0].end)]
        held = [usage_levels.held_over(conn, ADA, meter, period)[0] for period in (*parts, periods[0])]
        assert held[0] + held[1] == held[2], "the parts of a period add up to the whole"

    _undone(database, check)


def _event(meter: Meter, n: int, source: str, quantity: int, at: datetime, price: Decimal | None, p: str) -> Event:
    steps = Decimal(quantity).scaleb(-meter.decimals)
    return Event(ADA, EventId(f"e{n}"), meter.key, steps, at, source, price, {"p": p, "é": "\\\"'"})


def _expected(sent: list[Event]) -> list[Verdict]:
    stands: dict[tuple[str, str], str] = {}
    verdicts = []
    for event in sent:
        known = stands.setdefault((event.source, event.id), event.fingerprint() + "new")
        if known.endswith("new"):
            stands[event.source, event.id] = event.fingerprint()
            verdicts.append(Verdict.RECORDED)
        else:
            verdicts.append(Verdict.DUPLICATE if known == event.fingerprint() else Verdict.CONFLICT)
    return verdicts


def _undone(database: Database, check: Callable[[Connection], None]) -> None:
    with suppress(Undone), database.transaction("try") as conn:
        check(conn)
        raise Undone
