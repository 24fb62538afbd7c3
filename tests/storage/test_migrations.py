"""Empty to newest is the schema in code, on both engines; a migration is complete or was never begun."""

import multiprocessing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from tallystick.storage import migrations
from tallystick.storage.database import Database
from tallystick.storage.schema import metadata
from tallystick.values.errors import WrongConfiguration

ON_POSTGRESQL_ALONE = {"ix_tallystick_events_recorded"}


def test_empty_to_head_is_the_schema(empty_database_url: str) -> None:
    database = Database.from_url(empty_database_url)
    assert database.schema_version() is None
    database.migrate()
    with database.reading() as conn:
        context = MigrationContext.configure(conn, opts={"version_table": migrations.VERSION_TABLE, "compare_type": True})
        differs = compare_metadata(context, metadata)
        if conn.dialect.name == "sqlite":  # `ddl_if` is nothing that the comparison knows
            differs = [each for each in differs if each[0] != "add_index" or each[1].name not in ON_POSTGRESQL_ALONE]
        assert differs == []
    database.check_schema()
    database.migrate()
    database.close()


class Struck(Exception):
    pass


class StrikesBeforeCommit:
    def point(self, name: str) -> None:
        if name == "migrate:before_commit":
            raise Struck

    def mark(self, name: str) -> None:
        pass


def test_a_migration_that_is_struck_leaves_nothing(empty_database_url: str) -> None:
    struck = Database.from_url(empty_database_url, faults=StrikesBeforeCommit())
    with pytest.raises(Struck):
        struck.migrate()
    with struck.reading() as conn:
        assert inspect(conn).get_table_names() == []
    struck.close()
    database = Database.from_url(empty_database_url)
    database.migrate()
    database.check_schema()
    database.close()


def _migrate(url: str) -> None:
    database = Database.from_url(url)
    database.migrate()
    database.check_schema()
    database.close()


def test_four_processes_that_start_at_once_migrate_once(empty_database_url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    started = [spawn.Process(target=_migrate, args=(empty_database_url,)) for _ in range(4)]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0, 0, 0, 0]


def test_code_refuses_a_schema_it_was_not_made_for(empty_database_url: str) -> None:
    database = Database.from_url(empty_database_url)
    with pytest.raises(WrongConfiguration, match="tallystick migrate"):
        database.check_schema()
    database.migrate()
    with database.transaction("from the future") as conn:
        conn.exec_driver_sql(f"UPDATE {migrations.VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(WrongConfiguration, match="newer"):
        database.check_schema()
    with pytest.raises(WrongConfiguration, match="newer"):
        database.migrate()
    database.close()
