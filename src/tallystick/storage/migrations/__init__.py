"""The history of the schema, one line of it for both engines, run on a connection that is handed in."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

VERSION_TABLE = "tallystick_alembic_version"


def upgrade(conn: Connection) -> None:
    """To the newest revision, within the transaction of `conn`."""
    config = _config()
    config.attributes["connection"] = conn
    command.upgrade(config, "head")


def current(conn: Connection) -> str | None:
    """The revision of this database; None where there is no schema."""
    return MigrationContext.configure(conn, opts={"version_table": VERSION_TABLE}).get_current_revision()


@cache
def head() -> str:
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    assert newest is not None, "there is a first revision"
    return newest


@cache
def revisions() -> frozenset[str]:
    """Every revision that this code knows."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
