"""What a correction and a retraction share: the event under its customer's lock, what is saved, and what the audit says."""

from sqlalchemy import Connection

from tallystick import storage
from tallystick.domain.amendments import Amendment, EventName
from tallystick.domain.usage import Event
from tallystick.flows.context import Context
from tallystick.storage.audit import Act
from tallystick.values.decimals import plain
from tallystick.values.errors import NotFound
from tallystick.values.time import rfc3339


def locked(conn: Connection, name: EventName) -> Event:
    """The event as it was recorded; until the end of the transaction nobody else bills, records or amends for its customer."""
    held = storage.customers.lock(conn, name.customer_id)
    event = storage.usage.get_event(conn, *name) if held else None
    if event is None:
        raise NotFound("event: there is no such event", field="event")
    return event


def save(ctx: Context, conn: Connection, amendment: Amendment, first: Event) -> None:
    meter = storage.catalog.meter(conn, first.meter_key)
    assert meter is not None, "an event is of a meter"
    storage.usage.amend(conn, amendment, first, meter)
    ctx.faults.mark(f"event.{amendment.word}")


def act(amendment: Amendment, first: Event, replacement: Event | None = None) -> Act:
    before, after = _said(first), None if replacement is None else _said(replacement)
    action, subject = f"event.{amendment.word}", str(amendment.event)
    return Act(amendment.actor, action, subject, before=before, after=after, reason=amendment.reason)


def _said(event: Event) -> dict[str, object]:
    return {
        "customer": event.customer_id,
        "source": event.source,
        "id": event.id,
        "meter": event.meter_key,
        "quantity": plain(event.quantity),
        "at": rfc3339(event.at),
        "unit_price": None if event.unit_price is None else plain(event.unit_price),
    }
