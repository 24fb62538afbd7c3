"""Usage from a CSV file: each row becomes an event per meter, with ids derived from the file's rows, so that twice is once."""

import csv
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tallystick.domain.usage import Event
from tallystick.values.decimals import exact_decimal
from tallystick.values.errors import InvalidInput
from tallystick.values.fields import Fields
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.time import instant


@dataclass(frozen=True, slots=True)
class Mapped:
    """Which columns say what.

    `meters` is column by meter. The customer is in `customer_column`, or one of `customers` made-up ones by the hash of the
    row's number. Times without an offset are local times of `zone`. `source` names the file for ever: with the row's number,
    or with `id_column`, it is what makes an event the same one when the file is read again.
    """

    source: str
    time_column: str
    meters: Mapping[str, str]
    customer_column: str | None = None
    customers: int = 0
    customer_prefix: str = "customer"
    id_column: str | None = None
    zone: str = "UTC"
    properties: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.meters:
            raise InvalidInput("meters: name at least one, as meter=column", field="meters")
        if (self.customer_column is None) == (self.customers < 1):
            raise InvalidInput(
                "customer: name the column that holds it, or over how many customers to spread rows", field="customer"
            )
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError):
            raise InvalidInput('zone: not a known time zone; write it as "Europe/Berlin"', field="zone") from None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the file, by number from 1, as events; or why it could not be read."""

    number: int
    events: tuple[Event, ...] = ()
    problem: str | None = None


def read_mapping(document: Mapping[str, object], *, source: str) -> Mapped:
    """A mapping file: time, meters, and customer or customers; zone, id and source where they matter."""
    fields = Fields(document)
    meters = fields.required("meters")
    if not isinstance(meters, Mapping) or not all(isinstance(column, str) for column in meters.values()):
        raise fields.wrong("meters", 'must be a table of columns by meter, such as tokens = "ContextTokens"')
    mapped = Mapped(
        source=fields.text("source", source),
        time_column=fields.text("time"),
        meters={str(meter): str(column) for meter, column in meters.items()},
        customer_column=fields.text("customer", "") or None,
        customers=fields.maybe_count("customers") or 0,
        customer_prefix=fields.text("customer_prefix", "customer"),
        id_column=fields.text("id", "") or None,
        zone=fields.text("zone", "UTC"),
    )
    fields.end()
    return mapped


def count_rows(path: Path) -> int:
    """Lines behind the heading: for the progress bar, so a line break inside quotes may count twice."""
    with path.open("rb") as file:
        return max(sum(1 for _ in file) - 1, 0)


def rows(path: Path, mapped: Mapped) -> Iterator[Row]:
    """Every row, in order, read as it goes. Raises InvalidInput where the heading lacks a mapped column."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        _check_heading(reader.fieldnames or (), mapped)
        try:
            for number, cells in enumerate(reader, start=1):
                yield _row(number, cells, mapped)
        except (csv.Error, UnicodeDecodeError) as wrong:
            raise InvalidInput(f"{path.name}: not a CSV file in UTF-8: {wrong}") from None


def _check_heading(heading: object, mapped: Mapped) -> None:
    wanted = [mapped.time_column, *mapped.meters.values(), mapped.customer_column, mapped.id_column]
    columns = list(heading) if isinstance(heading, list | tuple) else []
    missing = sorted({column for column in wanted if column is not None and column not in columns})
    if missing:
        raise InvalidInput(f"columns: the file has no {', '.join(missing)}; it has {', '.join(columns)}", field="columns")


def _row(number: int, cells: Mapping[str, str | None], mapped: Mapped) -> Row:
    try:
        at = _instant(cells[mapped.time_column] or "", mapped.zone)
        customer_id = _customer(number, cells, mapped)
        name = str(number) if mapped.id_column is None else cells[mapped.id_column] or ""
        events = tuple(
            Event(
                customer_id=customer_id,
                id=EventId(f"{name}:{meter}"),
                meter_key=MeterKey(meter),
                quantity=exact_decimal((cells[column] or "").strip(), field=column),
                at=at,
                source=mapped.source,
            )
            for meter, column in mapped.meters.items()
        )
    except InvalidInput as wrong:
        return Row(number, problem=wrong.message)
    return Row(number, events)


def _customer(number: int, cells: Mapping[str, str | None], mapped: Mapped) -> CustomerId:
    if mapped.customer_column is not None:
        return CustomerId(cells[mapped.customer_column] or "")
    spread = int.from_bytes(hashlib.sha256(str(number).encode()).digest()[:8], "big") % mapped.customers
    return CustomerId(f"{mapped.customer_prefix}-{spread + 1:0{len(str(mapped.customers))}d}")


def _instant(text: str, zone: str) -> datetime:
    """RFC 3339, or the same without an offset as a local time of `zone`."""
    text = text.strip()
    if text[-1:] in {"Z", "z"} or "+" in text[10:] or "-" in text[10:]:
        return instant(text, field="time")
    local = instant(f"{text}Z", field="time").replace(tzinfo=ZoneInfo(zone))
    return instant(local.isoformat(timespec="microseconds"), field="time")
