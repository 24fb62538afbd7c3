"""Recording: verdicts, overflow, late marks, and the race between a biller and an event."""

import threading
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.usage import Aggregation, Event, Meter, Usage, Verdict
from tallystick.storage import catalog, customers, usage
from tallystick.storage.database import Database
from tallystick.storage.usage_intake import unique_value
from tallystick.storage.usage_rows import event_row, said_by
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import EventId, MeterKey
from tallystick.values.time import Period
from tests.storage.worlds import ADA, BEN, NOW, TOKENS, an_event, sent

HOUR = timedelta(hours=1)
DAY = Period(NOW, NOW + timedelta(days=1))
RECORDED, DUPLICATE, CONFLICT = Verdict.RECORDED, Verdict.DUPLICATE, Verdict.CONFLICT


@pytest.fixture(autouse=True)
def _tokens(database: Database) -> None:
    with database.transaction("meter") as conn:
        catalog.put_meter(conn, TOKENS, at=NOW)


def record(database: Database, *events: Event, meter: Meter = TOKENS) -> list[Verdict]:
    with database.transaction("record") as conn:
        return usage.append(conn, sent(*events, meter=meter), at=NOW)


def used(database: Database, period: Period = DAY, meter: Meter = TOKENS) -> Usage:
    with database.reading() as conn:
        return usage.total(conn, ADA, meter, period)


def test_twice_is_once(database: Database) -> None:
    assert record(database, an_event("e1", 7)) == [RECORDED]
    assert record(database, an_event("e1", 7)) == [DUPLICATE]
    assert record(database, an_event("e1", 8)) == [CONFLICT]
    assert used(database).quantity == 7


def test_a_batch_may_repeat_itself(database: Database) -> None:
    batch = [an_event("e1", 1), an_event("e2", 2), an_event("e1", 1), an_event("e1", 3)]
    assert record(database, *batch) == [RECORDED, RECORDED, DUPLICATE, CONFLICT]
    assert record(database, *reversed(batch)) == [CONFLICT, DUPLICATE, DUPLICATE, DUPLICATE]
    assert used(database).quantity == 3


def test_the_same_id_of_another_source_or_customer_is_another_event(database: Database) -> None:
    one = an_event("e1")
    others = [Event(ADA, one.id, one.meter_key, one.quantity, one.at, source="web"), an_event("e1", customer=BEN)]
    assert record(database, one, *others) == [RECORDED] * 3
    assert used(database).quantity == 2


def test_nothing_sent_is_nothing(database: Database) -> None:
    assert record(database) == []


@given(
    a=st.tuples(
        st.integers(-5, 5), st.sampled_from([None, "1", "1.0", "2"]), st.dictionaries(st.sampled_from("ab"), st.text("xy"))
    ),
    b=st.tuples(
        st.integers(-5, 5), st.sampled_from([None, "1", "1.0", "2"]), st.dictionaries(st.sampled_from("ab"), st.text("xy"))
    ),
)
def test_two_rows_say_the_same_where_the_fingerprints_do(a, b) -> None:
    def event(facts) -> Event:
        price = None if facts[1] is None else Decimal(facts[1])
        return Event(ADA, EventId("e"), TOKENS.key, Decimal(facts[0]), NOW, unit_price=price, properties=facts[2])

    rows = [event_row(event(facts), TOKENS, 0) for facts in (a, b)]
    assert (said_by(rows[0]) == said_by(rows[1])) == (event(a).fingerprint() == event(b).fingerprint())


MOST = 2**63 - 1


def test_a_sum_over_64_bits_is_refused_whole(database: Database) -> None:
    assert record(database, an_event("e1", MOST)) == [RECORDED]
    for batch in ([an_event("e2", 1)], [an_event("e3", MOST), an_event("e4", 1)]):
        with pytest.raises(InvalidInput) as refused:
            record(database, *batch)
        assert refused.value.code == "quantity_overflow"
    assert used(database) == Usage(TOKENS.key, Decimal(MOST), 1, ((None, Decimal(MOST)),))


