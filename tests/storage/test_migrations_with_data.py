"""A business that began on an older schema comes to the newest one whole: every row, every invariant, and work that goes on.

`history/<revision>.jsonl` is what an engine of that time has written: a row in each line, under the name of its table.
"""

import json
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, text

from tallystick import Tallystick, worker
from tallystick.storage import migrations
from tallystick.storage.database import Database
from tallystick.storage.invariants.finding import rows
from tallystick.testing import FakeClock, SeededIds

HISTORY = sorted((Path(__file__).parent / "history").glob("*.jsonl"))
CALLS = {"key": "calls", "kind": "usage", "meter": "calls"}
PRICE = {"currency": "usd", "model": "per_unit", "unit_amount": "1"}
PLAN = {"plans": [{"key": "pro", "charges": [CALLS | {"prices": [PRICE]}], "quotas": [{"meter": "calls", "limit": "unlimited"}]}]}


def _said(path: Path) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in path.read_text().splitlines():
        for table, row in json.loads(line).items():
            found[f"tallystick_{table}"].append(row)
    return found


def _as_it_was(url: str, path: Path) -> dict[str, list[dict[str, Any]]]:
    """The database at that revision, with its rows."""
    database, said = Database.from_url(url), _said(path)
    with database.transaction("history") as conn:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = conn
        command.upgrade(config, path.stem)
    with database.transaction("rows") as conn:
        there = MetaData()
        there.reflect(conn)
        for table in there.sorted_tables:
            if said.get(table.name):
                conn.execute(table.insert(), said[table.name])
        if conn.dialect.name == "postgresql":
            conn.execute(text("SELECT setval(pg_get_serial_sequence('tallystick_jobs', 'id'), 1000)"))
    database.close()
    return said


@pytest.mark.parametrize("path", HISTORY, ids=lambda path: path.stem)
def test_what_was_written_is_there_and_proved_and_goes_on(empty_database_url: str, path: Path) -> None:
    said = _as_it_was(empty_database_url, path)
    clock = FakeClock()
    clock.advance(timedelta(hours=4))
    app = Tallystick.from_url(empty_database_url, clock=clock, ids=SeededIds(9))
    with app.context.database.reading() as conn:
        for table, listed in said.items():
            kept = [row._asdict() for row in rows(conn, f"SELECT * FROM {table}")]
            assert [row for row in listed if not any(row.items() <= each.items() for each in kept)] == [], table
            assert len(kept) == len(listed), table
    report = app.verify()
    assert report.clean, report.violations
    assert app.check("ada", "calls", 23).allowed
    assert not app.check("ada", "calls", 24).allowed, "47 are used, and 30 are held"
    app.apply_catalogue(PLAN)
    app.subscribe("ben", "pro")
    clock.advance(timedelta(days=32))
    worker.loop.catch_up(app.context)
    assert app.verify().clean
    app.close()
