"""Recording events, once each, with all that follows from them in the same transaction: rollups, uniques, late marks."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

from sqlalchemy import Connection, select, tuple_
from sqlalchemy.exc import DBAPIError

from tallystick.domain.usage import Aggregation, Event, Meter, Verdict
from tallystick.storage import customers, schema, usage_levels
from tallystick.storage.bulk import insert_rows, insert_unseen, select_of
from tallystick.storage.database import is_overflow
from tallystick.storage.usage_rows import COLUMNS, HOUR_MICROS, EventRow, Name, event_row, name_of, said_by
from tallystick.values.errors import InvalidInput
from tallystick.values.time import to_micros

_WIDEST = 2**63
_AT_ONCE = 500
# A longer value is counted by its digest, because an index of PostgreSQL holds no entry above 2.7 kB.
_VALUE_LENGTH_MAX = 256
_DIGEST = "sha256:"

_ROLLUP = tuple(schema.usage_rollups.c.keys())
_LATEST = ("latest_at", "latest_source", "latest_id", "latest_quantity")
_STANDS = "tallystick_usage_rollups"
_IS_LATER = "(excluded.latest_at, excluded.latest_source, excluded.latest_id) > ({0}.latest_at, {0}.latest_source, {0}.latest_id)"
_ADD_UP = (
    f"(customer_id, meter_key, hour, unit_price) DO UPDATE SET count = {_STANDS}.count + excluded.count, "
    f"sum = {_STANDS}.sum + excluded.sum, max = CASE WHEN excluded.max > {_STANDS}.max THEN excluded.max ELSE {_STANDS}.max END, "
    + ", ".join(
        f"{name} = CASE WHEN {_IS_LATER.format(_STANDS)} THEN excluded.{name} ELSE {_STANDS}.{name} END" for name in _LATEST
    )
)


@dataclass(slots=True)
class _Hour:
    """What some events of one hour and price add up to, in steps."""

    count: int
    sum: int
    max: int
    latest: tuple[int, str, str, int]


def append(conn: Connection, events: Sequence[tuple[Event, Meter]], *, at: datetime) -> list[Verdict]:
    """Records the events that are new; the verdicts are in the order given.

    Raises InvalidInput where a sum would leave 64 bits; then the transaction, or the savepoint within it, is rolled back.
    """
    if not events:
        return []
    recorded = to_micros(at)
    sent = [event_row(event, meter, recorded) for event, meter in events]
    # Of one name the first counts. One order of keys for everybody: two batches wait for each other and never in a circle.
    rows = sorted({row[:3]: row for row in reversed(sent)}.values())
    customers.ensure(conn, {row[0] for row in rows}, at=at)
    new = insert_unseen(conn, schema.events, COLUMNS, rows, key_length=3)
    if new:
        meters = {meter.key: meter for _, meter in events}
        roll_up(conn, new)
        count_uniques(conn, new, meters.values())
        mark_late(conn, new, meters.values())
    if len(new) == len(sent):
        return [Verdict.RECORDED] * len(sent)
    return _verdicts(conn, sent, new)


def _verdicts(conn: Connection, sent: Sequence[EventRow], new: Sequence[EventRow]) -> list[Verdict]:
    stands = {name_of(row): said_by(row) for row in new}
    unseen = set(stands)
    stands |= _stored(conn, list({name_of(row) for row in sent} - unseen))
    verdicts = []
    for row in sent:
        name = name_of(row)
        if name in unseen:
            unseen.remove(name)
            verdicts.append(Verdict.RECORDED)
        else:
            verdicts.append(Verdict.DUPLICATE if said_by(row) == stands[name] else Verdict.CONFLICT)
    return verdicts


def _stored(conn: Connection, names: Sequence[Name]) -> dict[Name, tuple[object, ...]]:
    """What the events of these names say."""
    table = schema.events
    found: dict[Name, tuple[object, ...]] = {}
    for start in range(0, len(names), _AT_ONCE):
        named = tuple_(table.c.customer_id, table.c.source, table.c.id).in_(names[start : start + _AT_ONCE])
        for row in conn.execute(select(table).where(named)):
            said = (row.meter_key, to_micros(row.at), row.quantity, row.unit_price, row.properties)
            found[(row.customer_id, row.source, row.id)] = said
    return found


def roll_up(conn: Connection, rows: Iterable[EventRow]) -> None:
    """Adds the events to the rows of their hours."""
    sums: dict[tuple[str, str, int, str], _Hour] = {}
    for customer_id, source, event_id, meter_key, at, quantity, unit_price, _, _ in rows:
        key = (customer_id, meter_key, at - at % HOUR_MICROS, unit_price)
        known = sums.get(key)
        if known is None:
            sums[key] = _Hour(1, quantity, quantity, (at, source, event_id, quantity))
            continue
        known.count += 1
        known.sum += quantity
        known.max = max(known.max, quantity)
        if at >= known.latest[0]:
            known.latest = max(known.latest, (at, source, event_id, quantity))
    if any(not -_WIDEST < hour.sum < _WIDEST for hour in sums.values()):
        raise _overflow(conn)
    values = [(*key, hour.count, hour.sum, hour.max, *hour.latest) for key, hour in sorted(sums.items(), key=itemgetter(0))]
    try:
        insert_rows(conn, schema.usage_rollups, _ROLLUP, values, conflict=_ADD_UP)
    except DBAPIError as error:
        if is_overflow(error):
            raise _overflow(conn) from error
        raise


def _overflow(conn: Connection) -> InvalidInput:
    # The events are inserted, and their sums are not: nobody may commit that. (A savepoint for each batch costs a tenth of it.)
    begun = conn.get_nested_transaction() or conn.get_transaction()
    assert begun is not None, "events are inserted in a transaction"
    begun.rollback()
    return InvalidInput(
        "quantity: the sum of this hour would leave 64 bits; use a meter with fewer decimals",
        field="quantity",
        code="quantity_overflow",
    )


def count_uniques(conn: Connection, rows: Iterable[EventRow], meters: Iterable[Meter]) -> None:
    """Adds the values that the events of meters which count them have to those of their hours."""
    properties = {meter.key: meter.unique_property for meter in meters if meter.unique_property}
    if not properties:
        return
    seen = {
        (customer_id, meter_key, at - at % HOUR_MICROS, unique_value(said, properties[meter_key]))
        for customer_id, _, _, meter_key, at, _, _, said, _ in rows
        if meter_key in properties
    }
    insert_rows(conn, schema.usage_uniques, ("customer_id", "meter_key", "hour", "value"), sorted(seen), conflict="DO NOTHING")


def unique_value(properties: str, name: str) -> str:
    """The value that is counted, in a form that an index can hold; different values stay different."""
    value: str = json.loads(properties)[name]
    if len(value) > _VALUE_LENGTH_MAX or value.startswith(_DIGEST):
        return _DIGEST + hashlib.sha256(value.encode()).hexdigest()
    return value


def mark_late(conn: Connection, rows: Sequence[EventRow], meters: Iterable[Meter]) -> None:
    """Notes the hours of events that came, or ceased to count, after their charge was billed.

    Their customers' rows are held since the events were inserted, by the foreign key, or were locked before they were amended;
    so that a biller, who locks them, has either moved the position already, and is seen here, or will read what is new.
    """
    positions: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    columns = ("customer_id", "meter_key", "charge_key", "billed_through")
    for customer_id, meter_key, charge_key, through in select_of(
        conn, schema.billing_positions, columns, {row[0] for row in rows}
    ):
        positions[customer_id, meter_key].append((charge_key, through))
    if not positions:
        return
    late: dict[tuple[str, str], list[EventRow]] = defaultdict(list)
    for row in rows:
        for charge_key, through in positions.get((row[0], row[3]), ()):
            if row[4] < through:
                late[row[0], charge_key].append(row)
    levels = {meter.key for meter in meters if meter.aggregation is Aggregation.TIME_WEIGHTED}
    hours = set()
    for (customer_id, charge_key), these in late.items():
        moments = [row[4] for row in these]
        if these[0][3] in levels:
            moments += usage_levels.carried_to(conn, charge_key, these)
        hours |= {(customer_id, charge_key, at - at % HOUR_MICROS) for at in moments}
    insert_rows(conn, schema.late_usage, ("customer_id", "charge_key", "hour"), sorted(hours), conflict="DO NOTHING")
