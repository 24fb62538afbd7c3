"""Events whoever's they are: the newest by when they were recorded, and those of one id."""

from datetime import timedelta

import pytest

from tallystick.domain.usage import Event
from tallystick.storage import catalog, usage
from tallystick.storage.database import Database
from tallystick.values.ids import EventId, MeterKey
from tests.storage.worlds import ADA, BEN, NOW, TOKENS, an_event, sent

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _tokens(database: Database) -> None:
    with database.transaction("meter") as conn:
        catalog.put_meter(conn, TOKENS, at=NOW)


def record(database: Database, *events: Event, after: int = 0) -> None:
    with database.transaction("record") as conn:
        usage.append(conn, sent(*events), at=NOW + after * SECOND)


def of_source(source: str, event_id: str) -> Event:
    one = an_event(event_id)
    return Event(ADA, one.id, one.meter_key, one.quantity, one.at, source=source)


def test_the_newest_are_those_that_were_recorded_last_whenever_they_happened(database: Database) -> None:
    record(database, an_event("first"))
    record(database, an_event("early", customer=BEN), after=1)
    record(database, an_event("late"), after=2)
    with database.reading() as conn:
        feed = usage.newest(conn, limit=2)
        assert ([str(recorded.event.id) for recorded in feed.events], feed.more) == (["early", "late"], True)
        assert (feed.first_at, feed.last_at) == (NOW + SECOND, NOW + 2 * SECOND)
        feed = usage.newest(conn, since=NOW + SECOND, limit=5)
        assert ([str(recorded.event.id) for recorded in feed.events], feed.more) == (["early", "late"], False)


def test_of_the_newest_those_of_one_customer_or_meter_are_shown(database: Database) -> None:
    record(database, an_event("a"), an_event("b", customer=BEN))
    with database.reading() as conn:
        feed = usage.newest(conn, customer_id=BEN, limit=5)
        assert [str(each.event.id) for each in feed.events] == ["b"]
        assert len(usage.newest(conn, meter_key=TOKENS.key, limit=5).events) == 2
        none = usage.newest(conn, meter_key=MeterKey("other"), limit=5)
        assert (none.events, none.last_at) == ([], NOW), "what was looked at is said all the same"
        assert usage.newest(conn, since=NOW + SECOND, limit=5).last_at is None


def test_an_event_is_found_by_its_id_whoevers_it_is_and_wherever_it_came_from(database: Database) -> None:
    record(database, an_event("e1"), an_event("e2"))
    record(database, an_event("e1", customer=BEN), after=1)
    record(database, of_source("web", "e1"), of_source("zoo", "e1"), of_source("mid", "e3"), after=2)
    with database.reading() as conn:
        found = [(each.event.customer_id, each.event.source) for each in usage.named(conn, EventId("e1"), limit=9)]
        assert found == [(ADA, "web"), (ADA, "zoo"), (BEN, "api"), (ADA, "api")]
        assert len(usage.named(conn, EventId("e1"), limit=2)) == 2
        assert usage.named(conn, EventId("nothing"), limit=9) == []