def test_after_an_overflow_in_a_savepoint_the_transaction_goes_on(database: Database) -> None:
    record(database, an_event("e1", MOST))
    with database.transaction("record") as conn:
        with pytest.raises(InvalidInput), conn.begin_nested():
            usage.append(conn, sent(an_event("e2", 1)), at=NOW)
        assert usage.append(conn, sent(an_event("e3", 1, at=NOW + HOUR)), at=NOW) == [RECORDED]
    assert used(database).quantity == MOST + 1, "a total may be wider than a row"
    with database.reading() as conn:
        assert usage.get_event(conn, ADA, "api", EventId("e2")) is None


def test_an_overflow_that_is_swallowed_is_never_committed(database: Database) -> None:
    record(database, an_event("e1", MOST))
    swallowed = suppress(InvalidInput)
    with pytest.raises(AssertionError, match="nothing is kept"), database.transaction("record") as conn, swallowed:
        usage.append(conn, sent(an_event("e2", 1)), at=NOW)
    assert used(database).count == 1


def test_negative_sums_are_exact_at_the_edge(database: Database) -> None:
    refunds = Meter(MeterKey("refunds"), decimals=0, allow_negative=True)
    with database.transaction("meter") as conn:
        catalog.put_meter(conn, refunds, at=NOW)
    events = [an_event(f"e{i}", -MOST, at=NOW + i * HOUR, meter=refunds) for i in range(3)]
    record(database, *events, meter=refunds)
    with pytest.raises(InvalidInput):
        record(database, an_event("e9", -1, meter=refunds), an_event("e8", -1, meter=refunds), meter=refunds)
    assert used(database, meter=refunds).quantity == -3 * MOST


def test_long_values_are_counted_apart() -> None:
    words = ["x", "x" * 256, "x" * 257, "x" * 258, "sha256:", unique_value('{"p":"' + "x" * 257 + '"}', "p")]
    assert len({unique_value('{"p":"' + word + '"}', "p") for word in words}) == len(words)


def test_a_unique_value_of_any_length_is_counted(database: Database) -> None:
    seats = Meter(MeterKey("seats"), Aggregation.UNIQUE, unique_property="seat")
    with database.transaction("meter") as conn:
        catalog.put_meter(conn, seats, at=NOW)
    values = ["a", "b" * 8000, "b" * 8001, "a"]
    events = [Event(ADA, EventId(str(i)), seats.key, Decimal(1), NOW, properties={"seat": v}) for i, v in enumerate(values)]
    record(database, *events, meter=seats)
    assert used(database, meter=seats).quantity == 3


def test_amounts_come_in_the_order_of_the_events(database: Database) -> None:
    priced = Event(ADA, EventId("e0"), TOKENS.key, Decimal(3), NOW + HOUR, unit_price=Decimal("0.5"))
    record(database, priced, an_event("b", 2), an_event("a", 1))
    with database.reading() as conn:
        assert usage.amounts(conn, ADA, TOKENS, DAY) == (Decimal(1), Decimal(2), Decimal("1.5"))
        assert usage.totals(conn, ADA, [TOKENS], DAY) == {TOKENS.key: usage.measured(conn, ADA, TOKENS, DAY)}


def test_events_are_listed_in_pages(database: Database) -> None:
    calls = Meter(MeterKey("calls"))
    with database.transaction("meter") as conn:
        catalog.put_meter(conn, calls, at=NOW)
    record(database, *(an_event(f"t{i}", at=NOW + i * HOUR) for i in range(5)))
    record(database, *(an_event(f"c{i}", at=NOW + i * HOUR, meter=calls) for i in range(5)), meter=calls)
    with database.reading() as conn:
        listed, after = [], None
        while page := usage.events(conn, usage.EventQuery(ADA, period=DAY), after=after, limit=3):
            listed += [event.id for event in page]
            after = page[-1]
        only = usage.events(conn, usage.EventQuery(ADA, calls.key, Period(NOW + HOUR, NOW + 3 * HOUR)), limit=10)
    assert listed == [f"{kind}{i}" for i in range(5) for kind in "ct"]
    assert [event.id for event in only] == ["c1", "c2"]


def test_the_first_event_is_found_however_late_it_came(database: Database) -> None:
    record(database, an_event("e1"))
    record(database, an_event("e0", at=NOW - HOUR))
    with database.reading() as conn:
        assert usage.first_at(conn, ADA, TOKENS.key) == NOW - HOUR
        assert usage.first_at(conn, BEN, TOKENS.key) is None
        assert usage.customers_with_usage(conn, limit=10) == [ADA]
        assert usage.customers_with_usage(conn, after=ADA, limit=10) == []


