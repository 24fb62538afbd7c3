"""Exports are found by what an hour comes to: nothing is missed, nothing is found twice, and recording pays nothing for it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Connection

from tallystick import storage
from tallystick.domain.amendments import retraction
from tallystick.domain.usage import Event, Meter
from tallystick.domain.usage_exports import Export, ExportStatus, ExportStep, Held, asked, export, moved
from tallystick.storage.database import Database
from tallystick.storage.usage_exports import Which
from tallystick.values.errors import Conflict
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.time import Period

AT = datetime(2026, 3, 10, 12, 20, tzinfo=UTC)
HOUR = datetime(2026, 3, 10, 12, tzinfo=UTC)
EVER = Period(HOUR - timedelta(days=40), HOUR + timedelta(days=40))
METER = Meter(MeterKey("calls"), decimals=3, export_as="api_calls")
ADA, BEN = CustomerId("ada"), CustomerId("ben")


def event(name: str, quantity: str = "5", customer: CustomerId = ADA, at: datetime = AT) -> Event:
    return Event(customer, EventId(name), METER.key, Decimal(quantity), at)


@pytest.fixture
def filled(database: Database) -> Database:
    with database.transaction("fill") as conn:
        storage.catalog.put_meter(conn, METER, at=AT)
        storage.customers.ensure(conn, [ADA, BEN], at=AT)
        record(conn, event("e1"), event("e2", "2.5"), event("e3", customer=BEN))
    return database


def record(conn: Connection, *events: Event) -> None:
    storage.usage.append(conn, [(each, METER) for each in events], at=AT)


def hours(conn: Connection) -> list[tuple[str, int, int]]:
    return [(hour.customer_id, hour.events, hour.steps) for hour in changed(conn)]


def changed(conn: Connection) -> list[storage.usage_exports.ChangedHour]:
    return storage.usage_exports.changed_hours(conn, METER, EVER, limit=100)


def take(conn: Connection) -> list[str]:
    """Everything new, with a row each; the names of the events."""
    found = changed(conn)
    events = [each for hour in found for each in storage.usage_exports.unknown_events(conn, hour.customer_id, METER, hour.hour)]
    storage.usage_exports.add(conn, [export(each, METER, now=AT) for each in events], METER)
    for hour in found:
        storage.usage_exports.note_amended(conn, hour.customer_id, METER, hour.hour)
    storage.usage_exports.looked_at(conn, METER, found)
    return sorted(each.id for each in events)


def rows(conn: Connection, customer: CustomerId = ADA) -> dict[str, Export]:
    found = storage.usage_exports.to_do(conn, customer, Which(AT + timedelta(days=1)), limit=100)
    return {row.event_id: row for row in found}


def test_an_hour_is_new_until_it_was_looked_at_and_again_once_it_changes(filled: Database) -> None:
    with filled.transaction("look") as conn:
        assert sorted(hours(conn)) == [("ada", 2, 7500), ("ben", 1, 5000)]
        assert take(conn) == ["e1", "e2", "e3"]
        assert hours(conn) == []
        record(conn, event("e4", "1"))
        assert hours(conn) == [("ada", 3, 8500)]
        assert take(conn) == ["e4"]
        assert take(conn) == []


def test_a_row_is_read_as_it_was_written(filled: Database) -> None:
    with filled.transaction("write") as conn:
        take(conn)
        row = rows(conn)["e2"]
        assert row == export(event("e2", "2.5"), METER, now=AT)
        after = replace(asked(row, ExportStep.SEND, now=AT), version=1, round=2)
        assert storage.usage_exports.move(conn, row, after)
        assert rows(conn)["e2"] == after
        assert not storage.usage_exports.move(conn, row, after), "who has read an older version writes nothing"
        assert storage.usage_exports.by_identifier(conn, [row.identifier]) == [after]


def test_an_amended_event_is_noted_even_if_nothing_is_left_of_its_hour(filled: Database) -> None:
    with filled.transaction("retract") as conn:
        take(conn)
        amendment = retraction(event("e3", customer=BEN), reason="a test", actor="me", at=AT)
        storage.usage.amend(conn, amendment, event("e3", customer=BEN), METER)
        assert hours(conn) == [("ben", 0, 0)]
        assert take(conn) == []
        assert rows(conn, BEN)["e3"].amended
        assert not rows(conn)["e1"].amended
        assert hours(conn) == []


def test_what_was_retracted_before_anybody_looked_has_no_row(filled: Database) -> None:
    with filled.transaction("retract") as conn:
        storage.usage.amend(conn, retraction(event("e1"), reason="a test", actor="me", at=AT), event("e1"), METER)
        assert take(conn) == ["e2", "e3"]


def test_only_what_is_open_is_to_be_done(filled: Database) -> None:
    with filled.transaction("send") as conn:
        take(conn)
        row = rows(conn)["e1"]
        sent = replace(moved(asked(row, ExportStep.SEND, now=AT), ExportStatus.SENT, now=AT), version=1)
        storage.usage_exports.move(conn, row, sent)
        assert set(rows(conn)) == {"e2"}
        assert storage.usage_exports.customers_to_do(conn, Which(AT + timedelta(seconds=1), EVER, "api_calls")) == [ADA, BEN]
        assert storage.usage_exports.customers_to_do(conn, Which(AT)) == []
        storage.usage.amend(conn, retraction(event("e1"), reason="a test", actor="me", at=AT), event("e1"), METER)
        take(conn)
        assert set(rows(conn)) == {"e1", "e2"}, "what was sent and counts no longer is to be taken back"


def test_the_sums_say_what_the_provider_has_and_what_it_may_have(filled: Database) -> None:
    with filled.transaction("send") as conn:
        record(conn, event("e4", "100"), event("e5", "1000"))
        take(conn)
        found = rows(conn)
        first = replace(moved(asked(found["e1"], ExportStep.SEND, now=AT), ExportStatus.SENT, now=AT), version=1)
        storage.usage_exports.move(conn, found["e1"], first)
        storage.usage_exports.move(conn, found["e2"], replace(asked(found["e2"], ExportStep.SEND, now=AT), version=1))
        refused = replace(moved(found["e5"], ExportStatus.REJECTED, now=AT, code="no_meter"), version=1)
        storage.usage_exports.move(conn, found["e5"], refused)
        held = storage.usage_exports.held(conn, ADA, "api_calls", EVER)
        sums = Held(counted=Decimal(5), unknown=Decimal("2.5"), waiting=Decimal(100), rejected=Decimal(1000))
        assert held == replace(sums, missing=Decimal("102.5")), "what is unknown and what waits may both be missing there"
        without = storage.usage_exports.held(conn, ADA, "api_calls", EVER, but=first)
        assert without.counted == 0
        assert storage.usage_exports.holders(conn, EVER) == [(ADA, METER.key, "api_calls"), (BEN, METER.key, "api_calls")]
        assert storage.usage_exports.with_status(conn, [ExportStatus.REJECTED], EVER, limit=9) == [refused]


def test_a_meter_is_exported_since_somebody_said_so(filled: Database) -> None:
    later = AT + timedelta(days=1)
    with filled.transaction("change") as conn:
        assert storage.catalog.exported(conn) == [(METER, AT)]
        storage.catalog.put_meter(conn, replace(METER, export_as="calls_v2"), at=later)
        assert storage.catalog.exported(conn) == [(replace(METER, export_as="calls_v2"), AT)]
        storage.catalog.put_meter(conn, replace(METER, export_as=None), at=later)
        assert storage.catalog.exported(conn) == []
        storage.catalog.put_meter(conn, METER, at=later)
        assert storage.catalog.exported(conn) == [(METER, later)]


def test_two_meters_have_two_names_at_the_provider(filled: Database) -> None:
    with filled.transaction("change") as conn, pytest.raises(Conflict, match="calls is exported as api_calls already"):
        storage.catalog.put_meter(conn, Meter(MeterKey("other"), export_as="api_calls"), at=AT)
