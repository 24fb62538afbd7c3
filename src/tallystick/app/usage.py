"""The engine's calls about what was used."""

from collections.abc import Sequence
from datetime import datetime

from tallystick import flows, storage
from tallystick.app.engine import Engine
from tallystick.domain.amendments import Amendment, EventName
from tallystick.domain.usage import Answer, Event, Feed, Recorded, Usage
from tallystick.storage.usage import EventQuery
from tallystick.values.errors import NotFound
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.time import Period


class UsageCalls(Engine):
    """Events in, corrected and retracted; quantities out."""

    def record(self, events: Sequence[Event], *, backfill: bool = False, actor: str = "system") -> list[Answer]:
        """A verdict per event, in order; what is recorded is on disk. `backfill` takes old events too, and is audited."""
        return flows.ingest.ingest(self.context, events, backfill=backfill, actor=actor)

    def correct(
        self, customer_id: str, source: str, event_id: str, *, replacement: Event, reason: str, actor: str = "system"
    ) -> Amendment:
        """Lets `replacement` count in the event's place, and is audited; twice is once. What was billed is made up for next time.

        It is of the same customer and meter. Without an id of its own it gets one, so that this is enough:
        `replace(event, quantity=…)`. Raises NotFound, and Conflict where the event was amended otherwise.
        """
        name = _name(customer_id, source, event_id)
        return flows.correct_event.correct_event(self.context, name, replacement, reason=reason, actor=actor)

    def retract(self, customer_id: str, source: str, event_id: str, *, reason: str, actor: str = "system") -> Amendment:
        """Lets the event count no longer, and is audited; twice is once. What was billed of it is given back next time.

        Raises NotFound, and Conflict where the event was corrected.
        """
        name = _name(customer_id, source, event_id)
        return flows.retract_event.retract_event(self.context, name, reason=reason, actor=actor)

    def amendment(self, customer_id: str, source: str, event_id: str) -> Amendment | None:
        """Why and since when the event counts no longer; None where it counts, or was never recorded."""
        with self.context.database.reading() as conn:
            return storage.usage.amendment(conn, _name(customer_id, source, event_id))

    def usage(self, customer_id: str, meter_key: str, period: Period) -> Usage:
        """What the customer used of the meter in the period: exact, and live. Raises NotFound for an unknown meter."""
        with self.context.database.reading() as conn:
            meter = storage.catalog.meters(conn).get(MeterKey(meter_key))
            if meter is None:
                raise NotFound("meter: there is no such meter", field="meter")
            return storage.usage.total(conn, CustomerId(customer_id), meter, period)

    def event(self, customer_id: str, source: str, event_id: str) -> Event:
        """The event as it was recorded, whether or not it counts. Raises NotFound."""
        with self.context.database.reading() as conn:
            event = storage.usage.get_event(conn, CustomerId(customer_id), source, EventId(event_id))
        if event is None:
            raise NotFound("event: there is no such event", field="event")
        return event

    def events(
        self, customer_id: str, *, meter_key: str | None = None, period: Period | None = None, after: Event | None = None,
        limit: int = 50,
    ) -> list[Event]:  # fmt: skip
        """A page of the customer's events that count, in the order of their time, behind `after`."""
        query = EventQuery(CustomerId(customer_id), None if meter_key is None else MeterKey(meter_key), period)
        with self.context.database.reading() as conn:
            return storage.usage.events(conn, query, after=after, limit=limit)

    def newest_events(
        self, *, since: datetime | None = None, customer_id: str | None = None, meter_key: str | None = None, limit: int = 500
    ) -> Feed:
        """Of the last `limit` events that were recorded since then, whoever's, those asked for, the oldest first."""
        who = None if customer_id is None else CustomerId(customer_id)
        what = None if meter_key is None else MeterKey(meter_key)
        with self.context.database.reading() as conn:
            return storage.usage.newest(conn, since=since, customer_id=who, meter_key=what, limit=limit)

    def find_events(self, event_id: str, *, limit: int = 20) -> list[tuple[Recorded, Amendment | None]]:
        """The recorded events of this id, whoever's, the newest first; each with what became of it."""
        with self.context.database.reading() as conn:
            found = storage.usage.named(conn, EventId(event_id), limit=limit)
            amended = storage.usage.amendments(conn, [_name_of(recorded.event) for recorded in found])
        return [(recorded, amended.get(_name_of(recorded.event))) for recorded in found]


def _name_of(event: Event) -> EventName:
    return EventName(event.customer_id, event.source, event.id)


def _name(customer_id: str, source: str, event_id: str) -> EventName:
    return EventName(CustomerId(customer_id), source, EventId(event_id))
