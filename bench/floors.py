"""The least that any program would do for the same answer: bare drivers, one statement, an endpoint that does nothing."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table

from bench.usage import STEPS
from tallystick.domain.usage import Event
from tallystick.storage.schema import metadata
from tallystick.values.time import EPOCH

HOUR_MICROS = 3_600_000_000
_METER = "INSERT INTO tallystick_meters VALUES ('tokens', 'sum', 6, 'unit', 0, NULL, 0)"
_ADD_UP = """
ON CONFLICT (customer_id, meter_key, hour, unit_price) DO UPDATE SET
  count = stands.count + excluded.count, sum = stands.sum + excluded.sum,
  max = CASE WHEN excluded.max > stands.max THEN excluded.max ELSE stands.max END,
  latest_at = excluded.latest_at, latest_source = excluded.latest_source,
  latest_id = excluded.latest_id, latest_quantity = excluded.latest_quantity
"""

# --- W1 ---


class BareSqlite:
    """W1. Shared: the schema with all its constraints, FULL, the rows, one transaction per batch, and that hours are summed up.

    Left out: every check of an event, late marks, a verdict per event. It only counts how many were new.
    """

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute(_METER)

    def record(self, events: Sequence[Event]) -> None:
        # From events as a program has them: no program is handed rows that are made and summed up already.
        rows, hours = _rows(events)
        run = self._connection
        run.execute("BEGIN IMMEDIATE")
        run.executemany(
            "INSERT INTO tallystick_customers VALUES (?, 0, NULL, NULL, NULL) ON CONFLICT DO NOTHING",
            [(name,) for name in {key[0] for key in hours}],
        )
        added = run.executemany("INSERT INTO tallystick_events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", rows)
        assert added.rowcount == len(rows)
        run.executemany(
            f"INSERT INTO tallystick_usage_rollups AS stands VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) {_ADD_UP}",
            [(*key, *hour) for key, hour in hours.items()],
        )
        run.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


def _rows(events: Sequence[Event]) -> tuple[list[tuple[Any, ...]], dict[tuple[Any, ...], list[Any]]]:
    rows, hours, encode = [], {}, json.JSONEncoder(separators=(",", ":")).encode
    for event in events:
        since = event.at - EPOCH
        at = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
        steps = int(event.quantity * STEPS)
        rows.append(
            (event.customer_id, event.source, event.id, event.meter_key, at, steps, "", encode(event.properties), 0),
        )
        key = (event.customer_id, event.meter_key, at - at % HOUR_MICROS, "")
        known = hours.get(key)
        if known is None:
            hours[key] = [1, steps, steps, at, event.source, event.id, steps]
            continue
        known[0] += 1
        known[1] += steps
        known[2] = max(known[2], steps)
        if (at, event.source, event.id) > (known[3], known[4], known[5]):
            known[3:] = at, event.source, event.id, steps
    rows.sort()  # the order of the index: half the time of a random one
    return rows, hours


# --- W2 ---

_SORTED = "ORDER BY at DESC, source DESC, id DESC"
_RECORD = f"""
WITH sent AS (
  SELECT * FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::bigint[], %b::bigint[], %b::text[], %b::text[],
                       %b::bigint[])
         AS sent (customer_id, source, id, meter_key, at, quantity, unit_price, properties, recorded_at)
), customers AS (
  INSERT INTO tallystick_customers (id, created_at) SELECT DISTINCT customer_id, 0 FROM sent ON CONFLICT DO NOTHING
), new AS (
  INSERT INTO tallystick_events SELECT * FROM sent ON CONFLICT DO NOTHING RETURNING *
), rolled_up AS (
  INSERT INTO tallystick_usage_rollups AS stands
  SELECT customer_id, meter_key, at - at %% {HOUR_MICROS} AS hour, unit_price, count(*), sum(quantity), max(quantity),
         (array_agg(at {_SORTED}))[1], (array_agg(source {_SORTED}))[1], (array_agg(id {_SORTED}))[1],
         (array_agg(quantity {_SORTED}))[1]
  FROM new GROUP BY customer_id, meter_key, hour, unit_price ORDER BY customer_id, meter_key, hour, unit_price {_ADD_UP}
)
SELECT count(*) FROM new
"""


class BarePsycopg:
    """W2. Shared: the schema with all its constraints, the server and its durability, the rows, a transaction per 1,000.

    Left out: HTTP, JSON, and every check; the arrays are made beforehand. One connection: the rollups of 50 customers are
    the same rows for everybody, so that a second one would mostly wait for the first.
    """

    def __init__(self, url: str) -> None:
        import psycopg

        self._connection = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
        self._connection.execute(_METER)

    @staticmethod
    def prepared(events: Sequence[Event]) -> list[list[Any]]:
        return [list(column) for column in zip(*_rows(events)[0], strict=True)]

    def record(self, columns: Sequence[list[Any]]) -> None:
        found = self._connection.execute(_RECORD, columns).fetchone()
        assert found is not None
        assert found[0] == len(columns[0])

    def close(self) -> None:
        self._connection.close()


# --- W3 ---


PLAIN, ENDPOINT = "/plain", "/endpoint"


def noop_app() -> Any:
    """W3. Shared: uvicorn with the same settings, FastAPI, the body that is sent, the size of the answer.

    Left out: our middleware, the key, JSON, the event. `PLAIN` is the kind of route that ours is, and the least there is;
    `ENDPOINT` is what a program has that declares a function to FastAPI and does nothing in it.
    """
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

    async def accept(request: Request) -> Response:
        await request.body()
        return Response(_VERDICT, 202, media_type="application/json")

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_route(PLAIN, accept, methods=["POST"])

    @app.post(ENDPOINT, status_code=202)
    async def nothing(request: Request) -> dict[str, Any]:
        await request.body()
        return {"results": [{"id": "evt_0", "verdict": "recorded", "code": None, "reason": None}], "recorded": 1}

    return app


_VERDICT = (
    '{"results":[{"id":"evt_0000000000000000000000","verdict":"recorded","code":null,"reason":null}],'
    '"recorded":1,"duplicate":0,"conflict":0,"refused":0}'
)


def serve_noop(port: int) -> None:
    import uvicorn

    uvicorn.run(noop_app(), host="127.0.0.1", port=port, log_level="warning", access_log=False)


# --- W4 ---


class LockedSum:
    """W4. Shared: any number of threads, and that nobody takes what is not there. Left out: who asks, for what, and that it is
    kept.
    """

    def __init__(self) -> None:
        self._lock, self._left = threading.Lock(), 10**12

    def take(self, quantity: int) -> bool:
        with self._lock:
            if self._left < quantity:
                return False
            self._left -= quantity
            return True


# --- W6 ---

_USED = "SELECT meter_key, sum(sum) FROM tallystick_usage_rollups WHERE customer_id = ? GROUP BY meter_key"
_NEXT = """
INSERT INTO tallystick_counters AS stands (name, value) VALUES (?, 1)
ON CONFLICT (name) DO UPDATE SET value = stands.value + 1 RETURNING value
"""
_IDS = {"id", "invoice_id", "transaction_id", "subject", "key", "number", "hash"}


class BareBilling:
    """W6. Shared: the schema with all its constraints, durability, a transaction for each customer, a sum of the usage of each
    meter, two numbers without gaps, and every row that an invoice of ours is, written in as many statements as there are tables.

    Left out: prices and rating, whether anything was billed before, late usage, what was carried, the chain of the audit: what
    is written is what ours wrote for one customer, with other names.
    """

    def __init__(self, url: str, ours: Connection, sample: str) -> None:
        self._mark = "%s" if "postgresql" in url else "?"
        self._tables = [
            (self._insert(table.name, tuple(rows[0])), rows)
            for table in metadata.sorted_tables
            if table.name not in _THERE and (rows := _rows_of(ours, table, sample))
        ]
        if "postgresql" in url:
            import psycopg

            self._connection: Any = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
            self._begin = "BEGIN"
        else:
            self._connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._begin = "BEGIN IMMEDIATE"

    def _insert(self, table: str, columns: tuple[str, ...]) -> str:
        return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join([self._mark] * len(columns))})"

    def bill(self, customer: str, number: int) -> Decimal:
        """What the customer used, of all meters."""
        run = self._connection
        run.execute(self._begin)
        used = run.execute(_USED.replace("?", self._mark), (customer,)).fetchall()
        for name in ("invoice_numbers", "audit"):
            run.execute(_NEXT.replace("?", self._mark), (name,)).fetchall()
        cursor = run.cursor()
        for statement, rows in self._tables:
            cursor.executemany(statement, [_renamed(row, customer, number) for row in rows])
        run.execute("COMMIT")
        return Decimal(sum(int(steps) for _, steps in used)) / STEPS

    def close(self) -> None:
        self._connection.close()


_THERE = {"tallystick_customers", "tallystick_events", "tallystick_usage_rollups"}


def _rows_of(ours: Connection, table: Table, sample: str) -> list[dict[str, Any]]:
    """The rows of that customer, and of the audit and the jobs those that its invoice has caused."""
    where = f"customer_id = '{sample}'" if "customer_id" in table.c else "TRUE"
    if "customer_id" not in table.c and table.name not in {"tallystick_jobs", "tallystick_audit"}:
        return []
    asked = f"SELECT * FROM {table.name} WHERE {where}"
    if table.name == "tallystick_audit":
        asked += " AND action = 'invoice.opened'"
    rows = [dict(row._mapping) for row in ours.exec_driver_sql(asked)]
    if table.name == "tallystick_jobs":
        for row in rows:
            del row["id"]
    return rows


def _renamed(row: dict[str, Any], customer: str, number: int) -> list[Any]:
    changed = {"customer_id": customer, "seq": number}
    return [changed.get(name, f"{value}-{number}" if name in _IDS else value) for name, value in row.items()]


# --- W7 ---

_CENT, _ZERO = Decimal("0.01"), Decimal(0)


def graduated(tiers: Sequence[tuple[Decimal | None, Decimal, Decimal]]) -> Callable[[Decimal], int]:
    """W7. The sum slice by slice, rounded once, in cents. Left out: the lines that explain it, and every check."""

    def inline(quantity: Decimal) -> int:
        total, start = _ZERO, _ZERO
        for up_to, unit_amount, flat_amount in tiers:
            end = quantity if up_to is None or quantity < up_to else up_to
            total += (end - start) * unit_amount + flat_amount
            if end == quantity:
                break
            start = end
        return int(total.quantize(_CENT, ROUND_HALF_UP).scaleb(2))

    return inline


# --- W10 ---


def bare_python() -> None:
    """W10. The same interpreter, told to do nothing."""
    subprocess.run([sys.executable, "-c", "pass"], check=True, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})


if __name__ == "__main__":
    serve_noop(int(sys.argv[1]))