def test_a_position_never_goes_back(database: Database) -> None:
    with database.transaction("bill") as conn:
        customers.ensure(conn, [ADA], at=NOW)
        assert usage.position(conn, ADA, "tokens") is None
        for through, stands in ((NOW, NOW), (NOW - HOUR, NOW), (NOW + HOUR, NOW + HOUR)):
            usage.advance_position(conn, ADA, "tokens", TOKENS.key, billed_through=through)
            assert usage.position(conn, ADA, "tokens") == stands


def test_only_new_events_before_the_position_are_late(database: Database) -> None:
    record(database, an_event("in time", at=NOW - 2 * HOUR))
    bill(database)
    late = [an_event("late", at=NOW - timedelta(microseconds=1)), an_event("later", at=NOW - HOUR)]
    assert record(database, an_event("in time", at=NOW - 2 * HOUR), an_event("next", at=NOW), *late)[0] is DUPLICATE
    with database.transaction("late") as conn:
        assert usage.late_hours(conn, ADA, "tokens") == [NOW - HOUR]
        assert usage.late_hours(conn, ADA, "other") == []
        usage.clear_late(conn, ADA, "tokens", [NOW - HOUR])
        assert usage.late_hours(conn, ADA, "tokens") == []


def bill(database: Database) -> None:
    with database.transaction("bill") as conn:
        customers.lock(conn, ADA)
        usage.advance_position(conn, ADA, "tokens", TOKENS.key, billed_through=NOW)


def test_no_event_slips_between_the_biller_and_its_position(postgres_url: str) -> None:
    """Whoever comes first: the event is in what the biller reads, or it is marked as late."""
    database = Database.from_url(postgres_url)
    with database.transaction("meter") as conn:
        catalog.put_meter(conn, TOKENS, at=NOW)
        customers.ensure(conn, [ADA], at=NOW)
    _biller_first(database)
    _event_first(database)
    database.close()


def _biller_first(database: Database) -> None:
    with database.transaction("bill") as conn:
        customers.lock(conn, ADA)
        assert usage.total(conn, ADA, TOKENS, Period(NOW - HOUR, NOW)).quantity == 0
        recording = threading.Thread(target=record, args=(database, an_event("e1", at=NOW - HOUR)))
        recording.start()
        recording.join(0.5)
        assert recording.is_alive(), "the event waits for the biller"
        usage.advance_position(conn, ADA, "tokens", TOKENS.key, billed_through=NOW)
    recording.join(10)
    with database.reading() as conn:
        assert usage.late_hours(conn, ADA, "tokens") == [NOW - HOUR]


def _event_first(database: Database) -> None:
    read: list[Decimal] = []

    def biller() -> None:
        with database.transaction("bill") as conn:
            customers.lock(conn, ADA)
            read.append(usage.total(conn, ADA, TOKENS, Period(NOW, NOW + HOUR)).quantity)
            usage.advance_position(conn, ADA, "tokens", TOKENS.key, billed_through=NOW + HOUR)

    with database.transaction("record") as conn:
        usage.append(conn, sent(an_event("e2", 5, at=NOW)), at=NOW)
        billing = threading.Thread(target=biller)
        billing.start()
        billing.join(0.5)
        assert billing.is_alive(), "the biller waits for the event"
    billing.join(10)
    assert read == [5]
    with database.reading() as conn:
        assert usage.late_hours(conn, ADA, "tokens") == [NOW - HOUR], "only the one from before"


def test_two_batches_in_opposite_order_do_not_deadlock(database: Database) -> None:
    names = [f"e{i:03}" for i in range(200)]
    batches = [[an_event(name, at=NOW + i * HOUR) for i, name in enumerate(names)] for _ in range(4)]
    verdicts: list[list[Verdict]] = []
    threads = [
        threading.Thread(target=lambda events=events, step=step: verdicts.append(record(database, *events[::step])))
        for events, step in zip(batches, (1, -1, 1, -1), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(told.count(RECORDED) for told in verdicts) == [0, 0, 0, 200]
    assert used(database, Period(NOW, NOW + 200 * HOUR)).quantity == 200
